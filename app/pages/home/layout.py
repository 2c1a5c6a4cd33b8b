"""The first screen: try the demo, start a project, or reopen one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import dcc, html

from app import ids
from app.components import button

if TYPE_CHECKING:
    from dash.development.base_component import Component


def layout() -> Component:
    """Return the page; the list of projects is filled by a callback."""
    demo = html.Section(
        [
            html.H2("Try the demo"),
            html.P(
                "A simulated tissue section with both modalities and a known truth. "
                "Works offline; all steps take about two minutes."
            ),
            button("Open the demo", id=ids.HOME_DEMO, kind="primary"),
        ],
        className="panel home-choice",
    )
    new = html.Section(
        [
            html.H2("New project"),
            html.P(
                "Space Ranger output or h5ad for transcriptomics, a CSV table or h5ad for "
                "metabolomics."
            ),
            html.Label(
                [
                    html.Span("Name", className="field-label"),
                    dcc.Input(
                        id=ids.HOME_NEW_NAME,
                        type="text",
                        placeholder="for example: kidney Y7",
                        maxLength=80,
                        debounce=False,
                    ),
                ],
                className="field",
            ),
            button("Create project", id=ids.HOME_NEW, kind="primary"),
        ],
        className="panel home-choice",
    )
    intro = html.Div(
        [
            html.H1("Join the transcriptome and the metabolome of your tissue"),
            html.P(
                "Align metabolite imaging onto histology and transcriptomic spots, integrate both "
                "with a neural network, and explore regions and gradients of either."
            ),
        ],
        className="home-intro",
    )
    projects = html.Section(
        [html.H2("Your projects"), html.Div(id=ids.HOME_LIST, className="home-list")]
    )
    return html.Div([intro, html.Div([demo, new], className="home-choices"), projects])
