from itertools import pairwise

import numpy as np
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import path_length, project_onto, simplify

ELBOW = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 0.0], [10.0, 10.0]])


def test_the_length_of_an_elbow_is_the_sum_of_its_arms() -> None:
    assert path_length(ELBOW) == pytest.approx(20.0)


def test_points_project_onto_the_nearest_arm() -> None:
    along, across, distance = project_onto(ELBOW, np.array([[4.0, 3.0], [12.0, 5.0], [-3.0, 4.0]]))

    np.testing.assert_allclose(along, [4.0, 15.0, 0.0])
    np.testing.assert_allclose(distance, [3.0, 2.0, 5.0])
    # y points down: below a path to the right is the walker's right; right of a path down, the left
    np.testing.assert_allclose(across, [3.0, -2.0, 5.0])


def test_projection_agrees_with_a_dense_walk() -> None:
    rng = np.random.default_rng(0)
    path, points = rng.uniform(0, 10, (6, 2)), rng.uniform(0, 10, (40, 2))
    fraction = np.linspace(0, 1, 4001)[:, None]
    walk = np.concatenate([a + fraction * (b - a) for a, b in pairwise(path)])

    _, across, distance = project_onto(path, points)

    expected = np.linalg.norm(points[:, None] - walk, axis=2).min(axis=1)
    np.testing.assert_allclose(distance, expected, atol=2e-3)
    np.testing.assert_allclose(np.abs(across), distance)


def test_walking_back_measures_from_the_other_end_and_swaps_sides() -> None:
    points = np.array([[4.0, 3.0], [12.0, 5.0]])

    there, back = project_onto(ELBOW, points), project_onto(ELBOW[::-1], points)

    np.testing.assert_allclose(back[0], 20.0 - there[0])
    np.testing.assert_allclose(back[1], -there[1])


def test_a_path_without_length_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="2 corners and no length"):
        project_onto(np.ones((2, 2)), np.zeros((1, 2)))


def test_simplifying_keeps_corners_and_drops_points_on_straight_arms() -> None:
    path = np.array([[0.0, 0.0], [3.0, 0.01], [6.0, 0.0], [6.0, 3.0], [6.0, 6.0]])

    np.testing.assert_allclose(simplify(path, 0.1), [[0, 0], [6, 0], [6, 6]])


def test_dropped_corners_stay_within_the_tolerance() -> None:
    t = np.linspace(0, 4 * np.pi, 400)
    path = np.column_stack([t, np.sin(t)])

    short = simplify(path, 0.05)

    assert len(short) < 60
    assert project_onto(short, path)[2].max() <= 0.05


def test_a_closed_ring_can_be_simplified() -> None:
    ring = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0]])

    assert len(simplify(ring, 0.1)) == 5
