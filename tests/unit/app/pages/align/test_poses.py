import numpy as np
import pytest

from app.pages.align import review
from app.pages.align.poses import Poses, flat, from_flat, same, start_pose
from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError, NotReadyError


def turned(degrees):
    return geometry.make_pose(degrees, 5.0, 5.0)


def test_the_first_guess_matches_centers_and_areas(store, project, truth):
    guess = start_pose(store, project)
    assert guess.scale_x == pytest.approx(truth.scale_x, rel=0.1)
    assert (guess.angle_deg, guess.flipped) == (0, False)


def test_a_project_without_poses_starts_at_the_first_guess(store, project):
    hand = Poses(store, project)
    assert hand.steps() == ([], 0)
    assert same(hand.current(), start_pose(store, project))


def test_the_last_recorded_pose_is_in_force_after_a_reload(store, project):
    Poses(store, project).record(turned(10), "rotate")
    Poses(store, project).record(turned(20), "rotate")
    assert same(Poses(store, project).current(), turned(20))


def test_undo_and_redo_walk_the_history(store, project):
    hand = Poses(store, project)
    for degrees in (10, 20):
        hand.record(turned(degrees), "rotate")
    hand.record(turned(10), "undo")
    assert hand.steps()[1] == 1
    hand.record(start_pose(store, project), "undo")
    assert hand.steps()[1] == 0
    hand.record(turned(10), "redo")
    steps, cursor = hand.steps()
    assert (len(steps), cursor) == (2, 1)


def test_an_undo_that_does_not_fit_the_history_is_a_new_pose(store, project):
    hand = Poses(store, project)
    hand.record(turned(10), "rotate")
    hand.record(turned(77), "undo")
    assert len(hand.steps()[0]) == 2
    assert same(hand.current(), turned(77))


def test_recording_the_same_pose_twice_makes_one_step(store, project):
    hand = Poses(store, project)
    hand.record(turned(10), "rotate")
    hand.record(turned(10), "nudge")
    assert len(hand.steps()[0]) == 1


def test_the_pose_before_the_first_step_stays_when_an_alignment_is_accepted(store, project):
    first = Poses(store, project).current()
    Poses(store, project).record(turned(10), "rotate")
    review.use_hand(store, project)
    assert same(Poses(store, project).origin(), first)


def test_marks_stay_with_their_pose_through_undo_and_redo(store, project):
    hand = Poses(store, project)
    pairs = {"landmarks": [[1.0, 2.0, 3.0, 4.0]]}
    hand.record(hand.current(), "landmarks", pairs)
    hand.record(turned(10), "rotate")  # without marks: they stay
    assert Poses(store, project).marks() == pairs
    hand.record(turned(20), "clear", {})
    hand.record(turned(10), "undo", pairs)
    assert (hand.steps()[1], hand.marks()) == (2, pairs)
    hand.record(turned(20), "redo")
    assert (hand.steps()[1], hand.marks()) == (3, {})


def test_other_marks_at_the_same_pose_are_a_step(store, project):
    hand = Poses(store, project)
    hand.record(hand.current(), "same section", {"same_section": True})
    assert hand.steps()[1] == 1
    assert same(hand.current(), start_pose(store, project))


def test_poses_of_a_replaced_section_do_not_count(store, project):
    Poses(store, project).record(turned(10), "rotate")
    path = store.path(project, "sm", "sm.h5ad")
    store.commit(project, "sm", lambda folder: (folder / "sm.h5ad").write_bytes(path.read_bytes()))
    hand = Poses(store, project)
    assert hand.steps() == ([], 0)
    hand.record(turned(20), "rotate")
    assert hand.steps()[1] == 1


def test_a_project_without_sections_has_no_pose(store):
    with pytest.raises(NotReadyError):
        Poses(store, store.create("empty"))


def test_the_browsers_six_numbers_are_the_matrix_row_by_row():
    assert flat(from_flat([1, 2, 3, 4, 5, 6])) == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(from_flat([1, 2, 3, 4, 5, 6]).matrix, [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("values", [[1, 2, 3], [1, 2, 0, 2, 4, 0]])
def test_a_pose_that_is_none_is_refused(values):
    with pytest.raises(InvalidDataError):
        from_flat(values)
