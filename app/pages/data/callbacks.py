"""Take files in, show what was read, and start the steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from dash import Dash, Input, Output, State, ctx, dcc
from dash.exceptions import PreventUpdate

from app import ids
from app.components import check_list, empty_state, job_cards, message
from app.pages.data import panels
from app.pages.data.checks import pair_report
from app.pages.data.layout import SLOTS
from app.pages.data.starts import wanted
from spatialmeta_core.errors import InvalidParamsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.jobs import JobTable
    from app.store import ProjectStore

# What a size typed by the user is called in the summary, and its limits in um.
SMALLEST_UM, LARGEST_UM = 1e-4, 1e4
_SIZE: Final = {"st": "um_per_px", "sm": "step_um"}
PAIR_EMPTY: Final = "Both files are needed before they can be compared."


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    """Attach the data page's callbacks to ``app``."""
    for slot in SLOTS:
        _register_slot(app, store, slot)
        _register_answers(app, store, slot)
    _register_pair(app, store)
    _register_starts(app, store, jobs)


def _register_slot(app: Dash, store: ProjectStore, slot: str) -> None:
    def part(name: str) -> str:
        return ids.data_part(slot, name)

    @app.callback(Output(part("drop"), "children"), Input(ids.ROUTE, "data"))
    def zone(route: dict[str, str] | None) -> Any:
        return panels.drop_zone(_on_page(route), slot)

    @app.callback(
        output={
            "view": Output(part("view"), "children"),
            "seen": Output(part("seen"), "data"),
            "review": Output(part("review"), "hidden"),
            "ask": Output(part("ask"), "hidden"),
            "confirm": Output(part("confirm"), "disabled"),
            "sample_box": Output(part("sample-box"), "hidden"),
            "samples": Output(part("sample"), "options"),
            "sample": Output(part("sample"), "value"),
            "size_box": Output(part("size-box"), "hidden"),
            "size": Output(part("size"), "value"),
        },
        inputs={"route": Input(ids.ROUTE, "data"), "project": Input(ids.PROJECT, "data")},
    )
    def show(route: dict[str, str] | None, project: dict[str, Any] | None) -> dict[str, Any]:
        shown = _shown(route, project)
        record = store.manifest(shown)["artefacts"].get(slot)
        if record is None:
            return {
                "view": [],
                "seen": None,
                "review": True,
                "ask": True,
                "confirm": True,
                "sample_box": True,
                "samples": [],
                "sample": None,
                "size_box": True,
                "size": None,
            }
        facts = record["summary"]
        samples = panels.sample_options(facts)
        return {
            "view": panels.view(shown, slot, record),
            "seen": {"revision": record["revision"]},
            "review": False,
            "ask": bool(facts.get("confirmed")),
            "confirm": panels.blocking(record),
            "sample_box": not samples,
            "samples": samples,
            "sample": facts.get("sample"),
            "size_box": False,
            "size": _rounded(facts.get(_SIZE[slot])),
        }

    @app.callback(
        output={
            "state": Output(part("state"), "children"),
            "notices": Output(part("notices"), "children"),
            "drop_box": Output(part("drop-box"), "hidden"),
            "keep": Output(part("keep"), "hidden"),
            "columns": Output(part("columns"), "hidden"),
            "asks": {name: Output(part(f"{name}-box"), "hidden") for name in ("x", "y", "decimal")},
            "options": {axis: Output(part(axis), "options") for axis in ("x", "y")},
        },
        inputs={
            "route": Input(ids.ROUTE, "data"),
            "project": Input(ids.PROJECT, "data"),
            "rows": Input(ids.JOBS, "data"),
            "replacing": Input(part("replacing"), "data"),
        },
    )
    def tell(route: Any, project: Any, rows: Any, replacing: bool | None) -> dict[str, Any]:
        record = store.manifest(_shown(route, project))["artefacts"].get(slot)
        asked = panels.questions(rows, slot)
        columns = [{"value": name, "label": name} for name in asked.get("columns", [])]
        return {
            "state": panels.state_chip(record, rows, slot),
            "notices": panels.notices(record, rows, slot),
            "drop_box": panels.is_reading(rows, slot) or (record is not None and not replacing),
            "keep": record is None,
            "columns": not asked,
            "asks": {"x": not columns, "y": not columns, "decimal": "decimal" not in asked},
            "options": {"x": columns, "y": columns},
        }


