"""Estimate time and memory as soon as there is something to train on, without being asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dash import Dash, Input, Output
from dash.exceptions import PreventUpdate

from app import ids
from app.pages.integrate.layout import PRESETS
from app.state import is_current

if TYPE_CHECKING:
    from app.jobs import JobTable
    from app.store import ProjectStore


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    """Attach the callback to ``app``."""

    # not ids.PROJECT: what is launched sets that, and Dash would wait for ever in the circle
    @app.callback(
        Output(ids.launch("forecast"), "data"),
        Input(ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def estimate(route: Any) -> dict[str, Any]:
        if not route or route["page"] != "integrate":
            raise PreventUpdate
        pid = str(route["project"])
        manifest = store.manifest(pid)
        if not is_current(manifest, "joint") or is_current(manifest, "forecast"):
            raise PreventUpdate
        made = float(manifest["artefacts"]["joint"]["created"])
        found = jobs.of_project(pid)
        # one try for each joint section, and never in the way of other work
        if any(job.is_active or (job.kind == "forecast" and job.created > made) for job in found):
            raise PreventUpdate
        job = jobs.start(pid, "forecast", {"presets": schedules()})
        return {"jobs": [job.id], "at": time.time()}


def schedules() -> dict[str, dict[str, int]]:
    """Return what each preset of the screen changes of the training."""
    return {
        key: {"max_epochs": epochs, "patience": patience}
        for key, (_name, epochs, patience) in PRESETS.items()
    }
