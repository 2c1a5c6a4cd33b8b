"""The worker: ``python -m app.worker <job_id>``, the only process that ever loads torch.

It takes its job from the table, waits for a free slot, runs the step, and writes how it ended. A
thread shows a heartbeat and reads what the user asks for; a step that does not heed a cancel in
time is ended hard, which is safe because every artefact is written whole or not at all.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import logging
import os
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import OperationalError

from app.context import StepContext
from app.job import HEARTBEAT_S, LISTING
from app.jobs import JobTable
from app.settings import Settings
from app.store import ProjectStore
from spatialmeta_core.errors import NotFoundError, SpatialMetaError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from app.job import Job

CANCEL_GRACE_S: Final = 20.0
REPORT_EVERY_S: Final = 0.25

log = logging.getLogger(__name__)


class Canceled(Exception):  # noqa: N818  # the user's wish, not an error
    """Raised inside a step when the user canceled it."""


class Reporter:
    """What a step may tell and ask while it runs.

    Calling it writes progress (0 to 1) and a message, and raises ``Canceled`` when the user asked
    for that.
    """

    def __init__(self, jobs: JobTable, job: Job) -> None:
        self._jobs, self._job = jobs, job
        self._last = 0.0
        self._asked_at: float | None = None
        self._ended = threading.Event()
        self.request = ""
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def __call__(self, progress: float, message: str) -> None:
        """Report, at most four times a second."""
        if self.request == "cancel":
            raise Canceled
        if time.monotonic() - self._last >= REPORT_EVERY_S:
            self._last = time.monotonic()
            self._jobs.report(self._job.id, progress, message)

    def keep_best(self) -> bool:
        """Whether the user asked to end training and keep the best state."""
        return self.request == "keep_best"

    def close(self) -> None:
        """Stop the heartbeat."""
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            with contextlib.suppress(OperationalError):  # database busy: the next beat tells
                self.request = self._jobs.beat(self._job.id)
            if self.request == "cancel" and self._asked_at is None:
                self._asked_at = time.monotonic()
            if self._asked_at and time.monotonic() - self._asked_at > CANCEL_GRACE_S:
                self._jobs.finish(self._job.id, "canceled", "Canceled")
                os._exit(1)


def run(job_id: str, settings: Settings) -> None:
    """Run one job to its end and write how it ended."""
    jobs = JobTable(settings)
    try:
        job = jobs.claim(job_id)
    except NotFoundError as error:  # started twice, or canceled before
        log.info("%s", error)
        return
    reporter = Reporter(jobs, job)
    try:
        slot = _wait_for_slot(settings, reporter)
        _run_step(jobs, job, reporter, settings)
        slot.close()
    except Canceled:
        jobs.finish(job_id, "canceled", "Canceled")
    finally:
        reporter.close()


def _run_step(jobs: JobTable, job: Job, reporter: Reporter, settings: Settings) -> None:
    folder = jobs.folder(job)
    jobs.report(job.id, 0.0, "Getting ready")
    try:
        from app import steps  # noqa: PLC0415  # loads the science only once the job is taken

        context = StepContext(
            store=ProjectStore(settings.projects_dir),
            project=job.project,
            folder=folder,
            params=job.params,
            report=reporter,
            keep_best=reporter.keep_best,
            settings=settings,
        )
        message = steps.STEPS[job.kind](context)
    except Canceled:
        raise
    except Exception as error:  # boundary: every end becomes readable in the table
        shown = _ending(error)
        if shown["kind"] == "bug":
            log.exception("job %s failed", job.id)
            (folder / "trace.txt").write_text(traceback.format_exc(), encoding="utf-8")
        jobs.finish(job.id, "failed", shown["message"], {**shown, **_help(error, folder)})
    else:
        jobs.finish(job.id, "done", message)


def _ending(error: Exception) -> dict[str, str]:
    """Say why a step failed, for the user."""
    if isinstance(error, SpatialMetaError):
        found = ("expected", error.code, error.title, str(error))
    elif isinstance(error, MemoryError):
        text = "Close other programs, choose fewer features, or use a machine with more memory."
        found = ("expected", "", "There was not enough memory.", text)
    elif isinstance(error, OSError) and error.errno == errno.ENOSPC:
        text = "Delete old projects or ask your administrator, then try again."
        found = ("expected", "", "The server's disk is full.", text)
    else:
        text = "This is a fault in the program, not in your data. The project is unharmed."
        found = ("bug", "", "Something went wrong in this step.", text)
    return dict(zip(("kind", "code", "title", "message"), found, strict=True))


def _help(error: Exception, folder: Path) -> dict[str, Any]:
    """Return what a failure offers to go on: choices, and a list kept in the job's folder."""
    if not isinstance(error, SpatialMetaError):
        return {}
    found: dict[str, Any] = {"choices": error.choices} if error.choices else {}
    if error.listing:
        (folder / LISTING).write_text("\n".join([*error.listing, ""]), encoding="utf-8")
        found["listing"] = LISTING
    return found


def _wait_for_slot(settings: Settings, reporter: Reporter) -> IO[str]:
    """Take one of ``max_jobs`` slots; a file lock frees itself when its holder is killed."""
    folder = settings.data_dir / "slots"
    folder.mkdir(exist_ok=True)
    while True:
        for number in range(settings.max_jobs):
            handle = (folder / str(number)).open("w")
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.close()
            else:
                return handle
        if reporter.request == "cancel":
            raise Canceled
        time.sleep(0.3)


def _detach() -> None:
    """Leave the launching process: continue in a child of our own, in a new session."""
    if os.fork():
        os._exit(0)
    os.setsid()


def main() -> None:
    """Parse the command line and run the job."""
    parser = argparse.ArgumentParser(prog="python -m app.worker")
    parser.add_argument("job_id")
    parser.add_argument("--detach", action="store_true", help="return at once, go on alone")
    arguments = parser.parse_args()
    if arguments.detach:
        _detach()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run(arguments.job_id, Settings.from_environment())


if __name__ == "__main__":
    main()
