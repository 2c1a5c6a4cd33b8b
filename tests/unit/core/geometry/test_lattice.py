import numpy as np
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import apply_pose, make_pose, signed_area
from spatialmeta_core.geometry.lattice import lattice_basis, lattice_cells, voronoi_cell

COLUMN, ROW = (part.ravel().astype(float) for part in np.meshgrid(np.arange(20), np.arange(16)))
SQUARE = np.column_stack([COLUMN, ROW])
HEXAGONAL = np.column_stack([COLUMN + 0.5 * (ROW % 2), ROW * np.sqrt(0.75)])


@pytest.mark.parametrize(
    ("points", "area"),
    [
        (SQUARE * 20.0, 400.0),
        (SQUARE * [1.0, 3.0], 3.0),
        (HEXAGONAL, np.sqrt(0.75)),
        (SQUARE[np.random.default_rng(0).random(len(SQUARE)) < 0.7], 1.0),
        (np.concatenate([SQUARE, SQUARE]), 1.0),
    ],
)
def test_a_cell_has_the_area_of_one_period(points, area) -> None:
    cell = voronoi_cell(lattice_basis(points))

    assert abs(signed_area(cell)) == pytest.approx(area)


@pytest.mark.parametrize("angle", [0.0, 17.0, 45.0, 90.0, 133.0])
def test_cells_turn_with_the_grid(angle) -> None:
    pose = make_pose(angle, 2.0, 2.0, (5.0, -3.0))

    turned = lattice_cells(apply_pose(pose, SQUARE))

    for point, cell in zip(apply_pose(pose, SQUARE), turned, strict=True):
        np.testing.assert_allclose(np.hypot(*(cell - point).T), np.sqrt(2.0))
    expected = np.sort(apply_pose(pose, SQUARE[[0]] + [0.5, 0.5])[0])
    assert np.isclose(np.sort(turned[0], axis=1), expected).all(axis=1).any()


def test_corners_are_as_far_from_the_point_as_from_its_neighbors() -> None:
    cells = lattice_cells(HEXAGONAL)

    middle = np.flatnonzero((COLUMN == 10) & (ROW == 8))[0]
    distance = np.linalg.norm(cells[middle][:, None] - HEXAGONAL, axis=2)
    np.testing.assert_allclose(np.sort(distance, axis=1)[:, :3], np.sqrt(1 / 3))


def test_rounding_to_pixels_does_not_matter() -> None:
    exact, rounded = lattice_basis(HEXAGONAL * 138.3), lattice_basis(np.rint(HEXAGONAL * 138.3))

    assert abs(np.linalg.det(rounded)) == pytest.approx(abs(np.linalg.det(exact)), rel=0.005)


@pytest.mark.parametrize(
    ("points", "why"),
    [
        (np.random.default_rng(0).uniform(0, 20, (400, 2)), "scattered"),
        (np.column_stack([np.arange(50.0), np.zeros(50)]), "one line"),
        (np.zeros((5, 2)), "1 different positions"),
    ],
)
def test_points_on_no_grid_are_refused(points, why) -> None:
    with pytest.raises(InvalidDataError, match=why):
        lattice_basis(points)
