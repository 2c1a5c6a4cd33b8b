import numpy as np
import pytest
from scipy.optimize import approx_fprime

from spatialmeta_core.align import align
from spatialmeta_core.align.landmarks import LandmarkTerm, similarity
from spatialmeta_core.align.search import rotation
from spatialmeta_core.align.warp import LANDMARK_NOISE, Warp
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry import apply_pose, compose, make_pose
from spatialmeta_core.params import AlignParams
from spatialmeta_core.types import Landmarks

ALONE = AlignParams(outline_weight=0)


def marked(pair, n: int, noise: float = 0.0, seed: int = 0) -> Landmarks:
    """Places of ``n`` pixels, clicked with an error of ``noise`` px."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(pair.moving), n, replace=False)
    return Landmarks(pair.moving[chosen], pair.truth[chosen] + rng.normal(0, noise, (n, 2)))


def spoiled(landmarks: Landmarks, which: int, by: tuple[float, float]) -> Landmarks:
    target = landmarks.target.copy()
    target[which] += by
    return Landmarks(landmarks.moving, target)


def off(pair, found) -> float:
    """Median error, as a fraction of the target's width."""
    return float(
        np.median(np.linalg.norm(found.apply(pair.moving) - pair.truth, axis=1)) / pair.width
    )


def still() -> Warp:
    """A displacement of nothing."""
    return Warp(np.zeros((1, 2)), np.ones((1, 1)), np.zeros((4, 2)))


def term(pairs: Landmarks, transform="affine") -> LandmarkTerm:
    return LandmarkTerm(pairs, (np.eye(2, 3), np.diag([1.0, -1.0, 0.0])[:2]), transform)


def test_the_gradient_of_the_cost_is_its_slope() -> None:
    rng = np.random.default_rng(0)
    pairs = Landmarks(rng.uniform(-0.5, 0.5, (4, 2)), rng.uniform(-0.5, 0.5, (4, 2)))
    matrix = np.array([[0.9, 0.1, 0.02], [-0.2, 1.1, 0.05]])

    slope = term(pairs).cost(matrix)[1]

    wanted = approx_fprime(matrix.ravel(), lambda x: term(pairs).cost(x.reshape(2, 3))[0], 1e-7)
    np.testing.assert_allclose(slope.ravel(), wanted, atol=1e-5)


def test_perfect_pairs_cost_nothing_and_a_mistake_costs_a_bounded_number_of_nats() -> None:
    pairs = Landmarks(np.array([[0.1, 0.2], [-0.3, 0.1]]), np.array([[0.1, 0.2], [-0.3, 0.1]]))
    near, far = (
        Landmarks(pairs.moving, pairs.moving + np.array([[d, 0], [0, 0]])) for d in (0.01, 0.4)
    )

    assert term(pairs).cost(np.eye(2, 3))[0] == 0
    assert term(pairs).evidence(np.eye(2, 3), still()) == pytest.approx(0, abs=1e-9)
    one_sd = 0.5 * (0.01 / LANDMARK_NOISE) ** 2
    assert term(near).evidence(np.eye(2, 3), still()) == pytest.approx(one_sd, rel=0.01)
    assert 8 < term(far).evidence(np.eye(2, 3), still()) < 13


def test_a_similarity_is_the_one_the_points_were_made_with() -> None:
    source = np.random.default_rng(0).normal(size=(6, 2))
    goal = 1.7 * source @ rotation(0.8).T + [3, -4]

    matrix = similarity(source, goal, np.ones(6))

    np.testing.assert_allclose(matrix, np.column_stack([1.7 * rotation(0.8), [3, -4]]))
    rigid = similarity(source, goal, np.ones(6), rigid=True)
    np.testing.assert_allclose(rigid[:, :2], rotation(0.8), atol=1e-12)


def test_weights_of_a_similarity_choose_points() -> None:
    rng = np.random.default_rng(0)
    source, goal = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))

    weighted = similarity(source, goal, np.array([1.0, 1, 0, 1, 0]))

    np.testing.assert_allclose(weighted, similarity(source[[0, 1, 3]], goal[[0, 1, 3]], np.ones(3)))


