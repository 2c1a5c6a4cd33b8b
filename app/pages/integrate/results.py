"""Show the runs and the clusters of the one in use; take another run or other clusters."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from dash import ALL, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from app import clusterings, ids, runs
from app.disk import read_json
from app.figures.contribution import contribution_violin
from app.figures.theme import category_colors
from app.pages.integrate import maps_panel, quality_panel, runs_panel
from app.sections import open_section
from spatialmeta_core import keys
from spatialmeta_core.partition import adjusted_rand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.store import ProjectStore


def register(app: Dash, store: ProjectStore) -> None:
    """Attach what shows the results to ``app``."""
    _register_runs(app, store)
    _register_clusters(app, store)


def _register_runs(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        Output(ids.INTEGRATE_RUNS, "children"),
        Input(ids.PROJECT, "data"),
        Input(ids.ROUTE, "data"),
    )
    def show_runs(project: Any, route: Any) -> Any:
        pid = project_here(project, route)
        manifest = store.manifest(pid)
        current = runs.current(manifest)
        if current is None:
            return []
        found = runs.runs_of(manifest)
        shown = runs_panel.Shown(
            pid,
            manifest["artefacts"]["joint"]["revision"],
            current["number"],
            _agreement(store, pid, found, current),
        )
        return runs_panel.runs_card(found, shown)

    @app.callback(
        Output(ids.launch("runs"), "data"),
        Output(ids.INTEGRATE_RUNS_NOTE, "children"),
        Input(ids.pattern("run-action", action=ALL, number=ALL), "n_clicks"),
        State(ids.PROJECT, "data"),
        prevent_initial_call=True,
    )
    def act(_clicks: list[int | None], project: Any) -> tuple[dict[str, Any], Any]:
        # buttons appear with zero clicks: only a real click may act
        if not project or not ctx.triggered or not ctx.triggered[0]["value"]:
            raise PreventUpdate
        action, number = ctx.triggered_id["action"], int(ctx.triggered_id["number"])
        changes = {
            "use": partial(runs.show, number=number),
            "delete": partial(runs.hide, number=number),
            "restore": partial(runs.hide, number=number, deleted=False),
        }
        store.edit(project["project_id"], changes[action])
        note: Any = runs_panel.undo_bar(number) if action == "delete" else []
        return {"jobs": [], "at": time.time()}, note


def _register_clusters(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        Output(ids.INTEGRATE_CLUSTERS, "hidden"),
        Output(ids.INTEGRATE_GRID, "max"),
        Output(ids.INTEGRATE_GRID, "marks"),
        Output(ids.INTEGRATE_GRID, "value"),
        Output(ids.INTEGRATE_RESULT, "children"),
        Output(ids.INTEGRATE_QUALITY, "children"),
        Input(ids.PROJECT, "data"),
        Input(ids.ROUTE, "data"),
    )
    def show_clusters(project: Any, route: Any) -> tuple[Any, ...]:
        pid = project_here(project, route)
        artefacts = store.manifest(pid)["artefacts"]
        if "clusters" not in artefacts:
            return True, no_update, no_update, no_update, [], []
        record = artefacts["clusters"]
        tried = clusterings.tried(clusterings.arrays(store, pid))
        return (
            False,
            len(tried.resolution) - 1,
            maps_panel.marks(tried),
            maps_panel.start(tried, record),
            _contribution(store, pid, artefacts),
            _quality(store, pid, record),
        )

    @app.callback(
        Output(ids.INTEGRATE_GRID_WORDS, "children"),
        Output(ids.INTEGRATE_MAPS, "children"),
        Output(ids.INTEGRATE_GRID_USE, "disabled"),
        Input(ids.INTEGRATE_GRID, "value"),
        Input(ids.PROJECT, "data"),
        State(ids.ROUTE, "data"),
    )
    def show_resolution(position: int, project: Any, route: Any) -> tuple[Any, Any, bool]:
        pid = project_here(project, route)
        artefacts = store.manifest(pid)["artefacts"]
        if "clusters" not in artefacts:
            raise PreventUpdate
        record, joint = artefacts["clusters"], artefacts["joint"]["revision"]
        tried = clusterings.tried(clusterings.arrays(store, pid))
        position = min(int(position), len(tried.resolution) - 1)
        in_use = tried.at(float(record["summary"]["resolution"])) == position
        return (
            maps_panel.words(tried, position, record),
            maps_panel.maps(record, tried, position, project=pid, joint=joint),
            in_use,
        )

    @app.callback(
        Output(ids.launch("clusters"), "data"),
        Input(ids.INTEGRATE_GRID_USE, "n_clicks"),
        State(ids.INTEGRATE_GRID, "value"),
        State(ids.PROJECT, "data"),
        prevent_initial_call=True,
    )
    def use(clicks: int, position: int, project: Any) -> dict[str, Any]:
        if not clicks or not project:
            raise PreventUpdate
        clusterings.use(store, project["project_id"], int(position))
        return {"jobs": [], "at": time.time()}


def project_here(project: Any, route: Any) -> str:
    """Return the project if the integrate screen shows it."""
    if not project or not route or route["page"] != "integrate":
        raise PreventUpdate
    return str(project["project_id"])


def _agreement(
    store: ProjectStore,
    project: str,
    found: list[dict[str, Any]],
    current: Mapping[str, Any],
) -> dict[int, float]:
    """Compare each run's clusters with those of the run in use, on the spots both know."""
    if "clusters" not in current:
        return {}
    reference = clusterings.arrays(store, project, current["clusters"]["revision"])
    values = {}
    for run in found:
        if "clusters" not in run:
            continue
        other = clusterings.on_spots(
            clusterings.arrays(store, project, run["clusters"]["revision"]),
            reference["obs_names"],
        )
        both = (other[keys.CLUSTER] >= 0) & (reference[keys.CLUSTER] >= 0)
        if both.any():
            values[int(run["number"])] = adjusted_rand(
                reference[keys.CLUSTER][both], other[keys.CLUSTER][both]
            )
    return values


def _contribution(store: ProjectStore, project: str, artefacts: Mapping[str, Any]) -> Any:
    section = open_section(store, project)
    if section.cluster is None or section.contribution is None:
        return []
    n = int(section.cluster.max()) + 1
    figure = contribution_violin(
        section.contribution,
        section.cluster,
        names=[str(k) for k in range(n)],
        colors=category_colors(n),
    )
    return maps_panel.contribution_card(
        artefacts["clusters"],
        project=project,
        joint=artefacts["joint"]["revision"],
        figure=figure,
    )


def _quality(store: ProjectStore, project: str, record: Mapping[str, Any]) -> Any:
    if not store.path(project, "clusters", clusterings.QUALITY).exists():
        return []
    quality = store.load(project, "clusters", clusterings.QUALITY, read_json)
    return quality_panel.quality_card(quality, n_clusters=record["summary"]["n_clusters"])
