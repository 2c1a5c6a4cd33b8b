import numpy as np
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.regions.distance import distance_from_region
from spatialmeta_core.types import Region

OUTER = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
HOLE = OUTER * 0.4 + 3.0


def test_inside_is_negative_and_distances_are_um() -> None:
    region = Region("r", "r", "", ((OUTER,),))
    xy = np.array([[5.0, 1.0], [5.0, -2.0], [13.0, 14.0]])

    np.testing.assert_allclose(distance_from_region(region, xy), [-1.0, 2.0, 5.0])
    np.testing.assert_allclose(distance_from_region(region, xy, 0.5), [-0.5, 1.0, 2.5])


def test_the_edge_of_a_hole_counts_and_a_hole_is_outside() -> None:
    region = Region("r", "r", "", ((OUTER, HOLE),))

    found = distance_from_region(region, np.array([[5.0, 5.0], [2.5, 5.0], [1.0, 5.0]]))

    np.testing.assert_allclose(found, [2.0, -0.5, -1.0])


def test_a_region_without_a_polygon_is_refused() -> None:
    with pytest.raises(InvalidDataError, match='"empty" has no polygon'):
        distance_from_region(Region("r", "empty", "", ()), np.zeros((1, 2)))