def _register_answers(app: Dash, store: ProjectStore, slot: str) -> None:
    def part(name: str) -> str:
        return ids.data_part(slot, name)

    # the page that changed a project says so at once; everyone else learns it from the poll
    changed = Output(ids.PROJECT, "data", allow_duplicate=True)

    @app.callback(
        Output(part("replacing"), "data"),
        Input(part("replace"), "n_clicks"),
        Input(part("keep"), "n_clicks"),
        Input(part("upload"), "data"),
        Input(ids.ROUTE, "data"),
    )
    def replacing(_replace: int, _keep: int, _upload: Any, _route: Any) -> bool:
        return bool(ctx.triggered_id == part("replace"))

    @app.callback(
        changed,
        Input(part("confirm"), "n_clicks"),
        State(part("seen"), "data"),
        State(ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def confirm(_clicks: int, seen: dict[str, int], route: dict[str, str]) -> dict[str, Any]:
        store.amend(route["project"], slot, of_revision=seen["revision"], confirmed=True)
        return store.ref(route["project"]).to_json()

    @app.callback(
        changed,
        Input(part("size-set"), "n_clicks"),
        Input(part("size"), "n_submit"),
        State(part("size"), "value"),
        State(part("seen"), "data"),
        State(ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def set_size(_set: int, _enter: int, value: float | None, seen: Any, route: Any) -> Any:
        project = route["project"]
        facts = store.record(project, slot)["summary"]
        if value == _rounded(facts.get(_SIZE[slot])):  # the box was left as it is
            raise PreventUpdate
        facts = _size_facts(slot, value, facts)
        store.amend(project, slot, of_revision=seen["revision"], **facts)
        return store.ref(project).to_json()


def _register_pair(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        output={
            "banner": Output(ids.DATA_BANNER, "children"),
            "pair": Output(ids.DATA_PAIR, "children"),
            "blocked": Output(ids.DATA_RUN, "disabled"),
            "note": Output(ids.DATA_RUN_NOTE, "children"),
            "next": Output(ids.DATA_NEXT, "children"),
        },
        inputs={
            "route": Input(ids.ROUTE, "data"),
            "project": Input(ids.PROJECT, "data"),
            "rows": Input(ids.JOBS, "data"),
        },
    )
    def pair(route: Any, project: Any, rows: Any) -> dict[str, Any]:
        shown = _shown(route, project)
        manifest = store.manifest(shown)
        records = manifest["artefacts"]
        both = all(slot in records for slot in SLOTS)
        may_run, note = panels.onward(manifest, rows)
        report = (
            check_list(pair_report(*(records[slot]["summary"] for slot in SLOTS)))
            if both
            else empty_state(PAIR_EMPTY)
        )
        return {
            "banner": _banner(bool(store.about(shown)["simulated"]), rows),
            "pair": [report, *job_cards(rows, ("pipeline",))],
            "blocked": not may_run,
            "note": note,
            "next": dcc.Link("Next: Align", href=f"/p/{shown}/align", className="btn-sm-secondary")
            if both
            else [],
        }


def _register_starts(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    def each(kind: Any, prop: str, *names: str) -> dict[str, Any]:
        return {slot: {n: kind(ids.data_part(slot, n), prop) for n in names} for slot in SLOTS}

    @app.callback(
        output=Output(ids.launch("data"), "data"),
        inputs={
            "uploads": each(Input, "data", "upload"),
            "clicks": each(Input, "n_clicks", "reread", "sample-set"),
            "run": Input(ids.DATA_RUN, "n_clicks"),
        },
        state={
            "answers": each(State, "value", "x", "y", "decimal", "sample"),
            "rows": State(ids.JOBS, "data"),
            "route": State(ids.ROUTE, "data"),
        },
        prevent_initial_call=True,
    )
    def start(uploads: Any, answers: Any, rows: Any, route: Any, **_clicks: Any) -> dict[str, Any]:
        given = {slot: {**uploads[slot], **answers[slot]} for slot in SLOTS}
        records = store.manifest(route["project"])["artefacts"]
        kind, params = wanted(str(ctx.triggered_id), given, rows, records)
        return {"jobs": [jobs.start(route["project"], kind, params).id], "at": time.time()}


def _size_facts(slot: str, value: float | None, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a size typed by the user changes in the summary; None takes it back."""
    if value is not None and not SMALLEST_UM <= value <= LARGEST_UM:
        raise InvalidParamsError(
            f"The size is {value!r}; allowed is {SMALLEST_UM:g} to {LARGEST_UM:g} µm."
        )
    if slot == "sm":
        return {"step_um": value}
    in_force = facts.get("um_per_px_found") if value is None else value
    return {"um_per_px": in_force, "um_per_px_by_hand": value}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")


def _banner(simulated: bool, rows: Any) -> list[Any]:
    if not simulated:
        return []
    text = (
        "This program made both modalities, with a known truth, to try things out: no real tissue."
    )
    return [message("warn", text, title="Simulated data."), *job_cards(rows, ("demo",))]


def _on_page(route: Mapping[str, str] | None) -> str:
    """Return the project on screen; do nothing unless this page is."""
    if not route or route["page"] != "data":
        raise PreventUpdate
    return route["project"]


def _shown(route: Mapping[str, str] | None, project: Mapping[str, Any] | None) -> str:
    """Return the project on screen, once the poll has seen it too."""
    shown = _on_page(route)
    if not project or project["project_id"] != shown:
        raise PreventUpdate
    return shown
