import numpy as np
import pytest

from app import placement, recipe
from app.pages.align import review
from app.pages.align.poses import Poses, accepted_alignment, same
from app.state import project_status
from spatialmeta_core import geometry
from spatialmeta_core.errors import NotReadyError
from spatialmeta_core.types import Alignment, Candidate, Displacement, Landmarks


@pytest.fixture
def wrong():
    return geometry.make_pose(200.0, 5.0, 5.0)


@pytest.fixture
def proposed(store, project, truth, wrong):
    """An automatic result with a local warp and a second candidate; returns its revision."""
    warp = Displacement(np.full((4, 4, 2), 0.5), (-20.0, -20.0), 60.0)
    found = Alignment(truth, warp, candidates=(Candidate(truth, 1.0), Candidate(wrong, 1.2)))
    made_from = store.input_revisions(project, "proposal")
    placement.commit(store, project, "proposal", found, made_from=made_from, params={"align": {}})
    return store.record(project, "proposal")["revision"]


def test_a_result_waits_until_it_is_answered(store, project, proposed):
    assert review.waiting(store, project) is not None
    review.reject(store, project)
    assert review.waiting(store, project) is None


def test_a_result_for_a_replaced_section_no_longer_waits(store, project, proposed):
    data = store.path(project, "sm", "sm.h5ad").read_bytes()
    store.commit(project, "sm", lambda folder: (folder / "sm.h5ad").write_bytes(data))
    assert review.waiting(store, project) is None


def test_the_views_are_the_result_its_rivals_and_the_hand_pose(store, project, proposed):
    hand = Poses(store, project).current()
    shown = review.views(review.waiting(store, project), proposed, hand)
    assert [view.value for view in shown] == [
        f"{proposed}/proposal",
        f"{proposed}/1",
        f"{proposed}/hand",
    ]
    assert [view.warp for view in shown] == [True, False, False]
    assert shown[1].label == "Second best: turned −160°"


def test_accepting_keeps_the_warp_and_makes_the_pose_the_hand_pose(store, project, proposed, truth):
    review.accept(store, project, f"{proposed}/proposal")
    accepted = accepted_alignment(store, project)
    assert accepted.displacement is not None
    assert same(Poses(store, project).current(), truth)
    assert Poses(store, project).alignment() is accepted
    assert review.state_words(store, project)[0] == "good"
    assert "automatic" in review.state_words(store, project)[1]
    assert review.waiting(store, project) is None
    assert project_status(store.manifest(project))["align"] == "ready"


def test_accepting_a_rival_takes_its_pose(store, project, proposed, wrong):
    review.accept(store, project, f"{proposed}/1")
    assert same(accepted_alignment(store, project).pose, wrong)
    params = store.record(project, "alignment")["params"]
    assert params["automatic"] is False  # so that a recipe repeats the choice, not the search
    np.testing.assert_allclose(params["start"], wrong.matrix)


@pytest.mark.parametrize("view", ["", "999/proposal", "{}/hand"])
def test_what_is_not_a_result_cannot_be_accepted(store, project, proposed, view):
    with pytest.raises(NotReadyError, match="no automatic result"):
        review.accept(store, project, view.format(proposed))
    assert accepted_alignment(store, project) is None


def test_rejecting_leaves_the_hand_pose(store, project, proposed, wrong):
    Poses(store, project).record(wrong, "rotate")
    review.reject(store, project)
    assert same(Poses(store, project).current(), wrong)
    assert accepted_alignment(store, project) is None


def test_the_hand_pose_can_be_accepted_and_answers_a_waiting_result(
    store, project, proposed, wrong
):
    Poses(store, project).record(wrong, "rotate")
    review.use_hand(store, project)
    assert same(accepted_alignment(store, project).pose, wrong)
    assert "by hand" in review.state_words(store, project)[1]
    assert review.waiting(store, project) is None


def test_moving_after_acceptance_is_said(store, project, truth, wrong):
    Poses(store, project).record(truth, "move")
    review.use_hand(store, project)
    Poses(store, project).record(wrong, "rotate")
    level, words = review.state_words(store, project)
    assert (level, "differs" in words) == ("warn", True)


def test_the_true_pose_scores_well_and_a_turned_one_does_not(store, project, truth, wrong):
    Poses(store, project).record(truth, "move")
    good = review.live_score(store, project)
    Poses(store, project).record(wrong, "rotate")
    bad = review.live_score(store, project)
    assert good.overlap > 0.9 > bad.overlap
    assert good.covered == 1