def test_starts_leave_a_wrong_pair_out() -> None:
    rng = np.random.default_rng(0)
    moving = rng.uniform(-0.4, 0.4, (5, 2))
    truth = np.column_stack([rotation(2.0) @ np.diag([1.0, -1.0]), [0.1, 0.0]])
    pairs = spoiled(Landmarks(moving, moving @ truth[:, :2].T + truth[:, 2]), 3, (0.4, 0.3))

    first = term(pairs).starts([])[0]

    np.testing.assert_allclose(first.matrix, truth, atol=0.01)


def test_two_pairs_start_both_flips_and_one_pair_starts_nothing() -> None:
    moving = np.array([[-0.3, 0.0], [0.3, 0.1]])

    both = term(Landmarks(moving, moving)).starts([])

    assert sorted(np.sign([np.linalg.det(p.matrix[:, :2]) for p in both])) == [-1, 1]
    assert term(Landmarks(moving[:1], moving[:1])).starts([]) == []


@pytest.mark.parametrize("n", [2, 3, 6])
def test_landmarks_are_a_start_by_themselves(bent, n, monkeypatch) -> None:
    def fail(*_):
        pytest.fail("searched")

    monkeypatch.setattr("spatialmeta_core.align.fit.global_starts", fail)

    found = align(bent.moving, bent.target, landmarks=marked(bent, n, 20, seed=n))

    assert found.pose.flipped
    assert off(bent, found) < 0.01
    assert found.landmark_residual_px.shape == (n,)
    assert (found.landmark_loo_px is None) == (n < 3)


def test_one_pair_chooses_among_the_turns_of_a_square() -> None:
    x, y = np.meshgrid(np.arange(-20.0, 21), np.arange(-20.0, 21))
    square = np.column_stack([x.ravel(), y.ravel()])
    pose = make_pose(90, 50.0, 50.0, (3000.0, 3000.0))
    corner = np.array([[18.0, 18.0]])

    found = align(
        square, apply_pose(pose, square), landmarks=Landmarks(corner, apply_pose(pose, corner))
    )

    assert found.landmark_residual_px[0] < 0.05 * 2000
    assert found.landmark_loo_px is None


def test_a_pair_pulls_a_disc_around_where_the_outline_says_nothing() -> None:
    x, y = np.meshgrid(np.arange(-20.0, 21), np.arange(-20.0, 21))
    disc = np.column_stack([x.ravel(), y.ravel()])
    disc = disc[np.hypot(*disc.T) < 18]
    pose = make_pose(7, 50.0, 50.0, (3000.0, 3000.0))
    places = np.array([[15.0, 0.0], [0.0, 12.0]])
    landmarks = Landmarks(places, apply_pose(pose, places))

    found = align(disc, apply_pose(pose, disc), start=make_pose(0, 50, 50, (3000.0, 3000.0)))
    helped = align(
        disc,
        apply_pose(pose, disc),
        start=make_pose(0, 50, 50, (3000.0, 3000.0)),
        landmarks=landmarks,
    )

    before = np.linalg.norm(found.apply(places) - landmarks.target, axis=1)
    assert helped.landmark_residual_px.max() < min(20, before.max())


def test_a_start_keeps_its_flip_whatever_the_landmarks_say(section) -> None:
    wrong = make_pose(0, 55.0, 55.0, tuple(section.truth.mean(axis=0)))

    found = align(section.moving, section.target, start=wrong, landmarks=marked(section, 2))

    assert not found.pose.flipped


def test_landmarks_carry_a_start_that_is_far_off(section) -> None:
    center = tuple(section.truth.mean(axis=0))
    far = compose(make_pose(120, center=center), section.pose)

    found = align(section.moving, section.target, start=far, landmarks=marked(section, 4, 20))

    assert off(section, found) < 0.01


