"""Union, difference and intersection of polygons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.regions.combine import combine, nest

SQUARE = (np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]),)
SHIFTED = (SQUARE[0] + 2.0,)
HOW = {"union": np.logical_or, "intersect": np.logical_and, "subtract": lambda a, b: a & ~b}
# whole corners give every degenerate case: shared edges, corners on edges, crossings in corners
GRID = np.stack(np.meshgrid(np.arange(-0.37, 7), np.arange(-0.41, 7)), axis=-1).reshape(-1, 2)
corner = st.tuples(st.integers(0, 6), st.integers(0, 6))
ring = st.lists(corner, min_size=3, max_size=7, unique=True).map(lambda c: np.array(c, float))
polygons = st.lists(st.tuples(ring), min_size=1, max_size=2).map(tuple)


def test_the_union_of_two_squares_has_eight_corners_and_their_area():
    ((outer,),) = combine((SQUARE,), (SHIFTED,), "union")

    assert len(outer) == 8
    assert geometry.polygon_area(((outer,),)) == 28.0


def test_a_square_cut_out_of_the_middle_leaves_a_hole():
    inner = (np.array([[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 2.0]]),)

    ((outer, hole),) = combine((SQUARE,), (inner,), "subtract")

    assert geometry.polygon_area(((outer, hole),)) == 15.0
    assert sorted(map(tuple, hole)) == sorted(map(tuple, inner[0]))


def test_squares_that_share_an_edge_become_one_polygon():
    beside = (SQUARE[0] + [4.0, 0.0],)

    (part,) = combine((SQUARE,), (beside,), "union")

    assert len(part) == 1
    assert geometry.polygon_area((part,)) == 32.0


def test_nothing_is_left_of_a_square_less_itself():
    assert combine((SQUARE,), (SQUARE,), "subtract") == ()
    assert combine((SQUARE,), (SQUARE,), "intersect") != ()
    assert combine((), (), "union") == ()


def test_drawn_corners_keep_their_coordinates_to_the_last_bit():
    rng = np.random.default_rng(0)
    blob = rng.uniform(0, 1e4, (9, 2))
    far = blob + 1e5

    parts = combine(((blob,),), ((far,),), "union")

    found = {tuple(point) for part in parts for each in part for point in each}
    assert {tuple(point) for point in (*blob, *far)} <= found


@pytest.mark.parametrize("how", HOW)
@given(first=polygons, second=polygons)
@settings(max_examples=25, deadline=None)
def test_points_are_in_the_result_as_logic_says(how, first, second):
    inside = [geometry.contains(parts, GRID) for parts in (first, second)]

    result = combine(first, second, how)

    np.testing.assert_array_equal(geometry.contains(result, GRID), HOW[how](*inside))


@given(seed=st.integers(0, 2**31))
@settings(max_examples=8, deadline=None)
def test_areas_add_up_for_freehand_outlines(seed):
    rng = np.random.default_rng(seed)
    first, second = ((((rng.normal(size=(40, 2)) * 300 + 1e4),),) for _ in range(2))

    area = {how: geometry.polygon_area(combine(first, second, how)) for how in HOW}

    one = geometry.polygon_area(combine(first, first, "union"))
    two = geometry.polygon_area(combine(second, second, "union"))
    assert area["union"] + area["intersect"] == pytest.approx(one + two, rel=1e-9)
    assert area["subtract"] == pytest.approx(one - area["intersect"], rel=1e-9)


def test_an_island_in_a_hole_is_a_polygon_of_its_own():
    rings = [np.array([[-r, -r], [r, -r], [r, r], [-r, r]], float) for r in (1, 3, 2)]

    parts = nest(rings)

    assert [[len(ring) for ring in part] for part in parts] == [[4, 4], [4]]
    assert geometry.polygon_area(parts) == 36 - 16 + 4


def test_too_many_corners_are_refused():
    angle = np.linspace(0, 2 * np.pi, 20_001)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])

    with pytest.raises(InvalidDataError, match="20,005 corners"):
        combine(((circle,),), (SQUARE,), "union")
