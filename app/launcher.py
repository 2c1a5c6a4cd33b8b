"""Turns job rows into processes: the one background callback for every long step.

A module of its own, because the process that Dash starts for it imports this module and no page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import ALL, Dash, Input, Output

from app import ids

if TYPE_CHECKING:
    from app.settings import Settings


def register(app: Dash, settings: Settings) -> None:
    """Attach the launcher to ``app``."""
    folder, url = str(settings.data_dir), settings.database_url
    max_jobs, max_unpacked = settings.max_jobs, settings.max_unpacked_bytes

    @app.callback(
        Output(ids.LAUNCHED, "data"),
        Input(ids.pattern("launch", page=ALL), "data"),
        background=True,
        prevent_initial_call=True,
    )
    def supervise(launches: list[dict[str, Any] | None]) -> list[str]:
        # Runs in a fresh process: everything it needs is imported and built there. The job ids in
        # its arguments keep two users' calls apart in Dash's cache.
        from pathlib import Path  # noqa: PLC0415

        from app.jobs import supervise_all  # noqa: PLC0415
        from app.settings import Settings  # noqa: PLC0415

        own = Settings(
            Path(folder), database_url=url, max_jobs=max_jobs, max_unpacked_bytes=max_unpacked
        )
        return supervise_all(own, [job for launch in launches if launch for job in launch["jobs"]])
