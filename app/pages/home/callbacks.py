"""Make, open and delete projects."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html
from dash.exceptions import PreventUpdate

from app import ids
from app.components import button, empty_state
from app.state import project_status

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from app.jobs import JobTable
    from app.store import ProjectStore


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    """Attach the home page's callbacks to ``app``."""

    @app.callback(
        Output(ids.URL, "pathname"),
        Output(ids.launch("home"), "data"),
        Input(ids.HOME_NEW, "n_clicks"),
        Input(ids.HOME_DEMO, "n_clicks"),
        State(ids.HOME_NEW_NAME, "value"),
        prevent_initial_call=True,
    )
    def make(_new: int, _demo: int, name: str | None) -> tuple[str, dict[str, Any]]:
        if ctx.triggered_id == ids.HOME_NEW:
            return f"/p/{store.create(name or 'Untitled project')}/data", {"jobs": []}
        project = store.create("Demo section", simulated=True)
        return f"/p/{project}/data", {"jobs": [jobs.start(project, "demo").id]}

    @app.callback(
        Output(ids.HOME_LIST, "children"),
        Input(ids.ROUTE, "data"),
        Input(ids.pattern("home-delete", project=ALL), "n_clicks"),
    )
    def projects(route: dict[str, str] | None, _clicks: list[int]) -> Any:
        if not route or route["page"] != "home":
            raise PreventUpdate
        if isinstance(ctx.triggered_id, dict) and ctx.triggered[0]["value"]:
            store.delete(ctx.triggered_id["project"])
        found = store.projects()
        return [_project_card(store, about) for about in found] or empty_state(
            "No projects yet. The demo is a good place to start."
        )


def _project_card(store: ProjectStore, about: dict[str, Any]) -> Component:
    status = project_status(store.manifest(about["id"]))
    done = [page for page in ("data", "align", "integrate") if status[page] == "done"]
    last = f"{', '.join(done)} done" if done else "no data yet"
    changed = time.strftime("%d %b %Y, %H:%M", time.localtime(about["changed"]))
    chips = (
        [html.Span("Simulated data", className="chip chip-simulated")] if about["simulated"] else []
    )
    return html.Article(
        [
            dcc.Link(about["name"], href=f"/p/{about['id']}/data", className="project-link"),
            *chips,
            html.P(f"{last} · changed {changed}", className="card-note"),
            button(
                "Delete",
                id=ids.home_delete(about["id"]),
                kind="quiet",
                title="Move to the bin; an administrator can restore it",
            ),
        ],
        className="panel project-card",
    )
