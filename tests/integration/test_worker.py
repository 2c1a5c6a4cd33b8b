"""The worker as a real process: how jobs end, and what is left when they are killed."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from app.jobs import JobTable, supervise_all

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def running(jobs, wait_for):
    """Wait until a job has reported from within its step."""
    return lambda job, word: wait_for(lambda: word in jobs.get(job.id).message)


def test_a_job_runs_in_a_process_of_its_own_and_says_how_it_ended(
    jobs, store, project, run_toy, running
):
    job = run_toy("sleep")
    running(job, "Asleep")

    worker = psutil.Process(jobs.get(job.id).pid)
    assert worker.pid != os.getpid()
    assert os.getsid(worker.pid) != os.getsid(0)  # outlives whoever launched it
    assert psutil.Process() not in worker.parents()

    jobs.request(job.id, "cancel")
    assert jobs.watch(job.id).state == "canceled"


def test_a_finished_job_leaves_its_artefact_and_its_last_word(jobs, store, project, run_toy):
    job = jobs.watch(run_toy("quick").id)

    assert (job.state, job.message, job.progress) == ("done", "All done", 1.0)
    assert store.path(project, "st", "value.txt").read_text() == "quick"
    assert (jobs.folder(job) / "worker.log").exists()


def test_a_worker_gets_the_limits_of_the_server(jobs, run_toy):
    job = jobs.watch(run_toy("tell_limits").id)

    assert job.message == f"{jobs.settings.max_unpacked_bytes} {jobs.settings.max_jobs}"


def test_a_launch_that_happens_twice_runs_once(jobs, run_toy):
    job = run_toy("quick")
    jobs.launch(job.id)

    assert jobs.watch(job.id).state == "done"
    assert (jobs.folder(job) / "runs.txt").read_text() == "ran\n"


def test_a_job_that_another_launcher_left_behind_is_launched(jobs, settings, run_toy):
    left = run_toy("quick", launch=False)  # its launcher was killed by the next click
    mine = run_toy("tell_limits", launch=False)

    assert supervise_all(settings, [mine.id]) == [mine.id]

    assert jobs.get(left.id).state == jobs.get(mine.id).state == "done"


def test_a_cancel_is_heeded_at_the_next_report(jobs, store, project, run_toy, running):
    job = run_toy("sleep")
    running(job, "Asleep")

    jobs.request(job.id, "cancel")

    ended = jobs.watch(job.id)
    assert (ended.state, ended.error) == ("canceled", {})
    assert store.manifest(project)["artefacts"] == {}


def test_a_step_that_does_not_listen_is_ended_hard(jobs, run_toy, running, wait_for):
    job = run_toy("deaf")
    running(job, "Not listening")
    pid = jobs.get(job.id).pid

    jobs.request(job.id, "cancel")

    assert jobs.watch(job.id).state == "canceled"
    wait_for(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")


def test_training_can_be_ended_early_with_its_best_state(jobs, store, project, run_toy, running):
    job = run_toy("train")
    running(job, "Epoch")

    jobs.request(job.id, "keep_best")

    ended = jobs.watch(job.id)
    assert (ended.state, ended.message) == ("done", "Kept the best")
    assert store.path(project, "sm", "value.txt").read_text() == "best"


def test_a_worker_killed_while_writing_reads_stopped_and_the_project_is_intact(
    jobs, store, project, run_toy, running
):
    jobs.watch(run_toy("quick").id)
    job = run_toy("slow_write")
    running(job, "Writing")

    psutil.Process(jobs.get(job.id).pid).kill()

    ended = jobs.watch(job.id)
    assert (ended.state, ended.error["code"]) == ("stopped", "E-23")
    assert store.path(project, "st", "value.txt").read_text() == "quick"
    assert jobs.watch(run_toy("quick").id).state == "done"  # and the step can be run again


def test_a_server_that_starts_again_sees_the_same_jobs(jobs, settings, project, run_toy, running):
    job = run_toy("sleep")
    running(job, "Asleep")

    restarted = JobTable(settings)

    (seen,) = restarted.of_project(project)
    assert (seen.id, seen.state) == (job.id, "running")
    restarted.request(job.id, "cancel")
    assert restarted.watch(job.id).state == "canceled"


def test_jobs_beyond_the_limit_wait_for_a_free_slot(jobs, run_toy, running, wait_for):
    first, second = run_toy("sleep"), run_toy("train")
    running(first, "Asleep")
    running(second, "Epoch")

    third = run_toy("quick")
    wait_for(lambda: jobs.get(third.id).state == "queued")
    assert "free slot" in jobs.get(third.id).message

    jobs.request(first.id, "cancel")
    assert jobs.watch(third.id).state == "done"
    jobs.request(second.id, "cancel")


def test_a_job_that_waits_for_a_slot_can_be_canceled(jobs, run_toy, running, wait_for):
    busy = [run_toy("sleep"), run_toy("train")]
    running(busy[0], "Asleep")
    running(busy[1], "Epoch")
    waiting = run_toy("quick")
    wait_for(lambda: jobs.get(waiting.id).state == "queued")

    jobs.request(waiting.id, "cancel")

    assert jobs.watch(waiting.id).state == "canceled"
    assert not (jobs.folder(waiting) / "runs.txt").exists()


# failing


def test_an_expected_error_keeps_its_code_title_and_sentence(jobs, run_toy):
    job = jobs.watch(run_toy("bad_data").id)

    assert job.state == "failed"
    assert job.error == {
        "kind": "expected",
        "code": "E-06",
        "title": "No positions.",
        "message": "Spot positions not found.",
    }
    assert not (jobs.folder(job) / "trace.txt").exists()


def test_an_error_hands_on_its_choices_and_leaves_its_list(jobs, run_toy):
    job = jobs.watch(run_toy("open_question").id)

    assert job.error["choices"] == {"columns": ["left", "down"]}
    assert (jobs.folder(job) / job.error["listing"]).read_text() == "s1\ns2\n"


def test_a_bug_is_told_as_one_and_its_trace_stays_on_the_server(jobs, run_toy):
    job = jobs.watch(run_toy("bug").id)

    assert (job.state, job.error["kind"]) == ("failed", "bug")
    assert "not in your data" in job.message
    assert "secret detail" not in str(job.to_json())
    assert "KeyError: 'secret detail'" in (jobs.folder(job) / "trace.txt").read_text()


@pytest.mark.parametrize(("kind", "word"), [("no_memory", "memory"), ("no_space", "disk")])
def test_a_machine_that_is_too_small_is_not_called_a_bug(jobs, run_toy, kind, word):
    job = jobs.watch(run_toy(kind).id)

    assert (job.state, job.error["kind"]) == ("failed", "expected")
    assert word in job.error["title"]


def test_a_step_that_does_not_exist_is_a_bug_not_a_hang(jobs, run_toy):
    assert jobs.watch(run_toy("no_such_step").id).error["kind"] == "bug"


def test_the_log_of_a_job_names_no_secret(jobs, run_toy, monkeypatch):
    monkeypatch.setenv("SPATIALMETA_TOKEN", "hush-hush")

    job = jobs.watch(run_toy("bug").id)

    logs = [path.read_text() for path in Path(jobs.folder(job)).iterdir()]
    assert not any("hush-hush" in text for text in logs)
