"""What lies below the UMAP while exploring: clusters, their markers, contribution, layers, maps."""

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

MOST_MAPS: Final = 12
MARKER_NOTE: Final = (
    "Each cluster against all other spots. Spots touch each other and are not independent: prefer "
    "effect size."
)
ONLY: Final = [
    {"label": "All", "value": "all"},
    {"label": "Genes", "value": keys.ST},
    {"label": "Metabolites", "value": keys.SM},
]


def clusters_card() -> Component:
    """Return the card with the list of clusters and the resolution slider."""
    slider = dcc.Slider(
        id=ids.EXPLORE_GRID,
        min=0,
        max=1,
        step=1,
        value=0,
        marks=None,
        allow_direct_input=False,
        included=False,
    )
    grid = html.Div(
        [
            html.Span("Resolution", className="field-label"),
            slider,
            html.Div(id=ids.EXPLORE_GRID_WORDS, className="card-note", role="status"),
        ],
        id=ids.EXPLORE_GRID_BOX,
        className="explore-grid",
        hidden=True,
    )
    body = [
        html.Div(id=ids.EXPLORE_CLUSTERS, className="cluster-list"),
        html.Div(
            button(
                "Merge ticked",
                id=ids.EXPLORE_MERGE,
                kind="secondary btn-sm-small",
                title="Make one cluster of those that are ticked",
            ),
            className="cluster-foot",
        ),
        grid,
    ]
    made = card(
        "Clusters",
        *body,
        note="Arrow keys walk through the list, showing one cluster at a time; Esc shows all.",
    )
    return html.Div(made, id=ids.EXPLORE_CLUSTERS_BOX, hidden=True)


def tabs_card() -> Component:
    """Return the tabs below the clusters."""
    pages = [
        dbc.Tab(_markers(), label="Markers", tab_id="markers"),
        dbc.Tab(_contribution(), label="Contribution", tab_id="contribution"),
        dbc.Tab(_layers(), label="Layers", tab_id="layers"),
        dbc.Tab(_multiples(), label="Small maps", tab_id="maps"),
    ]
    tabs: Any = dbc.Tabs(pages, id=ids.EXPLORE_TABS, active_tab="markers")
    return html.Section(tabs, className="panel explore-tabs")


def _markers() -> Component:
    limits = html.Div(
        [
            _number("log2 FC over", ids.EXPLORE_MIN_FC, value=0.25, step=0.05),
            _number("q under", ids.EXPLORE_MAX_Q, value=0.05, step=0.01, high=1),
            _number("Genes named", ids.EXPLORE_N_GENES, value=5, step=1, high=15),
            _number("Metabolites named", ids.EXPLORE_N_METABOLITES, value=3, step=1, high=15),
        ],
        className="explore-limits",
    )
    look: Any = dbc.RadioItems(
        id=ids.EXPLORE_TOP_VIEW,
        options=[
            {"label": "Per cluster", "value": "clusters"},
            {"label": "Dot plot", "value": "dots"},
        ],
        value="clusters",
        inline=True,
    )
    table = [
        html.Div(
            [
                html.Label(
                    [
                        html.Span("Cluster", className="field-label"),
                        dbc.Select(id=ids.EXPLORE_TOP_CLUSTER, options=[], value=None),
                    ],
                    className="field",
                ),
                _choice("Show", ids.EXPLORE_TOP_ONLY, ONLY, "all"),
                button("CSV, all clusters", id=ids.EXPLORE_TOP_CSV),
            ],
            className="row",
        ),
        html.Div(id=ids.EXPLORE_TOP_TABLE),
    ]
    box = html.Div(
        [
            limits,
            html.Fieldset(
                [html.Legend("Chart", className="sr-only"), look], className="explore-only"
            ),
            html.Div(_graph(ids.EXPLORE_TOP), className="explore-top-figure"),
            html.P(MARKER_NOTE, className="explore-caution"),
            *table,
        ],
        id=ids.EXPLORE_TOP_BOX,
        hidden=True,
    )
    return html.Div([html.Div(id=ids.EXPLORE_TOP_EMPTY), box], className="explore-tab")


def _contribution() -> Component:
    note = (
        "Which modality alone tells the group a spot belongs to: above 0.5 genes, below "
        "metabolites. Line: the middle half of the spots; dot: median."
    )
    show = html.Button(
        "Show on the map",
        className="btn-sm-secondary btn-sm-small",
        **extra({"data-explore-color": "spot/contribution"}),
    )
    return html.Div(
        [
            html.P(note, className="card-note"),
            show,
            html.Div(_graph(ids.EXPLORE_VIOLIN), className="explore-chart"),
        ],
        className="explore-tab",
    )


def _layers() -> Component:
    return html.Div(
        [
            html.Div(id=ids.EXPLORE_AGREEMENT, role="status"),
            html.Div(id=ids.EXPLORE_COMPARE, className="compare-maps"),
        ],
        className="explore-tab",
    )


def _multiples() -> Component:
    return html.Div(
        [
            html.Div(
                [
                    search_box(
                        id=ids.EXPLORE_SMALL_FIND,
                        found=ids.EXPLORE_SMALL_FOUND,
                        placeholder="Gene, m/z or metabolite …",
                        target="map",
                        label=f"Add a map (up to {MOST_MAPS})",
                    ),
                    button(
                        "Most variable",
                        id=ids.EXPLORE_SMALL_RESET,
                        title="Show the spatially most variable genes and metabolites",
                    ),
                ],
                className="row",
            ),
            html.Div(id=ids.EXPLORE_SMALL, className="small-maps"),
        ],
        className="explore-tab",
    )


def _number(label: str, name: str, *, value: float, step: float, high: float = 10) -> Component:
    box = dcc.Input(
        id=name,
        type="number",
        value=value,
        min=0,
        max=high,
        step=step,
        debounce=True,
        required=True,
    )
    return html.Label([html.Span(label, className="field-label"), box], className="field")


def _choice(label: str, name: str, options: list[dict[str, str]], value: str) -> Component:
    box: Any = dbc.RadioItems(id=name, options=options, value=value, inline=True)
    return html.Fieldset(
        [html.Legend(label, className="field-label"), box], className="explore-only"
    )


def _graph(name: str) -> Component:
    blank: Any = {"layout": {"xaxis": {"visible": False}, "yaxis": {"visible": False}}}
    config: Any = {**GRAPH_CONFIG, "scrollZoom": False, "responsive": True}
    return dcc.Graph(id=name, figure=blank, config=config)
