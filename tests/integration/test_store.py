"""Projects on disk: whole or not at all, whoever is killed and whoever writes at the same time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import runs
from app.state import is_current
from app.store import ProjectStore
from spatialmeta_core.errors import NotFoundError, NotReadyError

ROOT = Path(__file__).parents[2]


def write_text(text: str):
    return lambda folder: (folder / "value.txt").write_text(text)


def value(store: ProjectStore, project: str, artefact: str = "st") -> str:
    return store.path(project, artefact, "value.txt").read_text()


def script(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


# projects


def test_a_new_project_is_listed_with_its_name_and_is_empty(store):
    project = store.create("  kidney Y7 ", simulated=True)

    (about,) = store.projects()
    assert (about["id"], about["name"], about["simulated"]) == (project, "kidney Y7", True)
    assert store.manifest(project)["artefacts"] == {}
    assert store.ref(project).revision == 0


def test_the_project_changed_last_comes_first(store):
    first, second = store.create("first"), store.create("second")
    os.utime(store.folder(second) / "manifest.json", (1, 1))

    assert [about["id"] for about in store.projects()] == [first, second]


@pytest.mark.parametrize(
    "name", ["", "..", ".bin", "../data", "0123456789abcdef", "0123456789ABCDEF", "0" * 16 + "\n"]
)
def test_what_is_no_project_is_not_found(store, name):
    with pytest.raises(NotFoundError) as caught:
        store.folder(name)
    assert caught.value.code == "E-30"


def test_a_project_that_is_half_made_or_half_deleted_is_not_listed(store, project):
    (store.root / ("a" * 16)).mkdir()
    broken = store.root / ("b" * 16)
    broken.mkdir()
    (broken / "project.json").write_text("{}")  # its manifest is gone

    assert [about["id"] for about in store.projects()] == [project]


def test_a_renamed_project_keeps_its_old_name_rather_than_none(store, project):
    before = store.ref(project).revision

    store.rename(project, "liver")
    store.rename(project, "   ")

    assert store.about(project)["name"] == "liver"
    assert store.ref(project).revision > before


def test_a_deleted_project_comes_back_whole(store, project):
    store.commit(project, "st", write_text("kept"))

    store.delete(project)
    assert store.projects() == []
    with pytest.raises(NotFoundError):
        store.manifest(project)

    store.restore(project)
    assert value(store, project) == "kept"
    with pytest.raises(NotFoundError, match="not in the bin"):
        store.restore(project)


def test_who_waits_for_a_project_that_is_deleted_meanwhile_is_told(store, project):
    waiting = threading.Event()

    def amend():
        waiting.set()
        with store.lock(project):
            pytest.fail("the project is gone")

    with ThreadPoolExecutor() as pool:
        with store.lock(project):
            late = pool.submit(amend)
            waiting.wait()
            time.sleep(0.2)
            store.folder(project).rename(store.root / "elsewhere")
        with pytest.raises(NotFoundError):
            late.result()


def test_the_folder_of_projects_is_its_owners_alone(store):
    assert store.root.stat().st_mode & 0o077 == 0


# artefacts


def test_each_commit_is_a_new_revision_that_names_its_inputs(store, project):
    first = store.commit(project, "st", write_text("st"), summary={"n_spots": 3})
    second = store.commit(project, "sm", write_text("sm"))
    third = store.commit(project, "alignment", write_text("pose"), params={"seed": 1})

    assert (first, second, third) == (1, 2, 3)
    assert store.ref(project).revision == 3
    record = store.record(project, "alignment")
    assert record["made_from"] == {"st": 1, "sm": 2}
    assert record["params"] == {"seed": 1}
    assert store.record(project, "st")["summary"] == {"n_spots": 3}


def test_a_result_names_the_inputs_it_read_not_those_that_came_meanwhile(store, project):
    store.commit(project, "st", write_text("old"))
    store.commit(project, "sm", write_text("sm"))
    read = store.input_revisions(project, "alignment")

    store.commit(project, "st", write_text("new"))
    store.commit(project, "alignment", write_text("pose"), made_from=read)

    assert store.record(project, "alignment")["made_from"]["st"] == 1


def test_what_is_missing_is_named(store, project):
    with pytest.raises(NotReadyError, match="'st'"):
        store.path(project, "st")
    with pytest.raises(NotReadyError, match="'st'"):
        store.commit(project, "alignment", write_text("pose"))
    with pytest.raises(NotReadyError, match="'sm'"):
        store.amend(project, "sm", confirmed=True)


def test_a_write_that_fails_leaves_the_old_state_and_nothing_else(store, project):
    store.commit(project, "st", write_text("old"))
    before = sorted(path.name for path in store.folder(project).iterdir())

    def fail(folder):
        (folder / "value.txt").write_text("half")
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        store.commit(project, "st", fail)

    assert value(store, project) == "old"
    assert sorted(path.name for path in store.folder(project).iterdir()) == before


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from app import runs
from app.state import is_current
from app.store import ProjectStore
def write(folder):
    (folder / "value.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
ProjectStore(Path(sys.argv[1])).commit(sys.argv[2], "st", write)
"""
KILLED_BEFORE_THE_MANIFEST = """
import os, signal, sys
from pathlib import Path
import app.store
def kill(path, value):
    os.kill(os.getpid(), signal.SIGKILL)
app.store.write_json = kill
store = app.store.ProjectStore(Path(sys.argv[1]))
store.commit(sys.argv[2], "st", lambda folder: (folder / "value.txt").write_text("orphan"))
"""


