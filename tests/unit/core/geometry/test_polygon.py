import numpy as np
import pytest

from spatialmeta_core.geometry import contains, polygon_area

SQUARE = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
HOLE = np.array([[1.0, 1.0], [1.0, 3.0], [3.0, 3.0], [3.0, 1.0]])


def inside_slowly(rings, point) -> bool:
    """Sum the angles seen from the point: the winding number is odd inside."""
    turns = 0.0
    for ring in rings:
        angle = np.arctan2(*(ring - point).T)
        step = np.diff(np.append(angle, angle[0]))
        turns += ((step + np.pi) % (2 * np.pi) - np.pi).sum()
    return round(turns / (2 * np.pi)) % 2 == 1


def test_a_hole_is_outside_and_another_part_is_inside() -> None:
    parts = ((SQUARE, HOLE), (SQUARE + 10,))
    points = np.array([[0.5, 0.5], [2.0, 2.0], [12.0, 12.0], [7.0, 7.0]])

    assert contains(parts, points).tolist() == [True, False, True, False]


def test_a_star_contains_what_the_winding_number_says() -> None:
    rng = np.random.default_rng(1)
    angle = np.linspace(0, 2 * np.pi, 17)[:-1]
    radius = np.where(np.arange(16) % 2, 1.0, 0.4)
    star = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    star_with_hole = (star, 0.2 * star)
    points = rng.uniform(-1, 1, (500, 2))

    expected = [inside_slowly(star_with_hole, p) for p in points]

    assert contains((star_with_hole,), points).tolist() == expected


def test_a_point_on_a_shared_edge_belongs_to_one_of_two_polygons() -> None:
    rng = np.random.default_rng(2)
    a, b, c, d = rng.uniform(0, 1, (4, 2)) + np.array([[0, 0], [1, 1], [-2, 3], [3, -2]])
    on_edge = a + np.linspace(0.01, 0.99, 50)[:, None] * (b - a)

    left = contains(((np.array([a, b, c]),),), on_edge)
    right = contains(((np.array([b, a, d]),),), on_edge)

    assert (left ^ right).all()


def test_left_and_top_sides_are_inside_right_and_bottom_are_not() -> None:
    sides = np.array([[0.0, 2.0], [2.0, 0.0], [4.0, 2.0], [2.0, 4.0]])

    assert contains(((SQUARE,),), sides).tolist() == [True, True, False, False]


def test_missing_points_are_outside() -> None:
    assert not contains(((SQUARE,),), np.array([[np.nan, 1.0]])).any()


def test_nothing_contains_nothing() -> None:
    assert contains((), np.zeros((3, 2))).tolist() == [False] * 3
    assert contains(((SQUARE,),), np.empty((0, 2))).shape == (0,)


def test_the_area_leaves_holes_out_in_either_direction() -> None:
    assert polygon_area(((SQUARE, HOLE), (SQUARE[::-1],))) == pytest.approx(12 + 16)
