"""The job table: one truth for every tab, every process, and after every restart."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from app.job import JOBS, NEVER_STARTED_AFTER_S
from app.jobs import JobTable
from spatialmeta_core.errors import InvalidParamsError, NotFoundError

NOBODY = 2**22 + 1  # above Linux's largest process id


def change(jobs, job_id, **values):
    """Write into a row as a process that then vanished would have left it."""
    with jobs._engine.begin() as connection:
        connection.execute(JOBS.update().where(JOBS.c.id == job_id).values(**values))


def test_a_started_job_is_a_row_that_anyone_can_read(jobs, settings, project):
    job = jobs.start(project, "align", {"align": {"seed": 1}})

    seen = JobTable(settings).get(job.id)  # as another process, or the server after a restart
    assert seen == job
    assert (seen.state, seen.progress, seen.params) == ("created", 0.0, {"align": {"seed": 1}})
    assert seen.is_active


def test_what_the_browser_sees_is_plain_and_names_no_process(jobs, project):
    shown = jobs.start(project, "align").to_json()

    assert json.loads(json.dumps(shown)) == shown
    assert not {"pid", "pid_started", "owner", "heartbeat"} & set(shown)


def test_a_step_cannot_run_twice_at_once_in_a_project(jobs, store, project):
    first = jobs.start(project, "align")

    with pytest.raises(InvalidParamsError, match="already running"):
        jobs.start(project, "align")
    jobs.start(project, "integrate")
    jobs.start(store.create("other"), "align")

    jobs.finish(first.id, "done", "Done")
    jobs.start(project, "align")


def test_of_two_clicks_at_the_same_moment_one_starts_a_job(jobs, settings, project):
    tables = [JobTable(settings) for _ in range(6)]

    def click(table):
        try:
            return table.start(project, "align")
        except InvalidParamsError:
            return None

    with ThreadPoolExecutor(6) as pool:
        started = [job for job in pool.map(click, tables) if job]

    assert len(started) == 1
    assert [job.id for job in jobs.active(project)] == [started[0].id]


def test_jobs_come_newest_first_and_stay_within_their_project(jobs, store, project):
    ids = [jobs.start(project, kind).id for kind in ("align", "reassign", "features")]
    jobs.start(store.create("other"), "align")

    assert [job.id for job in jobs.of_project(project)] == ids[::-1]
    assert [job.id for job in jobs.of_project(project, limit=2)] == ids[:0:-1]


def test_an_unknown_job_is_not_found(jobs):
    for ask in (jobs.get, lambda name: jobs.request(name, "cancel"), jobs.claim):
        with pytest.raises(NotFoundError):
            ask("0" * 16)


# claiming


def test_a_job_is_claimed_once_however_many_workers_try(jobs, settings, project):
    job = jobs.start(project, "align")

    def claim(_n):
        try:
            return JobTable(settings).claim(job.id)
        except NotFoundError:
            return None

    with ThreadPoolExecutor(6) as pool:
        taken = [found for found in pool.map(claim, range(6)) if found]

    assert len(taken) == 1
    assert (taken[0].state, taken[0].pid) == ("queued", os.getpid())


def test_a_job_canceled_before_it_started_cannot_be_claimed(jobs, project):
    job = jobs.start(project, "align")

    jobs.request(job.id, "cancel")

    assert jobs.get(job.id).state == "canceled"
    with pytest.raises(NotFoundError):
        jobs.claim(job.id)


def test_only_fresh_jobs_that_nobody_took_are_unclaimed(jobs, project):
    fresh, taken, old = (jobs.start(project, kind) for kind in ("align", "reassign", "features"))
    jobs.claim(taken.id)
    change(jobs, old.id, created=time.time() - NEVER_STARTED_AFTER_S - 1)

    assert [job.id for job in jobs.unclaimed()] == [fresh.id]


# asking it to stop


def test_a_claimed_job_learns_of_a_cancel_with_its_heartbeat(jobs, project):
    job = jobs.start(project, "align")
    jobs.claim(job.id)
    assert jobs.beat(job.id) == ""

    jobs.request(job.id, "cancel")

    assert jobs.get(job.id).state == "queued"
    assert jobs.beat(job.id) == "cancel"


def test_keeping_the_best_does_not_take_back_a_cancel(jobs, project):
    job = jobs.start(project, "integrate")
    jobs.claim(job.id)

    jobs.request(job.id, "keep_best")
    assert jobs.beat(job.id) == "keep_best"
    jobs.request(job.id, "cancel")
    jobs.request(job.id, "keep_best")

    assert jobs.beat(job.id) == "cancel"


def test_canceling_all_leaves_other_projects_alone(jobs, store, project):
    other = jobs.start(store.create("other"), "align")
    mine = [jobs.start(project, kind) for kind in ("align", "features")]

    jobs.cancel_all(project)

    assert {jobs.get(job.id).state for job in mine} == {"canceled"}
    assert jobs.get(other.id).state == "created"


# ending


def test_an_ended_job_stays_as_it_ended(jobs, project):
    job = jobs.start(project, "align")
    jobs.claim(job.id)
    jobs.finish(job.id, "done", "Found it")

    jobs.finish(job.id, "failed", "no", {"kind": "bug", "code": "", "title": "", "message": "no"})
    jobs.report(job.id, 0.2, "still here")
    jobs.request(job.id, "cancel")

    ended = jobs.get(job.id)
    assert (ended.state, ended.message, ended.progress, ended.error) == (
        "done",
        "Found it",
        1.0,
        {},
    )
    assert ended.finished is not None
    assert jobs.beat(job.id) == "cancel"  # a worker that missed its own end must stop


def test_progress_stays_between_nothing_and_all(jobs, project):
    job = jobs.start(project, "align")
    for told, shown in ((-0.5, 0.0), (0.25, 0.25), (1.5, 1.0)):
        jobs.report(job.id, told, "working")
        assert jobs.get(job.id).progress == shown


# losing the process


def lose(jobs, project, **values):
    job = jobs.start(project, "integrate")
    gone = {"state": "running", "pid": NOBODY, "pid_started": 1.0, "heartbeat": 1.0}
    change(jobs, job.id, **{**gone, **values})
    (found,) = jobs.of_project(project)
    return found


def test_a_job_whose_process_is_gone_reads_stopped(jobs, project):
    found = lose(jobs, project)

    assert found.state == "stopped"
    assert found.error["code"] == "E-23"
    assert "unharmed" in found.error["message"]
    jobs.start(project, "integrate")  # and is not in the way of the next one


def test_a_job_that_vanished_after_a_cancel_reads_canceled(jobs, project):
    found = lose(jobs, project, request="cancel")

    assert (found.state, found.error) == ("canceled", {})


def test_another_process_with_the_same_number_is_not_the_worker(jobs, project):
    assert lose(jobs, project, pid=os.getpid(), pid_started=1.0).state == "stopped"


def test_a_worker_that_just_ended_gets_time_for_its_last_word(jobs, project):
    assert lose(jobs, project, heartbeat=time.time()).state == "running"


def test_a_busy_process_is_not_lost_though_its_heart_is_silent(jobs, project):
    me = psutil.Process()

    assert lose(jobs, project, pid=me.pid, pid_started=me.create_time()).state == "running"


def test_a_job_that_no_worker_ever_took_is_given_up(jobs, project):
    job = jobs.start(project, "align")
    assert jobs.of_project(project)[0].state == "created"

    change(jobs, job.id, created=time.time() - NEVER_STARTED_AFTER_S - 1)

    (found,) = jobs.of_project(project)
    assert (found.state, found.error["code"]) == ("stopped", "E-23")
    assert "never began" in found.error["message"]


# deleted projects


def test_a_job_of_a_deleted_project_is_canceled_instead_of_launched(jobs, store, project):
    job = jobs.start(project, "align")
    store.delete(project)

    jobs.launch(job.id)

    assert jobs.get(job.id).state == "canceled"
    assert not (store.root / project).exists()  # and does not bring a ghost of it back
    with pytest.raises(NotFoundError, match="deleted"):
        jobs.folder(job)


def test_the_data_folder_is_its_owners_alone(jobs, settings):
    assert settings.data_dir.stat().st_mode & 0o077 == 0
