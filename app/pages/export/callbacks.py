"""Build and hand out exports."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from dash import Dash, Input, Output, State, ctx, dcc, html
from dash.exceptions import PreventUpdate

from app import downloads, exports, ids, recipe, sections
from app.components import job_cards, message
from app.state import missing_for
from spatialmeta_core import regions

if TYPE_CHECKING:
    from app.jobs import JobTable
    from app.store import ProjectStore


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    """Attach the export page's callbacks to ``app``."""

    @app.callback(
        Output(ids.launch("export"), "data"),
        Input(ids.EXPORT_START, "n_clicks"),
        State(ids.PROJECT, "data"),
        prevent_initial_call=True,
    )
    def start(_clicks: int, project: Any) -> dict[str, Any]:
        job = jobs.start(project["project_id"], "export")
        return {"jobs": [job.id], "at": time.time()}

    @app.callback(
        Output(ids.EXPORT_STATE, "children"),
        Output(ids.EXPORT_CODE, "children"),
        Output(ids.EXPORT_METHODS, "children"),
        Output(ids.EXPORT_START, "disabled"),
        Output(ids.EXPORT_GEOJSON, "disabled"),
        Output(ids.EXPORT_ALIGNMENT, "disabled"),
        Input(ids.PROJECT, "data"),
        Input(ids.ROUTE, "data"),
    )
    def texts(project: Any, route: Any) -> tuple[Any, ...]:
        if not project or not route or route["page"] != "export":
            raise PreventUpdate
        pid = project["project_id"]
        manifest = store.manifest(pid)
        code = recipe.to_toml(recipe.of_project(store, pid)) if manifest["artefacts"] else ""
        made = manifest["artefacts"]
        if "joint" not in made:
            return _waits(pid), code, "Reassign metabolites to spots first.", True, True, True
        stale = _stale(manifest)
        return stale, code, exports.methods_text(store, pid), False, False, False

    @app.callback(
        Output(ids.EXPORT_JOBS, "children"),
        Output(ids.EXPORT_READY, "children"),
        Input(ids.JOBS, "data"),
        Input(ids.ROUTE, "data"),
        State(ids.PROJECT, "data"),
    )
    def progress(rows: Any, route: Any, project: Any) -> tuple[Any, Any]:
        if not project or not route or route["page"] != "export":
            raise PreventUpdate
        done = [row for row in rows or [] if row["kind"] == "export" and row["state"] == "done"]
        return job_cards(rows, ("export",)), _ready(done, project["project_id"])

    @app.callback(
        Output(ids.EXPORT_DOWNLOAD, "data"),
        Input(ids.EXPORT_GEOJSON, "n_clicks"),
        Input(ids.EXPORT_ALIGNMENT, "n_clicks"),
        Input(ids.EXPORT_RECIPE, "n_clicks"),
        State(ids.PROJECT, "data"),
        prevent_initial_call=True,
    )
    def single(_geojson: int, _alignment: int, _recipe: int, project: Any) -> Any:
        pid = project["project_id"]
        makers = {
            ids.EXPORT_GEOJSON: ("drawings.geojson", _geojson_text),
            ids.EXPORT_ALIGNMENT: ("alignment.json", _alignment_text),
            ids.EXPORT_RECIPE: ("recipe.toml", _recipe_text),
        }
        name, make = makers[str(ctx.triggered_id)]
        return {"content": make(store, pid), "filename": name}


def _geojson_text(store: ProjectStore, project: str) -> str:
    return json.dumps(regions.to_geojson(*sections.drawings(store, project)), indent=1)


def _alignment_text(store: ProjectStore, project: str) -> str:
    return store.path(project, "alignment", "alignment.json").read_text("utf-8")


def _recipe_text(store: ProjectStore, project: str) -> str:
    return recipe.to_toml(recipe.of_project(store, project))


def _waits(project: str) -> Any:
    link = dcc.Link("Go to Align", href=f"/p/{project}/align")
    return message(
        "info", ["Metabolites must be reassigned to spots first. ", link], title="Not yet."
    )


def _stale(manifest: dict[str, Any]) -> Any:
    if not missing_for(manifest, "export"):
        return []
    return message(
        "warn",
        "The joint table was made before you changed an earlier step; the export holds the older "
        "result. Reassign again to renew it.",
        title="Out of date.",
        code="E-28",
    )


def _ready(done: list[dict[str, Any]], project: str) -> Any:
    if not done:
        return []
    made = time.strftime("%H:%M", time.localtime(done[0]["finished"]))
    link = html.A(
        "Download the archive",
        href=downloads.export_url(project, done[0]["id"]),
        className="btn-sm-primary",
        id="export-link",
    )
    return html.Div([link, html.Span(f"{done[0]['message']}, built {made}")], className="row ready")
