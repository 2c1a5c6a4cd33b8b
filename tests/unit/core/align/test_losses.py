import numpy as np
import pytest
from scipy.optimize import check_grad

from spatialmeta_core.align.frame import Frame
from spatialmeta_core.align.losses import geman_mcclure, placement_cost
from spatialmeta_core.align.shape import spots_shape


@pytest.fixture(scope="module")
def shapes(section):
    moving, target = spots_shape(section.moving), spots_shape(section.target)
    frame = Frame.between(moving, target, None)
    return *frame.normalized(moving, target), frame.matrix_of(section.pose)


def test_the_robust_cost_is_quadratic_near_and_constant_far() -> None:
    cost, slope = geman_mcclure(np.array([0.0, 0.01, 0.1, 1e3]), 0.1)

    np.testing.assert_allclose(cost, [0, 0.0099, 0.5, 1], atol=1e-4)
    np.testing.assert_allclose(slope, [0, 0.2 / 1.0201 / 0.1 * 0.1 * 10 / 1, 5, 0], atol=0.05)


def test_the_gradient_is_that_of_the_cost(shapes) -> None:
    moving, target, truth = shapes
    rng = np.random.default_rng(0)
    for width in (0.12, 0.03):
        at = (truth + rng.normal(0, 0.02, (2, 3))).ravel()

        error = check_grad(
            lambda x, w=width: placement_cost(x.reshape(2, 3), moving, target, w)[0],
            lambda x, w=width: placement_cost(x.reshape(2, 3), moving, target, w)[1].ravel(),
            at,
        )

        size = np.linalg.norm(placement_cost(at.reshape(2, 3), moving, target, width)[1])
        assert error < 2e-2 * size  # the field is bilinear: its slope jumps at grid lines


def test_the_true_placement_costs_less_than_its_neighbors(shapes) -> None:
    moving, target, truth = shapes
    rng = np.random.default_rng(1)
    best = placement_cost(truth, moving, target, 0.05)[0]

    for _ in range(10):
        other = truth + rng.normal(0, 0.05, (2, 3))
        assert placement_cost(other, moving, target, 0.05)[0] > best


def test_both_directions_count_the_same(shapes) -> None:
    moving, target, truth = shapes
    linear = np.linalg.inv(truth[:, :2])
    back = np.column_stack([linear, -linear @ truth[:, 2]])

    ahead, _ = placement_cost(truth, moving, target, 0.05)

    assert placement_cost(back, target, moving, 0.05)[0] == pytest.approx(ahead, rel=0.05)
