import numpy as np
import pytest

from spatialmeta_core.align.frame import Frame
from spatialmeta_core.align.search import (
    Placement,
    directions,
    global_starts,
    hand_starts,
    merged,
    partial_starts,
    refine,
    rotation,
)
from spatialmeta_core.align.shape import spots_shape


@pytest.fixture(scope="module")
def shapes(section):
    moving, target = spots_shape(section.moving), spots_shape(section.target)
    frame = Frame.between(moving, target, None)
    return *frame.normalized(moving, target), frame.matrix_of(section.pose)


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

    found = refine(start, moving, target, (0.12, 0.05, 0.03), "affine")

    assert off(found.matrix, truth, moving) < 0.006
    assert found.history[-1] == pytest.approx(found.cost)


def test_the_cost_falls_within_each_width(shapes) -> None:
    moving, target, truth = shapes

    found = refine(Placement(turned(truth, 9), np.nan), moving, target, (0.05,), "affine")

    assert (np.diff(found.history) <= 0).all()


def test_a_similarity_keeps_the_stretch_of_its_start(shapes) -> None:
    moving, target, truth = shapes
    start = turned(truth, 6) @ np.diag([1.1, 1.0, 1.0])

    found = refine(Placement(start, np.nan), moving, target, (0.12, 0.05), "similarity")

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
    naive = refine(Placement(truth, np.nan), moving, target, (0.12, 0.05, 0.03), "affine")

    tries = partial_starts(naive, moving, target, "affine")

    errors = [off(p.matrix, truth, moving) for p in tries]
    assert min(errors) < 0.01
    assert min(errors) <= off(naive.matrix, truth, moving)


def test_merging_keeps_the_better_of_two_that_agree(shapes) -> None:
    moving, _, truth = shapes
    near = Placement(moved(truth, 0.01, 0.0), 1.0)
    far = Placement(turned(truth, 90), 3.0)

    kept = merged([far, Placement(truth, 2.0), near], moving)

    assert [p.cost for p in kept] == [1.0, 3.0]
