"""What the explore screen gives as files: tables as CSV, and figures for print."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dash import Dash, Input, Output, State, ctx
from dash.dcc.express import send_bytes
from dash.exceptions import PreventUpdate

from app import ids
from app.exports import file_name, safe_cells
from app.figures import paper
from app.pages.explore import axis_views, exchange, lags, nulls, regions, trajectories
from app.pages.explore.drawings import open_board
from app.pages.explore.map_file import map_figure
from app.sections import open_section
from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidParamsError, NotReadyError
from spatialmeta_core.params import GradientParams
from spatialmeta_core.trajectory import gradient, screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from matplotlib.figure import Figure

    from app.pages.explore.drawings import Board
    from app.sections import Section
    from app.store import ProjectStore
    from spatialmeta_core.trajectory import EdgeDistance
    from spatialmeta_core.types import Trajectory

KINDS: Final = ("svg", "png", "pdf")


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the downloads."""

    @app.callback(
        Output(ids.EXPLORE_DOWNLOAD, "data"),
        inputs={
            "picture": Input(ids.EXPLORE_PICTURE, "data"),
            "clicks": {name: Input(name, "n_clicks") for name in MAKERS},
            "board": State(ids.EXPLORE_BOARD, "data"),
            "choices": {
                "reference": State(ids.EXPLORE_REFERENCE, "value"),
                "ring": State(ids.EXPLORE_RING, "value"),
                "axis": State(ids.EXPLORE_AXIS, "value"),
                "reach": State(ids.EXPLORE_REACH, "value"),
                "curves": State(ids.EXPLORE_CURVES, "data"),
            },
        },
        prevent_initial_call=True,
    )
    def download(picture: Any, clicks: Any, board: Any, choices: Any) -> Any:
        if ctx.triggered_id == ids.EXPLORE_PICTURE:
            return _map(store, picture)
        if not board or not clicks[ctx.triggered_id]:
            raise PreventUpdate
        return MAKERS[ctx.triggered_id](store, board, choices)


def _markers(
    store: ProjectStore, board: Mapping[str, Any], choices: Mapping[str, Any]
) -> dict[str, Any]:
    if not board["region"]:
        raise PreventUpdate
    asked = regions.Comparison(
        store, board["project"], board["region"], choices["reference"], choices["ring"]
    )
    table = asked.spatial().table
    table.insert(0, "compared_with", asked.against)
    return _csv(table, f"markers {asked.region.name}")


def _screen(
    store: ProjectStore, board: Mapping[str, Any], choices: Mapping[str, Any]
) -> dict[str, Any]:
    section, where = _axis(store, board, choices)
    tested = nulls.spatial_screen(store, board["project"], section, where)
    table = axis_views.scored(tested.table)
    name = f"screen {axis_views.axis_name(where)}"
    return _csv(table.rename(columns={"position": f"position_{_unit(section)}"}), name)


def _gradient(
    store: ProjectStore, board: Mapping[str, Any], choices: Mapping[str, Any]
) -> dict[str, Any]:
    section, where = _axis(store, board, choices)
    table = gradient(section.joint, where, _curves(section, where, choices))
    name = f"gradient {axis_views.axis_name(where)}"
    return _csv(table.rename(columns={"distance": f"distance_{_unit(section)}"}), name)


def _lags(
    store: ProjectStore, board: Mapping[str, Any], choices: Mapping[str, Any]
) -> dict[str, Any]:
    section, where = _axis(store, board, choices)
    found = lags.measured(section, where).table
    if found is None:
        raise NotReadyError("No gene and metabolite of one pattern were found along this axis.")
    unit = _unit(section)
    lengths = {name: f"{name}_{unit}" for name in keys.LAG_COLUMNS[2:]}
    return _csv(found.rename(columns=lengths), f"lags {axis_views.axis_name(where)}")


def _geojson(store: ProjectStore, board: Mapping[str, Any], _: Any) -> dict[str, Any]:
    drawn = _board(store, board)[0]
    name = f"{file_name(drawn.sample or 'regions')}.geojson"
    return {"content": exchange.geojson(drawn), "filename": name, "type": "application/geo+json"}


def _loupe(store: ProjectStore, board: Mapping[str, Any], _: Any) -> dict[str, Any]:
    return _csv(exchange.loupe(*_board(store, board)), "loupe regions")


def _barcodes(store: ProjectStore, board: Mapping[str, Any], _: Any) -> dict[str, Any]:
    drawn, section = _board(store, board)
    return _csv(exchange.barcodes(drawn.regions, section), "barcodes of regions")


def _board(store: ProjectStore, board: Mapping[str, Any]) -> tuple[Board, Section]:
    section = open_section(store, board["project"])
    return open_board(store, board["project"], section), section


def _axis(
    store: ProjectStore, board: Mapping[str, Any], choices: Mapping[str, Any]
) -> tuple[Section, Trajectory | EdgeDistance]:
    where = trajectories.asked_axis(store, board, choices["axis"], choices["reach"])
    if where is None:
        raise PreventUpdate
    return open_section(store, board["project"]), where


def _curves(
    section: Section, where: Trajectory | EdgeDistance, choices: Mapping[str, Any]
) -> list[str]:
    table = screen(section.joint, where).table
    return axis_views.shown_curves(section, table, choices["curves"] or [])


def _unit(section: Section) -> str:
    return "px" if section.um_per_px is None else "um"


def _csv(table: pd.DataFrame, name: str) -> dict[str, Any]:
    text = safe_cells(table).to_csv(index=False)
    return {"content": text, "filename": f"{file_name(name)}.csv", "type": "text/csv"}


def _map(store: ProjectStore, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Draw the canvas for print; ``asked`` comes from the browser, see ``map_figure``."""
    figure, title = map_figure(store, asked)
    return _file(figure, title, str(asked["kind"]))


def _chart(
    store: ProjectStore, board: Mapping[str, Any], choices: Mapping[str, Any], kind: str
) -> dict[str, Any]:
    section, where = _axis(store, board, choices)
    figure = paper.gradient_page(
        axis_views.labeled_gradient(section, where, _curves(section, where, choices)),
        title=axis_views.axis_name(where),
        unit="px" if section.um_per_px is None else "µm",
        min_spots_per_bin=GradientParams().min_spots_per_bin,
        simulated=bool(store.about(board["project"])["simulated"]),
    )
    return _file(figure, f"gradient {axis_views.axis_name(where)}", kind)


def _file(figure: Figure, name: str, kind: str) -> dict[str, Any]:
    if kind not in KINDS:
        raise InvalidParamsError(f"A figure can be saved as {', '.join(KINDS)}.")
    content = paper.render(figure, kind)
    sent: dict[str, Any] = send_bytes(content, f"{file_name(name)}.{kind}")
    return sent


MAKERS: Final[dict[str, Callable[..., dict[str, Any]]]] = {
    ids.EXPLORE_MARKERS_CSV: _markers,
    ids.EXPLORE_GEOJSON: _geojson,
    ids.EXPLORE_LOUPE: _loupe,
    ids.EXPLORE_BARCODES: _barcodes,
    ids.EXPLORE_SCREEN_CSV: _screen,
    ids.EXPLORE_GRADIENT_CSV: _gradient,
    ids.EXPLORE_LAGS_CSV: _lags,
    ids.EXPLORE_GRADIENT_SVG: partial(_chart, kind="svg"),
    ids.EXPLORE_GRADIENT_PNG: partial(_chart, kind="png"),
}
