"""Drawing, renaming, deleting, undo: everything that changes regions and trajectories."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from dash import ALL, Dash, Input, Output, State, ctx, no_update, set_props
from dash.exceptions import PreventUpdate

from app import cluster_edits, ids
from app.pages.explore import changes, drawings, exchange
from app.pages.explore.canvas import project_of
from app.sections import open_section
from spatialmeta_core.errors import SpatialMetaError
from spatialmeta_core.types import Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.pages.explore.drawings import Board
    from app.store import ProjectStore

KEPT_REPORTS: Final = 50  # ids of saved drawings that the browser is told of
BOXES: Final = {
    "explore-item-name": "rename",
    "explore-item-width": "width",
    "explore-item-kind": "kind",
    "explore-item-clusters": "clusters",
}
MAY_BE_EMPTY: Final = ("explore-item-kind", "explore-item-clusters")


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
            "kinds": Input(ids.pattern("explore-item-kind", item=ALL), "value"),
            "clusters": Input(ids.pattern("explore-item-clusters", item=ALL), "value"),
            "way": Input(ids.EXPLORE_WAY, "n_clicks"),
            "file": Input(ids.EXPLORE_IMPORT, "contents"),
            # only those of the object looked at are on the page
            "other": State(ids.pattern("explore-item-other", item=ALL), "value"),
            "ring": State(ids.pattern("explore-item-ring", item=ALL), "value"),
            "ends": [State(ids.EXPLORE_WAY_FROM, "value"), State(ids.EXPLORE_WAY_TO, "value")],
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
        arguments = {**dict.fromkeys(("union", "subtract", "intersect"), _one(given["other"]))}
        arguments |= {"ring": _one(given["ring"]), "way": given["ends"]}
        editor = _Editor(store, project_of(ref, route), selected or {}, waiting, arguments)
        for each in ctx.triggered:
            editor.do(ctx.triggered_prop_ids[each["prop_id"]], each["value"])
        return _answer(editor, done, selected or {})


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
    arguments
        Of buttons that have a box beside them, by action.
    """

    def __init__(
        self,
        store: ProjectStore,
        project: str,
        selection: Mapping[str, Any],
        waiting: Sequence[Mapping[str, Any]],
        arguments: Mapping[str, Any],
    ) -> None:
        self._store, self._project = store, project
        self._history = store.history(project, "drawings")
        self._waiting = waiting
        self._arguments = arguments
        self.selection = dict(selection)
        self.saved: list[str] = []
        self.changed = False

    def do(self, what: Any, value: Any) -> None:
        """Do one thing, named by the id of what was used.

        Lists that were just drawn ask too, with zero clicks, which is nothing.
        """
        if what == ids.EXPLORE_REPORTS:
            self._save_drawings()
        elif isinstance(what, dict) and what["type"] in MAY_BE_EMPTY:
            self._change(what, value)
        elif not value:
            return
        elif what == ids.UNDO:
            self.changed |= cluster_edits.step(self._store, self._project, back=True)
        elif what == ids.REDO:
            self.changed |= cluster_edits.step(self._store, self._project, back=False)
        elif isinstance(what, dict):
            self._change(what, value)
        else:
            self._make(what, value)

    def _save_drawings(self) -> None:
        board = _board(self._store, self._project)
        self.saved += [report["id"] for report in self._waiting]
        target = self.selection.get("region")
        known = target in {region.id for region in board.regions}
        last = board.regions[-1].id if board.regions else None
        try:
            made = drawings.from_reports(board, self._waiting, target=target if known else last)
        except SpatialMetaError:
            # else the browser would send the refused drawing again with every later one
            set_props(ids.EXPLORE_HANDLED, {"data": {"ids": self.saved, "at": time.time()}})
            raise
        for event in made:
            self._record(event)

    def _make(self, what: str, value: Any) -> None:
        board = _board(self._store, self._project)
        section = open_section(self._store, self._project)
        if what == ids.EXPLORE_WAY:
            made = [exchange.way(board, section, *self._arguments["way"])]
        else:
            made = exchange.imported(board, section, exchange.decoded(value))
        self._record(drawings.many(made))

    def _record(self, event: Mapping[str, Any], *, select: bool = True) -> None:
        self._history.append(event)
        self.changed = True
        for each in event["events"] if event["op"] == "many" else (event,):
            if select and each["op"] == "put":
                self.selection[each["what"]] = each["object"]["id"]

    def _change(self, what: Mapping[str, str], value: Any) -> None:
        item = _board(self._store, self._project).items().get(what["item"])
        if item is None:  # deleted a moment ago
            return
        action, argument = self._action(what, value)
        if action in ("select", "edit"):
            self.selection["region" if isinstance(item, Region) else "trajectory"] = item.id
            edits = action == "edit" and self.selection.get("edit") != item.id
            self.selection["edit"] = item.id if edits else None
            return
        board = _board(self._store, self._project)
        event = changes.change(item, action, argument, board=board)
        if event is not None:
            self._record(event, select=action in ("duplicate", "ring"))

    def _action(self, what: Mapping[str, str], value: Any) -> tuple[str, Any]:
        """Return what a row of the lists asks for: the action, and its argument."""
        if what["type"] == "explore-item":
            return what["action"], self._arguments.get(what["action"])
        if what["type"] == "explore-item-color":
            return "color", what["color"]
        return BOXES[what["type"]], value


def _one(values: Sequence[Any] | None) -> Any:
    return values[0] if values else None


def _board(store: ProjectStore, project: str) -> Board:
    return drawings.open_board(store, project, open_section(store, project))