@pytest.mark.parametrize("code", [KILLED_WHILE_WRITING, KILLED_BEFORE_THE_MANIFEST])
def test_a_writer_killed_during_a_commit_leaves_the_old_state(store, project, code):
    store.commit(project, "st", write_text("old"))

    with script(code, store.root, project) as killed:
        assert killed.wait(60) == -signal.SIGKILL

    assert value(store, project) == "old"
    assert store.ref(project).revision == 1
    store.commit(project, "st", write_text("new"))  # the lock is free, the orphan not in the way
    assert value(store, project) == "new"


def test_what_a_killed_writer_left_is_dropped_after_a_day(store, project):
    old, fresh = (store.folder(project) / f".st-{name}" for name in ("old", "fresh"))
    for path in (old, fresh):
        path.mkdir()
    os.utime(old, (1, 1))

    store.commit(project, "st", write_text("new"))

    assert not old.exists()
    assert fresh.exists()


def test_only_the_last_two_revisions_are_kept_but_every_trained_model(store, project):
    for text in "abc":
        store.commit(project, "st", write_text(text))
        store.commit(project, "integration", write_text(text), made_from={})

    names = {path.name.split("-")[0] for path in store.folder(project).glob("*-r*")}
    assert names == {"st", "integration"}
    assert len(list(store.folder(project).glob("st-r*"))) == 2
    assert len(list(store.folder(project).glob("integration-r*"))) == 3


def test_a_run_is_shown_again_with_the_features_and_clusters_it_had(store, project):
    for name in ("st", "sm", "alignment", "joint"):
        store.commit(project, name, write_text(name))
    for text in "ab":
        for part in runs.PARTS:
            store.commit(project, part, write_text(f"{part} {text}"))
    for _ in range(3):
        store.commit(project, "clusters", write_text("clusters b, other resolution"))

    store.edit(project, lambda manifest: runs.show(manifest, 1))

    assert [value(store, project, part) for part in runs.PARTS] == [f"{p} a" for p in runs.PARTS]
    assert is_current(store.manifest(project), "clusters")
    store.edit(project, lambda manifest: runs.show(manifest, 2))
    assert value(store, project, "clusters") == "clusters b, other resolution"


def test_a_deleted_run_can_be_brought_back_until_the_next_one_is_made(store, project):
    for text in "abcd":
        store.commit(project, "integration", write_text(text), made_from={})
    with pytest.raises(NotReadyError, match="Run 4 is the one in use"):
        store.edit(project, lambda manifest: runs.hide(manifest, 4))

    store.edit(project, lambda manifest: runs.hide(manifest, 1))
    assert [run["number"] for run in runs.runs_of(store.manifest(project))] == [2, 3, 4]
    store.edit(project, lambda manifest: runs.hide(manifest, 1, deleted=False))
    assert [run["number"] for run in runs.runs_of(store.manifest(project))] == [1, 2, 3, 4]
    store.edit(project, lambda manifest: runs.hide(manifest, 1))
    store.commit(project, "integration", write_text("e"), made_from={})

    assert len(list(store.folder(project).glob("integration-r*"))) == 4
    with pytest.raises(NotFoundError, match="no run 1"):
        store.edit(project, lambda manifest: runs.show(manifest, 1))


def test_an_amendment_changes_the_summary_but_makes_nothing_out_of_date(store, project):
    store.commit(project, "st", write_text("st"), summary={"n_spots": 3})

    store.amend(project, "st", confirmed=True)

    record = store.record(project, "st")
    assert record["summary"] == {"n_spots": 3, "confirmed": True}
    assert record["revision"] == 1
    assert store.ref(project).revision == 2


def test_an_answer_about_an_older_revision_is_refused(store, project):
    store.commit(project, "st", write_text("seen"))
    store.commit(project, "st", write_text("unseen"))

    with pytest.raises(NotReadyError, match="newer"):
        store.amend(project, "st", of_revision=1, confirmed=True)
    assert "confirmed" not in store.record(project, "st")["summary"]


def test_writers_in_threads_lose_no_update(store, project):
    store.commit(project, "st", write_text("st"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.amend(project, "st", **{f"fact{n}": n}), range(40)))

    assert len(store.record(project, "st")["summary"]) == 40
    assert store.ref(project).revision == 41


