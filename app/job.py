"""One job, as a row of the job table and as a value."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

import psutil
import sqlalchemy as sa

from app.state import ACTIVE_STATES

HEARTBEAT_S: Final = 1.0
LISTING: Final = "listing.txt"  # in a failed job's folder: all of what its message counts
NEVER_STARTED_AFTER_S: Final = 60.0  # from the click to the worker's first sign of life

METADATA: Final = sa.MetaData()
JOBS: Final = sa.Table(
    "jobs",
    METADATA,
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
_IS_ACTIVE: Final = JOBS.c.state.in_(ACTIVE_STATES)
# two tabs may click at once: the database itself lets only one job of a kind be under way
sa.Index(
    "one_active_job_of_a_kind",
    JOBS.c.project,
    JOBS.c.kind,
    unique=True,
    sqlite_where=_IS_ACTIVE,
    postgresql_where=_IS_ACTIVE,
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
        ``{}`` or ``{"kind": "expected" | "bug", "code", "title", "message"}``, with ``"choices"``
        when the user can help the step on, and ``"listing"``, the name of a file in the job's
        folder, when the message counts more than it names.
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
    error: dict[str, Any]
    pid: int | None
    pid_started: float | None
    heartbeat: float
    created: float
    finished: float | None

    @classmethod
    def from_row(cls, row: Any) -> Job:
        """Read a row of the table."""
        values = dict(row)
        values["params"] = json.loads(values["params"])
        values["error"] = json.loads(values["error"]) if values["error"] else {}
        return cls(**values)

    @property
    def is_active(self) -> bool:
        """Whether it still waits or computes."""
        return self.state in ACTIVE_STATES

    def to_json(self) -> dict[str, Any]:
        """Return what the browser may see."""
        hidden = ("owner", "pid", "pid_started", "heartbeat")
        return {key: value for key, value in asdict(self).items() if key not in hidden}


def listing_url(project: str, job: str) -> str:
    """Return the address of the list that a failed job left behind."""
    return f"/api/projects/{project}/jobs/{job}/{LISTING}"


def is_lost(job: Job, now: float) -> bool:
    """Tell whether the process of an active job is gone, at time ``now`` (s since the epoch)."""
    if job.pid is None or job.pid_started is None:
        return now - job.created > NEVER_STARTED_AFTER_S
    if _process_lives(job.pid, job.pid_started):
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
