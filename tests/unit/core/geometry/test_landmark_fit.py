import numpy as np
import pytest

from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.types import Landmarks

START = geometry.make_pose(20.0, 4.0, 5.0, shift=(10.0, 30.0), flipped=True)


def pairs(pose, n, seed=0, noise=0.0):
    rng = np.random.default_rng(seed)
    moving = rng.uniform(0, 50, (n, 2))
    return Landmarks(moving, geometry.apply_pose(pose, moving) + rng.normal(0, noise, (n, 2)))


def test_one_pair_shifts_and_keeps_everything_else():
    found = geometry.fit_landmarks(
        Landmarks(np.array([[3.0, 4.0]]), np.array([[100.0, 200.0]])), start=START
    )
    np.testing.assert_allclose(found.matrix[:, :2], START.matrix[:, :2])
    np.testing.assert_allclose(geometry.apply_pose(found, [[3.0, 4.0]]), [[100.0, 200.0]])


@pytest.mark.parametrize("transform", ["similarity", "affine"])
def test_two_pairs_turn_and_scale_the_start_without_a_flip(transform):
    truth = geometry.compose(geometry.make_pose(75.0, 1.3, 1.3, shift=(7.0, -9.0)), START)
    found = geometry.fit_landmarks(pairs(truth, 2), transform, start=START)
    np.testing.assert_allclose(found.matrix, truth.matrix)
    assert found.flipped == START.flipped


def test_a_rigid_fit_keeps_the_scales_of_the_start():
    truth = geometry.compose(geometry.make_pose(-40.0, 1.2, 1.2), START)
    found = geometry.fit_landmarks(pairs(truth, 5), "rigid", start=START)
    assert found.scale_x == pytest.approx(START.scale_x)
    assert found.scale_y == pytest.approx(START.scale_y)
    assert found.angle_deg == pytest.approx(truth.angle_deg)


def test_three_pairs_define_any_affine_map_even_a_flip():
    truth = geometry.make_pose(-130.0, 3.0, 7.0, shift=(400.0, 20.0))
    found = geometry.fit_landmarks(pairs(truth, 3), start=START)
    np.testing.assert_allclose(found.matrix, truth.matrix)


def test_a_similarity_fit_is_the_best_one_a_search_can_find():
    from scipy.optimize import minimize

    noisy = pairs(geometry.compose(geometry.make_pose(33.0, 0.9, 0.9), START), 6, noise=8.0)
    found = geometry.fit_landmarks(noisy, "similarity", start=START)

    def cost(values):
        turn = geometry.make_pose(values[0], values[1], values[1], shift=(values[2], values[3]))
        apart = geometry.landmark_distances(geometry.compose(turn, START), noisy)
        return (apart**2).sum()

    found_cost = (geometry.landmark_distances(found, noisy) ** 2).sum()
    for first in ([30.0, 0.9, 0.0, 0.0], [35.0, 1.0, 5.0, 5.0]):
        searched = minimize(cost, first, method="Nelder-Mead", options={"maxiter": 4000})
        assert found_cost <= searched.fun * (1 + 1e-9)
        assert found_cost == pytest.approx(searched.fun, rel=0.2)  # the search came close


def test_left_out_a_wrong_pair_shows_where_it_hides_in_the_fit():
    given = pairs(START, 6)
    target = given.target.copy()
    target[2] += (80.0, 0.0)
    wrong = Landmarks(given.moving, target)
    left_out = geometry.leave_one_out(wrong, start=START)
    assert left_out.wrong() == 2
    assert left_out.distance[2] == pytest.approx(80.0)
    assert left_out.distance.argmax() != 2  # a far right pair is missed by more
    fitted = geometry.landmark_distances(geometry.fit_landmarks(wrong, start=START), wrong)
    assert fitted[2] < 60.0


def test_leaving_one_out_is_a_fit_to_the_others():
    given = pairs(START, 5, noise=3.0)
    left_out = geometry.leave_one_out(given, start=START)
    for i in range(5):
        rest = Landmarks(np.delete(given.moving, i, 0), np.delete(given.target, i, 0))
        pose = geometry.fit_landmarks(rest, start=START)
        apart = geometry.landmark_distances(pose, given)
        assert left_out.distance[i] == pytest.approx(apart[i])
        assert left_out.others[i] == pytest.approx(np.sqrt((np.delete(apart, i) ** 2).mean()))


def test_among_four_pairs_no_single_one_can_be_blamed():
    given = pairs(START, 4)
    target = given.target.copy()
    target[1, 0] += 90.0
    left_out = geometry.leave_one_out(Landmarks(given.moving, target), start=START)
    assert left_out.distance.max() > 50
    assert left_out.wrong() is None


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_pairs_have_nothing_to_leave_out(n):
    assert geometry.leave_one_out(pairs(START, n), start=START) is None


@pytest.mark.parametrize("side", ["moving", "target"])
def test_landmarks_on_one_line_cannot_define_an_affine_map(side):
    line = np.array([[0.0, 0.0], [10.0, 10.2], [20.0, 19.9]])
    spread = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    given = Landmarks(line, spread) if side == "moving" else Landmarks(spread, line)
    with pytest.raises(InvalidDataError, match="Add one more away from that line") as raised:
        geometry.fit_landmarks(given, start=START)
    assert raised.value.code == "E-20"
    assert raised.value.title == "Three landmarks are on one line."
    geometry.fit_landmarks(given, "similarity", start=START)  # two places define this one


@pytest.mark.parametrize(
    ("moving", "target", "says"),
    [
        (np.empty((0, 2)), np.empty((0, 2)), "no landmark yet"),
        ([[1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]], "1 landmarks in the moving section and 2"),
        ([[1.0, np.nan]], [[1.0, 2.0]], "missing or infinite"),
        ([[1.0, 2.0], [1.0, 2.0]], [[1.0, 2.0], [5.0, 2.0]], "at one place"),
    ],
)
def test_landmarks_that_define_nothing_are_refused(moving, target, says):
    with pytest.raises(InvalidDataError, match=says):
        geometry.fit_landmarks(Landmarks(np.array(moving), np.array(target)), start=START)
