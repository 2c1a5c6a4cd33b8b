"""The first screen: try the demo, start a project, or reopen one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dash import dcc, html

from app import ids
from app.components import button

if TYPE_CHECKING:
    from dash.development.base_component import Component

STEPS: Final = (
    ("Data", "Load both measurements; every file is checked and shown."),
    ("Align", "Place metabolite pixels on the histology, by hand or by outline."),
    ("Integrate", "Train one model of both, and find tissue domains."),
    ("Explore", "Draw regions and trajectories, compare, export."),
)


def layout() -> Component:
    """Return the page; the list of projects is filled by callbacks."""
    projects = html.Section(
        [
            html.H2("Your projects"),
            _bin_note(),
            html.Div(id=ids.HOME_LIST, className="home-list"),
        ]
    )
    return html.Div(
        [
            dcc.Store(id=ids.HOME_BIN),
            _intro(),
            html.Div([_demo(), _new()], className="home-choices"),
            projects,
        ]
    )


def _intro() -> Component:
    steps = html.Ol(
        [html.Li([html.Strong(name), html.Span(text)]) for name, text in STEPS],
        className="home-steps",
    )
    words = html.Div(
        [
            html.H1("Genes and metabolites of one tissue section, together"),
            html.P(
                "SpatialMETA joins spatial transcriptomics and spatial metabolomics: align, "
                "integrate, explore. Everything runs on this server; your data stay here.",
                className="home-lead",
            ),
            steps,
        ]
    )
    picture = html.Img(
        src="/assets/section.svg", alt="Metabolite pixels laid over the spots of a tissue section"
    )
    return html.Div([words, picture], className="home-intro")


def _demo() -> Component:
    return html.Section(
        [
            html.H2("Try the demo"),
            html.P(
                "A simulated section with both modalities and a known truth. Works offline; all "
                "steps take some minutes."
            ),
            button("Open the demo", id=ids.HOME_DEMO, kind="primary"),
        ],
        className="panel home-choice",
    )


def _new() -> Component:
    name = dcc.Input(
        id=ids.HOME_NEW_NAME,
        type="text",
        placeholder="for example: kidney Y7",
        maxLength=80,
        debounce=False,
    )
    field = html.Label([html.Span("Name", className="field-label"), name], className="field")
    return html.Section(
        [
            html.H2("New project"),
            html.P("Space Ranger output or .h5ad, and a metabolite table or .h5ad."),
            html.Div(
                [field, button("Create project", id=ids.HOME_NEW, kind="primary")],
                className="row home-new",
            ),
        ],
        className="panel home-choice",
    )


def _bin_note() -> Component:
    return html.Div(
        [html.Span(id=ids.HOME_BIN_TEXT), button("Undo", id=ids.HOME_UNDELETE)],
        id=ids.HOME_BIN_NOTE,
        className="message message-info home-bin",
        role="status",
        hidden=True,
    )
