"""The job table, and how a job becomes a process. Knows no science.

A job is a row; the worker process (``python -m app.worker <id>``) owns it from the moment it starts: it writes
progress and a heartbeat, and reads requests to stop. Whoever looks at the table sees the same truth: after a
reload, in a second tab, after the server was restarted. A row whose process is gone reads ``stopped``.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
import sqlalchemy as sa

from app.state import ACTIVE_STATES
from spatialmeta_core.errors import InvalidParamsError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.settings import Settings

HEARTBEAT_S: Final = 1.0
NEVER_STARTED_AFTER_S: Final = 45.0  # from the click to the worker's first sign of life

_metadata = sa.MetaData()
_jobs = sa.Table(
    "jobs",
    _metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("project", sa.String(16), nullable=False, index=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("progress", sa.Float, nullable=False, default=0.0),
    sa.Column("message", sa.Text, nullable=False, default=""),
    sa.Column("request", sa.String(12), nullable=False, default=""),
    sa.Column("error", sa.Text, nullable=False, default=""),
    sa.Column("pid", sa.Integer),
    sa.Column("pid_started", sa.Float),
    sa.Column("heartbeat", sa.Float, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("finished", sa.Float),
)


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the table.

    Attributes
    ----------
    state
        ``created``, ``queued`` (waiting for a free slot), ``running``, then ``done``, ``failed``,
        ``canceled`` or ``stopped`` (its process vanished).
    progress
        0 to 1.
    request
        What the user asked of it: ``""``, ``"cancel"`` or ``"keep_best"``.
    error
        ``{}`` or ``{"kind": "expected" | "bug", "code", "title", "message"}``.
    """

    id: str
    owner: str
    project: str
    kind: str
    params: dict[str, Any]
    state: str
    progress: float
    message: str
    request: str
    error: dict[str, str]
    pid: int | None
    pid_started: float | None
    heartbeat: float
    created: float
    finished: float | None

    @property
    def is_active(self) -> bool:
        """Whether it still waits or computes."""
        return self.state in ACTIVE_STATES

    def to_json(self) -> dict[str, Any]:
        """Return what the browser may see."""
        hidden = ("owner", "pid", "pid_started", "heartbeat")
        return {key: value for key, value in asdict(self).items() if key not in hidden}


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
        _metadata.create_all(self._engine)

    def start(
        self, project: str, kind: str, params: dict[str, Any] | None = None, *, owner: str = "local"
    ) -> Job:
        """Write a row for a new job; ``launch`` turns it into a process.

        Raises
        ------
        InvalidParamsError
            If a job of this kind is already under way in this project.
        """
        if any(job.kind == kind for job in self.active(project)):
            raise InvalidParamsError(
                "This step is already running in this project. Wait for it or cancel it first."
            )
        job_id, now = secrets.token_hex(8), time.time()
        with self._engine.begin() as connection:
            connection.execute(
                _jobs.insert().values(
                    id=job_id,
                    owner=owner,
                    project=project,
                    kind=kind,
                    params=json.dumps(params or {}),
                    state="created",
                    progress=0.0,
                    message="Starting",
                    request="",
                    error="",
                    heartbeat=now,
                    created=now,
                )
            )
        return self.get(job_id)

    def get(self, job_id: str) -> Job:
        """Return one job.

        Raises
        ------
        NotFoundError
            If there is no such job.
        """
        with self._engine.begin() as connection:
            row = connection.execute(_jobs.select().where(_jobs.c.id == job_id)).mappings().first()
        if row is None:
            raise NotFoundError("This job is not known here.")
        return _to_job(row)

    def of_project(self, project: str, *, limit: int = 30) -> list[Job]:
        """Return a project's jobs, newest first, after giving up the ones whose process is gone."""
        query = _jobs.select().where(_jobs.c.project == project)
        with self._engine.begin() as connection:
            rows = connection.execute(
                query.order_by(_jobs.c.created.desc()).limit(limit)
            ).mappings()
            jobs = [_to_job(row) for row in rows]
        return [self._or_stopped(job) for job in jobs]

    def active(self, project: str) -> list[Job]:
        """Return a project's jobs that wait or compute."""
        return [job for job in self.of_project(project) if job.is_active]

    def request(self, job_id: str, what: str) -> None:
        """Ask a job to stop: ``"cancel"`` drops its result, ``"keep_best"`` ends training early."""
        self._update(job_id, request=what)
        job = self.get(job_id)
        if what == "cancel" and job.state == "created" and job.pid is None:
            self.finish(job_id, "canceled", "Canceled before it started")

    # the worker's side

    def claim(self, job_id: str) -> Job:
        """Take a created job for this process.

        Raises
        ------
        NotFoundError
            If it was taken already, or canceled.
        """
        me = psutil.Process()
        with self._engine.begin() as connection:
            changed = connection.execute(
                _jobs.update()
                .where(_jobs.c.id == job_id, _jobs.c.state == "created")
                .values(
                    state="queued",
                    message="Waiting for a free slot",
                    pid=me.pid,
                    pid_started=me.create_time(),
                    heartbeat=time.time(),
                )
            ).rowcount
        if changed != 1:
            raise NotFoundError("This job was taken or canceled before.")
        return self.get(job_id)

    def beat(self, job_id: str) -> str:
        """Show a sign of life; return what the user asked for."""
        self._update(job_id, heartbeat=time.time())
        return self.get(job_id).request

    def report(self, job_id: str, progress: float, message: str) -> None:
        """Write how far the work is (0 to 1) and what it is doing."""
        self._update(
            job_id, state="running", progress=progress, message=message, heartbeat=time.time()
        )

    def finish(
        self, job_id: str, state: str, message: str, error: dict[str, str] | None = None
    ) -> None:
        """End a job as ``done``, ``failed``, ``canceled`` or ``stopped``; an ended job stays ended."""
        values: dict[str, Any] = {"state": state, "message": message, "finished": time.time()}
        if state == "done":
            values["progress"] = 1.0
        with self._engine.begin() as connection:
            connection.execute(
                _jobs.update()
                .where(_jobs.c.id == job_id, _jobs.c.state.in_(ACTIVE_STATES))
                .values(**values, error=json.dumps(error) if error else "")
            )

    # process

    def folder(self, job: Job) -> Path:
        """Return the job's folder inside its project: log, losses, checkpoint."""
        path = self.settings.projects_dir / job.project / "jobs" / job.id
        path.mkdir(parents=True, exist_ok=True)
        return path

    def launch(self, job_id: str) -> None:
        """Start the worker process of a job.

        The worker detaches itself, so that ending the process that launched it (a Dash background
        callback is killed when the same page starts another job) does not end the computation.
        """
        job = self.get(job_id)
        environment = {
            **os.environ,
            "SPATIALMETA_DATA": str(self.settings.data_dir),
            "SPATIALMETA_DATABASE_URL": self.settings.database_url,
            "SPATIALMETA_MAX_JOBS": str(self.settings.max_jobs),
            "SPATIALMETA_MAX_UNPACKED_GB": str(self.settings.max_unpacked_bytes / 1024**3),
        }
        with (self.folder(job) / "worker.log").open("ab") as log:
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

    def supervise(self, job_id: str, *, poll_s: float = 0.5) -> Job:
        """Launch a job, watch it to its end, and tell the truth about how it ended."""
        if self.get(job_id).state == "created":
            self.launch(job_id)
        while True:
            job = self._or_stopped(self.get(job_id))
            if not job.is_active:
                return job
            time.sleep(poll_s)

    def _or_stopped(self, job: Job) -> Job:
        if not job.is_active or not _is_lost(job, time.time(), _process_lives):
            return job
        self.finish(
            job.id,
            "stopped",
            "The calculation stopped unexpectedly",
            {
                "kind": "expected",
                "code": "E-23",
                "title": "The calculation stopped unexpectedly.",
                "message": "Its process is gone (the server was restarted, or memory ran out). "
                "The project is unharmed.",
            },
        )
        return self.get(job.id)

    def _update(self, job_id: str, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                _jobs.update()
                .where(_jobs.c.id == job_id, _jobs.c.state.in_(ACTIVE_STATES))
                .values(**values)
            )


def _is_lost(job: Job, now: float, lives: Callable[[int, float], bool]) -> bool:
    if job.pid is None or job.pid_started is None:
        return now - job.created > NEVER_STARTED_AFTER_S
    if lives(job.pid, job.pid_started):
        return False
    # a worker that has just ended may still be writing its last word
    return now - job.heartbeat > 3 * HEARTBEAT_S


def _process_lives(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < 1.0
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _to_job(row: Any) -> Job:
    values = dict(row)
    values["params"] = json.loads(values["params"])
    values["error"] = json.loads(values["error"]) if values["error"] else {}
    return Job(**values)


def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA busy_timeout=10000")


def supervise_all(settings: Settings, job_ids: list[str]) -> list[str]:
    """Launch and watch several jobs, in a process of its own; return their ids at their end."""
    jobs = JobTable(settings)
    waiting = [job_id for job_id in job_ids if jobs.get(job_id).state == "created"]
    for job_id in waiting:
        jobs.launch(job_id)
    for job_id in waiting:
        jobs.supervise(job_id)
    return job_ids
