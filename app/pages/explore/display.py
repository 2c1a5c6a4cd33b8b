"""What stands above the tissue: value layer, blend, display, figure files. No data access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import dash_bootstrap_components as dbc
from dash import dcc, html

from app import ids
from app.components import button, extra
from app.figures.theme import DIVERGING
from app.pages.explore.search import search_box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dash.development.base_component import Component

SCALE_NAMES: Final = {
    "viridis": "Viridis",
    "cividis": "Cividis",
    "magma": "Magma",
    DIVERGING: "Purple-orange (two-sided)",
}
LAYER_OPTIONS: Final = [
    {"label": "Raw", "value": "raw"},
    {"label": "Normalized", "value": "normalized"},
    {"label": "Denoised", "value": "denoised"},
]


def values_row() -> Component:
    """Return the choice of the value layer and of a second feature to blend with."""
    layer: Any = dbc.RadioItems(
        id=ids.EXPLORE_LAYER, options=LAYER_OPTIONS, value="normalized", inline=True
    )
    blend = html.Details(
        [
            html.Summary("Blend with …", className="btn-sm-secondary btn-sm-small"),
            html.Div(
                [
                    search_box(
                        id=ids.EXPLORE_WITH,
                        found=ids.EXPLORE_WITH_FOUND,
                        placeholder="Gene, m/z or metabolite …",
                        target="second",
                        label="Second feature",
                    ),
                    html.P(
                        "The first in magenta, the second in green, both high: white.",
                        className="card-note",
                    ),
                    html.Button(
                        "No blend",
                        className="btn-sm-secondary btn-sm-small",
                        **extra({"data-explore-second": ""}),
                    ),
                ],
                className="explore-display explore-blend",
            ),
        ],
        className="explore-menu",
    )
    return html.Div(
        [
            html.Fieldset(
                [html.Legend("Values", className="field-label"), layer], className="explore-only"
            ),
            blend,
        ],
        className="explore-values",
    )


def display_menu() -> Component:
    """Return the menu of how spots and histology are drawn."""
    choices = html.Div(
        [
            dbc.Checkbox(
                id=ids.EXPLORE_CLIP,
                label="Clip to the 1st to 99th percentile",
                value=True,
            ),
            dbc.Checkbox(id=ids.EXPLORE_LOG, label="Log scale", value=True),
            _labeled(
                "Color map",
                dbc.Select(id=ids.EXPLORE_SCALE, options=_options(SCALE_NAMES), value="viridis"),
            ),
            _range("Spot size", ids.EXPLORE_SIZE, ends=(0.3, 3.0), value=1.4),
            _range("Spot opacity", ids.EXPLORE_OPACITY, ends=(0.1, 1.0), value=0.9),
            dbc.Checkbox(id=ids.EXPLORE_IMAGE, label="Histology (H)", value=True),
            _range("Histology opacity", ids.EXPLORE_HISTOLOGY, ends=(0.1, 1.0), value=1.0),
        ],
        className="explore-display",
    )
    return html.Details(
        [html.Summary("Display", className="btn-sm-secondary"), choices], className="explore-menu"
    )


def figure_menu() -> Component:
    """Return the menu of figure files."""
    choices = html.Div(
        [
            html.P("What you see, with legend and scale bar.", className="card-note"),
            _labeled(
                "Width (mm)",
                dcc.Input(id=ids.EXPLORE_WIDTH, type="number", value=180, min=60, max=400, step=1),
            ),
            button("SVG (vector)", id=ids.EXPLORE_SVG),
            button("PDF (vector)", id=ids.EXPLORE_PDF),
            button("PNG (300 dpi)", id=ids.EXPLORE_PNG),
        ],
        className="explore-display",
    )
    return html.Details(
        [html.Summary("Figure", className="btn-sm-secondary"), choices], className="explore-menu"
    )


def _labeled(label: str, box: Component) -> Component:
    return html.Label([html.Span(label, className="field-label"), box], className="field")


def _range(label: str, name: str, *, ends: tuple[float, float], value: float) -> Component:
    low, high = ends
    slider = dbc.Input(id=name, type="range", min=low, max=high, step=0.05, value=value)
    return _labeled(label, slider)


def _options(names: dict[str, str]) -> Sequence[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in names.items()]
