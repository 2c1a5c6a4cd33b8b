import numpy as np
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import alpha_outline, level_rings, signed_area


def lattice(columns: int, rows: int) -> np.ndarray:
    return (
        np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2).astype(float)
    )


def test_the_outline_of_a_lattice_is_its_border() -> None:
    (outline,) = alpha_outline(lattice(6, 4))

    assert abs(signed_area(outline.xy)) == pytest.approx(5 * 3)
    assert len(outline.xy) == 2 * (5 + 3)


def test_pieces_and_holes_have_outlines_of_their_own() -> None:
    ring = lattice(9, 9)
    ring = ring[np.abs(ring - 4).max(axis=1) > 1]

    outlines = alpha_outline(np.concatenate([ring, lattice(3, 3) + 50]))

    assert [abs(signed_area(o.xy)) for o in outlines] == pytest.approx([64, 14, 4])  # corners cut


def test_one_missing_spot_is_no_hole() -> None:
    spots = lattice(7, 7)

    assert len(alpha_outline(spots[(spots != 3).any(axis=1)])) == 1


def test_the_outline_moves_with_the_points_and_their_unit() -> None:
    spots = lattice(8, 5)

    (small,), (large,) = alpha_outline(spots), alpha_outline(spots * 1e4 - 3e6)

    assert signed_area(large.xy) == pytest.approx(1e8 * signed_area(small.xy))


def test_a_small_alpha_keeps_nothing() -> None:
    assert alpha_outline(lattice(5, 5), alpha=0.5) == ()


def test_pieces_that_touch_in_one_point_give_closed_rings() -> None:
    outlines = alpha_outline(np.concatenate([lattice(4, 4), lattice(4, 4) + 3]))

    assert sum(abs(signed_area(o.xy)) for o in outlines) == pytest.approx(18 + 1, abs=1)


@pytest.mark.parametrize("points", [lattice(9, 1), lattice(1, 2), np.empty((0, 2))])
def test_points_on_a_line_have_no_outline(points) -> None:
    with pytest.raises(InvalidDataError, match="have no outline"):
        alpha_outline(points)


def test_the_level_line_of_a_disc_is_a_circle() -> None:
    y, x = np.mgrid[:61, :81]

    (ring,) = level_rings(np.hypot(x - 40, y - 30) - 20)

    np.testing.assert_allclose(np.hypot(*(ring - [40, 30]).T), 20, atol=0.02)


def test_islands_and_holes_run_in_opposite_directions() -> None:
    y, x = np.mgrid[:61, :81]
    radius = np.hypot(x - 30, y - 30)

    rings = level_rings(np.minimum(np.abs(radius - 15) - 7, np.hypot(x - 70, y - 10) - 5))

    areas = sorted(signed_area(r) for r in rings)
    np.testing.assert_allclose(areas, np.pi * np.array([-64, 25, 484]), rtol=0.02)


def test_every_line_of_a_noisy_grid_closes() -> None:
    grid = np.pad(np.random.default_rng(0).normal(size=(40, 40)), 1, constant_values=1)

    steps = [np.linalg.norm(r - np.roll(r, 1, axis=0), axis=1).max() for r in level_rings(grid)]

    assert max(steps) <= np.sqrt(2)
