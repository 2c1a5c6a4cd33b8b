"""The clusters of the section: shown, named, colored, merged, coarser and finer; all undoable."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dash import ALL, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from app import cluster_edits, clusterings, ids
from app.pages.explore import cluster_list
from app.pages.explore.canvas import project_of
from app.sections import open_section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.cluster_edits import ClusterLook
    from app.clusterings import Tried
    from app.store import ProjectStore


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the panel of the clusters."""

    @app.callback(
        output={
            "list": Output(ids.EXPLORE_CLUSTERS, "children"),
            "hidden": Output(ids.EXPLORE_CLUSTERS_BOX, "hidden"),
            "no_grid": Output(ids.EXPLORE_GRID_BOX, "hidden"),
            "max": Output(ids.EXPLORE_GRID, "max"),
            "marks": Output(ids.EXPLORE_GRID, "marks"),
            "value": Output(ids.EXPLORE_GRID, "value"),
        },
        inputs={"scene": Input(ids.EXPLORE_SCENE, "data")},
    )
    def show_clusters(scene: Any) -> dict[str, Any]:
        if not scene:
            raise PreventUpdate
        return _panel(store, str(scene["project"]))

    @app.callback(
        Output(ids.EXPLORE_GRID_WORDS, "children"),
        Input(ids.EXPLORE_GRID, "value"),
        State(ids.EXPLORE_SCENE, "data"),
    )
    def say_resolution(position: int, scene: Any) -> str:
        found = _tried(store, str(scene["project"])) if scene else None
        if found is None or not 0 <= position < len(found.resolution):
            raise PreventUpdate
        return cluster_list.grid_words(found, int(position))

    @app.callback(
        Output(ids.EXPLORE_EDITED, "data"),
        inputs={
            "eye": Input(ids.pattern("explore-cluster-eye", cluster=ALL), "n_clicks"),
            "separate": Input(ids.pattern("explore-cluster-separate", cluster=ALL), "n_clicks"),
            "name": Input(ids.pattern("explore-cluster-name", cluster=ALL), "value"),
            "color": Input(ids.pattern("explore-cluster-color", cluster=ALL), "value"),
            "merge": Input(ids.EXPLORE_MERGE, "n_clicks"),
            "grid": Input(ids.EXPLORE_GRID, "value"),
            "ticks": State(ids.pattern("explore-cluster-tick", cluster=ALL), "value"),
            "tick_ids": State(ids.pattern("explore-cluster-tick", cluster=ALL), "id"),
            "ref": State(ids.PROJECT, "data"),
            "route": State(ids.ROUTE, "data"),
        },
        prevent_initial_call=True,
    )
    def edit(ref: Any, route: Any, ticks: Any, tick_ids: Any, **_: Any) -> float:
        project = project_of(ref, route)
        ticked = [name["cluster"] for name, on in zip(tick_ids, ticks, strict=True) if on]
        done = [
            _do(store, project, ctx.triggered_prop_ids[each["prop_id"]], each["value"], ticked)
            for each in ctx.triggered
        ]
        if not any(done):
            raise PreventUpdate
        return time.time()


def _panel(store: ProjectStore, project: str) -> dict[str, Any]:
    section = open_section(store, project)
    kept = dict.fromkeys(("max", "marks", "value"), no_update)
    if section.look is None:
        return {"list": [], "hidden": True, "no_grid": True, **kept}
    shown = {"list": cluster_list.cluster_list(section, section.look), "hidden": False}
    tried = _tried(store, project)
    if tried is None:
        return {**shown, "no_grid": True, **kept}
    now = tried.at(float(store.record(project, "clusters")["summary"]["resolution"]))
    marks = {i: f"{value:g}" for i, value in enumerate(tried.resolution)}
    return {
        **shown,
        "no_grid": now is None,
        "max": len(tried.resolution) - 1,
        "marks": marks,
        "value": no_update if now is None else now,
    }


def _tried(store: ProjectStore, project: str) -> Tried | None:
    """Return the resolutions tried; None for clusters that kept no others."""
    if "clusters" not in store.manifest(project)["artefacts"]:
        return None
    stored = clusterings.arrays(store, project)
    return clusterings.tried(stored) if "tried_labels" in stored else None


def _do(store: ProjectStore, project: str, what: Any, value: Any, ticked: list[int]) -> bool:
    """Do one thing, named by the id of what was used; tell whether anything changed.

    Lists that were just drawn ask too, with zero clicks or what is in force already.
    """
    look = open_section(store, project).look
    if look is None or (value in (None, 0) and what != ids.EXPLORE_GRID):
        return False
    if what == ids.EXPLORE_GRID:
        return _resolution(store, project, int(value))
    event = _event(look, what, value, ticked)
    if not cluster_edits.changes(look, event):
        return False
    store.history(project, "drawings").append(event)
    return True


def _resolution(store: ProjectStore, project: str, position: int) -> bool:
    tried = _tried(store, project)
    if tried is None or not 0 <= position < len(tried.resolution):
        return False
    return cluster_edits.use_resolution(store, project, position)


def _event(
    look: ClusterLook, what: str | Mapping[str, Any], value: Any, ticked: list[int]
) -> dict[str, Any]:
    if isinstance(what, str):
        return cluster_edits.edit(look, "merge", ticked)
    number, action = int(what["cluster"]), what["type"].removeprefix("explore-cluster-")
    if action == "eye":
        hidden = number in look.numbers and look.numbers.index(number) in look.hidden
        return cluster_edits.edit(look, "show" if hidden else "hide", cluster=number)
    what_for = {"name": "rename", "color": "color", "separate": "separate"}[action]
    return cluster_edits.edit(look, what_for, value, cluster=number)
