"""Trajectories: the gradient chart, and the screen of all features along a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import Dash, Input, Output, State, ctx, html, no_update, set_props
from dash.exceptions import PreventUpdate

from app import ids
from app.pages.explore import axis_views, lags, lists, nulls, tables
from app.pages.explore.boards import PATH
from app.pages.explore.regions import register_view
from app.sections import drawings, open_section
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.regions import is_number
from spatialmeta_core.trajectory import MIN_SPOTS, EdgeDistance, assign, screen
from spatialmeta_core.types import Trajectory

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from app.store import ProjectStore


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the chart and the screen of the selected trajectory."""

    @app.callback(Output(ids.EXPLORE_REACH_BOX, "hidden"), Input(ids.EXPLORE_AXIS, "value"))
    def show_reach(axis: str | None) -> bool:
        return axis in (None, PATH)

    @app.callback(
        output={
            "summary": Output(ids.EXPLORE_PATH_SUMMARY, "children"),
            "hidden": Output(ids.EXPLORE_GRADIENT_BOX, "hidden"),
            "figure": Output(ids.EXPLORE_GRADIENT, "figure"),
            "chips": Output(ids.EXPLORE_CURVE_LIST, "children"),
            "table": Output(ids.EXPLORE_SCREEN, "children"),
            "heatmap": Output(ids.EXPLORE_HEATMAP, "figure"),
        },
        inputs={
            "board": Input(ids.EXPLORE_BOARD, "data"),
            "axis": Input(ids.EXPLORE_AXIS, "value"),
            "reach": Input(ids.EXPLORE_REACH, "value"),
            "curves": Input(ids.EXPLORE_CURVES, "data"),
            "view": Input(ids.EXPLORE_SCREEN_VIEW, "data"),
            "screened": Input(ids.EXPLORE_SCREENED, "data"),
        },
    )
    def follow(board: Any, axis: Any, reach: Any, **given: Any) -> dict[str, Any]:
        nothing = {"summary": [], "hidden": True, "chips": [], "table": []}
        nothing |= {"figure": no_update, "heatmap": no_update}
        where = asked_axis(store, board, axis, reach)
        if where is None:
            return nothing
        answer = _follow(store, board["project"], where, **given)
        if ctx.triggered_id in (ids.EXPLORE_SCREEN_VIEW, ids.EXPLORE_SCREENED):
            answer |= {"figure": no_update, "heatmap": no_update}
        return nothing | answer

    @app.callback(
        Output(ids.EXPLORE_CURVES, "data"),
        Input(ids.EXPLORE_PICKED, "data"),
        Input(ids.EXPLORE_CURVES_RESET, "n_clicks"),
        State(ids.EXPLORE_CURVES, "data"),
        State(ids.EXPLORE_BOARD, "data"),
        State(ids.EXPLORE_AXIS, "value"),
        State(ids.EXPLORE_REACH, "value"),
        prevent_initial_call=True,
    )
    def choose_curves(
        picked: Any, _reset: int, curves: Any, board: Any, axis: Any, reach: Any
    ) -> list[str]:
        if ctx.triggered_id == ids.EXPLORE_CURVES_RESET:
            return []
        where = asked_axis(store, board, axis, reach)
        if not picked or where is None:
            raise PreventUpdate
        section = open_section(store, board["project"])
        table = screen(section.joint, where).table
        return axis_views.toggled(
            axis_views.shown_curves(section, table, curves or []), picked["feature"]
        )

    register_view(app, "screen", ids.EXPLORE_SCREEN_VIEW, ids.EXPLORE_SCREEN_ONLY)
    _register_slow(app, store)


