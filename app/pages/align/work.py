"""Callbacks for files and the automatic fit."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dash import Dash, Input, Output, State, ctx
from dash.exceptions import PreventUpdate

from app import ids
from app.components import job_cards
from app.pages.align import review
from app.pages.align.files import decoded
from app.pages.align.fitting import STATES, params_of
from app.pages.align.marks import job_params
from app.pages.align.poses import Poses
from app.pages.align.rough import MAX_POSE_BYTES
from app.pages.align.route import refresh
from spatialmeta_core.io.alignment import read_alignment, write_alignment

if TYPE_CHECKING:
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
            path.write_bytes(decoded(contents, "pose", MAX_POSE_BYTES))
            found = read_alignment(path)
        review.load(store, route["project"], found, Path(name or path).name)
        refresh(store, route["project"])


def register_jobs(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    @app.callback(
        Output(ids.launch("align"), "data"),
        inputs={
            "_clicks": [
                Input(name, "n_clicks")
                for name in (ids.ALIGN_AUTO, ids.ALIGN_SCRATCH, ids.ALIGN_FINE)
            ],
            "fit": STATES,
            "route": State(ids.ROUTE, "data"),
        },
        prevent_initial_call=True,
    )
    def start(_clicks: list[int], fit: dict[str, Any], route: dict[str, str]) -> dict[str, Any]:
        project: str = route["project"]
        hand = Poses(store, project).state()
        settings = params_of(
            fit,
            same_section=bool(hand.marks.get("same_section")),
            fine=ctx.triggered_id == ids.ALIGN_FINE,
        )
        params: dict[str, Any] = {"align": asdict(settings), **job_params(hand.marks)}
        if ctx.triggered_id != ids.ALIGN_SCRATCH:
            params["start"] = hand.pose.matrix.tolist()
        job = jobs.start(project, "align", params)
        return {"jobs": [job.id], "at": time.time()}

    @app.callback(
        Output(ids.ALIGN_JOBS, "children"),
        Input(ids.JOBS, "data"),
        prevent_initial_call=True,
    )
    def show_jobs(rows: Any) -> list[Component]:
        return job_cards(rows, ["align"])
