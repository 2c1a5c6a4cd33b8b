"""Callbacks of the reassign half: preview, reassignment, stability check."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from dash import Dash, Input, Output, State, ctx
from dash.exceptions import PreventUpdate

from app import ids
from app.components import job_cards
from app.figures import coverage as figures
from app.pages.align import reassign_panels, review, scene
from app.pages.align.coverage import coverage
from app.pages.align.poses import section_xy
from app.pages.align.route import complete_project
from app.state import is_current
from spatialmeta_core.params import ReassignParams, from_dict

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from dash.development.base_component import Component

    from app.jobs import JobTable
    from app.pages.align.coverage import Coverage
    from app.store import ProjectStore

BOXES: Final = {
    "direction": ids.REASSIGN_DIRECTION,
    "method": ids.REASSIGN_METHOD,
    "n_neighbors": ids.REASSIGN_K,
    "distance_factor": ids.REASSIGN_FACTOR,
    "spot_diameter": ids.REASSIGN_DIAMETER,
}


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    """Attach the callbacks of the reassign half."""
    _register_settings(app, store)
    _register_preview(app, store)
    _register_jobs(app, jobs)
    _register_state(app, store)


def params_of(boxes: dict[str, Any]) -> ReassignParams:
    """Return the settings on the screen; an emptied box is its default."""
    known = {name: value for name, value in boxes.items() if value is not None}
    if "n_neighbors" in known:
        known["n_neighbors"] = int(known["n_neighbors"])
    return from_dict(ReassignParams, known)


def _register_settings(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        output={name: Output(box, "value") for name, box in BOXES.items()},
        inputs={"route": Input(ids.ROUTE, "data")},
        prevent_initial_call=True,
    )
    def as_made(route: dict[str, str] | None) -> dict[str, Any]:
        """Show the settings of what is there, after a reload and in another project."""
        if not route or not route.get("project") or route.get("page") != "align":
            raise PreventUpdate
        record = store.manifest(route["project"])["artefacts"].get("joint")
        made_with = {} if record is None else record["params"].get("reassign", {})
        settings = asdict(from_dict(ReassignParams, made_with))
        return {name: settings[name] for name in BOXES}

    @app.callback(
        Output(ids.REASSIGN_HELP, "children"),
        Output(ids.REASSIGN_NEAR, "hidden"),
        Output(ids.REASSIGN_AREA, "hidden"),
        Input(ids.REASSIGN_DIRECTION, "value"),
        Input(ids.REASSIGN_METHOD, "value"),
    )
    def explain(direction: str, method: str) -> tuple[list[Component], bool, bool]:
        params = params_of({"direction": direction, "method": method})
        by_area = params.method == "area"
        onto_spots = params.direction == "sm_to_st"
        return reassign_panels.help_text(params), by_area, not (by_area and onto_spots)


def _register_preview(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        output=(
            Output(ids.REASSIGN_MAP, "figure"),
            Output(ids.REASSIGN_DISTANCES, "figure"),
            Output(ids.REASSIGN_PREVIEW, "children"),
            Output(ids.REASSIGN_MAP_TITLE, "children"),
            Output(ids.REASSIGN_DISTANCES_TITLE, "children"),
        ),
        inputs={
            "shown": Input(ids.ALIGN_POSE, "data"),
            "view": Input(ids.ALIGN_VIEW, "value"),
            "boxes": {name: Input(box, "value") for name, box in BOXES.items()},
        },
        prevent_initial_call=True,
    )
    def preview(
        shown: Any, view: str | None, boxes: dict[str, Any]
    ) -> tuple[go.Figure, go.Figure, Component, str, str]:
        if not shown:
            raise PreventUpdate
        name, params = shown["project"], params_of(boxes)
        alignment = review.viewed(store, name, view)
        st_xy, sm_xy = section_xy(store, name, "st"), section_xy(store, name, "sm")
        found = coverage(st_xy, sm_xy, alignment, params)
        key = f"{shown['key']} {params.direction}"
        drawn = _figures(found, params, um_per_px=scene.um_per_px(store, name), key=key)
        accepted = shown["accepted"] and not shown["views"]
        said = reassign_panels.preview(found, params, accepted=accepted)
        return (*drawn, said, *reassign_panels.titles(params))


def _register_jobs(app: Dash, jobs: JobTable) -> None:
    @app.callback(
        Output(ids.launch("reassign"), "data"),
        inputs={
            "_clicks": [Input(name, "n_clicks") for name in (ids.REASSIGN_RUN, ids.STABILITY_RUN)],
            "boxes": {name: State(box, "value") for name, box in BOXES.items()},
            "route": State(ids.ROUTE, "data"),
        },
        prevent_initial_call=True,
    )
    def start(_clicks: list[int], boxes: dict[str, Any], route: dict[str, str]) -> dict[str, Any]:
        if ctx.triggered_id == ids.STABILITY_RUN:
            job = jobs.start(route["project"], "stability")
        else:
            params = {"reassign": asdict(params_of(boxes))}
            job = jobs.start(route["project"], "reassign", params)
        return {"jobs": [job.id], "at": time.time()}

    @app.callback(
        Output(ids.REASSIGN_JOBS, "children"),
        Output(ids.STABILITY_JOBS, "children"),
        Input(ids.JOBS, "data"),
        prevent_initial_call=True,
    )
    def show_jobs(rows: Any) -> tuple[list[Component], list[Component]]:
        return job_cards(rows, ["reassign"]), job_cards(rows, ["stability"])


def _register_state(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        Output(ids.REASSIGN_STATE, "children"),
        Output(ids.REASSIGN_RUN, "disabled"),
        Output(ids.STABILITY_STATE, "children"),
        Output(ids.STABILITY_RUN, "disabled"),
        Input(ids.PROJECT, "data"),
        Input(ids.ROUTE, "data"),
    )
    def made(project: Any, route: Any) -> tuple[Component, bool, list[Component], bool]:
        manifest = store.manifest(complete_project(store, project, route))
        records = manifest["artefacts"]
        placed, joined = is_current(manifest, "alignment"), is_current(manifest, "joint")
        return (
            reassign_panels.state(records.get("joint"), current=joined, ready=placed),
            not placed,
            reassign_panels.stability_state(
                records.get("stability"), current=is_current(manifest, "stability"), ready=joined
            ),
            not joined,
        )


def _figures(
    found: Coverage, params: ReassignParams, *, um_per_px: float | None, key: str
) -> tuple[go.Figure, go.Figure]:
    words = reassign_panels.WORDS[params.direction]
    drawn: dict[str, Any] = {"um_per_px": um_per_px, "key": key}
    if found.covered is not None:
        return (
            figures.footprint_map(found.xy, found.covered, source=words.source, **drawn),
            figures.covered_histogram(found.covered, key=key, target=words.target),
        )
    limit = float(found.limit_px or 0.0)
    most = params.n_neighbors
    return (
        figures.coverage_map(
            found.xy, found.n_donors, n_neighbors=most, source=words.source, **drawn
        ),
        figures.distance_histogram(found.nearest_px, limit_px=limit, target=words.target, **drawn),
    )
