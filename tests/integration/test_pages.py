"""The data and home screens through Dash's own endpoint, without a browser."""

from __future__ import annotations

import json

import pytest

from app import ids
from app.job import JOBS

ROUTE = f"{ids.ROUTE}.data"
PROJECT = f"{ids.PROJECT}.data"
ROWS = f"{ids.JOBS}.data"
FACTS = {
    "source": "outs.zip",
    "n_spots": 600,
    "n_features": 1000,
    "area": 1e6,
    "check": [{"level": "ok", "text": "Matrix found."}],
    "confirmed": False,
}
ST_FACTS = {**FACTS, "um_per_px": 0.5, "um_per_px_found": 0.5, "image": None}
SM_FACTS = {**FACTS, "source": "msi.csv", "n_spots": 2400, "step": 2.0, "polarity": None}


def part(slot, name, prop="n_clicks"):
    return f"{ids.data_part(slot, name)}.{prop}"


@pytest.fixture
def on_page(store, project):
    """What the browser's stores hold on the data page."""

    def values(**more):
        shown = {ROUTE: {"project": project, "page": "data"}, ROWS: []}
        return {**shown, PROJECT: store.ref(project).to_json(), **more}

    return values


@pytest.fixture
def loaded(store, project):
    for slot, facts in (("st", ST_FACTS), ("sm", SM_FACTS)):
        store.commit(project, slot, lambda folder: None, summary=facts)
    return project


def text(shown):
    return json.dumps(shown, ensure_ascii=False)


# a slot


def test_an_empty_slot_offers_its_drop_zone(fire, on_page, project):
    zone = fire(ROUTE, on_page(), output=part("st", "drop", "children"))
    told = fire(ROWS, on_page(), output=part("st", "notices", "children"))

    wiring = zone[ids.data_part("st", "drop")]["children"]["props"]
    assert wiring["data-upload-url"] == f"/api/projects/{project}/uploads"
    assert wiring["data-store-id"] == ids.data_part("st", "upload")
    assert told[ids.data_part("st", "drop-box")]["hidden"] is False
    assert told[ids.data_part("st", "columns")]["hidden"] is True


def test_a_filled_slot_shows_what_was_read_and_asks(fire, on_page, loaded):
    shown = fire(PROJECT, on_page(), output=part("st", "view", "children"))

    assert "outs.zip" in text(shown)
    assert shown[ids.data_part("st", "ask")]["hidden"] is False
    assert shown[ids.data_part("st", "size")]["value"] == 0.5
    assert shown[ids.data_part("st", "seen")]["data"] == {"revision": 1}


def test_other_screens_and_projects_that_are_not_there_yet_cost_nothing(fire, on_page, loaded):
    hidden = on_page(**{ROUTE: {"project": loaded, "page": "align"}})
    late = on_page(**{PROJECT: {"project_id": "f" * 16, "revision": 1}})

    for values in (hidden, late, on_page(**{ROUTE: None}), on_page(**{PROJECT: None})):
        assert fire(PROJECT, values, output=part("st", "view", "children")) == {}


def test_saying_that_it_looks_right_is_kept_and_seen_at_once(fire, on_page, store, loaded):
    clicked = part("sm", "confirm")
    seen = {part("sm", "seen", "data"): {"revision": 2}, clicked: 1}

    shown = fire(clicked, on_page(**seen))

    assert store.record(loaded, "sm")["summary"]["confirmed"] is True
    assert shown[ids.PROJECT]["data"]["revision"] == store.ref(loaded).revision


def test_an_answer_about_a_file_that_was_replaced_meanwhile_is_refused(
    fire, on_page, store, loaded
):
    store.commit(loaded, "sm", lambda folder: None, summary=SM_FACTS)
    clicked = part("sm", "confirm")

    shown = fire(clicked, on_page(**{part("sm", "seen", "data"): {"revision": 2}, clicked: 1}))

    assert "newer" in text(shown[ids.ALERT_TEXT])
    assert store.record(loaded, "sm")["summary"]["confirmed"] is False


def test_a_problem_in_the_report_cannot_be_waved_through(fire, on_page, store, project):
    bad = [{"level": "error", "text": "All spots have no counts."}]
    store.commit(project, "st", lambda folder: None, summary={**ST_FACTS, "check": bad})

    shown = fire(PROJECT, on_page(), output=part("st", "view", "children"))

    assert shown[ids.data_part("st", "confirm")]["disabled"] is True


