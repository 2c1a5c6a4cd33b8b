import numpy as np
import pytest

from spatialmeta_core.align.extra import Terms
from spatialmeta_core.align.frame import Frame
from spatialmeta_core.align.search import (
    Placement,
    directions,
    global_starts,
    hand_starts,
    merged,
    moved_along,
    partial_starts,
    refine,
    rotation,
)
from spatialmeta_core.align.shape import spots_shape
from spatialmeta_core.params import AlignParams


@pytest.fixture(scope="module")
def shapes(section):
    moving, target = spots_shape(section.moving), spots_shape(section.target)
    frame = Frame.between(moving, target, None)
    return *frame.normalized(moving, target), frame.matrix_of(section.pose)


def terms(moving, target, **params) -> Terms:
    return Terms(moving, target, AlignParams(**params))


def turned(matrix: np.ndarray, degrees: float) -> np.ndarray:
    return rotation(np.deg2rad(degrees)) @ matrix


def moved(matrix: np.ndarray, x: float, y: float) -> np.ndarray:
    return matrix + np.array([[0, 0, x], [0, 0, y]])


def off(matrix: np.ndarray, truth: np.ndarray, shape) -> float:
    corners = np.column_stack([shape.interior, np.ones(len(shape.interior))])
    return float(np.linalg.norm(corners @ (matrix - truth).T, axis=1).mean())


def test_the_global_search_meets_the_true_turn_and_flip(shapes) -> None:
    moving, target, truth = shapes

    starts = global_starts(moving, target)

    assert min(off(s.matrix, truth, moving) for s in starts[:2]) < 0.08
    assert len(starts) <= 12
    assert [s.cost for s in starts] == sorted(s.cost for s in starts)


def test_hand_starts_begin_with_the_pose_itself_and_never_flip() -> None:
    start = np.array([[0.0, -1.1, 0.3], [1.1, 0.0, 0.2]])

    starts = hand_starts(start)

    np.testing.assert_allclose(starts[0].matrix, start)
    assert len(starts) == 5
    assert all(np.linalg.det(s.matrix[:, :2]) > 0 for s in starts)
    np.testing.assert_allclose([s.matrix[:, 2] for s in starts], [start[:, 2]] * 5)


def test_refining_finds_the_way_back(shapes) -> None:
    moving, target, truth = shapes
    start = Placement(moved(turned(truth, 9), 0.05, -0.04), np.nan)

    found = refine(start, terms(moving, target), (0.12, 0.05, 0.03))

    assert off(found.matrix, truth, moving) < 0.006
    assert found.history[-1] == pytest.approx(found.cost)


def test_the_cost_falls_within_each_width(shapes) -> None:
    moving, target, truth = shapes

    found = refine(Placement(turned(truth, 9), np.nan), terms(moving, target), (0.05,))

    assert (np.diff(found.history) <= 0).all()


def test_a_similarity_keeps_the_stretch_of_its_start(shapes) -> None:
    moving, target, truth = shapes
    start = turned(truth, 6) @ np.diag([1.1, 1.0, 1.0])

    found = refine(
        Placement(start, np.nan), terms(moving, target, transform="similarity"), (0.12, 0.05)
    )

    def stretch(matrix: np.ndarray) -> float:
        return float(np.linalg.cond(matrix[:, :2]))

    assert stretch(found.matrix) == pytest.approx(stretch(start))
    assert off(found.matrix, truth, moving) < off(start, truth, moving)


def test_similarity_moves_are_turn_scale_and_shift() -> None:
    matrix = np.array([[2.0, 0.5, 1.0], [0.0, 1.0, 3.0]])

    basis, origin = directions(matrix, "similarity")

    np.testing.assert_allclose(origin.reshape(2, 3), matrix)
    assert basis.shape == (6, 4)
    changed = (origin + basis @ [np.cos(0.3) - 1, np.sin(0.3), 0.0, 0.0]).reshape(2, 3)
    np.testing.assert_allclose(changed[:, :2], rotation(0.3) @ matrix[:, :2])
    np.testing.assert_allclose(changed[:, 2], matrix[:, 2])