def _register_slow(app: Dash, store: ProjectStore) -> None:
    """Attach what takes longer than a glance: p-values of the screen, and lags."""

    # set_props, as an output would close a circle with the callback that draws the chart
    @app.callback(
        Input(ids.EXPLORE_GRADIENT, "figure"),  # the fast answer is there
        State(ids.EXPLORE_BOARD, "data"),
        State(ids.EXPLORE_AXIS, "value"),
        State(ids.EXPLORE_REACH, "value"),
        State(ids.EXPLORE_SCREENED, "data"),
        prevent_initial_call=True,
    )
    def fill_in_p(_: Any, board: Any, axis: Any, reach: Any, done: str | None) -> None:
        where = asked_axis(store, board, axis, reach)
        if where is None or nulls.axis_key(where) == done:
            raise PreventUpdate
        section = open_section(store, board["project"])
        nulls.spatial_screen(store, board["project"], section, where)
        set_props(ids.EXPLORE_SCREENED, {"data": nulls.axis_key(where)})

    @app.callback(
        Output(ids.EXPLORE_LAGS, "children"),
        Input(ids.EXPLORE_LAG, "n_clicks"),
        Input(ids.EXPLORE_BOARD, "data"),
        Input(ids.EXPLORE_AXIS, "value"),
        Input(ids.EXPLORE_REACH, "value"),
    )
    def measure_lags(_clicks: int, board: Any, axis: Any, reach: Any) -> Any:
        where = asked_axis(store, board, axis, reach)
        if where is None or ctx.triggered_id != ids.EXPLORE_LAG:
            return []  # of another axis than the one shown now
        section = open_section(store, board["project"])
        return lags.lag_view(lags.measured(section, where), section)


def asked_axis(
    store: ProjectStore, board: Any, axis: str | None, reach: Any
) -> Trajectory | EdgeDistance | None:
    """Return the axis that features are followed along, or None when there is none.

    Parameters
    ----------
    axis
        ``PATH`` for the trajectory looked at, or the id of the region whose edge is meant.
    reach
        How far from the edge, um, or px where the pixel size is unknown.

    Raises
    ------
    InvalidParamsError
        If the reach is no length.
    """
    if not board:
        return None
    areas = [region for region in drawings(store, board["project"])[0] if region.id == axis]
    if areas:
        if not is_number(reach) or reach <= 0:
            raise InvalidParamsError("The distance from the edge must be a number above 0.")
        return EdgeDistance(areas[0], float(reach))
    if not board["trajectory"]:
        return None
    return find_path(store, board["project"], board["trajectory"])


def find_path(store: ProjectStore, project: str, identity: str) -> Trajectory:
    """Return a trajectory by its id; do nothing if it was deleted a moment ago."""
    found = [path for path in drawings(store, project)[1] if path.id == identity]
    if not found:
        raise PreventUpdate
    return found[0]


def _follow(
    store: ProjectStore,
    project: str,
    where: Trajectory | EdgeDistance,
    *,
    curves: Any,
    view: Any,
    screened: str | None,
) -> dict[str, Any]:
    section = open_section(store, project)
    summary: list[Component] = []
    if isinstance(where, Trajectory):
        place = assign(where, section.xy, section.um_per_px)
        summary.append(lists.path_card(where, place, where.width(section.um_per_px)))
    if section.um_per_px is None:
        summary.append(lists.pixel_size_note(project))
    if isinstance(where, Trajectory) and int(place.inside.sum()) < MIN_SPOTS:
        return {"summary": summary}
    found = screen(section.joint, where)
    shown_curves = axis_views.shown_curves(section, found.table, curves or [])
    unit = "px" if section.um_per_px is None else "µm"
    columns: tuple[tables.Column, ...]
    if screened == nulls.axis_key(where):
        tested = nulls.spatial_screen(store, project, section, where)
        shown, columns = tested.table, tables.PATH_SPATIAL
        words = nulls.words(tested.n_placements, tested.n_distinct, tested.note)
    else:
        shown, columns, words = found.table, tables.pending(tables.PATH_SPATIAL), nulls.PENDING
    table = tables.feature_rows(
        axis_views.scored(shown),
        section.features,
        (*tables.screen_columns(unit), *columns),
        tables.TableView.from_json(view),
        name="screen",
        curves=shown_curves,
    )
    note = html.P(words, className="card-note explore-null", role="status")
    return {
        "summary": summary,
        "hidden": False,
        "figure": axis_views.chart(section, where, shown_curves, unit),
        "chips": axis_views.chips(section, shown_curves),
        "table": [table, note],
        "heatmap": axis_views.heatmap(section, where, found.table, unit),
    }
