import numpy as np
import pytest

from app.pages.align.coverage import coverage
from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.params import ReassignParams
from spatialmeta_core.reassign import donors_of, sides
from spatialmeta_core.types import Alignment

GRID = np.array([[x, y] for y in range(6) for x in range(6)], float) * 10
STAY = Alignment(geometry.make_pose())


def test_a_spot_counts_the_pixels_within_reach_up_to_k():
    pixels = np.array([[0, 0], [1, 0], [2, 0], [40, 40]], float)
    found = coverage(GRID, pixels, STAY, ReassignParams(n_neighbors=2, distance_factor=0.5))
    assert found.limit_px == 5
    assert found.n_donors[0] == 2  # three are near, two are used
    assert found.n_donors[28] == 1
    assert (found.n_kept, found.n_dropped) == (2, 34)
    assert found.nearest_px[1] == 8


def test_a_pixel_exactly_at_the_cut_off_counts():
    found = coverage(GRID, np.array([[5.0, 0.0]]), STAY, ReassignParams(distance_factor=0.5))
    assert found.n_donors[:2].tolist() == [1, 1]


def test_moving_both_sections_together_changes_nothing():
    pixels = np.random.default_rng(0).uniform(0, 50, (80, 2))
    here = coverage(GRID, pixels, STAY, ReassignParams())
    shift = np.array([1000, -500])
    there = coverage(GRID + shift, pixels + shift, STAY, ReassignParams())
    np.testing.assert_array_equal(here.n_donors, there.n_donors)


def test_counts_agree_with_looking_at_every_pair():
    pixels = np.random.default_rng(1).uniform(0, 50, (60, 2))
    params = ReassignParams(n_neighbors=4, distance_factor=0.8)
    far = np.linalg.norm(GRID[:, None] - pixels[None], axis=2)
    expected = np.minimum((far <= 8).sum(axis=1), 4)
    np.testing.assert_array_equal(coverage(GRID, pixels, STAY, params).n_donors, expected)


@pytest.mark.parametrize("direction", ["sm_to_st", "st_to_sm"])
@pytest.mark.parametrize("method", ["mean", "distance", "area"])
def test_the_preview_is_what_reassignment_will_do(direction, method):
    params = ReassignParams(direction=direction, method=method, distance_factor=0.7)
    pixels = GRID[GRID[:, 0] < 40] * 0.4 + 1.0
    alignment = Alignment(geometry.make_pose(20, 2.5, 2.4, (50.0, -8.0)))

    found = coverage(GRID, pixels, alignment, params)

    where = sides(GRID, pixels, alignment, params)
    carried = donors_of(where, params).carry(np.ones((len(where.source_xy), 1)))
    np.testing.assert_array_equal(found.n_donors > 0, np.isfinite(carried[:, 0]))
    np.testing.assert_array_equal(found.xy, where.target_xy)
    assert 0 < found.n_dropped < len(found.xy)
    assert (found.limit_px is None) is (method == "area")
    assert (found.covered is None) is (method != "area")


def test_pixels_finer_than_spots_are_told_the_factor_that_leaves_no_holes():
    pixels = np.array([[x, y] for y in range(50) for x in range(50)], float)
    params = ReassignParams(direction="st_to_sm")
    found = coverage(GRID, pixels, STAY, params)
    assert found.factor_without_holes == pytest.approx(5.8)
    enough = ReassignParams(direction="st_to_sm", distance_factor=7.2)  # a square grid's corners
    assert coverage(GRID, pixels, STAY, enough).n_dropped == 0
    assert coverage(GRID, pixels, STAY, enough).factor_without_holes is None
    assert coverage(GRID, pixels, STAY, ReassignParams()).factor_without_holes is None


def test_an_impossible_number_of_neighbors_is_refused():
    with pytest.raises(InvalidParamsError, match="n_neighbors"):
        ReassignParams(n_neighbors=0)