def test_leaving_a_cut_out_finds_the_place_of_the_rest(shapes, section) -> None:
    _, target, _ = shapes
    whole = spots_shape(section.moving)
    cut = section.moving[section.truth[:, 0] < 5900]
    frame = Frame.between(whole, spots_shape(section.target), None)
    moving = spots_shape(cut).scaled(frame.moving_center, frame.moving_length)
    truth = frame.matrix_of(section.pose)
    naive = refine(Placement(truth, np.nan), terms(moving, target), (0.12, 0.05, 0.03))

    tries = partial_starts(naive, terms(moving, target))

    errors = [off(p.matrix, truth, moving) for p in tries]
    assert min(errors) < 0.01
    assert min(errors) <= off(naive.matrix, truth, moving)


def test_merging_keeps_the_better_of_two_that_agree(shapes) -> None:
    moving, _, truth = shapes
    near = Placement(moved(truth, 0.01, 0.0), 1.0)
    far = Placement(turned(truth, 90), 3.0)

    kept = merged([far, Placement(truth, 2.0), near], moving)

    assert [p.cost for p in kept] == [1.0, 3.0]


@pytest.mark.parametrize("transform", ["rigid", "similarity", "affine"])
def test_the_derivative_along_the_directions_is_the_slope(transform) -> None:
    matrix = np.array([[0.9, 0.2, 0.1], [-0.1, 1.1, 0.3]])
    x = np.random.default_rng(0).normal(0, 0.3, directions(matrix, transform)[0].shape[1])

    slope = moved_along(matrix, x, transform)[1]

    for k in range(len(x)):
        step = 1e-6 * np.eye(len(x))[k]
        ahead, back = (moved_along(matrix, x + s, transform)[0] for s in (step, -step))
        np.testing.assert_allclose(slope[:, k], (ahead - back).ravel() / 2e-6, atol=1e-8)


def test_a_rigid_step_turns_and_keeps_the_size() -> None:
    matrix = np.array([[0.9, 0.2, 0.1], [-0.1, 1.1, 0.3]])

    moved, _ = moved_along(matrix, np.array([np.tan(0.4), 0.2, -0.1]), "rigid")

    np.testing.assert_allclose(moved[:, :2], rotation(0.4) @ matrix[:, :2])
    np.testing.assert_allclose(moved[:, 2], [0.3, 0.2])


def test_the_rigid_search_tries_no_other_scale(shapes) -> None:
    moving, target, _ = shapes

    starts = global_starts(moving, target, "rigid")

    np.testing.assert_allclose([abs(np.linalg.det(s.matrix[:, :2])) for s in starts], 1)


def test_a_rigid_descent_turns_and_shifts_only(shapes) -> None:
    moving, target, truth = shapes
    start = Placement(moved(turned(truth, 7), 0.03, 0.02), np.nan)

    found = refine(start, terms(moving, target, transform="rigid"), (0.12, 0.05))

    np.testing.assert_allclose(
        np.linalg.svd(found.matrix[:, :2])[1], np.linalg.svd(truth[:, :2])[1]
    )
    assert off(found.matrix, truth, moving) < 0.01


def test_another_term_pulls_where_the_outline_has_no_weight(shapes) -> None:
    moving, target, truth = shapes
    wanted = moved(truth, 0.1, -0.2)

    class Pull:
        def cost(self, matrix: np.ndarray) -> tuple[float, np.ndarray]:
            return float(((matrix - wanted) ** 2).sum()) * 1e4, 2e4 * (matrix - wanted)

    alone = Terms(moving, target, AlignParams(outline_weight=0.0), Pull())

    found = refine(Placement(truth, np.nan), alone, (0.05,))

    np.testing.assert_allclose(found.matrix, wanted, atol=1e-3)


def test_refits_that_agree_are_given_once(shapes) -> None:
    moving, target, truth = shapes
    placement = refine(Placement(truth, np.nan), terms(moving, target), (0.05, 0.03))

    tries = partial_starts(placement, terms(moving, target))

    assert 1 <= len(tries) < 24
    for i, one in enumerate(tries):
        assert all(off(one.matrix, other.matrix, moving) > 0.008 for other in tries[:i])
