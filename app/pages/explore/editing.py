"""Drawing, renaming, deleting, undo: everything that changes regions and trajectories."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

from dash import ALL, Dash, Input, Output, State, ctx, no_update
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
from app.pages.explore.panels import REST
from app.sections import open_section
from spatialmeta_core.regions import to_dict
from spatialmeta_core.types import Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.pages.explore.drawings import Board
    from app.store import ProjectStore

KEPT_REPORTS = 50  # ids of saved drawings that the browser is told of


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the callback that saves what the user does to drawings."""

    @app.callback(
        output={
            "handled": Output(ids.EXPLORE_HANDLED, "data"),
            "selected": Output(ids.EXPLORE_SELECTED, "data"),
        },
        inputs={
            "reports": Input(ids.EXPLORE_REPORTS, "data"),
            "undo": Input(ids.UNDO, "n_clicks"),
            "redo": Input(ids.REDO, "n_clicks"),
            "buttons": Input(ids.pattern("explore-item", action=ALL, item=ALL), "n_clicks"),
            "colors": Input(ids.pattern("explore-item-color", color=ALL, item=ALL), "n_clicks"),
            "names": Input(ids.pattern("explore-item-name", item=ALL), "value"),
            "widths": Input(ids.pattern("explore-item-width", item=ALL), "value"),
            "ref": State(ids.PROJECT, "data"),
            "route": State(ids.ROUTE, "data"),
            "handled": State(ids.EXPLORE_HANDLED, "data"),
            "selected": State(ids.EXPLORE_SELECTED, "data"),
        },
        prevent_initial_call=True,
    )
    def edit(reports: Any, ref: Any, route: Any, handled: Any, selected: Any, **_: Any) -> Any:
        project = project_of(ref, route)
        asked = [(ctx.triggered_prop_ids[each["prop_id"]], each["value"]) for each in ctx.triggered]
        return _perform(store, project, asked, reports, (handled or {}).get("ids", []), selected)


def register_board(app: Dash, store: ProjectStore) -> None:
    """Attach the callback that shows the drawings: lists and shapes."""

    @app.callback(
        output={
            "board": Output(ids.EXPLORE_BOARD, "data"),
            "overlay": Output(ids.EXPLORE_OVERLAY, "data"),
            "regions": Output(ids.EXPLORE_REGIONS, "children"),
            "paths": Output(ids.EXPLORE_PATHS, "children"),
            "options": Output(ids.EXPLORE_REFERENCE, "options"),
            "reference": Output(ids.EXPLORE_REFERENCE, "value"),
        },
        inputs={
            "scene": Input(ids.EXPLORE_SCENE, "data"),
            "ref": Input(ids.PROJECT, "data"),
            "_handled": Input(ids.EXPLORE_HANDLED, "data"),
            "selected": Input(ids.EXPLORE_SELECTED, "data"),
            "route": State(ids.ROUTE, "data"),
            "shown": State(ids.EXPLORE_BOARD, "data"),
            "reference": State(ids.EXPLORE_REFERENCE, "value"),
        },
    )
    def show_board(
        scene: Any, ref: Any, _handled: Any, selected: Any, route: Any, shown: Any, reference: Any
    ) -> dict[str, Any]:
        project = project_of(ref, route)
        if not scene or scene["project"] != project:
            raise PreventUpdate
        return _board_updates(store, scene, selected or {}, shown, reference)


