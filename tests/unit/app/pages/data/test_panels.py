from __future__ import annotations

import pytest

from app.pages.data import panels

RECORD = {
    "revision": 4,
    "created": 0.0,
    "summary": {
        "source": "<b>mine</b>.zip",
        "n_spots": 1234,
        "n_features": 56,
        "area": None,
        "um_per_px": None,
        "image": {"width": 2000, "height": 1893, "scale": 0.15},
        "check": [{"level": "ok", "text": "fine"}, {"level": "warning", "text": "look here"}],
        "confirmed": False,
    },
}


def row(kind, state, **error):
    return {
        "id": "0" * 16,
        "kind": kind,
        "state": state,
        "error": {"title": "", "message": "", "code": "", **error} if error else {},
        "progress": 0.0,
        "message": "",
        "request": "",
        "params": {},
    }


def words(component):
    return str(component)


def test_pictures_are_addressed_by_revision():
    shown = words(panels.view("a" * 16, "st", RECORD))

    assert f"/api/projects/{'a' * 16}/st/4/image.jpg" in shown
    assert f"/api/projects/{'a' * 16}/st/4/spots.png" in shown


def test_without_histology_the_spots_themselves_are_the_picture():
    bare = {**RECORD, "summary": {**RECORD["summary"], "image": None}}

    shown = words(panels.view("a" * 16, "st", bare))

    assert "map.png" in shown
    assert "image.jpg" not in shown


def test_what_is_unknown_says_so():
    shown = words(panels.view("a" * 16, "st", RECORD))

    assert "unknown, distances are in px" in shown
    assert "1,234" in shown


def test_a_size_entered_by_hand_is_told_from_the_files():
    facts = {**RECORD["summary"], "um_per_px": 0.65}
    from_file = words(panels.view("a" * 16, "st", {**RECORD, "summary": facts}))
    by_hand = {**facts, "um_per_px_by_hand": 0.65}

    assert "0.65 µm per px, from the file" in from_file
    assert "entered by hand" in words(panels.view("a" * 16, "st", {**RECORD, "summary": by_hand}))


def test_warnings_are_in_sight_and_what_passed_is_folded_away():
    _seen, warnings, passed = panels.view("a" * 16, "st", RECORD)

    assert "look here" in words(warnings)
    assert "fine" in words(passed)
    assert "1 check passed" in words(passed)


@pytest.mark.parametrize(
    ("record", "rows", "word"),
    [
        (None, [], "empty"),
        (None, [row("import_st", "running")], "reading"),
        (RECORD, [row("demo", "queued")], "reading"),
        (RECORD, [row("import_sm", "running")], "needs review"),
        (RECORD, [row("import_st", "failed", code="E-06")], "needs review"),
        ({**RECORD, "summary": {"confirmed": True}}, [], "looks right"),
    ],
)
def test_a_slot_says_where_it_stands(record, rows, word):
    assert panels.state_chip(record, rows, "st").children == word


def test_the_user_is_asked_only_what_the_last_file_left_open():
    asked = [row("import_sm", "failed", code="E-13", choices={"columns": ["a", "b"]})]

    assert panels.questions(asked, "sm") == {"columns": ["a", "b"]}
    assert panels.questions(asked, "st") == {}
    assert panels.questions([row("import_sm", "running"), *asked], "sm") == {}
    assert panels.questions([row("import_sm", "failed", code="E-10")], "sm") == {}
    other = [row("import_st", "failed", choices={"samples": ["a", "b"]})]
    assert panels.questions(other, "st") == {}
    assert panels.questions(None, "sm") == {}


def test_samples_are_offered_with_their_spots_while_the_file_is_there():
    samples = [{"name": "a", "n_spots": 1}, {"name": "b", "n_spots": 2018}]
    facts = {"samples": [*samples, {"name": "c", "n_spots": 0}], "upload_id": "0" * 16}

    labels = [option["label"] for option in panels.sample_options(facts)]

    assert labels == ["a (1 spot)", "b (2,018 spots)", "c"]
    assert panels.sample_options({"samples": samples}) == []
    assert panels.sample_options({"upload_id": "0" * 16}) == []


def test_spots_beside_the_picture_are_shown_with_it_on_one_ground():
    check = [{"level": "error", "text": "40 of 40 do.", "code": "E-09", "title": "Outside."}]
    stray = {**RECORD, "summary": {**RECORD["summary"], "check": check}}

    shown = words(panels.view("a" * 16, "st", stray))

    assert "whole.jpg" in shown
    assert "spots.png" not in shown
    assert "role='alert'" in shown
    assert "E-09" in shown


def test_the_room_of_a_picture_is_known_before_it_arrives():
    assert "{'aspectRatio': '2000 / 1893'}" in words(panels.view("a" * 16, "st", RECORD))


def test_the_way_on_opens_when_both_are_confirmed():
    confirmed = {"artefacts": {slot: {"summary": {"confirmed": True}} for slot in ("st", "sm")}}

    assert not panels.onward({"artefacts": {}}, [])[0]
    assert "load both" in panels.onward({"artefacts": {}}, [])[1]
    assert panels.onward(confirmed, [])[0]
    assert not panels.onward(confirmed, [row("pipeline", "running")])[0]
    again = {"artefacts": {**confirmed["artefacts"], "joint": {}}}
    assert "replaced" in panels.onward(again, [])[1]
