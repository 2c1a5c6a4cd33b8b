"""Callbacks of the explore screen, grouped by what they serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.pages.explore import (
    boards,
    browser,
    canvas,
    cluster_markers,
    clusters,
    compare,
    editing,
    files,
    regions,
    routes,
    small_maps,
    trajectories,
)

if TYPE_CHECKING:
    from dash import Dash

    from app.jobs import JobTable
    from app.store import ProjectStore


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:  # noqa: ARG001  # one signature for all pages
    """Attach the page's callbacks and routes to ``app``."""
    routes.register(app.server, store)
    canvas.register(app, store)
    browser.register(app)
    clusters.register(app, store)
    cluster_markers.register(app, store)
    compare.register(app, store)
    small_maps.register(app, store)
    editing.register(app, store)
    boards.register(app, store)
    regions.register(app, store)
    trajectories.register(app, store)
    files.register(app, store)
