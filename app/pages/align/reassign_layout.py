"""The lower part of the align screen: carry metabolite values to the spots. No data access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import dcc, html

from app import ids
from app.components import button, number_box
from app.figures.theme import GRAPH_CONFIG, empty_figure
from app.pages.align.controls import named
from spatialmeta_core.params import ReassignParams

if TYPE_CHECKING:
    from dash.development.base_component import Component


def reassign_panel() -> Component:
    """Return the lower part of the screen; its figures are filled by a callback."""
    defaults = ReassignParams()
    controls = html.Div(
        [
            html.H2("Reassign", className="card-head"),
            html.P(
                "Each ST spot gets the mean of its K nearest metabolite pixels, as far as they "
                "lie within the distance factor times the spot spacing.",
                className="card-note",
            ),
            html.Div(
                [
                    number_box(
                        "Pixels (K)",
                        id=ids.REASSIGN_K,
                        value=defaults.n_neighbors,
                        step=1,
                        low=1,
                        high=1000,
                        help_text="At most this many nearest metabolite pixels are averaged",
                    ),
                    number_box(
                        "Distance factor",
                        id=ids.REASSIGN_FACTOR,
                        value=defaults.distance_factor,
                        low=0.01,
                        high=100,
                        help_text="Pixels farther than this times the spacing of the spots are "
                        "left out",
                    ),
                ],
                className="align-pair",
            ),
            html.Div(id=ids.REASSIGN_PREVIEW),
            button("Reassign", id=ids.REASSIGN_RUN, kind="primary"),
            html.Div(id=ids.REASSIGN_JOBS, className="align-jobs"),
            html.Div(id=ids.REASSIGN_STATE, role="status"),
        ],
        className="reassign-controls",
    )
    return html.Section(
        [
            controls,
            _graph("Metabolite pixels per ST spot", ids.REASSIGN_MAP),
            _graph("Distance to the nearest pixel", ids.REASSIGN_DISTANCES),
        ],
        className="panel align-reassign",
        **named("Reassign"),
    )


def _graph(title: str, id: str) -> Component:
    config: Any = GRAPH_CONFIG
    graph = dcc.Graph(id=id, figure=empty_figure(""), config=config, className="reassign-graph")
    return html.Figure([html.Figcaption(title, className="field-label"), graph])