# sizes


def set_size(fire, on_page, slot, value):
    clicked = part(slot, "size-set")
    revision = 1 if slot == "st" else 2
    values = {
        clicked: 1,
        part(slot, "size", "value"): value,
        part(slot, "seen", "data"): {"revision": revision},
    }
    return fire(clicked, on_page(**values))


def test_a_pixel_size_is_corrected_and_taken_back(fire, on_page, store, loaded):
    set_size(fire, on_page, "st", 0.65)
    facts = store.record(loaded, "st")["summary"]
    assert (facts["um_per_px"], facts["um_per_px_by_hand"]) == (0.65, 0.65)
    assert store.record(loaded, "st")["revision"] == 1  # nothing goes out of date

    set_size(fire, on_page, "st", None)
    facts = store.record(loaded, "st")["summary"]
    assert (facts["um_per_px"], facts["um_per_px_by_hand"]) == (0.5, None)


def test_a_size_left_as_it_is_does_not_count_as_entered(fire, on_page, store, loaded):
    assert set_size(fire, on_page, "st", 0.5) == {}
    assert "um_per_px_by_hand" not in store.record(loaded, "st")["summary"]


@pytest.mark.parametrize("value", [0, -1, 1e9])
def test_an_impossible_size_is_refused(fire, on_page, store, loaded, value):
    shown = set_size(fire, on_page, "sm", value)

    assert "allowed" in text(shown[ids.ALERT_TEXT])
    assert "step_um" not in store.record(loaded, "sm")["summary"]


def test_with_both_sizes_the_areas_are_compared(fire, on_page, loaded):
    set_size(fire, on_page, "sm", 50.0)

    shown = fire(PROJECT, on_page(), output=f"{ids.DATA_PAIR}.children")

    # (0.5 um)^2 x 1e6 = 0.25 mm2; (25 um)^2 x 1e6 = 625 mm2
    assert "0.25 mm² of spots, 625 mm² of metabolite pixels" in text(shown[ids.DATA_PAIR])


# jobs


def test_an_uploaded_file_starts_its_import(fire, on_page, jobs, project):
    arrived = part("st", "upload", "data")
    file = {"upload_id": "0" * 16, "name": "outs.zip", "purpose": "st", "nonce": "x"}

    shown = fire(arrived, on_page(**{arrived: file}), output="launch")

    (job,) = jobs.of_project(project)
    assert (job.kind, job.params) == ("import_st", {"upload_id": "0" * 16, "name": "outs.zip"})
    assert job.id in text(shown)


def test_a_second_file_while_the_first_is_read_is_explained(fire, on_page, jobs, project):
    jobs.start(project, "import_st")
    arrived = part("st", "upload", "data")
    file = {"upload_id": "0" * 16, "name": "outs.zip"}

    shown = fire(arrived, on_page(**{arrived: file}), output="launch")

    assert "already running" in text(shown[ids.ALERT_TEXT])


@pytest.fixture
def unreadable(jobs, project):
    """An import that failed for want of columns."""
    job = jobs.start(project, "import_sm", {"upload_id": "0" * 16, "name": "msi.csv"})
    error = {
        "kind": "expected",
        "code": "E-13",
        "title": "No x and y.",
        "message": "Choose.",
        "choices": {"columns": ["col", "row"]},
    }
    jobs.finish(job.id, "failed", "Choose.", error)
    return [job.to_json() for job in jobs.of_project(project)]


def test_a_failed_import_stays_on_screen_and_asks_for_columns(fire, on_page, unreadable):
    told = fire(ROWS, on_page(**{ROWS: unreadable}), output=part("sm", "notices", "children"))

    assert "E-13" in text(told[ids.data_part("sm", "notices")])
    assert told[ids.data_part("sm", "columns")]["hidden"] is False
    assert told[ids.data_part("sm", "decimal-box")]["hidden"] is True
    assert [o["value"] for o in told[ids.data_part("sm", "x")]["options"]] == ["col", "row"]
    assert told[ids.data_part("sm", "drop-box")]["hidden"] is False


def test_the_same_file_is_read_again_with_the_named_columns(
    fire, on_page, jobs, project, unreadable
):
    clicked = part("sm", "reread")
    named = {part("sm", "x", "value"): "col", part("sm", "y", "value"): "row", clicked: 1}

    fire(clicked, on_page(**{ROWS: unreadable}, **named))

    newest = jobs.of_project(project)[0]
    assert newest.params == {
        "upload_id": "0" * 16,
        "name": "msi.csv",
        "x_column": "col",
        "y_column": "row",
    }


