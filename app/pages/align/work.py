"""Callbacks for files, long steps and reassignment."""

from __future__ import annotations

import base64
import binascii
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dash import Dash, Input, Output, State, ctx
from dash.exceptions import PreventUpdate

from app import ids
from app.components import job_cards
from app.figures.coverage import coverage_map, distance_histogram
from app.pages.align import panels, review, scene
from app.pages.align.coverage import coverage
from app.pages.align.layout import MAX_POSE_BYTES
from app.pages.align.poses import Poses, section_xy
from app.pages.align.route import complete_project, refresh
from app.state import is_current
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.alignment import read_alignment, write_alignment
from spatialmeta_core.params import AlignParams, ReassignParams, from_dict

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from dash.development.base_component import Component

    from app.jobs import JobTable
    from app.store import ProjectStore


def register_files(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        Output(ids.ALIGN_DOWNLOAD, "data"),
        Input(ids.ALIGN_SAVE, "n_clicks"),
        State(ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def save(_clicks: int, route: dict[str, str]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "alignment.json"
            write_alignment(review.present(store, route["project"]), path)
            return {"content": path.read_text("utf-8"), "filename": path.name}

    @app.callback(
        Output(ids.ALIGN_LOAD, "contents"),  # emptied, so that the same file can be loaded again
        Input(ids.ALIGN_LOAD, "contents"),
        State(ids.ALIGN_LOAD, "filename"),
        State(ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def load(contents: str | None, name: str | None, route: dict[str, str]) -> None:
        if not contents:
            raise PreventUpdate
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pose.json"  # the user's name is only ever shown
            path.write_bytes(_decoded(contents))
            found = read_alignment(path)
        review.load(store, route["project"], found, Path(name or path).name)
        refresh(store, route["project"])


def register_jobs(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    @app.callback(
        Output(ids.launch("align"), "data"),
        inputs={
            "_clicks": [
                Input(name, "n_clicks")
                for name in (ids.ALIGN_AUTO, ids.ALIGN_SCRATCH, ids.REASSIGN_RUN)
            ],
            "fit": {
                "target": State(ids.ALIGN_TARGET, "value"),
                "transform": State(ids.ALIGN_TRANSFORM, "value"),
                "warp": State(ids.ALIGN_WARP, "value"),
            },
            "average": {
                "k": State(ids.REASSIGN_K, "value"),
                "factor": State(ids.REASSIGN_FACTOR, "value"),
            },
            "route": State(ids.ROUTE, "data"),
        },
        prevent_initial_call=True,
    )
    def start(
        _clicks: list[int], fit: dict[str, Any], average: dict[str, Any], route: dict[str, str]
    ) -> dict[str, Any]:
        project: str = route["project"]
        if ctx.triggered_id == ids.REASSIGN_RUN:
            params: dict[str, Any] = {"reassign": asdict(_reassign(**average))}
            job = jobs.start(project, "reassign", params)
        else:
            params = {"align": asdict(_fit(**fit))}
            if ctx.triggered_id == ids.ALIGN_AUTO:
                params["start"] = Poses(store, project).current().matrix.tolist()
            job = jobs.start(project, "align", params)
        return {"jobs": [job.id], "at": time.time()}

    @app.callback(
        Output(ids.ALIGN_JOBS, "children"),
        Output(ids.REASSIGN_JOBS, "children"),
        Input(ids.JOBS, "data"),
        prevent_initial_call=True,
    )
    def show_jobs(rows: Any) -> tuple[list[Component], list[Component]]:
        return job_cards(rows, ["align"]), job_cards(rows, ["reassign"])


def register_reassign(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        Output(ids.REASSIGN_MAP, "figure"),
        Output(ids.REASSIGN_DISTANCES, "figure"),
        Output(ids.REASSIGN_PREVIEW, "children"),
        Input(ids.ALIGN_POSE, "data"),
        Input(ids.ALIGN_VIEW, "value"),
        Input(ids.REASSIGN_K, "value"),
        Input(ids.REASSIGN_FACTOR, "value"),
        prevent_initial_call=True,
    )
    def preview(
        shown: Any, view: str | None, k: float | None, factor: float | None
    ) -> tuple[go.Figure, go.Figure, Component]:
        if not shown:
            raise PreventUpdate
        name, params = shown["project"], _reassign(k, factor)
        st_xy = section_xy(store, name, "st")
        placed = review.viewed(store, name, view).apply(section_xy(store, name, "sm"))
        found = coverage(placed, st_xy, params)
        drawn = {"um_per_px": scene.um_per_px(store, name), "key": shown["key"]}
        return (
            coverage_map(st_xy, found.n_donors, n_neighbors=params.n_neighbors, **drawn),
            distance_histogram(found.nearest_px, limit_px=found.limit_px, **drawn),
            panels.preview(
                found,
                n_neighbors=params.n_neighbors,
                accepted=shown["accepted"] and not shown["views"],
            ),
        )

    @app.callback(
        Output(ids.REASSIGN_STATE, "children"),
        Output(ids.REASSIGN_RUN, "disabled"),
        Input(ids.PROJECT, "data"),
        Input(ids.ROUTE, "data"),
    )
    def reassigned(project: Any, route: Any) -> tuple[Component, bool]:
        manifest = store.manifest(complete_project(store, project, route))
        ready = is_current(manifest, "alignment")
        record = manifest["artefacts"].get("joint")
        current = is_current(manifest, "joint")
        return panels.reassign_state(record, current=current, ready=ready), not ready


def _fit(target: str, transform: str, warp: list[str]) -> AlignParams:
    settings = {"target": target, "transform": transform, "nonrigid": "nonrigid" in warp}
    return from_dict(AlignParams, settings)


def _reassign(k: float | None, factor: float | None) -> ReassignParams:
    defaults = ReassignParams()
    return ReassignParams(
        n_neighbors=defaults.n_neighbors if k is None else int(k),
        distance_factor=defaults.distance_factor if factor is None else float(factor),
    )


def _decoded(contents: str) -> bytes:
    """Return the bytes of a small uploaded file, a ``data:`` address."""
    try:
        found = base64.b64decode(contents.partition(",")[2], validate=True)
    except binascii.Error as error:
        raise InvalidDataError("The pose file arrived damaged. Choose it again.") from error
    if len(found) > MAX_POSE_BYTES:
        raise InvalidDataError("The pose file is larger than 5 MB; it cannot be a saved pose.")
    return found
