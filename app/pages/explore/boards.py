"""What is drawn, as lists, choices and shapes on the canvas."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dash import Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from app import ids
from app.figures.overlays import (
    region_labels,
    region_shapes,
    trajectory_labels,
    trajectory_shapes,
)
from app.pages.explore import drawings, lists
from app.pages.explore.canvas import project_of
from app.pages.explore.panels import REST, RING
from app.sections import open_section
from spatialmeta_core.regions import to_dict
from spatialmeta_core.types import Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.pages.explore.drawings import Board
    from app.store import ProjectStore
    from spatialmeta_core.types import Trajectory

PATH: Final = "path"  # the axis is the trajectory looked at


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the callback that shows the drawings."""

    @app.callback(
        output={
            "board": Output(ids.EXPLORE_BOARD, "data"),
            "overlay": Output(ids.EXPLORE_OVERLAY, "data"),
            "regions": Output(ids.EXPLORE_REGIONS, "children"),
            "paths": Output(ids.EXPLORE_PATHS, "children"),
            "options": Output(ids.EXPLORE_REFERENCE, "options"),
            "reference": Output(ids.EXPLORE_REFERENCE, "value"),
            "axes": Output(ids.EXPLORE_AXIS, "options"),
            "axis": Output(ids.EXPLORE_AXIS, "value"),
            "ways": {
                "from": Output(ids.EXPLORE_WAY_FROM, "options"),
                "to": Output(ids.EXPLORE_WAY_TO, "options"),
            },
        },
        inputs={
            "scene": Input(ids.EXPLORE_SCENE, "data"),
            "ref": Input(ids.PROJECT, "data"),
            "handled": Input(ids.EXPLORE_HANDLED, "data"),
            "selected": Input(ids.EXPLORE_SELECTED, "data"),
            "route": State(ids.ROUTE, "data"),
            "shown": State(ids.EXPLORE_BOARD, "data"),
            "reference": State(ids.EXPLORE_REFERENCE, "value"),
            "axis": State(ids.EXPLORE_AXIS, "value"),
        },
    )
    def show_board(ref: Any, route: Any, scene: Any, selected: Any, **given: Any) -> dict[str, Any]:
        if not scene or scene["project"] != project_of(ref, route):
            raise PreventUpdate
        del given["handled"]  # says only that something changed
        return _updates(store, scene, selected or {}, **given)


def _updates(
    store: ProjectStore,
    scene: Mapping[str, Any],
    selected: Mapping[str, Any],
    *,
    shown: Any,
    reference: str | None,
    axis: str | None,
) -> dict[str, Any]:
    project = str(scene["project"])
    section = open_section(store, project)
    board = drawings.open_board(store, project, section)
    chosen = {
        "region": _existing(board.regions, selected.get("region")),
        "trajectory": _existing(board.trajectories, selected.get("trajectory")),
    }
    editing = selected.get("edit") if selected.get("edit") in board.items() else None
    state = {
        "scene": [scene["map"], scene["paint"]],
        "project": project,
        **chosen,
        "edit": editing,
    }
    drawn = json.dumps([to_dict(item) for item in board.items().values()])
    state["stamp"] = hashlib.sha256(drawn.encode()).hexdigest()
    if state == shown:
        raise PreventUpdate
    saved = _saved(store, project)
    names = [{"label": item.name, "value": item.id} for item in board.regions]
    options = [
        {"label": "Rest of the section", "value": REST},
        {"label": "Ring around it", "value": RING},
        *(each for each in names if each["value"] != chosen["region"]),
    ]
    axes = [
        {"label": "The trajectory chosen above", "value": PATH},
        *({"label": f"Distance from the edge of {e['label']}", "value": e["value"]} for e in names),
    ]
    return {
        "board": state,
        "overlay": overlay(board, chosen, editing),
        "regions": lists.region_list(section, board, chosen["region"], editing, saved),
        "paths": lists.trajectory_list(section, board, chosen["trajectory"], editing, saved),
        "options": options,
        "reference": no_update if _offered(reference, options) else REST,
        "axes": axes,
        "axis": no_update if _offered(axis, axes) else PATH,
        "ways": {"from": names, "to": names},
    }


def overlay(board: Board, chosen: Mapping[str, str | None], editing: str | None) -> dict[str, Any]:
    """Return what the browser draws over the tissue.

    ``shapes`` and ``annotations`` are plotly's; ``edited`` is the object whose corners are shown;
    ``selected`` are the objects looked at by kind; ``path`` is the course of the trajectory looked
    at, for the mark that follows the chart.
    """
    areas = [item for item in board.regions if not item.hidden]
    paths = [item for item in board.trajectories if not item.hidden]
    shapes = region_shapes(areas, selected=chosen["region"])
    shapes += trajectory_shapes(paths, um_per_px=board.um_per_px, selected=chosen["trajectory"])
    item = board.items().get(editing or "")
    shown = None if item is None or item.locked or item.hidden else _edited(board, item)
    course = next((p for p in paths if p.id == chosen["trajectory"]), None)
    return {
        "shapes": shapes,
        "annotations": [*region_labels(areas), *trajectory_labels(paths)],
        "edited": shown,
        "selected": dict(chosen),
        "path": None if course is None else _edited(board, course),
        "spacing": board.spacing,
        "um_per_px": board.um_per_px,
    }


def _edited(board: Board, item: Region | Trajectory) -> dict[str, Any]:
    if isinstance(item, Region):
        rings = [np.asarray(ring, float).tolist() for rings in item.parts for ring in rings]
        return {"id": item.id, "kind": "region", "rings": rings, "half": None}
    half = item.width(board.um_per_px) / (board.um_per_px or 1.0) / 2
    points = np.asarray(item.points, float).tolist()
    return {"id": item.id, "kind": "trajectory", "rings": [points], "half": half}


def _existing(items: Sequence[Any], wanted: str | None) -> str | None:
    """Return the wanted object if it exists, else the last one drawn."""
    names = [item.id for item in items]
    if wanted in names:
        return wanted
    return names[-1] if names else None


def _offered(value: str | None, options: Sequence[Mapping[str, Any]]) -> bool:
    return any(option["value"] == value for option in options)


def _saved(store: ProjectStore, project: str) -> str:
    events = store.history(project, "drawings").events()
    return time.strftime("%H:%M", time.localtime(events[-1]["time"])) if events else ""
