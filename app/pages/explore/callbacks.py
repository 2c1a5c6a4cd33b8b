"""Callbacks of the explore screen, grouped by what they serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.pages.explore import canvas, editing, files, regions, routes, trajectories

if TYPE_CHECKING:
    from dash import Dash

    from app.jobs import JobTable
    from app.store import ProjectStore


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:  # noqa: ARG001  # one signature for all pages
    """Attach the page's callbacks and routes to ``app``."""
    routes.register(app.server, store)
    canvas.register(app, store)
    canvas.register_browser(app)
    editing.register(app, store)
    editing.register_board(app, store)
    regions.register(app, store)
    trajectories.register(app, store)
    files.register(app, store)
