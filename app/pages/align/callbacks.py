"""Callbacks of the align screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dash import Dash

    from app.jobs import JobTable
    from app.store import ProjectStore


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    """Attach the page's callbacks to ``app``."""