@pytest.mark.parametrize("y", [None, "col", "a column of the file before"])
def test_both_columns_must_be_chosen(fire, on_page, jobs, unreadable, y):
    clicked = part("sm", "reread")
    named = {part("sm", "x", "value"): "col", part("sm", "y", "value"): y}

    shown = fire(clicked, on_page(**{ROWS: unreadable, **named, clicked: 1}))

    assert "columns" in text(shown[ids.ALERT_TEXT])
    assert len(jobs.of_project(unreadable[0]["project"])) == 1


def test_the_meaning_of_a_comma_is_asked_and_joins_what_was_said_before(
    fire, on_page, jobs, project
):
    said = {"upload_id": "0" * 16, "name": "msi.csv", "x_column": "a", "y_column": "b"}
    job = jobs.start(project, "import_sm", said)
    error = {"code": "E-13", "title": "", "message": "", "choices": {"decimal": [",", "."]}}
    jobs.finish(job.id, "failed", "", error)
    rows = {ROWS: [row.to_json() for row in jobs.of_project(project)]}
    clicked = part("sm", "reread")

    told = fire(ROWS, on_page(**rows), output=part("sm", "notices", "children"))
    refused = fire(clicked, on_page(**{**rows, clicked: 1}))
    fire(clicked, on_page(**{**rows, part("sm", "decimal", "value"): ",", clicked: 1}))

    assert told[ids.data_part("sm", "decimal-box")]["hidden"] is False
    assert told[ids.data_part("sm", "x-box")]["hidden"] is True
    assert "commas" in text(refused[ids.ALERT_TEXT])
    assert jobs.of_project(project)[0].params == {**said, "decimal": ","}


def test_a_failed_import_hands_out_its_list_to_download(dash_app, fire, on_page, jobs, project):
    job = jobs.start(project, "import_sm")
    error = {"code": "E-14", "title": "", "message": "2 ids.", "listing": "listing.txt"}
    jobs.finish(job.id, "failed", "2 ids.", error)
    (jobs.folder(job) / "listing.txt").write_text("s1\ns2\n")
    rows = {ROWS: [row.to_json() for row in jobs.of_project(project)]}

    told = fire(ROWS, on_page(**rows), output=part("sm", "notices", "children"))

    address = f"/api/projects/{project}/jobs/{job.id}/listing.txt"
    assert address in text(told)
    client = dash_app.server.test_client()
    with client.get(address) as answer:
        assert answer.data == b"s1\ns2\n"
        assert "attachment" in answer.headers["Content-Disposition"]
    for other in ("0" * 16, "no-job"):
        assert client.get(address.replace(job.id, other)).status_code == 404


SAMPLES = {
    "samples": [{"name": "a", "n_spots": 20}, {"name": "b", "n_spots": 28}],
    "sample": "a",
    "upload_id": "0" * 16,
    "x_column": "left",
}


def test_another_sample_of_the_file_is_taken_with_all_that_was_said_of_it(
    fire, on_page, store, jobs, project
):
    store.commit(project, "st", lambda folder: None, summary={**ST_FACTS, **SAMPLES})
    clicked = part("st", "sample-set")

    shown = fire(PROJECT, on_page(), output=part("st", "view", "children"))
    same = fire(clicked, on_page(**{part("st", "sample", "value"): "a", clicked: 1}))
    fire(clicked, on_page(**{part("st", "sample", "value"): "b", clicked: 1}))

    assert shown[ids.data_part("st", "sample-box")]["hidden"] is False
    assert shown[ids.data_part("st", "sample")]["value"] == "a"
    assert same == {}
    (job,) = jobs.of_project(project)
    assert job.params == {
        "upload_id": "0" * 16,
        "name": "outs.zip",
        "x_column": "left",
        "sample": "b",
    }


def test_a_file_of_one_sample_offers_no_choice(fire, on_page, loaded):
    shown = fire(PROJECT, on_page(), output=part("st", "view", "children"))

    assert shown[ids.data_part("st", "sample-box")]["hidden"] is True


