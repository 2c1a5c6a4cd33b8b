import numpy as np
import pytest
from scipy.spatial import KDTree

from benchmarks.cases import KINDS, simulated
from benchmarks.peers.classic import centered, icp, identity
from benchmarks.peers.descent import _loss, descent
from spatialmeta_core.geometry import apply_pose, make_pose


@pytest.fixture(scope="module")
def case():
    return simulated(1, "easy")


def test_the_truth_of_a_case_has_no_error_and_the_hand_pose_some(case) -> None:
    assert case.error(case.truth) == (0, 0)
    assert 1 < case.error(case.hand)[0] < 20
    assert len(case.moving) == len(case.truth) == len(case.is_tissue)
    assert 0.9 < case.is_tissue.mean() < 1


def test_seeds_and_kinds_give_different_cases_and_the_same_again(case) -> None:
    np.testing.assert_array_equal(simulated(1, "easy").moving, case.moving)
    sizes = {len(simulated(seed, kind).fixed) for seed in (1, 2) for kind in KINDS}
    assert len(sizes) > 3


def test_true_pixels_of_a_case_lie_on_the_fixed_section(case) -> None:
    pitch = np.median(KDTree(case.fixed).query(case.fixed, 2)[0][:, 1])

    assert KDTree(case.fixed).query(case.truth[case.is_tissue])[0].max() < 1.5 * pitch


def test_icp_comes_close_after_a_small_affine_change(case) -> None:
    off = make_pose(5, 1.03, 0.97, (0.02 * case.width, 0.0), center=tuple(case.fixed.mean(axis=0)))
    start = apply_pose(off, case.fixed)

    placed = icp(start, case.fixed)

    before, after = (
        np.median(np.linalg.norm(xy - case.fixed, axis=1)) / case.width for xy in (start, placed)
    )
    assert after < 0.02 < before


def test_the_slope_of_the_descent_is_that_of_its_loss() -> None:
    rng = np.random.default_rng(0)
    source, goal = rng.normal(size=(40, 2)) * 100, rng.normal(size=(50, 2)) * 100
    state, tree = np.array([0.1, 2.0, 3.0, 0.02, -0.03]), KDTree(goal)

    loss, slope = _loss(state, source, goal, tree, np.zeros(2))

    for k in range(5):
        step = np.eye(5)[k] * 1e-6
        ahead, _ = _loss(state + step, source, goal, tree, np.zeros(2))
        assert (ahead - loss) / 1e-6 == pytest.approx(slope[k], rel=1e-3, abs=1e-5)


def test_the_descent_comes_closer(case) -> None:
    assert case.error(descent(case.hand, case.fixed))[0] < case.error(case.hand)[0]


def test_sections_apart_are_centered_and_others_left_alone(case) -> None:
    np.testing.assert_array_equal(centered(case.hand, case.fixed), case.hand)
    moved = centered(case.moving, case.fixed)
    assert np.linalg.norm(moved.mean(axis=0) - case.fixed.mean(axis=0)) < 0.1 * case.width
    np.testing.assert_array_equal(identity(case.hand, case.fixed), case.hand)