@pytest.mark.parametrize("outline_weight", [0.0, 1.0])
def test_a_wrong_pair_shows_and_does_not_wreck_the_fit(bent, outline_weight) -> None:
    landmarks = spoiled(marked(bent, 7, 15), 2, (500.0, -300.0))

    found = align(
        bent.moving, bent.target, AlignParams(outline_weight=outline_weight), landmarks=landmarks
    )

    assert found.landmark_loo_px.argmax() == 2
    assert found.landmark_loo_px[2] > 450
    assert np.delete(found.landmark_residual_px, 2).max() < 100
    assert off(bent, found) < 0.012
    notes = [note for note in found.notes if note.startswith("Landmark")]
    assert notes[0].startswith("Landmark 3 disagrees with the others by ")
    assert notes[0].endswith(" px; check it.")


def test_good_pairs_raise_no_note(bent) -> None:
    found = align(bent.moving, bent.target, landmarks=marked(bent, 5, 20))

    assert not [note for note in found.notes if note.startswith("Landmark")]


def test_what_is_left_out_is_farther_than_what_is_fitted(bent) -> None:
    found = align(bent.moving, bent.target, ALONE, landmarks=marked(bent, 6, 30))

    assert np.median(found.landmark_loo_px) > np.median(found.landmark_residual_px)


def test_leaving_a_pair_out_is_a_fit_without_it(section) -> None:
    params = AlignParams(outline_weight=0, nonrigid=False)
    landmarks = marked(section, 5, 30)

    found = align(section.moving, section.target, params, landmarks=landmarks)

    for i in (0, 3):
        fewer = Landmarks(*(np.delete(a, i, axis=0) for a in (landmarks.moving, landmarks.target)))
        without = align(section.moving, section.target, params, landmarks=fewer)
        gap = without.apply(landmarks.moving[i : i + 1]) - landmarks.target[i]
        assert found.landmark_loo_px[i] == pytest.approx(np.linalg.norm(gap), rel=0.05, abs=1)


def test_three_pairs_alone_are_the_affine_map_through_them(section) -> None:
    landmarks = marked(section, 3)

    found = align(section.moving, section.target, ALONE, landmarks=landmarks)

    np.testing.assert_allclose(found.apply(landmarks.moving), landmarks.target, atol=0.5)
    np.testing.assert_allclose(found.pose.matrix, section.pose.matrix, rtol=1e-3, atol=1)


def test_two_pairs_alone_leave_the_flip_to_the_outline(section) -> None:
    found = align(section.moving, section.target, ALONE, landmarks=marked(section, 2))

    assert found.pose.flipped
    assert off(section, found) < 0.02


def test_more_pairs_alone_bend_the_section(bent) -> None:
    landmarks = marked(bent, 15)

    many, straight = (
        align(
            bent.moving,
            bent.target,
            AlignParams(outline_weight=0, nonrigid=nonrigid),
            landmarks=landmarks,
        )
        for nonrigid in (True, False)
    )

    assert off(bent, many) < 0.7 * off(bent, straight)


def test_a_rigid_fit_to_landmarks_keeps_the_scale(section) -> None:
    params = AlignParams(outline_weight=0, transform="rigid")
    start = make_pose(0, 55.0, 55.0, tuple(section.truth.mean(axis=0)), flipped=True)

    found = align(section.moving, section.target, params, start=start, landmarks=marked(section, 4))

    stretches = np.linalg.svd(found.pose.matrix[:, :2])[1]
    np.testing.assert_allclose(stretches, 55.0, rtol=1e-6)
    assert off(section, found) < 0.03


def test_no_landmarks_are_as_good_as_none(section) -> None:
    empty = Landmarks(np.empty((0, 2)), np.empty((0, 2)))
    start = compose(make_pose(5, center=tuple(section.truth.mean(axis=0))), section.pose)

    one, other = (
        align(section.moving, section.target, start=start, landmarks=given)
        for given in (empty, None)
    )

    np.testing.assert_array_equal(one.pose.matrix, other.pose.matrix)
    assert one.landmarks is None
    assert one.landmark_residual_px is None