def test_eight_orientations_find_the_right_quarter_turn(store, project, truth):
    off = geometry.compose(truth, geometry.make_pose(90.0, flipped=True))
    Poses(store, project).record(off, "rotate")
    found = review.eight_orientations(store, project)
    assert len(found) == 8
    assert found[0].pose.flipped == truth.flipped
    assert found[0].pose.angle_deg == pytest.approx(truth.angle_deg, abs=1e-6)
    assert [each.cost for each in found] == sorted(each.cost for each in found)
    assert review.waiting(store, project) is None  # choosing one is a step by hand


def test_rivals_say_how_far_they_are_behind(store, project, truth, wrong):
    far, near = Candidate(wrong, 50.0), Candidate(wrong, 1.5)
    found = Alignment(truth, candidates=(Candidate(truth, 1.0), near, far))
    words = [view.words for view in review.views(found, 1, wrong)]
    assert words == ["most likely", "behind by 0.5, a tie", "behind by 49.0", ""]


def test_other_projects_offer_their_accepted_pose(store, project, truth):
    other = store.create("Negative mode")
    for name in ("st", "sm"):
        data = store.path(project, name, f"{name}.h5ad").read_bytes()
        summary = store.record(project, name)["summary"]
        store.commit(
            other,
            name,
            lambda folder, n=name, d=data: (folder / f"{n}.h5ad").write_bytes(d),
            summary=summary,
        )
    assert review.aligned_projects(store, other) == {}
    Poses(store, project).record(truth, "move")
    review.use_hand(store, project)
    assert review.aligned_projects(store, other) == {project: "toy"}
    assert review.aligned_projects(store, project) == {}
    assert same(review.pose_of(store, project), truth)
    with pytest.raises(NotReadyError, match="no accepted alignment"):
        review.pose_of(store, other)


def test_a_view_of_the_review_is_what_the_preview_uses(store, project, proposed, wrong, truth):
    assert same(review.viewed(store, project, f"{proposed}/1").pose, wrong)
    assert review.viewed(store, project, f"{proposed}/proposal").displacement is not None
    hand = review.viewed(store, project, f"{proposed}/hand")
    assert same(hand.pose, Poses(store, project).current())


def test_a_loaded_pose_becomes_the_hand_pose_and_one_with_a_warp_is_reviewed(
    store, project, proposed, truth, wrong
):
    warped = review.waiting(store, project)
    review.reject(store, project)
    review.load(store, project, Alignment(wrong), "pose.json")
    assert same(Poses(store, project).current(), wrong)
    assert review.waiting(store, project) is None
    review.load(store, project, warped, "pose.json")
    found = review.waiting(store, project)
    assert same(found.pose, truth)
    assert found.notes[0] == "Loaded from pose.json."


def test_landmarks_and_outline_go_with_a_hand_pose_into_the_recipe(store, project, truth):
    rows = [[1.0, 2.0, 30.0, 40.0], [5.0, 6.0, 70.0, 90.0], [9.0, 1.0, 8.0, 5.0]]
    marks = {"landmarks": rows, "outline": {"closing": 2.0}}
    Poses(store, project).record(truth, "landmarks", marks)
    store.amend(project, "st", source="st.h5ad")
    store.amend(project, "sm", source="sm.h5ad")
    review.use_hand(store, project)
    accepted = accepted_alignment(store, project)
    apart = geometry.apply_pose(truth, accepted.landmarks.moving) - accepted.landmarks.target
    np.testing.assert_allclose(accepted.landmark_residual_px, np.linalg.norm(apart, axis=1))
    assert accepted.landmark_loo_px.shape == (3,)
    steps = recipe.of_project(store, project)
    assert steps["placement"]["landmarks"] == rows
    assert steps["outline"]["closing"] == 2.0
    path = store.folder(project) / "recipe.toml"
    path.write_text(recipe.to_toml(steps))
    again = recipe.read(path)
    assert again["placement"] == steps["placement"]
    assert again["outline"] == steps["outline"]


def test_a_loaded_pose_brings_its_landmarks(store, project, truth):
    pairs = Landmarks(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]))
    Poses(store, project).record(truth, "x", {"same_section": True})
    turned = geometry.compose(geometry.make_pose(5.0), truth)
    review.load(store, project, Alignment(turned, landmarks=pairs), "pose.json")
    assert Poses(store, project).marks() == {
        "same_section": True,
        "landmarks": [[1.0, 2.0, 3.0, 4.0]],
    }