AMEND_20_TIMES = """
import sys
from pathlib import Path
from app import runs
from app.state import is_current
from app.store import ProjectStore
store = ProjectStore(Path(sys.argv[1]))
for n in range(20):
    store.amend(sys.argv[2], "st", **{f"{sys.argv[3]}{n}": n})
"""


def test_writers_in_processes_lose_no_update_and_readers_see_whole_manifests(store, project):
    store.commit(project, "st", write_text("st"))

    writers = [script(AMEND_20_TIMES, store.root, project, name) for name in "ab"]
    while any(writer.poll() is None for writer in writers):
        assert "st" in store.manifest(project)["artefacts"]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0

    assert len(store.record(project, "st")["summary"]) == 40


HOLD_THE_LOCK = """
import sys, time
from pathlib import Path
from app import runs
from app.state import is_current
from app.store import ProjectStore
with ProjectStore(Path(sys.argv[1])).lock(sys.argv[2]):
    print("held", flush=True)
    time.sleep(300)
"""


def test_a_lock_is_held_against_others_and_freed_when_its_holder_is_killed(store, project):
    with script(HOLD_THE_LOCK, store.root, project) as holder, ThreadPoolExecutor() as pool:
        assert holder.stdout.readline() == "held\n"
        waits = pool.submit(store.rename, project, "mine now")
        time.sleep(0.3)
        assert not waits.done()
        holder.kill()
        waits.result(30)
    assert store.about(project)["name"] == "mine now"


def test_two_projects_at_once_do_not_touch_each_other(store):
    projects = [store.create("one"), store.create("two")]

    def work(project):
        for n in range(5):
            store.commit(project, "st", write_text(f"{project} {n}"))
            store.history(project, "drawings").append({"of": project})
            assert store.load(project, "st", "value.txt", Path.read_text) == f"{project} {n}"

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, projects))

    for project in projects:
        assert value(store, project) == f"{project} 4"
        assert {event["of"] for event in store.history(project, "drawings").events()} == {project}
        assert store.ref(project).revision == 10


# the cache


def test_a_value_is_read_once_until_there_is_a_new_revision(store, project):
    reads = []

    def read(path: Path) -> str:
        reads.append(path)
        return path.read_text()

    for text in ("old", "new"):
        store.commit(project, "st", write_text(text))
        for _ in range(3):
            assert store.load(project, "st", "value.txt", read) == text
    assert len(reads) == 2


def test_of_many_threads_that_ask_at_once_one_reads(store, project):
    store.commit(project, "st", write_text("st"))
    reads = []

    def read(path: Path) -> str:
        reads.append(path)
        time.sleep(0.2)
        return path.read_text()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.load(project, "st", "value.txt", read), range(8)))

    assert set(found) == {"st"}
    assert len(reads) == 1


def test_a_read_that_fails_is_tried_again(store, project):
    store.commit(project, "st", write_text("st"))

    def fail(path: Path) -> str:
        raise OSError("for now")

    with pytest.raises(OSError, match="for now"):
        store.load(project, "st", "value.txt", fail)
    fail_no_more = Path.read_text
    assert store.load(project, "st", "value.txt", fail_no_more) == "st"


# histories


def test_undo_steps_back_and_redo_forward_also_after_a_restart(store, project):
    history = store.history(project, "drawings")
    for n in range(3):
        history.append({"n": n})

    assert history.undo()
    assert history.undo()
    again = ProjectStore(store.root).history(project, "drawings")
    assert [event["n"] for event in again.events()] == [0]
    assert again.can_undo()
    assert again.can_redo()

    assert again.redo()
    assert [event["n"] for event in again.events()] == [0, 1]


def test_a_new_event_after_an_undo_drops_what_was_undone(store, project):
    history = store.history(project, "drawings")
    history.append({"n": 0})
    history.append({"n": 1})
    history.undo()

    history.append({"n": 2})

    assert [event["n"] for event in history.events()] == [0, 2]
    assert not history.can_redo()
    assert not history.redo()


def test_there_is_an_end_to_undo(store, project):
    history = store.history(project, "poses")

    assert not history.can_undo()
    assert not history.undo()
    assert history.events() == []


def test_an_event_is_noticed_in_other_tabs(store, project):
    before = store.ref(project).revision
    history = store.history(project, "poses")

    history.append({"n": 0})
    history.undo()

    assert store.ref(project).revision == before + 2


def test_poses_are_limited_but_a_drawing_is_never_forgotten(store, project, monkeypatch):
    monkeypatch.setattr("app.store.HISTORY_LENGTH", {"poses": 5})
    for n in range(12):
        store.history(project, "poses").append({"n": n})
        store.history(project, "drawings").append({"n": n})

    assert [event["n"] for event in store.history(project, "poses").events()] == [7, 8, 9, 10, 11]
    assert len(store.history(project, "drawings").events()) == 12


def test_events_from_several_tabs_are_all_kept(store, project):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.history(project, "drawings").append({"n": n}), range(30)))
    assert {event["n"] for event in store.history(project, "drawings").events()} == set(range(30))
