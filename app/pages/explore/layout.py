"""The explore screen: one tissue canvas for exploring, regions and trajectories. No data access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dash import dcc, html

from app import ids
from app.components import extra
from app.figures.theme import COLOR_SCALES, MISSING
from app.pages.explore import display, panels
from app.pages.explore.search import search_box

if TYPE_CHECKING:
    from dash.development.base_component import Component

# name, what the button says, its shortcut, what it does, and the modes that have it
TOOLS: Final = (
    ("move", "Move", "M", "Drag to move the view", "explore regions trajectories"),
    ("lasso", "Lasso", "L", "Draw around spots by hand", "regions"),
    ("box", "Box", "R", "Drag a rectangle", "regions"),
    ("brush", "Brush", "B", "Paint spots; [ and ] change its size", "regions"),
    (
        "corners",
        "Corners",
        "P",
        "Click corners, or use arrows and Enter",
        "regions",
    ),
    ("path", "Freehand", "V", "Draw a path by hand", "trajectories"),
    (
        "points",
        "Points",
        "P",
        "Click points, or use arrows and Enter",
        "trajectories",
    ),
)
VIEW: Final = (
    ("in", "+", "Zoom in"),
    ("out", "−", "Zoom out"),
    ("fit", "Fit", "Show the whole section (Z)"),
)


def layout() -> Component:
    """Return the page."""
    body = html.Div(
        [
            _canvas_panel(),
            html.Div(
                [
                    panels.explore_panel(),
                    panels.regions_panel(),
                    panels.trajectories_panel(),
                ],
                className="explore-side",
            ),
        ],
        id=ids.EXPLORE_BODY,
        className="explore-body",
        hidden=True,
    )
    return html.Div(
        [
            *_stores(),
            html.Div(id=ids.EXPLORE_EMPTY),
            html.Div(id=ids.EXPLORE_MESSAGES),
            body,
        ]
    )


def _stores() -> list[Component]:
    plain = (
        ids.EXPLORE_SECOND,
        ids.EXPLORE_RANGE,
        ids.EXPLORE_PINNED,
        ids.EXPLORE_EDITED,
        ids.EXPLORE_TOP_ROWS,
        ids.EXPLORE_SMALL_LIST,
        ids.EXPLORE_SMALL_SHOWN,
        ids.EXPLORE_SCENE,
        ids.EXPLORE_COLOR,
        ids.EXPLORE_PAINTED,
        ids.EXPLORE_REPORTS,
        ids.EXPLORE_HANDLED,
        ids.EXPLORE_SELECTED,
        ids.EXPLORE_BOARD,
        ids.EXPLORE_OVERLAY,
        ids.EXPLORE_SHOWN,
        ids.EXPLORE_PICKED,
        ids.EXPLORE_CURVES,
        ids.EXPLORE_PICTURE,
        ids.EXPLORE_RANKED,
        ids.EXPLORE_MARKERS_VIEW,
        ids.EXPLORE_SCREEN_VIEW,
        ids.EXPLORE_COMPARED,
        ids.EXPLORE_SPATIAL,
        ids.EXPLORE_SCREENED,
    )
    downloads = (ids.EXPLORE_DOWNLOAD, ids.EXPLORE_TOP_DOWNLOAD)
    return [
        *(dcc.Store(id=name) for name in plain),
        *(dcc.Download(id=name) for name in downloads),
    ]


def _canvas_panel() -> Component:
    graph = panels.graph(ids.EXPLORE_TISSUE, "explore-graph")
    canvas = html.Div(
        [
            graph,
            _view_buttons(),
            html.Div(className="explore-hint", role="status"),
            html.Div(className="explore-bar", **extra({"aria-hidden": "true"})),
            html.Div(
                "y grows downward, as in the image",
                className="explore-compass",
                title="Nothing is turned or mirrored: the map lies as the histology image does.",
            ),
        ],
        id=ids.EXPLORE_CANVAS,
        className="explore-canvas",
        tabIndex=0,
        role="group",
        **extra(
            {
                "aria-label": "Tissue canvas. Letter keys choose tools, plus and minus zoom, "
                "Z shows the whole section.",
                "data-scales": _scales(),
                "data-missing": MISSING,
            }
        ),
    )
    top = html.Div(
        [_color_by(), display.display_menu(), display.figure_menu()], className="explore-top"
    )
    return html.Section(
        [
            html.H1("Tissue", className="sr-only"),
            top,
            display.values_row(),
            _toolbar(),
            canvas,
            _legend(),
        ],
        className="panel explore-main",
    )


def _scales() -> str:
    """Return the color maps for the browser: ``name=#rrggbb,#rrggbb;...``."""
    return ";".join(f"{name}={'|'.join(colors)}" for name, colors in COLOR_SCALES.items())


def _color_by() -> Component:
    return search_box(
        id=ids.EXPLORE_FIND,
        found=ids.EXPLORE_FOUND,
        placeholder="Gene, m/z, metabolite, clusters …",
        target="color",
        label="Color by",
    )


def _toolbar() -> Component:
    tools = [
        html.Button(
            [label, html.Kbd(key)],
            id=ids.explore_tool(name),
            className="btn-sm-secondary btn-sm-small",
            title=f"{what} ({key})",
            **extra(
                {
                    "data-explore-tool": name,
                    "data-mode": modes,
                    "aria-pressed": "true" if name == "move" else "false",
                }
            ),
        )
        for name, label, key, what, modes in TOOLS
    ]
    return html.Div(
        tools, className="explore-tools", role="group", **extra({"aria-label": "Tools"})
    )


def _view_buttons() -> Component:
    buttons = [
        html.Button(
            label,
            id=ids.explore_tool(name),
            className="btn-sm-secondary btn-sm-small",
            title=what,
            **extra({"data-explore-view": name, "aria-label": what}),
        )
        for name, label, what in VIEW
    ]
    return html.Div(
        buttons, className="explore-view", role="group", **extra({"aria-label": "View"})
    )


def _legend() -> Component:
    return html.Div(id=ids.EXPLORE_LEGEND, className="explore-legend")