def _perform(
    store: ProjectStore,
    project: str,
    asked: Sequence[tuple[Any, Any]],
    reports: Sequence[Mapping[str, Any]] | None,
    handled: Sequence[str],
    selected: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Do what was asked; lists that were just drawn ask with zero clicks, which is nothing."""
    selection = dict(selected or {})
    history = store.history(project, "drawings")
    done: list[str] = []
    changed = False
    for what, value in asked:
        if what == ids.EXPLORE_REPORTS:
            waiting = [report for report in reports or () if report["id"] not in handled]
            made = drawings.from_reports(_board(store, project), waiting)
            for event in made:
                history.append(event)
                selection[event["what"]] = event["object"]["id"]
            done += [report["id"] for report in waiting]
        elif what in (ids.UNDO, ids.REDO) and value:
            changed |= history.undo() if what == ids.UNDO else history.redo()
        elif isinstance(what, dict):
            changed |= _change_item(store, project, what, value, selection)
    if not (done or changed or selection != (selected or {})):
        raise PreventUpdate
    answered = {"ids": [*handled, *done][-KEPT_REPORTS:], "at": time.time()}
    return {
        "handled": answered if done or changed else no_update,
        "selected": no_update if selection == (selected or {}) else selection,
    }


def _change_item(
    store: ProjectStore,
    project: str,
    what: Mapping[str, str],
    value: Any,
    selection: dict[str, Any],
) -> bool:
    """Do what a row of the lists asks; return whether the drawings changed."""
    items = _board(store, project).items()
    item = items.get(what["item"])
    if item is None or not value:  # a row of a deleted object, or one that was just drawn
        return False
    action, argument = _action(what, value)
    if action in ("select", "edit"):
        kind = "region" if isinstance(item, Region) else "trajectory"
        selection[kind] = item.id
        now = selection.get("edit") if action == "edit" else item.id
        selection["edit"] = None if now == item.id else item.id
        return False
    event = drawings.change(item, action, argument)
    if event is None:
        return False
    store.history(project, "drawings").append(event)
    return True


def _action(what: Mapping[str, str], value: Any) -> tuple[str, Any]:
    if what["type"] == "explore-item":
        return what["action"], None
    if what["type"] == "explore-item-color":
        return "color", what["color"]
    return what["type"].removeprefix("explore-item-").replace("name", "rename"), value


def _board(store: ProjectStore, project: str) -> Board:
    return drawings.open_board(store, project, open_section(store, project))


def _board_updates(
    store: ProjectStore,
    scene: Mapping[str, Any],
    selected: Mapping[str, Any],
    shown: Any,
    reference: str | None,
) -> dict[str, Any]:
    project = str(scene["project"])
    section = open_section(store, project)
    board = drawings.open_board(store, project, section)
    chosen = {
        "region": _existing(board.regions, selected.get("region")),
        "trajectory": _existing(board.trajectories, selected.get("trajectory")),
    }
    editing = selected.get("edit")
    state = {"scene": scene["id"], "project": project, **chosen, "edit": editing}
    drawn = json.dumps([to_dict(item) for item in board.items().values()])
    state["stamp"] = hashlib.sha256(drawn.encode()).hexdigest()
    if state == shown:
        raise PreventUpdate
    saved = _saved(store, project)
    others = [item for item in board.regions if item.id != chosen["region"]]
    options = [{"label": "Rest of the section", "value": REST}] + [
        {"label": item.name, "value": item.id} for item in others
    ]
    known = any(option["value"] == reference for option in options)
    return {
        "board": state,
        "overlay": _overlay(board, chosen, editing),
        "regions": lists.region_list(section, board, chosen["region"], editing, saved),
        "paths": lists.trajectory_list(section, board, chosen["trajectory"], editing, saved),
        "options": options,
        "reference": no_update if known else REST,
    }


def _existing(items: Sequence[Any], wanted: str | None) -> str | None:
    """Return the wanted object if it exists, else the last one drawn."""
    names = [item.id for item in items]
    if wanted in names:
        return wanted
    return names[-1] if names else None


def _overlay(board: Board, chosen: Mapping[str, str | None], editing: str | None) -> dict[str, Any]:
    shapes = []
    for item in board.regions:
        shapes += region_shapes([item], selected=chosen["region"], editable=item.id == editing)
    for path in board.trajectories:
        shapes += trajectory_shapes(
            [path],
            um_per_px=board.um_per_px,
            selected=chosen["trajectory"],
            editable=path.id == editing,
        )
    return {
        "shapes": shapes,
        "annotations": [*region_labels(board.regions), *trajectory_labels(board.trajectories)],
    }


def _saved(store: ProjectStore, project: str) -> str:
    events = store.history(project, "drawings").events()
    return time.strftime("%H:%M", time.localtime(events[-1]["time"])) if events else ""
