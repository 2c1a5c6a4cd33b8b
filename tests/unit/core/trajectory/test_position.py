import numpy as np
import pytest

from spatialmeta_core import trajectory
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.types import Trajectory


def path(points, width: float = 4.0) -> Trajectory:
    return Trajectory("t", "edge to core", "a", np.asarray(points, float), width)


def test_spots_are_placed_along_and_across_a_bent_path() -> None:
    xy = np.array([[3.0, 1.0], [10.0, 5.0], [9.0, 5.0]])

    position = trajectory.assign(path([[0, 0], [10, 0], [10, 10]]), xy)

    np.testing.assert_allclose(position.along, [3.0, 15.0, 15.0])
    np.testing.assert_allclose(position.across, [1.0, 0.0, 1.0])  # y down: right of travel
    assert position.length == 20.0
    assert position.unit == "px"


def test_the_width_is_full_and_the_ends_are_square() -> None:
    xy = np.array([[5.0, 2.0], [5.0, 2.1], [-0.1, 0.0], [10.1, 0.0], [0.0, 1.0]])

    position = trajectory.assign(path([[0, 0], [10, 0]]), xy)

    assert position.inside.tolist() == [True, False, False, False, True]


def test_a_known_pixel_size_gives_micrometers() -> None:
    xy = np.array([[5.0, 2.0], [5.0, 5.0]])

    position = trajectory.assign(path([[0, 0], [10, 0]]), xy, um_per_px=0.5)

    np.testing.assert_allclose(position.along, 2.5)
    np.testing.assert_allclose(position.across, [1.0, 2.5])
    assert position.inside.tolist() == [True, False]
    assert (position.length, position.unit) == (5.0, "um")


def test_walking_back_mirrors_the_positions() -> None:
    points = np.array([[0.0, 0.0], [4.0, 3.0], [9.0, 3.0]])
    xy = np.random.default_rng(0).uniform(0, 9, (50, 2))

    there = trajectory.assign(path(points), xy)
    back = trajectory.assign(path(points[::-1]), xy)

    np.testing.assert_allclose(back.along, there.length - there.along)
    np.testing.assert_array_equal(back.inside, there.inside)


def test_a_repeated_click_changes_nothing() -> None:
    xy = np.random.default_rng(0).uniform(-3, 13, (50, 2))

    once = trajectory.assign(path([[0, 0], [10, 0]]), xy)
    twice = trajectory.assign(path([[0, 0], [0, 0], [10, 0], [10, 0]]), xy)

    np.testing.assert_array_equal(once.inside, twice.inside)


@pytest.mark.parametrize("points", [[[1, 1]], [[1, 1], [1, 1]]])
def test_one_point_is_not_a_path(points) -> None:
    with pytest.raises(InvalidDataError, match='"edge to core" has 1 different point'):
        trajectory.assign(path(points), np.zeros((3, 2)))
