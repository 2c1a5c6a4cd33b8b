"""Routing, polling, jobs, rail and top bar."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.exceptions import PreventUpdate

from app import ids
from app.components import JOB_NAMES, extra, job_card
from app.pages.shell.layout import POLL_IDLE_MS
from app.state import ProjectRef, missing_for, project_status

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from app.job import Job
    from app.jobs import JobTable
    from app.store import ProjectStore

POLL_BUSY_MS: Final = 1000
JOBS_SHOWN: Final = 12
STEPS: Final = (
    ("data", "Data"),
    ("align", "Align"),
    ("integrate", "Integrate"),
    ("explore", "Explore"),
    ("regions", "Regions"),
    ("trajectories", "Trajectories"),
    ("export", "Export"),
)
MARKS: Final = {
    "not started": "○",
    "ready": "◔",
    "running": "◐",
    "needs review": "◑",
    "done": "●",
    "out of date": "↻",
    "failed": "✕",
}


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    """Attach the frame's callbacks to ``app``."""
    app.clientside_callback(
        ClientsideFunction("spatialmeta", "route"),
        Output(ids.ROUTE, "data"),
        Input(ids.URL, "pathname"),
    )
    app.clientside_callback(
        ClientsideFunction("spatialmeta", "closeAlert"),
        Output(ids.ALERT, "hidden"),
        Input("alert-close", "n_clicks"),
        Input(ids.ROUTE, "data"),  # what it says is about the page one has left
        prevent_initial_call=True,
    )

    @app.callback(
        Output(ids.PROJECT, "data"),
        Output(ids.JOBS, "data"),
        Output(ids.POLL, "interval"),
        Input(ids.POLL, "n_intervals"),
        Input(ids.ROUTE, "data"),
        # not ids.LAUNCHED: Dash would hold this back until the launched jobs have ended
        Input(ids.pattern("launch", page=ALL), "data"),
        State(ids.PROJECT, "data"),
        State(ids.JOBS, "data"),
    )
    def poll(
        _n: int, route: dict[str, str] | None, _launches: Any, shown: Any, rows: Any
    ) -> tuple[Any, Any, int]:
        if not route or not route["project"]:
            return None, [], POLL_IDLE_MS
        ref = store.ref(route["project"]).to_json()
        found = jobs.of_project(route["project"], limit=JOBS_SHOWN)
        latest = [job.to_json() for job in found]
        busy = POLL_BUSY_MS if any(job.is_active for job in found) else POLL_IDLE_MS
        return (
            no_update if ref == shown else ref,
            no_update if latest == rows else latest,
            busy,
        )

    @app.callback(
        Output(ids.RAIL, "children"),
        Output(ids.TOPBAR_PROJECT, "children"),
        Output(ids.TOPBAR_JOBS, "children"),
        Output(ids.STATUS, "children"),
        Input(ids.PROJECT, "data"),
        Input(ids.JOBS, "data"),
        Input(ids.ROUTE, "data"),
    )
    def frame(project: Any, rows: Any, route: Any) -> tuple[Any, Any, Any, Any]:
        if not project or not route or route["project"] != project["project_id"]:
            return [], [], [], ""
        ref = ProjectRef.from_json(project)
        manifest = store.manifest(ref.project_id)
        return (
            _rail(manifest, rows or [], route),
            _project_head(store.about(ref.project_id), manifest),
            _jobs_menu(rows or []),
            _status_line(manifest, rows or []),
        )

    @app.callback(
        Output(ids.launch("shell"), "data"),
        Input(ids.pattern("job-action", action=ALL, job=ALL), "n_clicks"),
        prevent_initial_call=True,
    )
    def job_action(_clicks: list[int | None]) -> dict[str, Any]:
        # buttons appear with zero clicks: only a real click may act
        if not ctx.triggered or not ctx.triggered[0]["value"]:
            raise PreventUpdate
        asked = ctx.triggered_id
        return {"jobs": _act(jobs, asked["action"], jobs.get(asked["job"])), "at": time.time()}


def _act(jobs: JobTable, action: str, job: Job) -> list[str]:
    """Do what a job's button says; return the ids of new jobs."""
    if action in ("cancel", "keep_best"):
        jobs.request(job.id, action)
        return []
    params = dict(job.params)
    if action == "continue":
        params.setdefault("continue_from", job.id)
    else:
        params.pop("continue_from", None)
    return [jobs.start(job.project, job.kind, params).id]


def _rail(manifest: Any, rows: list[Any], route: dict[str, str]) -> list[Component]:
    status = project_status(manifest, rows)
    links: list[Component] = []
    for number, (page, name) in enumerate(STEPS, start=1):
        state = status[page]
        waits = missing_for(manifest, page)
        hint = f"Needs {', '.join(_artefact_name(w) for w in waits)} first" if waits else state
        mark = html.Span(MARKS[state], className="rail-mark", **extra({"aria-hidden": "true"}))
        words = [html.Span(name, className="rail-name"), html.Span(hint, className="rail-state")]
        active = " active" if page == route["page"] else ""
        links.append(
            dcc.Link(
                [html.Span(str(number), className="rail-number"), html.Span(words), mark],
                href=f"/p/{route['project']}/{page}",
                className=f"rail-step rail-{state.replace(' ', '-')}{active}",
                title=hint,
            )
        )
    return links


def _artefact_name(artefact: str) -> str:
    names = {
        "st": "transcriptomics",
        "sm": "metabolomics",
        "alignment": "an alignment",
        "joint": "reassignment",
        "stability": "the stability check",
    }
    return names.get(artefact, artefact)


def _project_head(about: dict[str, Any], manifest: Any) -> list[Component]:
    times = [record["created"] for record in manifest["artefacts"].values()]
    saved = time.strftime("%H:%M", time.localtime(max(times))) if times else ""
    parts: list[Component] = [html.Strong(about["name"], className="project-name")]
    if about["simulated"]:
        parts.append(
            html.Span(
                "Simulated data",
                className="chip chip-simulated",
                title="Made by this program, with a known truth; not a real tissue.",
            )
        )
    if saved:
        parts.append(html.Span(f"Saved {saved}", className="saved"))
    return parts


def _jobs_menu(rows: list[Any]) -> Component:
    active = [row for row in rows if row["state"] in ("created", "queued", "running")]
    label = f"Jobs ({len(active)})" if active else "Jobs"
    cards = [_job_line(row) if row not in active else job_card(row) for row in rows[:8]]
    body = cards or [html.P("Nothing has been run in this project yet.")]
    return html.Details(
        [html.Summary(label, className="btn-sm-quiet"), html.Div(body, className="jobs-menu")]
    )


def _job_line(row: dict[str, Any]) -> Component:
    name = JOB_NAMES.get(row["kind"], row["kind"])
    chip = html.Span(row["state"], className=f"chip chip-{row['state']}")
    return html.Div([html.Span(name), chip], className="job-line", title=row["message"])


def _status_line(manifest: Any, rows: list[Any]) -> str:
    if rows and rows[0]["state"] in ("created", "queued", "running"):
        return f"{JOB_NAMES.get(rows[0]['kind'], rows[0]['kind'])}: {rows[0]['message']}"
    last = f"{rows[0]['message'].rstrip('.')}. " if rows and rows[0]["state"] == "done" else ""
    status = project_status(manifest, rows)
    for page, name in STEPS[:3]:
        if status[page] not in ("done", "running"):
            return f"{last}Next: {name} ({status[page]})."
    return f"{last}All steps are done: explore, draw regions and trajectories, or export."