def test_an_import_that_fails_does_no_harm_to_the_file_that_was_there(
    fire, on_page, loaded, unreadable
):
    values = on_page(**{ROWS: unreadable})
    told = fire(ROWS, values, output=part("sm", "notices", "children"))
    shown = fire(PROJECT, values, output=part("sm", "view", "children"))

    assert "is kept: msi.csv" in text(told)
    assert "msi.csv" in text(shown[ids.data_part("sm", "view")])


def test_all_steps_run_once_both_files_are_confirmed(fire, on_page, store, jobs, loaded):
    def blocked():
        shown = fire(PROJECT, on_page(), output=f"{ids.DATA_PAIR}.children")
        return shown[ids.DATA_RUN]["disabled"]

    assert blocked()
    for slot in ("st", "sm"):
        store.amend(loaded, slot, confirmed=True)
    assert not blocked()

    fire(f"{ids.DATA_RUN}.n_clicks", on_page(**{f"{ids.DATA_RUN}.n_clicks": 1}))
    assert [job.kind for job in jobs.of_project(loaded)] == ["pipeline"]


# home

HOME = {"project": "", "page": "home"}
DELETE = json.dumps(
    ids.pattern("home-delete", project=["ALL"]), separators=(",", ":"), sort_keys=True
)


def test_a_new_project_opens_on_its_data_page(fire, store):
    clicked = f"{ids.HOME_NEW}.n_clicks"

    shown = fire(clicked, {clicked: 1, f"{ids.HOME_NEW_NAME}.value": "kidney"})

    (about,) = store.projects()
    assert shown[ids.URL]["pathname"] == f"/p/{about['id']}/data"
    assert about["name"] == "kidney"


def test_the_demo_is_labeled_simulated_and_starts_at_once(fire, store, jobs):
    clicked = f"{ids.HOME_DEMO}.n_clicks"

    fire(clicked, {clicked: 1})

    (about,) = store.projects()
    assert about["simulated"]
    assert [job.kind for job in jobs.of_project(about["id"])] == ["demo"]


def test_deleting_cancels_what_runs_and_can_be_undone(fire, store, jobs, project):
    job = jobs.start(project, "align")
    changed = f"{DELETE}.n_clicks"

    shown = fire(changed, {ROUTE: HOME, changed: [(ids.home_delete(project), 1)]})

    assert store.projects() == []
    assert jobs.get(job.id).state == "canceled"
    assert "toy" in shown[ids.HOME_BIN_TEXT]["children"]
    binned = shown[ids.HOME_BIN]["data"]

    undo = f"{ids.HOME_UNDELETE}.n_clicks"
    shown = fire(undo, {ROUTE: HOME, undo: 1, f"{ids.HOME_BIN}.data": binned})
    assert [about["id"] for about in store.projects()] == [project]
    assert shown[ids.HOME_BIN_NOTE]["hidden"] is True


def test_a_delete_button_that_has_just_appeared_deletes_nothing(fire, store, project):
    changed = f"{DELETE}.n_clicks"

    fire(changed, {ROUTE: HOME, changed: [(ids.home_delete(project), 0)]})

    assert [about["id"] for about in store.projects()] == [project]


def test_the_poll_tells_each_tab_only_what_is_new_to_it(fire, jobs, store, project, on_page):
    jobs.start(project, "align")
    tick, output = f"{ids.POLL}.n_intervals", f"{ids.POLL}.interval"

    first = fire(tick, on_page(**{PROJECT: None, tick: 1}), output=output)
    assert first[ids.PROJECT]["data"] == store.ref(project).to_json()
    assert [row["kind"] for row in first[ids.JOBS]["data"]] == ["align"]

    seen = {PROJECT: first[ids.PROJECT]["data"], ROWS: first[ids.JOBS]["data"]}
    again = fire(tick, on_page(**seen, **{tick: 2}), output=output)
    assert set(again) == {ids.POLL}
    assert again[ids.POLL]["interval"] < 5000  # something is under way: look often


def test_the_poll_finds_a_job_whose_process_is_gone(fire, jobs, project, on_page):
    job = jobs.start(project, "integrate")
    gone = {"state": "running", "pid": 2**22 + 1, "pid_started": 1.0, "heartbeat": 1.0}
    with jobs._engine.begin() as connection:
        connection.execute(JOBS.update().where(JOBS.c.id == job.id).values(gone))
    tick = f"{ids.POLL}.n_intervals"

    shown = fire(tick, on_page(**{tick: 1}), output=f"{ids.POLL}.interval")

    assert shown[ids.JOBS]["data"][0]["state"] == "stopped"
