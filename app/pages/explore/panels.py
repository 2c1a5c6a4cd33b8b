"""The right-hand panels of the explore screen, one per mode. No data access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import dash_bootstrap_components as dbc
from dash import dcc, html

from app import ids
from app.components import button, card, extra
from app.figures.theme import GRAPH_CONFIG
from app.pages.explore import tabs
from app.pages.explore.search import search_box
from spatialmeta_core import keys

if TYPE_CHECKING:
    from dash.development.base_component import Component

REST: Final = "rest"  # compare with all other spots
RING: Final = "ring"  # ... with the spots right around the region
ONLY_OPTIONS: Final = [
    {"label": "All", "value": "all"},
    {"label": "Genes", "value": keys.ST},
    {"label": "Metabolites", "value": keys.SM},
]
NOT_INDEPENDENT: Final = (
    "Spots touch each other and are not independent. Prefer effect size and the region-shift p."
)
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
            tabs.clusters_card(),
            tabs.tabs_card(),
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
                    _number("Ring of", ids.EXPLORE_RING, ids.EXPLORE_RING_BOX, 200),
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
                _exchange(),
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
            html.H4("All features along this axis"),
            html.Div(
                [
                    only(ids.EXPLORE_SCREEN_ONLY),
                    button("CSV, all features", id=ids.EXPLORE_SCREEN_CSV),
                ],
                className="row",
            ),
            html.P(NOT_INDEPENDENT, className="explore-caution"),
            html.Div(id=ids.EXPLORE_SCREEN),
            html.H4("The strongest features, by the place of their change"),
            graph(ids.EXPLORE_HEATMAP, "explore-heatmap"),
            html.H4("Does a metabolite come after a gene?"),
            html.Div(
                [
                    button(
                        "Measure lags",
                        id=ids.EXPLORE_LAG,
                        title="Distances between the peaks of genes and metabolites",
                    ),
                    button("CSV, all pairs", id=ids.EXPLORE_LAGS_CSV),
                ],
                className="row",
            ),
            html.Div(id=ids.EXPLORE_LAGS),
        ],
        id=ids.EXPLORE_GRADIENT_BOX,
        hidden=True,
    )
    return html.Div(
        [
            card(
                "Trajectories",
                html.Div(id=ids.EXPLORE_PATHS),
                _ways(),
                note="Draw a path to follow genes and metabolites along it "
                "(trajectories of interest, TOI).",
            ),
            card("Axis", _axis(), html.Div(id=ids.EXPLORE_PATH_SUMMARY)),
            card("Gradient", chart, id="explore-gradient-card"),
        ],
        className="stack",
        **extra({"data-mode": "trajectories"}),
    )


def _exchange() -> Component:
    choose = dcc.Upload(
        html.Button("Import GeoJSON", className="btn-sm-secondary btn-sm-small"),
        id=ids.EXPLORE_IMPORT,
        accept=".geojson,.json,application/geo+json",
        multiple=False,
    )
    small = "secondary btn-sm-small"
    return html.Div(
        [
            choose,
            button("GeoJSON", id=ids.EXPLORE_GEOJSON, kind=small, title="For QuPath"),
            button("Loupe CSV", id=ids.EXPLORE_LOUPE, kind=small, title="One category per barcode"),
            button("Barcodes", id=ids.EXPLORE_BARCODES, kind=small, title="Region and barcode"),
        ],
        className="explore-exchange",
    )


def _ways() -> Component:
    ends = [
        html.Label(
            [html.Span(label, className="field-label"), dbc.Select(id=name, options=[])],
            className="explore-field",
        )
        for label, name in (("From", ids.EXPLORE_WAY_FROM), ("to", ids.EXPLORE_WAY_TO))
    ]
    go = button(
        "Shortest way",
        id=ids.EXPLORE_WAY,
        kind="secondary btn-sm-small",
        title="Draw the shortest way inside the tissue",
    )
    return html.Div([*ends, go], className="explore-exchange")


def _axis() -> Component:
    choice = html.Label(
        [
            html.Span("Follow features along", className="field-label"),
            dbc.Select(id=ids.EXPLORE_AXIS, options=[], value="path"),
        ],
        className="field",
    )
    return html.Div(
        [choice, _number("Up to", ids.EXPLORE_REACH, ids.EXPLORE_REACH_BOX, 500)], className="row"
    )


def _number(label: str, name: str, box: str, value: float) -> Component:
    """Return a box for a length; the unit in its label is set with the section."""
    unit = html.Span("µm", className="unit explore-unit")
    number = dcc.Input(id=name, type="number", value=value, min=1, step="any", debounce=True)
    words = html.Span([html.Span(label), unit], className="field-label")
    return html.Div(html.Label([words, number], className="explore-field"), id=box, hidden=True)


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
