"""Layers of values: which can be chosen, and how well denoised values follow the measured ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dash import Dash, Input, Output, html
from dash.exceptions import PreventUpdate

from app import ids
from app.components import empty_state, message
from app.pages.explore import paint
from app.pages.explore.display import LAYER_OPTIONS
from app.pages.explore.names import feature_label, feature_parts
from app.sections import open_section

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from app.sections import Section
    from app.store import ProjectStore

GUIDE = (
    "PCC: Pearson correlation of normalized and denoised values over the spots. CS: cosine "
    "similarity. Copying noise would raise both: look at the maps, too."
)


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the choice of the layer and the comparison."""

    @app.callback(
        Output(ids.EXPLORE_LAYER, "options"),
        Input(ids.EXPLORE_SCENE, "data"),
    )
    def offer_layers(scene: Any) -> list[dict[str, Any]]:
        if not scene:
            raise PreventUpdate
        lacking = bool(scene["no_denoised"])
        return [
            {**option, "disabled": lacking and option["value"] == "denoised"}
            for option in LAYER_OPTIONS
        ]

    @app.callback(
        Output(ids.EXPLORE_AGREEMENT, "children"),
        Input(ids.EXPLORE_SCENE, "data"),
        Input(ids.EXPLORE_COLOR, "data"),
        Input(ids.EXPLORE_TABS, "active_tab"),
    )
    def compare(scene: Any, color: str | None, tab: str) -> Any:
        if not scene or not color or tab != "layers":
            raise PreventUpdate
        return agreement(open_section(store, str(scene["project"])), color)


def agreement(section: Section, color: str) -> list[Component]:
    """Say how well the denoised values of what colors the map follow the measured ones."""
    layer, name = paint.split(color)
    if not layer or name not in section.features.index:
        text = "Choose a gene or metabolite above the tissue to see its layers side by side."
        return [empty_state(text)]
    label = feature_label(feature_parts(section.features, name))
    if section.layers.missing:
        return [html.H4(label), message("info", section.layers.missing)]
    if not section.layers.is_denoised(name):
        text = "It was not among the features chosen for the model, so it has no denoised values."
        return [html.H4(label), message("info", text)]
    found = section.layers.agreement(name)
    numbers = [
        html.Span([html.Strong("PCC "), _number(found.pearson)]),
        html.Span([html.Strong("CS "), _number(found.cosine)]),
        html.Span(f"over {found.n_spots:,} spots", className="muted"),
    ]
    return [
        html.H4(label),
        html.P(numbers, className="compare-numbers"),
        html.P(GUIDE, className="card-note"),
    ]


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-", "−") if math.isfinite(value) else "– (constant)"
