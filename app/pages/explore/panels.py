"""The right-hand panels of the explore screen, one per mode. No data access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import dash_bootstrap_components as dbc
from dash import dcc, html

from app import ids
from app.components import button, card, extra
from app.figures.theme import GRAPH_CONFIG
from app.pages.explore.search import search_box
from spatialmeta_core import keys

if TYPE_CHECKING:
    from dash.development.base_component import Component

REST: Final = "rest"  # compare with all other spots
ONLY_OPTIONS: Final = [
    {"label": "All", "value": "all"},
    {"label": "Genes", "value": keys.ST},
    {"label": "Metabolites", "value": keys.SM},
]
NOT_INDEPENDENT: Final = "Spots touch each other and are not independent: prefer effect size."
BLANK: Final = {"layout": {"xaxis": {"visible": False}, "yaxis": {"visible": False}}}


def explore_panel() -> Component:
    """Return the panel beside the canvas while exploring: the UMAP."""
    umap = html.Div(graph(ids.EXPLORE_UMAP, "explore-umap"), id=ids.EXPLORE_UMAP_BOX, hidden=True)
    return html.Div(
        [
            card(
                "UMAP of both modalities",
                umap,
                html.Div(id=ids.EXPLORE_UMAP_EMPTY),
                note="Same colors as the tissue. Point at a spot to find it in the other view.",
            ),
            html.Div(id=ids.EXPLORE_FACTS),
        ],
        className="stack",
        **extra({"data-mode": "explore"}),
    )


def regions_panel() -> Component:
    """Return the panel of regions: list, summary, comparison."""
    compare = html.Div(
        [
            html.Div(
                [
                    html.Label(
                        [
                            html.Span("Compare with", className="field-label"),
                            dbc.Select(id=ids.EXPLORE_REFERENCE, options=[], value=REST),
                        ],
                        className="field",
                    ),
                    only(ids.EXPLORE_ONLY),
                    button("CSV, all features", id=ids.EXPLORE_MARKERS_CSV),
                ],
                className="row",
            ),
            html.P(NOT_INDEPENDENT, className="explore-caution"),
            html.Div(id=ids.EXPLORE_MARKERS),
            graph(ids.EXPLORE_VOLCANO, "explore-chart"),
            html.P(
                "Fold change and AUC of the strongest features; filled: q up to 0.05.",
                className="card-note",
            ),
        ],
        id=ids.EXPLORE_MARKERS_BOX,
        hidden=True,
    )
    return html.Div(
        [
            card(
                "Regions",
                html.Div(id=ids.EXPLORE_REGIONS),
                note="Draw around spots on the canvas to see what sets them apart "
                "(regions of interest, ROI).",
            ),
            html.Div(id=ids.EXPLORE_SUMMARY),
            card("What sets this region apart", compare, id="explore-compare"),
        ],
        className="stack",
        **extra({"data-mode": "regions"}),
    )


def trajectories_panel() -> Component:
    """Return the panel of trajectories: list, gradient chart, screen of all features."""
    chart = html.Div(
        [
            html.Div(
                [
                    search_box(
                        id=ids.EXPLORE_CURVE_FIND,
                        found=ids.EXPLORE_CURVE_FOUND,
                        placeholder="Gene, m/z or metabolite …",
                        target="curve",
                        label="Add to the chart",
                    ),
                    button(
                        "Strongest",
                        id=ids.EXPLORE_CURVES_RESET,
                        title="Show the strongest two of each",
                    ),
                    button("CSV", id=ids.EXPLORE_GRADIENT_CSV, title="The chart as a table"),
                    button("SVG", id=ids.EXPLORE_GRADIENT_SVG, title="The chart, vector"),
                    button("PNG", id=ids.EXPLORE_GRADIENT_PNG, title="The chart, 300 dpi"),
                ],
                className="row",
            ),
            html.Div(id=ids.EXPLORE_CURVE_LIST, className="explore-chips"),
            graph(ids.EXPLORE_GRADIENT, "explore-chart"),
            html.H4("All features along this path"),
            html.Div(
                [
                    only(ids.EXPLORE_SCREEN_ONLY),
                    button("CSV, all features", id=ids.EXPLORE_SCREEN_CSV),
                ],
                className="row",
            ),
            html.P(NOT_INDEPENDENT, className="explore-caution"),
            html.Div(id=ids.EXPLORE_SCREEN),
        ],
        id=ids.EXPLORE_GRADIENT_BOX,
        hidden=True,
    )
    return html.Div(
        [
            card(
                "Trajectories",
                html.Div(id=ids.EXPLORE_PATHS),
                note="Draw a path to follow genes and metabolites along it "
                "(trajectories of interest, TOI).",
            ),
            html.Div(id=ids.EXPLORE_PATH_SUMMARY),
            card("Gradient", chart, id="explore-gradient-card"),
        ],
        className="stack",
        **extra({"data-mode": "trajectories"}),
    )


def graph(name: str, look: str) -> Component:
    """Return an empty chart of the app's kind; ``look`` is the class that gives it its height."""
    config: Any = {**GRAPH_CONFIG, "responsive": True}
    chart = dcc.Graph(id=name, figure=BLANK, config=config)
    return html.Div(chart, className=look)


def only(name: str) -> Component:
    """Return the choice of modality for a table."""
    box: Any = dbc.RadioItems(id=name, options=ONLY_OPTIONS, value="all", inline=True)
    return html.Fieldset(
        [html.Legend("Show", className="field-label"), box], className="explore-only"
    )
