"""Rings, brush strokes, smooth and shortest paths."""

from __future__ import annotations

import numpy as np
import pytest

from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.regions import shapes

SQUARE = ((np.array([[0.0, 0.0], [400.0, 0.0], [400.0, 400.0], [0.0, 400.0]]),),)
GRID = np.stack(np.meshgrid(np.arange(10), np.arange(10)), axis=-1).reshape(-1, 2) * 100.0


def test_a_ring_lies_outside_its_region_and_has_the_area_of_geometry():
    ring = shapes.ring_around(SQUARE, 100.0)

    expected = 4 * 400 * 100 + np.pi * 100**2
    assert geometry.polygon_area(ring) == pytest.approx(expected, rel=0.01)
    assert not geometry.contains(ring, np.array([[200.0, 200.0]])).any()
    assert geometry.contains(ring, np.array([[-50.0, 200.0], [450.0, 450.0]])).all()
    assert not geometry.contains(ring, np.array([[-101.0, 200.0], [475.0, 475.0]])).any()


def test_rings_of_neighbors_join_and_stay_out_of_both():
    both = (*SQUARE, (SQUARE[0][0] + [500.0, 0.0],))

    ring = shapes.ring_around(both, 100.0)

    assert geometry.contains(ring, np.array([[450.0, 200.0]])).all()
    assert not geometry.contains(ring, np.array([[700.0, 200.0], [200.0, 200.0]])).any()


def test_a_dab_is_a_disc_and_a_stroke_a_capsule():
    assert geometry.polygon_area(shapes.brush_stroke(np.zeros((1, 2)), 50.0)) == pytest.approx(
        np.pi * 50**2, rel=0.01
    )
    stroke = shapes.brush_stroke(np.array([[0.0, 0.0], [300.0, 0.0]]), 50.0)
    expected = 300 * 100 + np.pi * 50**2
    assert geometry.polygon_area(stroke) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("width", [0.0, -3.0, np.nan])
def test_a_width_must_be_positive(width):
    with pytest.raises(InvalidDataError, match="above 0"):
        shapes.ring_around(SQUARE, width)
    with pytest.raises(InvalidDataError, match="above 0"):
        shapes.brush_stroke(np.zeros((1, 2)), width)


def test_smoothing_keeps_the_ends_and_shortens_a_zigzag():
    zigzag = np.array([[0.0, 0.0], [100.0, 40.0], [200.0, -40.0], [300.0, 40.0], [400.0, 0.0]])

    smooth = shapes.smooth_line(zigzag, 100.0)

    np.testing.assert_allclose(smooth[[0, -1]], zigzag[[0, -1]], atol=1e-9)
    assert geometry.path_length(smooth) < 0.9 * geometry.path_length(zigzag)


def test_smoothing_a_straight_line_changes_nothing():
    line = np.array([[0.0, 0.0], [500.0, 250.0]])

    np.testing.assert_allclose(shapes.smooth_line(line, 100.0), line, atol=1e-6)


def test_the_parts_of_a_cut_path_add_up_to_it():
    line = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 300.0]])

    first, second = shapes.split_line(line, 0.25)

    np.testing.assert_allclose(first, [[0, 0], [100, 0]])
    np.testing.assert_allclose(second, [[100, 0], [100, 300]])
    with pytest.raises(InvalidDataError, match="0 to 1"):
        shapes.split_line(line, 1.0)


def test_the_shortest_way_is_straight_where_tissue_is_whole():
    start, stop = GRID[:, 0] == 0, (GRID[:, 0] == 900) & (GRID[:, 1] == 500)

    way = shapes.shortest_path(GRID, start, stop)

    np.testing.assert_allclose(way, [[0.0, 500.0], [900.0, 500.0]])


def test_the_shortest_way_goes_round_a_hole_in_the_tissue():
    wall = (GRID[:, 0] == 500) & (GRID[:, 1] > 0)
    tissue = GRID[~wall]
    start = (tissue == [200.0, 800.0]).all(axis=1)
    stop = (tissue == [800.0, 800.0]).all(axis=1)

    way = shapes.shortest_path(tissue, start, stop)

    assert way[:, 1].min() <= 100
    apart = np.linalg.norm(
        tissue[None] - shapes.along_line(way, np.linspace(0, 1, 90))[:, None], axis=2
    )
    assert apart.min(axis=1).max() < 110


def test_what_keeps_two_regions_apart_is_said():
    tissue = GRID[GRID[:, 0] != 500]
    left, right = tissue[:, 0] == 0, tissue[:, 0] == 900
    none = np.zeros(len(tissue), bool)

    wide = tissue[(tissue[:, 0] < 400) | (tissue[:, 0] > 700)]
    with pytest.raises(InvalidDataError, match="No tissue joins"):
        shapes.shortest_path(wide, wide[:, 0] == 0, wide[:, 0] == 900)
    with pytest.raises(InvalidDataError, match="holds no spots"):
        shapes.shortest_path(tissue, left, none)
    with pytest.raises(InvalidDataError, match="share"):
        shapes.shortest_path(tissue, left | right, right)
