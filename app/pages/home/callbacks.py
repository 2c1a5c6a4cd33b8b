"""Make, open and delete projects."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dash import ALL, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from app import ids
from app.components import empty_state
from app.pages.home.cards import project_card

if TYPE_CHECKING:
    from app.jobs import JobTable
    from app.store import ProjectStore


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    """Attach the home page's callbacks to ``app``."""

    @app.callback(
        Output(ids.URL, "pathname"),
        Output(ids.launch("home"), "data"),
        Output(ids.HOME_NEW_NAME, "value"),
        Input(ids.HOME_NEW, "n_clicks"),
        Input(ids.HOME_NEW_NAME, "n_submit"),
        Input(ids.HOME_DEMO, "n_clicks"),
        State(ids.HOME_NEW_NAME, "value"),
        prevent_initial_call=True,
    )
    def make(_new: int, _enter: int, _demo: int, name: str | None) -> tuple[str, Any, str]:
        if ctx.triggered_id != ids.HOME_DEMO:
            return f"/p/{store.create(name or 'Untitled project')}/data", no_update, ""
        project = store.create("Demo section", simulated=True)
        started = {"jobs": [jobs.start(project, "demo").id], "at": time.time()}
        return f"/p/{project}/data", started, ""

    @app.callback(
        output={
            "cards": Output(ids.HOME_LIST, "children"),
            "binned": Output(ids.HOME_BIN, "data"),
            "hidden": Output(ids.HOME_BIN_NOTE, "hidden"),
            "text": Output(ids.HOME_BIN_TEXT, "children"),
        },
        inputs={
            "route": Input(ids.ROUTE, "data"),
            "clicks": Input(ids.pattern("home-delete", project=ALL), "n_clicks"),
            "undelete": Input(ids.HOME_UNDELETE, "n_clicks"),
            "binned": State(ids.HOME_BIN, "data"),
        },
    )
    def projects(route: dict[str, str] | None, binned: Any, **_clicks: Any) -> dict[str, Any]:
        if not route or route["page"] != "home":
            raise PreventUpdate
        binned = _act(store, jobs, binned)
        cards = [
            project_card(about, store.manifest(about["id"]), jobs.of_project(about["id"], limit=10))
            for about in store.projects()
        ]
        return {
            "cards": cards or empty_state("No projects yet. The demo is a good place to start."),
            "binned": binned,
            "hidden": binned is None,
            "text": f"“{binned['name']}” is in the bin." if binned else "",
        }


def _act(store: ProjectStore, jobs: JobTable, binned: dict[str, str] | None) -> Any:
    """Delete or bring back a project if that was clicked; return what Undo would bring back."""
    asked = ctx.triggered_id
    if asked == ids.HOME_UNDELETE and binned:
        store.restore(binned["project"])
        return None
    # the list is drawn anew with zero clicks: only a real click may act
    if isinstance(asked, dict) and ctx.triggered[0]["value"]:
        project = str(asked["project"])
        name = store.about(project)["name"]
        jobs.cancel_all(project)
        store.delete(project)
        return {"project": project, "name": name}
    return binned if isinstance(asked, dict) else None