def test_landmarks_on_one_line_cannot_hold_an_affine_map_alone(section) -> None:
    line = np.column_stack([np.linspace(0, 40, 3), np.linspace(5, 25, 3)]) + section.moving.mean(0)
    landmarks = Landmarks(line, apply_pose(section.pose, line))

    with pytest.raises(InvalidDataError, match="Add one more away from that line") as caught:
        align(section.moving, section.target, ALONE, landmarks=landmarks)
    assert caught.value.code == "E-20"
    assert caught.value.title == "Three landmarks are on one line."

    helped = align(section.moving, section.target, landmarks=landmarks)
    assert off(section, helped) < 0.01
    similar = AlignParams(outline_weight=0, transform="similarity")
    assert align(section.moving, section.target, similar, landmarks=landmarks).pose.flipped


def bad(pair, change) -> Landmarks:
    landmarks = marked(pair, 4)
    moving, target = landmarks.moving.copy(), landmarks.target.copy()
    return Landmarks(*change(moving, target))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, t: (m[:3], t), "3 landmarks in the moving section and 4 in the target"),
        (lambda m, t: (m * [np.nan, 1], t), "4 of 4 positions in the moving landmarks"),
        (lambda m, t: (m, t + 9e4 * np.eye(4)[:, 2:3]), "Landmark 3 lies far outside"),
        (lambda m, t: (m - 9e4, t), "Landmark 1 lies far outside the moving section"),
    ],
)
def test_landmarks_that_cannot_be_right_are_named(section, change, message) -> None:
    with pytest.raises(InvalidDataError, match=message):
        align(section.moving, section.target, landmarks=bad(section, change))


def test_pairs_at_one_place_hold_no_turn(section) -> None:
    landmarks = marked(section, 1)
    twice = Landmarks(landmarks.moving[[0, 0]], landmarks.target[[0, 0]])

    with pytest.raises(InvalidDataError, match="almost at one place"):
        align(section.moving, section.target, ALONE, landmarks=twice)


def test_one_pair_alone_is_not_enough(section) -> None:
    with pytest.raises(InvalidParamsError, match="with 1 landmarks nothing else holds the fit"):
        align(section.moving, section.target, ALONE, landmarks=marked(section, 1))


def test_the_landmarks_given_are_not_changed(section) -> None:
    landmarks = marked(section, 4)
    before = landmarks.moving.copy(), landmarks.target.copy()

    found = align(section.moving, section.target, landmarks=landmarks)

    np.testing.assert_array_equal(landmarks.moving, before[0])
    np.testing.assert_array_equal(landmarks.target, before[1])
    np.testing.assert_array_equal(found.landmarks.target, before[1])


def test_landmarks_outweigh_the_overlap_of_a_start(section) -> None:
    """The start overlaps perfectly; the pairs say that the tissue is elsewhere."""
    landmarks = marked(section, 5)
    elsewhere = Landmarks(landmarks.moving, landmarks.target + np.array([300.0, 0.0]))

    found = align(section.moving, section.target, ALONE, start=section.pose, landmarks=elsewhere)

    assert found.score.overlap < found.score_before.overlap
    assert found.landmark_residual_px.max() < 1
    assert found.sd_px is not None


def test_a_start_that_is_kept_shows_its_own_distances(section, monkeypatch) -> None:
    far = make_pose(50, 60.0, 60.0, (5600.0, 5000.0), flipped=True)
    monkeypatch.setattr("spatialmeta_core.align.outcome.pose_of", lambda *_: far)
    landmarks = marked(section, 4, 20)

    found = align(
        section.moving,
        section.target,
        AlignParams(nonrigid=False),
        start=section.pose,
        landmarks=landmarks,
    )

    gap = apply_pose(section.pose, landmarks.moving) - landmarks.target
    np.testing.assert_array_equal(found.pose.matrix, section.pose.matrix)
    np.testing.assert_allclose(found.landmark_residual_px, np.linalg.norm(gap, axis=1))
    assert found.landmark_loo_px is None
