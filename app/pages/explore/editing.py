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
    def edit(ref: Any, route: Any, selected: Any, **given: Any) -> dict[str, Any]:
        done = (given["handled"] or {}).get("ids", [])
        waiting = [report for report in given["reports"] or () if report["id"] not in done]
        editor = _Editor(store, project_of(ref, route), selected or {}, waiting)
        for each in ctx.triggered:
            editor.do(ctx.triggered_prop_ids[each["prop_id"]], each["value"])
        return _answer(editor, done, selected or {})


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
            "handled": Input(ids.EXPLORE_HANDLED, "data"),
            "selected": Input(ids.EXPLORE_SELECTED, "data"),
            "route": State(ids.ROUTE, "data"),
            "shown": State(ids.EXPLORE_BOARD, "data"),
            "reference": State(ids.EXPLORE_REFERENCE, "value"),
        },
    )
    def show_board(ref: Any, route: Any, scene: Any, selected: Any, **given: Any) -> dict[str, Any]:
        if not scene or scene["project"] != project_of(ref, route):
            raise PreventUpdate
        return _board_updates(store, scene, selected or {}, given["shown"], given["reference"])


def _answer(editor: _Editor, done: Sequence[str], selected: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the browser has to know; nothing when nothing changed."""
    moved = editor.selection != selected
    if not (editor.saved or editor.changed or moved):
        raise PreventUpdate
    handled = {"ids": [*done, *editor.saved][-KEPT_REPORTS:], "at": time.time()}
    return {
        "handled": handled if editor.saved or editor.changed else no_update,
        "selected": editor.selection if moved else no_update,
    }


class _Editor:
    """Does what the user asked in one go, and remembers what changed.

    Parameters
    ----------
    selection
        Ids of the objects looked at: ``region``, ``trajectory`` and ``edit``.
    waiting
        Reports of drawings that are not saved yet.
    """

    def __init__(
        self,
        store: ProjectStore,
        project: str,
        selection: Mapping[str, Any],
        waiting: Sequence[Mapping[str, Any]],
    ) -> None:
        self._store, self._project = store, project
        self._history = store.history(project, "drawings")
        self._waiting = waiting
        self.selection = dict(selection)
        self.saved: list[str] = []
        self.changed = False

    def do(self, what: Any, value: Any) -> None:
        """Do one thing, named by the id of what was used.

        Lists that were just drawn ask too, with zero clicks, which is nothing.
        """
        if what == ids.EXPLORE_REPORTS:
            self._save_drawings()
        elif not value:
            return
        elif what == ids.UNDO:
            self.changed |= self._history.undo()
        elif what == ids.REDO:
            self.changed |= self._history.redo()
        elif isinstance(what, dict):
            self._change(what, value)

    def _save_drawings(self) -> None:
        for event in drawings.from_reports(_board(self._store, self._project), self._waiting):
            self._history.append(event)
            self.selection[event["what"]] = event["object"]["id"]
            self.changed = True
        self.saved += [report["id"] for report in self._waiting]

    def _change(self, what: Mapping[str, str], value: Any) -> None:
        item = _board(self._store, self._project).items().get(what["item"])
        if item is None:  # deleted a moment ago
            return
        action, argument = _action(what, value)
        if action in ("select", "edit"):
            self.selection["region" if isinstance(item, Region) else "trajectory"] = item.id
            edits = action == "edit" and self.selection.get("edit") != item.id
            self.selection["edit"] = item.id if edits else None
            return
        event = drawings.change(item, action, argument)
        if event is not None:
            self._history.append(event)
            self.changed = True


def _action(what: Mapping[str, str], value: Any) -> tuple[str, Any]:
    """Return what a row of the lists asks for: the action, and its argument."""
    if what["type"] == "explore-item":
        return what["action"], None
    if what["type"] == "explore-item-color":
        return "color", what["color"]
    return {"explore-item-name": "rename", "explore-item-width": "width"}[what["type"]], value


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
    state = {
        "scene": [scene["map"], scene["umap"]],
        "project": project,
        **chosen,
        "edit": editing,
    }
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
