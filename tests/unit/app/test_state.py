"""What is ready, done or out of date follows from the manifest and the job rows alone."""

from __future__ import annotations

import pytest

from app.state import (
    INPUTS,
    JOB_MAKES,
    NEEDS,
    PAGES,
    ProjectRef,
    artefact_status,
    is_current,
    missing_for,
    project_status,
    unconfirmed,
)

ORDER = ("st", "sm", "alignment", "joint", "features", "integration", "clusters")


def made(*names, **changes):
    """A manifest in which these artefacts were made in this order, each from what was there."""
    artefacts = {}
    for revision, name in enumerate(names, start=1):
        artefacts[name] = {
            "revision": revision,
            "made_from": {i: artefacts[i]["revision"] for i in INPUTS[name] if i in artefacts},
            "summary": {"confirmed": True},
        }
    for name, summary in changes.items():
        artefacts[name]["summary"] = summary
    return {"revision": len(names), "artefacts": artefacts}


def remade(manifest, name):
    manifest["revision"] += 1
    manifest["artefacts"][name]["revision"] = manifest["revision"]
    return manifest


def job(kind, state):
    return {"kind": kind, "state": state}


def test_an_empty_project_waits_for_data():
    status = project_status(made())

    assert status["data"] == "ready"
    assert {page: word for page, word in status.items() if page != "data"} == dict.fromkeys(
        [page for page in PAGES if page != "data"], "not started"
    )


def test_each_step_becomes_ready_when_what_it_needs_is_there():
    assert project_status(made("st"))["align"] == "not started"
    assert project_status(made("st", "sm"))["align"] == "ready"
    assert project_status(made("st", "sm", "alignment"))["align"] == "ready"
    assert project_status(made(*ORDER[:4]))["align"] == "done"
    assert project_status(made(*ORDER[:4]))["integrate"] == "ready"
    assert project_status(made(*ORDER[:4]))["explore"] == "ready"


def test_when_everything_is_made_everything_is_done():
    status = project_status(made(*ORDER))

    assert [status[page] for page in ("data", "align", "integrate")] == ["done"] * 3


def test_the_stability_check_is_optional_and_grows_old_with_the_alignment():
    manifest = made("st", "sm", "alignment", "joint", "stability")
    assert artefact_status(manifest, "stability") == "done"
    assert project_status(manifest)["align"] == "done"
    assert project_status(remade(manifest, "alignment"))["align"] == "out of date"
    assert artefact_status(manifest, "stability") == "out of date"
    assert project_status(made("st", "sm", "alignment", "joint"))["align"] == "done"


@pytest.mark.parametrize("name", ["st", "sm"])
def test_new_data_put_everything_made_from_them_out_of_date(name):
    manifest = remade(made(*ORDER), name)

    for artefact in ORDER[2:]:
        assert artefact_status(manifest, artefact) == "out of date"
    assert is_current(manifest, name)
    status = project_status(manifest)
    assert (status["align"], status["integrate"]) == ("out of date", "out of date")


def test_a_change_puts_nothing_upstream_out_of_date():
    manifest = remade(made(*ORDER), "features")

    assert project_status(manifest)["align"] == "done"
    assert project_status(manifest)["integrate"] == "out of date"
    assert artefact_status(manifest, "integration") == "out of date"


def test_data_need_review_until_someone_says_both_look_right():
    assert project_status(made("st", "sm"))["data"] == "done"
    assert project_status(made("st", "sm", sm={}))["data"] == "needs review"
    assert project_status(made("st", "sm", st={"confirmed": False}))["data"] == "needs review"
    assert project_status(made("st", st={}))["data"] == "ready"  # one is missing still


def test_unconfirmed_data_do_not_lock_the_next_step():
    assert project_status(made("st", "sm", st={}, sm={}))["align"] == "ready"


def test_what_is_not_there_is_not_confirmed():
    assert unconfirmed(made("sm")) == ("st",)
    assert unconfirmed(made("st", "sm", st={})) == ("st",)
    assert unconfirmed(made("st", "sm")) == ()


@pytest.mark.parametrize("state", ["created", "queued", "running"])
def test_a_job_under_way_shows_on_what_it_makes(state):
    manifest = made("st", "sm")

    assert project_status(manifest, [job("import_st", state)])["data"] == "running"
    assert project_status(manifest, [job("align", state)])["align"] == "running"
    assert project_status(manifest, [job("reassign", state)])["align"] == "running"
    assert project_status(manifest, [job("export", state)])["data"] == "done"


def test_a_job_that_makes_several_things_shows_on_those_still_to_come():
    manifest = made("st", "sm", "alignment", "joint")
    for name in ("alignment", "joint"):
        manifest["artefacts"][name]["created"] = 20.0

    status = project_status(manifest, [{**job("pipeline", "running"), "created": 10.0}])
    again = project_status(manifest, [{**job("pipeline", "running"), "created": 30.0}])

    assert (status["align"], status["integrate"]) == ("done", "running")
    assert (again["align"], again["integrate"]) == ("running", "running")


def test_a_failure_shows_until_the_step_works():
    manifest = made("st", "sm", "alignment")
    failed, done = job("reassign", "failed"), job("reassign", "done")

    assert project_status(manifest, [failed])["align"] == "failed"
    assert project_status(manifest, [job("reassign", "stopped")])["align"] == "failed"
    assert project_status(manifest, [job("reassign", "canceled"), failed])["align"] == "ready"
    assert project_status(made(*ORDER[:4]), [failed, done])["align"] == "done"


def test_a_failed_import_does_not_unmake_the_file_that_is_there():
    assert project_status(made("st", "sm"), [job("import_st", "failed")])["data"] == "done"
    assert project_status(made("sm"), [job("import_st", "failed")])["data"] == "failed"


def test_an_automatic_alignment_waits_for_an_answer():
    waiting = made("st", "sm", "proposal", proposal={})
    answered = made("st", "sm", "proposal", proposal={"answered": True})
    older = made("st", "sm", "proposal", "alignment", "joint", proposal={})

    assert project_status(waiting)["align"] == "needs review"
    assert project_status(answered)["align"] == "ready"
    assert project_status(older)["align"] == "done"  # another pose was accepted since
    assert project_status(remade(waiting, "st"))["align"] == "ready"  # and of data that are gone


def test_what_a_page_waits_for_is_named_in_order_of_work():
    assert missing_for(made(), "align") == ("st", "sm")
    assert missing_for(made("sm"), "align") == ("st",)
    assert missing_for(made("st", "sm"), "explore") == ("joint",)
    assert missing_for(made(*ORDER), "export") == ()


def test_the_tables_speak_of_the_same_things():
    artefacts = set(INPUTS)
    assert {name for names in INPUTS.values() for name in names} <= artefacts
    assert {name for names in JOB_MAKES.values() for name in names} <= artefacts
    assert {name for names in (*PAGES.values(), *NEEDS.values()) for name in names} <= artefacts
    assert set(PAGES) == set(NEEDS)
    order = list(INPUTS)
    for name, inputs in INPUTS.items():
        assert all(order.index(each) < order.index(name) for each in inputs)


def test_the_browsers_reference_survives_the_wire():
    ref = ProjectRef("0123456789abcdef", 7)

    assert ProjectRef.from_json(ref.to_json()) == ref
