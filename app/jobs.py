"""The job table, and how a job becomes a process. Knows no science.

A job is a row; the worker process (``python -m app.worker <id>``) owns it from the moment it
starts: it writes progress and a heartbeat, and reads requests to stop. Whoever looks at the table
sees the same truth: after a reload, in a second tab, after the server was restarted. A row whose
process is gone reads ``stopped``.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import sqlalchemy as sa

from app.job import JOBS, METADATA, NEVER_STARTED_AFTER_S, Job, is_lost
from app.state import ACTIVE_STATES
from spatialmeta_core.errors import InvalidParamsError, NotFoundError

if TYPE_CHECKING:
    from app.settings import Settings


class JobTable:
    """Jobs of all projects.

    Parameters
    ----------
    settings
        Names the database and the number of jobs that may compute at once.
    """

    def __init__(self, settings: Settings) -> None:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.settings = settings
        self._engine = sa.create_engine(settings.jobs_url)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _sqlite_pragmas)
        METADATA.create_all(self._engine)

    def start(
        self, project: str, kind: str, params: dict[str, Any] | None = None, *, owner: str = "local"
    ) -> Job:
        """Write a row for a new job; ``launch`` turns it into a process.

        Raises
        ------
        InvalidParamsError
            If a job of this kind is already under way in this project.
        """
        self.active(project)  # gives up jobs whose process is gone: they are not in the way
        job_id, now = secrets.token_hex(8), time.time()
        row = {
            "id": job_id,
            "owner": owner,
            "project": project,
            "kind": kind,
            "params": json.dumps(params or {}),
            "state": "created",
            "progress": 0.0,
            "message": "Starting",
            "request": "",
            "error": "",
            "heartbeat": now,
            "created": now,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(JOBS.insert().values(row))
        except sa.exc.IntegrityError as error:
            raise InvalidParamsError(
                "This step is already running in this project. Wait for it or cancel it first."
            ) from error
        return self.get(job_id)

    def get(self, job_id: str) -> Job:
        """Return one job.

        Raises
        ------
        NotFoundError
            If there is no such job.
        """
        found = self._select(JOBS.select().where(JOBS.c.id == job_id))
        if not found:
            raise NotFoundError("This job is not known here.")
        return found[0]

    def of_project(self, project: str, *, limit: int = 30) -> list[Job]:
        """Return a project's jobs, newest first, after giving up the ones whose process is gone."""
        query = JOBS.select().where(JOBS.c.project == project)
        found = self._select(query.order_by(JOBS.c.created.desc()).limit(limit))
        return [self._or_stopped(job) for job in found]

    def active(self, project: str) -> list[Job]:
        """Return a project's jobs that wait or compute."""
        query = JOBS.select().where(JOBS.c.project == project, JOBS.c.state.in_(ACTIVE_STATES))
        return [job for found in self._select(query) if (job := self._or_stopped(found)).is_active]

    def unclaimed(self) -> list[Job]:
        """Return the jobs that were started lately and that no worker has taken yet."""
        recent = JOBS.c.created > time.time() - NEVER_STARTED_AFTER_S
        query = JOBS.select().where(JOBS.c.state == "created", recent)
        return self._select(query.order_by(JOBS.c.created))

    def request(self, job_id: str, what: str) -> None:
        """Ask a job to stop: ``"cancel"`` drops its result, ``"keep_best"`` ends training early."""
        self.get(job_id)  # raises when it is not known
        if what == "keep_best":  # never takes back a cancel
            self._update(job_id, JOBS.c.request == "", request=what)
            return
        ended = self._update(
            job_id,
            JOBS.c.state == "created",
            state="canceled",
            request=what,
            message="Canceled before it started",
            finished=time.time(),
        )
        if not ended:
            self._update(job_id, request=what)

    def cancel_all(self, project: str) -> None:
        """Cancel whatever waits or computes in a project."""
        for job in self.active(project):
            self.request(job.id, "cancel")

    # the worker's side

    def claim(self, job_id: str) -> Job:
        """Take a created job for this process.

        Raises
        ------
        NotFoundError
            If it was taken already, or canceled.
        """
        me = psutil.Process()
        taken = self._update(
            job_id,
            JOBS.c.state == "created",
            state="queued",
            message="Waiting for a free slot",
            pid=me.pid,
            pid_started=me.create_time(),
            heartbeat=time.time(),
        )
        if not taken:
            raise NotFoundError("This job was taken or canceled before.")
        return self.get(job_id)

    def beat(self, job_id: str) -> str:
        """Show a sign of life; return what was asked for, ``"cancel"`` if the job has ended."""
        alive = self._update(job_id, heartbeat=time.time())
        return self.get(job_id).request if alive else "cancel"

    def report(self, job_id: str, progress: float, message: str) -> None:
        """Write how far the work is (0 to 1) and what it is doing."""
        self._update(
            job_id,
            state="running",
            progress=min(max(progress, 0.0), 1.0),
            message=message,
            heartbeat=time.time(),
        )

    def finish(
        self, job_id: str, state: str, message: str, error: dict[str, Any] | None = None
    ) -> None:
        """End a job; one that has ended already stays as it is."""
        values: dict[str, Any] = {"state": state, "message": message, "finished": time.time()}
        if state == "done":
            values["progress"] = 1.0
        self._update(job_id, **values, error=json.dumps(error) if error else "")

    # process

    def folder(self, job: Job) -> Path:
        """Return the job's folder inside its project: log, losses, checkpoint.

        Raises
        ------
        NotFoundError
            If the project was deleted.
        """
        parent = self.settings.projects_dir / job.project / "jobs"
        if not parent.exists():
            raise NotFoundError("The project of this job was deleted.")
        path = parent / job.id
        path.mkdir(exist_ok=True)
        return path

    def launch(self, job_id: str) -> None:
        """Start the worker process of a job; starting it twice does no harm.

        The worker detaches itself, so that ending the process that launched it (a Dash background
        callback is killed when the same page starts another job) does not end the computation.
        """
        try:
            folder = self.folder(self.get(job_id))
        except NotFoundError as error:
            self.finish(job_id, "canceled", str(error))
            return
        environment = {
            **os.environ,
            "SPATIALMETA_DATA": str(self.settings.data_dir),
            "SPATIALMETA_DATABASE_URL": self.settings.database_url,
            "SPATIALMETA_MAX_JOBS": str(self.settings.max_jobs),
            "SPATIALMETA_MAX_UNPACKED_GB": str(self.settings.max_unpacked_bytes / 1024**3),
        }
        with (folder / "worker.log").open("ab") as log:
            subprocess.run(
                [sys.executable, "-m", "app.worker", job_id, "--detach"],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[1],
                env=environment,
                close_fds=True,
            )

    def watch(self, job_id: str, *, poll_s: float = 0.5) -> Job:
        """Wait for a job's end, and tell the truth about how it ended."""
        while (job := self._or_stopped(self.get(job_id))).is_active:
            time.sleep(poll_s)
        return job

    def _or_stopped(self, job: Job) -> Job:
        if not job.is_active or not is_lost(job, time.time()):
            return job
        if job.request == "cancel":
            self.finish(job.id, "canceled", "Canceled")
            return self.get(job.id)
        why = (
            "It never began: its page was closed at once, or the server is overloaded."
            if job.pid is None
            else "Its process is gone (the server was restarted, or memory ran out)."
        )
        error = {
            "kind": "expected",
            "code": "E-23",
            "title": "The calculation stopped unexpectedly.",
            "message": f"{why} The project is unharmed.",
        }
        self.finish(job.id, "stopped", "The calculation stopped unexpectedly", error)
        return self.get(job.id)

    def _select(self, query: sa.Select[Any]) -> list[Job]:
        with self._engine.begin() as connection:
            return [Job.from_row(row) for row in connection.execute(query).mappings()]

    def _update(self, job_id: str, *conditions: Any, **values: Any) -> bool:
        """Change a job that has not ended; return whether there was one to change."""
        change = JOBS.update().where(
            JOBS.c.id == job_id, JOBS.c.state.in_(ACTIVE_STATES), *conditions
        )
        with self._engine.begin() as connection:
            return connection.execute(change.values(values)).rowcount == 1


def supervise_all(settings: Settings, job_ids: list[str]) -> list[str]:
    """Launch and watch jobs, in a process of its own; return their ids at their end.

    Every job that no worker has taken yet is launched, not only these: Dash ends this process when
    the same page starts another job, perhaps before it came to launch the first.
    """
    jobs = JobTable(settings)
    waiting = [job.id for job in jobs.unclaimed()]
    for job_id in waiting:
        jobs.launch(job_id)
    for job_id in {*waiting, *job_ids}:
        jobs.watch(job_id)
    return job_ids


def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA busy_timeout=10000")
