import base64

import numpy as np
import pytest
from dash import Dash

from app import ids
from app.pages.align import landmarks
from app.pages.align import marks as marked
from app.pages.align.landmarks import errors, note
from app.pages.align.poses import Poses
from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.types import Alignment, Displacement, Landmarks

POSE = geometry.make_pose(10.0, 4.0, 4.0, shift=(5.0, 6.0))
FAR = 40.0


def pairs(n, wrong=None):
    moving = np.random.default_rng(3).uniform(0, 60, (n, 2))
    target = geometry.apply_pose(POSE, moving)
    if wrong is not None:
        target[wrong] += 100.0
    return Landmarks(moving, target)


def judged(shown, given):
    return errors(shown, given, transform="affine", far_px=FAR)


def test_pairs_that_agree_leave_nothing_and_say_nothing():
    found = judged(Alignment(POSE), pairs(5))
    np.testing.assert_allclose(found.left, 0, atol=1e-9)
    np.testing.assert_allclose(found.left_out, 0, atol=1e-9)
    assert note(found) == []


def test_distances_are_those_under_what_is_shown_with_its_warp():
    warp = Displacement(np.full((2, 2, 2), [3.0, 4.0]), (0.0, 0.0), 1000.0)
    found = judged(Alignment(POSE, displacement=warp), pairs(4))
    np.testing.assert_allclose(found.left, 5.0)


def test_the_pair_to_blame_is_named_by_its_number():
    found = judged(Alignment(POSE), pairs(7, wrong=3))
    assert found.wrong == 4
    assert "Landmark 4 disagrees with the others; check it." in str(note(found))


def test_nobody_is_blamed_where_it_cannot_be_told():
    found = judged(Alignment(POSE), pairs(4, wrong=1))
    assert found.disagree
    assert found.wrong is None
    assert "disagree with each other" in str(note(found))


def test_a_fit_that_used_these_pairs_brings_its_own_distances():
    given = pairs(3)
    told = np.array([1.0, 2.0, 3.0])
    shown = Alignment(POSE, landmarks=given, landmark_loo_px=told)
    np.testing.assert_array_equal(judged(shown, given).left_out, told)
    moved = Landmarks(given.moving, given.target + 1.0)
    assert not np.array_equal(judged(shown, moved).left_out, told)


@pytest.mark.parametrize(("um_per_px", "unit", "first"), [(2.0, "µm", 10.0), (None, "px", 5.0)])
def test_lengths_are_told_in_micrometers_where_they_are_known(um_per_px, unit, first):
    given = pairs(2)
    shown = Alignment(geometry.compose(geometry.make_pose(shift=(3.0, 4.0)), POSE))
    told = judged(shown, given).to_json(um_per_px)
    assert told["unit"] == unit
    assert told["left"] == pytest.approx([first, first])
    assert told["left_out"] is None


def test_without_pairs_there_is_nothing_to_tell():
    found = judged(Alignment(POSE), None)
    assert found.to_json(1.0)["left"] == []
    assert note(found) == []


ROWS = [[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]]


@pytest.fixture
def fire(store):
    """Call a callback of the panel by the id that triggers it."""
    app = Dash("landmarks")
    landmarks.register(app, store)
    found = {
        entry["inputs"][0]["id"]: entry["callback"].__wrapped__
        for entry in app.callback_map.values()
        if "callback" in entry
    }
    return lambda trigger, *values: found[trigger](*values)


@pytest.fixture
def refreshed(monkeypatch):
    """Outside of a request nothing can be sent to the browser; remember what would be."""
    names = []
    monkeypatch.setattr(landmarks, "refresh", lambda _store, name: names.append(name))
    return names


def mark(store, project, truth, places):
    pairs = Landmarks(np.array(places), geometry.apply_pose(truth, np.array(places)))
    hand = Poses(store, project)
    hand.record(hand.current(), "landmark", marked.with_landmarks(hand.marks(), pairs))


def test_the_fit_is_one_step_that_keeps_the_landmarks(fire, refreshed, store, project, truth):
    mark(store, project, truth, ROWS)
    fire(ids.ALIGN_LANDMARKS_ASKED, {"moves": "free"}, {"project": project})
    state = Poses(store, project).state()
    np.testing.assert_allclose(state.pose.matrix, truth.matrix)
    assert len(state.marks["landmarks"]) == 3
    assert len(Poses(store, project).steps()[0]) == 2
    assert refreshed == [project]


def test_a_locked_scale_is_kept_by_the_fit(fire, refreshed, store, project, truth):
    mark(store, project, truth, ROWS)
    before = Poses(store, project).current()
    fire(ids.ALIGN_LANDMARKS_ASKED, {"moves": "rigid"}, {"project": project})
    found = Poses(store, project).current()
    assert found.scale_x == pytest.approx(before.scale_x)
    assert found.angle_deg == pytest.approx(truth.angle_deg)


def test_landmarks_on_a_line_change_nothing(fire, refreshed, store, project, truth):
    mark(store, project, truth, [[0.0, 0.0], [10.0, 0.0], [20.0, 0.0]])
    with pytest.raises(InvalidDataError, match="away from that line"):
        fire(ids.ALIGN_LANDMARKS_ASKED, {"moves": "free"}, {"project": project})
    assert len(Poses(store, project).steps()[0]) == 1
    assert refreshed == []


def test_without_landmarks_the_fit_says_what_to_do(fire, refreshed, project):
    with pytest.raises(InvalidDataError, match="Mark the same place in both sections"):
        fire(ids.ALIGN_LANDMARKS_ASKED, {"moves": "free"}, {"project": project})


def test_a_loaded_file_replaces_the_landmarks_and_keeps_the_pose(
    fire, refreshed, store, project, truth
):
    mark(store, project, truth, ROWS)
    text = base64.b64encode(b"sm_x,sm_y,st_x,st_y\n1,2,3,4\n5,6,7,8\n").decode()
    before = Poses(store, project).current()
    fire(
        ids.ALIGN_LANDMARKS_LOAD,
        f"data:text/csv;base64,{text}",
        "../marks.csv",
        store.ref(project).to_json(),
        {"project": project, "page": "align"},
    )
    state = Poses(store, project).state()
    assert state.marks["landmarks"] == [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]
    np.testing.assert_array_equal(state.pose.matrix, before.matrix)


def test_the_table_learns_the_distances_of_the_pose_shown(fire, store, project, truth):
    mark(store, project, truth, ROWS)
    Poses(store, project).record(geometry.compose(geometry.make_pose(shift=(3, 4)), truth), "x")
    told, words = fire(ids.ALIGN_POSE, {"project": project}, None, "free")
    assert told["left"] == pytest.approx([10.0] * 3)  # 5 px of 2 um
    assert told["left_out"] == pytest.approx([0.0] * 3, abs=1e-6)
    assert words == []
