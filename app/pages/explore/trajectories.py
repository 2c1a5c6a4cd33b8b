"""Trajectories: the gradient chart, and the screen of all features along a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dash import Dash, Input, Output, State, ctx, html, no_update
from dash.exceptions import PreventUpdate

from app import ids
from app.components import extra
from app.figures.theme import category_colors
from app.figures.trajectory import gradient_figure
from app.pages.explore import lists, tables
from app.pages.explore.names import feature_label, feature_parts
from app.pages.explore.regions import register_view
from app.sections import drawings, open_section
from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.params import GradientParams
from spatialmeta_core.trajectory import MIN_SPOTS, assign, gradient, rank_gradients

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from dash.development.base_component import Component

    from app.sections import Section
    from app.store import ProjectStore
    from spatialmeta_core.types import Trajectory

STRONGEST: Final = 2  # features of each modality drawn at first
MOST_CURVES: Final = 8  # more could not be told apart in one chart


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the chart and the screen of the selected trajectory."""

    @app.callback(
        output={
            "summary": Output(ids.EXPLORE_PATH_SUMMARY, "children"),
            "hidden": Output(ids.EXPLORE_GRADIENT_BOX, "hidden"),
            "figure": Output(ids.EXPLORE_GRADIENT, "figure"),
            "chips": Output(ids.EXPLORE_CURVE_LIST, "children"),
            "table": Output(ids.EXPLORE_SCREEN, "children"),
        },
        inputs={
            "board": Input(ids.EXPLORE_BOARD, "data"),
            "curves": Input(ids.EXPLORE_CURVES, "data"),
            "view": Input(ids.EXPLORE_SCREEN_VIEW, "data"),
        },
    )
    def follow(board: Any, curves: Any, view: Any) -> dict[str, Any]:
        nothing = {"summary": [], "hidden": True, "figure": no_update, "chips": [], "table": []}
        if not board or not board["trajectory"]:
            return nothing
        return nothing | _follow(store, board, curves or [], view)

    @app.callback(
        Output(ids.EXPLORE_CURVES, "data"),
        Input(ids.EXPLORE_PICKED, "data"),
        Input(ids.EXPLORE_CURVES_RESET, "n_clicks"),
        State(ids.EXPLORE_CURVES, "data"),
        State(ids.EXPLORE_BOARD, "data"),
        prevent_initial_call=True,
    )
    def choose_curves(picked: Any, _reset: int, curves: Any, board: Any) -> list[str]:
        if ctx.triggered_id == ids.EXPLORE_CURVES_RESET:
            return []
        if not picked or not board or not board["trajectory"]:
            raise PreventUpdate
        section = open_section(store, board["project"])
        path = find_path(store, board["project"], board["trajectory"])
        screen = rank_gradients(section.joint, path)
        return toggled(shown_curves(section, screen, curves or []), picked["feature"])

    register_view(app, "screen", ids.EXPLORE_SCREEN_VIEW, ids.EXPLORE_SCREEN_ONLY)


def find_path(store: ProjectStore, project: str, identity: str) -> Trajectory:
    """Return a trajectory by its id; do nothing if it was deleted a moment ago."""
    found = [path for path in drawings(store, project)[1] if path.id == identity]
    if not found:
        raise PreventUpdate
    return found[0]


def shown_curves(section: Section, screen: pd.DataFrame, chosen: Sequence[str]) -> list[str]:
    """Return the features of the chart: those chosen, or the strongest of each modality."""
    known = [name for name in chosen if name in section.features.index]
    if known:
        return known
    return [
        str(name)
        for kind in (keys.ST, keys.SM)
        for name in screen.loc[screen["type"] == kind, "feature"].head(STRONGEST)
    ]


def toggled(curves: Sequence[str], feature: str) -> list[str]:
    """Put a feature into the chart, or take it out.

    Raises
    ------
    InvalidParamsError
        If the chart is full.
    """
    if feature in curves:
        return [name for name in curves if name != feature]
    if len(curves) >= MOST_CURVES:
        raise InvalidParamsError(
            f"The chart holds {MOST_CURVES} features at most. Take one out first."
        )
    return [*curves, feature]


def _follow(
    store: ProjectStore, board: Mapping[str, Any], chosen: Sequence[str], view: Any
) -> dict[str, Any]:
    section = open_section(store, board["project"])
    path = find_path(store, board["project"], board["trajectory"])
    place = assign(path, section.xy, section.um_per_px)
    summary: list[Component] = [lists.path_card(path, place)]
    if section.um_per_px is None:
        summary.append(lists.pixel_size_note(board["project"]))
    if int(place.inside.sum()) < MIN_SPOTS:
        return {"summary": summary}
    screen = rank_gradients(section.joint, path)
    curves = shown_curves(section, screen, chosen)
    unit = lists.UNITS[place.unit]
    return {
        "summary": summary,
        "hidden": False,
        "figure": chart(section, path, curves, unit),
        "chips": _chips(section, curves),
        "table": tables.feature_rows(
            screen,
            section.features,
            tables.screen_columns(unit),
            tables.TableView.from_json(view),
            name="screen",
            curves=curves,
        ),
    }


def chart(section: Section, path: Trajectory, curves: Sequence[str], unit: str) -> Any:
    """Return the gradient chart of some features along a trajectory."""
    figure = gradient_figure(
        labeled_gradient(section, path, curves),
        unit=unit,
        min_spots_per_bin=GradientParams().min_spots_per_bin,
        revision=path.id,
    )
    # the chips above the chart are its legend
    return figure.update_layout(showlegend=False, margin={"t": 12})


def labeled_gradient(section: Section, path: Trajectory, curves: Sequence[str]) -> pd.DataFrame:
    """Return the gradient table of some features, with metabolites under their shown names."""
    table = gradient(section.joint, path, curves)
    labels = {name: feature_label(feature_parts(section.features, name)) for name in curves}
    return table.assign(feature=table["feature"].map(labels))


def _chips(section: Section, curves: Sequence[str]) -> list[Component]:
    chips: list[Component] = []
    for name, color in zip(curves, category_colors(len(curves)), strict=True):
        parts = feature_parts(section.features, name)
        label = feature_label(parts)
        remove = html.Button(
            "✕",
            className="explore-remove",
            title=f"Take {label} out of the chart",
            **extra({"data-explore-curve": name, "aria-label": f"Take {label} out of the chart"}),
        )
        look = "explore-line" if parts.kind == keys.ST else "explore-line dashed"
        swatch = html.Span(className=look, style={"borderColor": color})
        chips.append(
            html.Span(
                [swatch, tables.feature_button(name, label), remove], className="explore-chip"
            )
        )
    return chips
