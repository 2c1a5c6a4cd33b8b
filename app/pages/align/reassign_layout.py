"""The lower part of the align screen: carry values from one section to the other. No data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dash import dcc, html

from app import ids
from app.components import button, number_box
from app.figures.theme import GRAPH_CONFIG, empty_figure
from app.pages.align.controls import choice, named
from spatialmeta_core.params import ReassignParams

if TYPE_CHECKING:
    from dash.development.base_component import Component

DIRECTIONS: Final = {
    "sm_to_st": "Metabolites onto ST spots",
    "st_to_sm": "Genes onto metabolite pixels",
}
METHODS: Final = {
    "mean": "Mean of the nearest",
    "distance": "Nearer ones weigh more",
    "area": "By shared area",
}


def reassign_panel() -> Component:
    """Return the lower part of the screen; its figures are filled by a callback."""
    return html.Section(
        [
            _controls(),
            _graph("Coverage", ids.REASSIGN_MAP_TITLE, ids.REASSIGN_MAP),
            _graph("Distances", ids.REASSIGN_DISTANCES_TITLE, ids.REASSIGN_DISTANCES),
            _stability(),
        ],
        className="panel align-reassign",
        **named("Reassign"),
    )


def _controls() -> Component:
    defaults = ReassignParams()
    near = html.Div(
        [
            number_box(
                "Neighbors (K)",
                id=ids.REASSIGN_K,
                value=defaults.n_neighbors,
                step=1,
                low=1,
                high=1000,
                help_text="At most this many of the nearest are averaged",
            ),
            number_box(
                "Distance factor",
                id=ids.REASSIGN_FACTOR,
                value=defaults.distance_factor,
                low=0.01,
                high=100,
                help_text="Those farther than this times the spacing of the spots (or pixels) "
                "that get values are left out",
            ),
        ],
        id=ids.REASSIGN_NEAR,
        className="align-pair",
    )
    area = html.Div(
        number_box(
            "Spot diameter",
            id=ids.REASSIGN_DIAMETER,
            value=defaults.spot_diameter,
            unit="× spacing",
            low=0.01,
            high=2,
            help_text="Of the ST spots, as a share of their spacing; Visium: 55 µm at 100 µm",
        ),
        id=ids.REASSIGN_AREA,
        className="align-pair",
        hidden=True,
    )
    settings = [
        choice("Carry", ids.REASSIGN_DIRECTION, DIRECTIONS, defaults.direction),
        choice("Method", ids.REASSIGN_METHOD, METHODS, defaults.method),
        html.Div(id=ids.REASSIGN_HELP, className="card-note", role="status"),
        near,
        area,
    ]
    result = [
        html.Div(id=ids.REASSIGN_PREVIEW),
        button("Reassign", id=ids.REASSIGN_RUN, kind="primary"),
        html.Div(id=ids.REASSIGN_JOBS, className="align-jobs"),
        html.Div(id=ids.REASSIGN_STATE, role="status"),
    ]
    return html.Div(
        [html.H2("Reassign", className="card-head"), html.Div(settings), html.Div(result)],
        className="reassign-controls",
    )


def _stability() -> Component:
    ask = html.Div(
        [
            html.H3("Stability check", className="card-head"),
            html.P(
                "Optional. Repeats the reassignment with the sections shifted against each other "
                "by one spot in eight directions and turned by 2° either way. A feature holds when "
                "its map stays alike every time; trust the others only as far as the alignment.",
                className="card-note",
            ),
            button("Check stability", id=ids.STABILITY_RUN),
            html.Div(id=ids.STABILITY_JOBS, className="align-jobs"),
        ]
    )
    return html.Div(
        [ask, html.Div(id=ids.STABILITY_STATE, role="status")], className="reassign-stability"
    )


def _graph(title: str, title_id: str, id: str) -> Component:
    config: Any = GRAPH_CONFIG
    graph = dcc.Graph(id=id, figure=empty_figure(""), config=config, className="reassign-graph")
    return html.Figure(
        [html.Figcaption(title, id=title_id, className="field-label"), graph],
        **named(title),
    )
