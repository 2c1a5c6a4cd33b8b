"""What the explore screen gives as files: tables as CSV, and figures for print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dash import Dash, Input, Output, State, ctx
from dash.dcc.express import send_bytes
from dash.exceptions import PreventUpdate

from app import ids
from app.exports import file_name, safe_cells
from app.figures import paper
from app.figures.paper_parts import MapColors
from app.pages.explore import regions, trajectories
from app.pages.explore.paint import paint
from app.placement import open_adata, tissue_image
from app.sections import drawings, open_section
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.params import GradientParams
from spatialmeta_core.trajectory import gradient, rank_gradients

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure

    from app.pages.explore.paint import Paint
    from app.store import ProjectStore

CHARTS: Final = {ids.EXPLORE_GRADIENT_SVG: "svg", ids.EXPLORE_GRADIENT_PNG: "png"}
BUTTONS: Final = (
    ids.EXPLORE_MARKERS_CSV,
    ids.EXPLORE_SCREEN_CSV,
    ids.EXPLORE_GRADIENT_CSV,
    *CHARTS,
)
STYLE: Final = ("size", "opacity", "image_opacity")


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the downloads."""

    @app.callback(
        Output(ids.EXPLORE_DOWNLOAD, "data"),
        inputs={
            "picture": Input(ids.EXPLORE_PICTURE, "data"),
            "clicks": {name: Input(name, "n_clicks") for name in BUTTONS},
            "board": State(ids.EXPLORE_BOARD, "data"),
            "reference": State(ids.EXPLORE_REFERENCE, "value"),
            "curves": State(ids.EXPLORE_CURVES, "data"),
        },
        prevent_initial_call=True,
    )
    def download(picture: Any, clicks: Any, board: Any, reference: Any, curves: Any) -> Any:
        if ctx.triggered_id == ids.EXPLORE_PICTURE:
            return _map(store, picture)
        if not board or not clicks[ctx.triggered_id]:
            raise PreventUpdate
        if ctx.triggered_id in CHARTS:
            return _chart(store, board, curves or [], CHARTS[ctx.triggered_id])
        return _table(store, ctx.triggered_id, board, reference, curves or [])


def _table(
    store: ProjectStore,
    asked: str,
    board: Mapping[str, Any],
    reference: str | None,
    curves: list[str],
) -> dict[str, Any]:
    project = str(board["project"])
    if asked == ids.EXPLORE_MARKERS_CSV:
        table, against = regions.ranked(store, project, board["region"], reference)
        name = regions.find_region(store, project, board["region"]).name
        table.insert(0, "compared_with", against)
        return _csv(table, f"markers {name}")
    section = open_section(store, project)
    path = trajectories.find_path(store, project, board["trajectory"])
    screen = rank_gradients(section.joint, path)
    if asked == ids.EXPLORE_SCREEN_CSV:
        table, what = screen, "screen"
    else:
        shown = trajectories.shown_curves(section, screen, curves)
        table, what = gradient(section.joint, path, shown), "gradient"
    unit = "px" if section.um_per_px is None else "um"
    names = {"distance": f"distance_{unit}", "peak": f"peak_{unit}"}
    return _csv(table.rename(columns=names), f"{what} {path.name}")


def _csv(table: pd.DataFrame, name: str) -> dict[str, Any]:
    text = safe_cells(table).to_csv(index=False)
    return {"content": text, "filename": f"{file_name(name)}.csv", "type": "text/csv"}


def _map(store: ProjectStore, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Draw the canvas for print.

    ``asked`` comes from the browser: ``kind``, ``project``, ``view`` (x and y range, px),
    ``diameter`` (of a spot, px), ``painted`` (color key, limits, whether logarithmic, color map,
    categories shown) and ``style`` (size, opacity, image opacity).
    """
    project, painted = str(asked["project"]), asked["painted"]
    section = open_section(store, project)
    areas, paths = drawings(store, project)
    coloring = paint(section, str(painted["key"]))
    figure = paper.tissue_page(
        section.xy,
        map_colors(coloring, painted),
        diameter=float(asked["diameter"]),
        um_per_px=section.um_per_px,
        image=tissue_image(open_adata(store, project, "st")),
        regions=areas,
        trajectories=paths,
        view=(_pair(asked["view"]["x"]), _pair(asked["view"]["y"])),
        style=paper.MapStyle(**{name: float(asked["style"][name]) for name in STYLE}),
        simulated=bool(store.about(project)["simulated"]),
    )
    return _file(figure, coloring.legend.label, str(asked["kind"]))


def map_colors(coloring: Paint, painted: Mapping[str, Any]) -> MapColors:
    """Return a coloring as it is on screen: its limits, scale and the categories shown."""
    legend = coloring.legend
    if legend.kind == "category":
        codes = np.asarray(coloring.values)
        shown = painted.get("shown") or range(len(legend.names))
        return MapColors(
            np.where(np.isin(codes, list(shown)), codes, -1),
            legend.label,
            names=tuple(f"Cluster {name}" for name in legend.names),
            colors=legend.colors,
            missing=legend.missing if painted.get("shown") is None else "other spots",
        )
    linear = bool(legend.units[1]) and not painted["log"]
    values = np.asarray(coloring.values, float)
    return MapColors(
        np.expm1(values) if linear else values,
        legend.label,
        unit=legend.units[1 if linear else 0],
        limits=_pair(painted["limits"]),
        scale=str(painted["scale"]),
        missing=legend.missing,
    )


def _chart(
    store: ProjectStore, board: Mapping[str, Any], curves: list[str], kind: str
) -> dict[str, Any]:
    project = str(board["project"])
    section = open_section(store, project)
    path = trajectories.find_path(store, project, board["trajectory"])
    shown = trajectories.shown_curves(section, rank_gradients(section.joint, path), curves)
    figure = paper.gradient_page(
        trajectories.labeled_gradient(section, path, shown),
        title=path.name,
        unit="px" if section.um_per_px is None else "µm",
        min_spots_per_bin=GradientParams().min_spots_per_bin,
        simulated=bool(store.about(project)["simulated"]),
    )
    return _file(figure, f"gradient {path.name}", kind)


def _file(figure: Figure, name: str, kind: str) -> dict[str, Any]:
    if kind not in ("svg", "png"):
        raise InvalidParamsError("A figure can be saved as svg or png.")
    content = paper.render(figure, "svg" if kind == "svg" else "png")
    sent: dict[str, Any] = send_bytes(content, f"{file_name(name)}.{kind}")
    return sent


def _pair(values: Any) -> tuple[float, float]:
    first, second = (float(value) for value in values)
    return first, second
