"""The frame around every screen: top bar, step rail, status line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dash import dcc, html

from app import ids
from app.components import button, extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dash.development.base_component import Component

POLL_IDLE_MS: Final = 5000
LAUNCH_PAGES: Final = (
    "home",
    "data",
    "align",
    "reassign",
    "integrate",
    "runs",
    "clusters",
    "forecast",
    "explore",
    "export",
    "shell",
)


def layout(pages: Mapping[str, Component]) -> Component:
    """Return the whole page; ``pages`` maps a page's name to its content."""
    return html.Div(
        [
            dcc.Location(id=ids.URL, refresh="callback-nav"),
            dcc.Store(id=ids.ROUTE),
            dcc.Store(id=ids.PROJECT),
            dcc.Store(id=ids.JOBS),
            dcc.Store(id=ids.LAUNCHED),
            *(dcc.Store(id=ids.launch(page)) for page in LAUNCH_PAGES),
            dcc.Interval(id=ids.POLL, interval=POLL_IDLE_MS),
            html.A("Skip to content", href="#main", className="skip-link"),
            _topbar(),
            _alert(),
            html.Nav(id=ids.RAIL, className="rail", **extra({"aria-label": "Steps"})),
            html.Main(
                [html.Div(page, className=f"page page-{name}") for name, page in pages.items()],
                id="main",
                tabIndex=-1,
            ),
            html.Footer(id=ids.STATUS, className="status", role="status"),
            _help(),
        ],
        className="frame",
    )


def _topbar() -> Component:
    brand = dcc.Link(
        [html.Span(className="brand-mark"), html.Span("SpatialMETA")], href="/", className="brand"
    )
    return html.Header(
        [
            brand,
            html.Div(id=ids.TOPBAR_PROJECT, className="topbar-project"),
            html.Div(className="spacer"),
            html.Div(
                [
                    button("↶ Undo", id=ids.UNDO, kind="quiet", title="Undo (Ctrl+Z)"),
                    button("↷ Redo", id=ids.REDO, kind="quiet", title="Redo (Ctrl+Shift+Z)"),
                ],
                className="topbar-group in-project",
            ),
            html.Div(id=ids.TOPBAR_JOBS, className="topbar-jobs in-project"),
            button("Help", id=ids.HELP_BUTTON, kind="quiet", title="Shortcuts and help (?)"),
        ],
        className="topbar",
    )


def _alert() -> Component:
    close = html.Button("✕", className="alert-close", id="alert-close", title="Close", n_clicks=0)
    text = html.Div(id=ids.ALERT_TEXT)
    return html.Div([text, close], id=ids.ALERT, className="alert-bar", role="alert", hidden=True)


def _help() -> Component:
    rows = [
        ("Alignment", "Drag inside to move, drag the ring to turn, corners to scale."),
        ("", "Arrows move one spot (Shift ×10, Alt ×0.1), Q / E turn, + / − scale, X / Y flip."),
        ("", "Ctrl+Z undo, Ctrl+Shift+Z redo, Z fit the view. The wheel only zooms the view."),
        ("Tissue canvas", "Click it, or Tab to it: the letters work while it has the focus."),
        ("", "M move, Z fit, + / − zoom, arrows pan, H histology, double-click resets the view."),
        ("Regions", "L lasso, R box, B brush ([ ] size), P corners; Shift adds, Alt subtracts."),
        ("Trajectories", "V freehand, P points."),
        ("Corners, points", "Arrows go from spot to spot, Enter sets one, Enter again ends."),
        ("", "Backspace takes one back, Esc drops the drawing."),
        ("Edit", "E shows the corners of what is chosen. Arrows move it (Shift: farther)."),
        ("", "Tab to a corner: arrows move it, Delete takes it out; on a +, Enter adds one."),
        ("", "Delete bins what is chosen; Ctrl+Z brings it back."),
        ("Anywhere", "? opens this help, Esc closes it."),
    ]
    table = html.Dl([part for head, text in rows for part in (html.Dt(head or " "), html.Dd(text))])
    terms = html.P(
        "ROI means region of interest (a region here), TOI trajectory of interest (a trajectory). "
        "SM is spatial metabolomics, ST spatial transcriptomics. All positions are pixels of the "
        "full-resolution histology image, x to the right, y down."
    )
    close = html.Button("Close", className="btn-sm-secondary", id="help-close", n_clicks=0)
    return html.Dialog(
        [html.H2("Shortcuts and words"), table, terms, close], id=ids.HELP, className="help"
    )
