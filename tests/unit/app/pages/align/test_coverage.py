import numpy as np
import pytest

from app.pages.align.coverage import coverage
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.params import ReassignParams

GRID = np.array([[x, y] for y in range(6) for x in range(6)], float) * 10


def test_a_spot_counts_the_pixels_within_reach_up_to_k():
    pixels = np.array([[0, 0], [1, 0], [2, 0], [40, 40]], float)
    found = coverage(pixels, GRID, ReassignParams(n_neighbors=2, distance_factor=0.5))
    assert found.limit_px == 5
    assert found.n_donors[0] == 2  # three are near, two are used
    assert found.n_donors[28] == 1
    assert (found.n_kept, found.n_dropped) == (2, 34)
    assert found.nearest_px[1] == 8


def test_a_pixel_exactly_at_the_cut_off_counts():
    found = coverage(np.array([[5.0, 0.0]]), GRID, ReassignParams(distance_factor=0.5))
    assert found.n_donors[:2].tolist() == [1, 1]


def test_moving_both_sections_together_changes_nothing():
    pixels = np.random.default_rng(0).uniform(0, 50, (80, 2))
    here = coverage(pixels, GRID, ReassignParams())
    shift = np.array([1000, -500])
    there = coverage(pixels + shift, GRID + shift, ReassignParams())
    np.testing.assert_array_equal(here.n_donors, there.n_donors)


def test_counts_agree_with_looking_at_every_pair():
    pixels = np.random.default_rng(1).uniform(0, 50, (60, 2))
    params = ReassignParams(n_neighbors=4, distance_factor=0.8)
    far = np.linalg.norm(GRID[:, None] - pixels[None], axis=2)
    expected = np.minimum((far <= 8).sum(axis=1), 4)
    np.testing.assert_array_equal(coverage(pixels, GRID, params).n_donors, expected)


def test_an_impossible_number_of_neighbors_is_refused():
    with pytest.raises(InvalidParamsError, match="n_neighbors"):
        ReassignParams(n_neighbors=0)
