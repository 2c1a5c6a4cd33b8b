from __future__ import annotations

import pytest

from app.job import Job
from app.pages.home.cards import next_page, project_card

ABOUT = {"id": "a" * 16, "name": "kidney <Y7>", "changed": 0.0, "simulated": False}
DONE = {"data": "done", "align": "done", "integrate": "done"}


def job(state, kind="integrate"):
    return Job(
        "0" * 16, "local", "a" * 16, kind, {}, state, 0.5, "", "", {}, None, None, 0.0, 0.0, None
    )


@pytest.mark.parametrize(
    ("changed", "page"),
    [
        ({"data": "needs review"}, "data"),
        ({"align": "ready", "integrate": "not started"}, "align"),
        ({"integrate": "out of date"}, "integrate"),
        ({}, "explore"),
    ],
)
def test_a_project_opens_where_its_work_goes_on(changed, page):
    assert next_page(ABOUT, {**DONE, **changed}) == f"/p/{'a' * 16}/{page}"


def test_a_project_shows_its_picture_once_there_is_one():
    empty = str(project_card(ABOUT, {"artefacts": {}}, []))
    record = {"revision": 3, "made_from": {}, "summary": {}}
    filled = str(project_card(ABOUT, {"artefacts": {"st": record}}, []))

    assert "thumb.jpg" not in empty
    assert f"/api/projects/{'a' * 16}/st/3/thumb.jpg" in filled


def test_what_needs_attention_is_on_the_card():
    def chips(*jobs, **about):
        return str(project_card({**ABOUT, **about}, {"artefacts": {}}, jobs))

    assert "Training the model: running" in chips(job("running"))
    assert "Training the model: stopped" in chips(job("stopped"))
    assert "chip" not in chips(job("done"), job("failed"))  # it worked afterwards
    assert "Simulated data" in chips(simulated=True)
