import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatialmeta_core.geometry import apply_pose, contains, make_pose
from spatialmeta_core.geometry.overlap import disc_overlap

UNIT = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
NUMBER = st.floats(-2.0, 2.0)


@pytest.mark.parametrize(
    ("corners", "radius", "area"),
    [
        (UNIT, 1.0, np.pi / 4),  # a quarter of the disc
        (UNIT, 5.0, 1.0),  # all of the square
        (UNIT * 4 - 2, 1.0, np.pi),  # all of the disc
        (UNIT + np.array([3.0, 0.0]), 1.0, 0.0),
        (UNIT * 4 - [0.0, 2.0], 1.0, np.pi / 2),  # an edge through the center
        (UNIT * 4 + [0.5, -2.0], 1.0, np.pi / 3 - np.sqrt(3) / 4),  # a segment of 120 degrees
        (UNIT * 4 + [1.0, -2.0], 1.0, 0.0),  # touches
    ],
)
def test_areas_known_by_hand(corners, radius, area) -> None:
    assert disc_overlap(corners[None], radius)[0] == pytest.approx(area, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_it_equals_counting_fine_points(seed) -> None:
    rng = np.random.default_rng(seed)
    pose = make_pose(rng.uniform(0, 360), *rng.uniform(0.5, 1.5, 2), tuple(rng.normal(0, 0.7, 2)))
    corners, radius = apply_pose(pose, UNIT), rng.uniform(0.4, 1.2)

    step = np.linspace(-radius, radius, 801)
    x, y = np.meshgrid(step, step)
    points = np.column_stack([x.ravel(), y.ravel()])[(x**2 + y**2).ravel() < radius**2]
    counted = contains(((corners,),), points).mean() * np.pi * radius**2
    assert disc_overlap(corners[None], radius)[0] == pytest.approx(counted, abs=0.005)


@given(NUMBER, NUMBER, st.floats(0, 360), st.floats(0.1, 3.0))
def test_parts_add_up_and_turning_changes_nothing(x, y, angle, radius) -> None:
    square = UNIT + np.array([x, y])
    left, right = square * [0.5, 1] + [0.5 * x, 0], square * [0.5, 1] + [0.5 * x + 0.5, 0]
    whole = disc_overlap(square[None], radius)[0]

    assert disc_overlap(np.stack([left, right]), radius).sum() == pytest.approx(whole, abs=1e-9)
    turned = apply_pose(make_pose(angle, flipped=True), square)
    assert disc_overlap(turned[None], radius)[0] == pytest.approx(whole, abs=1e-9)


@pytest.mark.parametrize("offset", [0.0, 1e-17, 1e-16, 1e-12, 1e-150])
def test_a_corner_or_an_edge_at_the_center_is_no_trouble(offset) -> None:
    corner = UNIT + np.array([offset, -offset])
    edge = UNIT * 2 + np.array([offset, -1.0])

    assert disc_overlap(corner[None], 0.7)[0] == pytest.approx(0.49 * np.pi / 4)
    assert disc_overlap(edge[None], 0.7)[0] == pytest.approx(0.49 * np.pi / 2)
