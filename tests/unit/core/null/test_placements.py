import numpy as np
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.null import place_region


def hexagons(width: int, height: int) -> np.ndarray:
    row, column = np.divmod(np.arange(width * height), width)
    return np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2]) * 100.0


def disk(xy: np.ndarray, center: tuple[float, float], radius: float) -> np.ndarray:
    return np.hypot(*(xy - center).T) < radius


def test_placements_keep_nine_tenths_of_the_spots_and_differ() -> None:
    xy = hexagons(30, 30)
    mask = disk(xy, (800, 900), 450)

    found = place_region(xy, mask, n_placements=300)

    sizes = found.members.sum(axis=1)
    assert found.n_placements == 300
    assert (sizes >= 0.9 * mask.sum()).all()
    assert sizes.max() < 1.15 * mask.sum()
    assert len({row.tobytes() for row in found.members.toarray()}) == 300


def test_a_placement_has_the_shape_of_the_region() -> None:
    xy = hexagons(40, 40)
    bar = (np.abs(xy[:, 0] - 2000) < 900) & (np.abs(xy[:, 1] - 1500) < 200)

    found = place_region(xy, bar, n_placements=100)

    def axes(spots: np.ndarray) -> np.ndarray:
        return np.sqrt(np.linalg.eigvalsh(np.cov(spots.T)))

    for row in found.members.toarray().astype(bool):
        np.testing.assert_allclose(axes(xy[row]), axes(xy[bar]), rtol=0.2)


def test_the_same_seed_gives_the_same_placements() -> None:
    xy = hexagons(20, 20)
    mask = disk(xy, (800, 800), 300)

    first, second, other = (place_region(xy, mask, n_placements=50, seed=s) for s in (3, 3, 4))

    assert (first.members != second.members).nnz == 0
    assert (first.members != other.members).nnz > 0


def test_a_region_as_large_as_the_tissue_fits_hardly_anywhere() -> None:
    xy = hexagons(20, 20)
    mask = disk(xy, (950, 820), 900)

    assert place_region(xy, mask, n_placements=200).n_distinct < 60


@pytest.mark.parametrize("mask", [np.zeros(400, bool), np.ones(400, bool), np.ones(3, bool)])
def test_a_mask_that_cannot_be_a_region_is_refused(mask: np.ndarray) -> None:
    with pytest.raises(InvalidDataError, match="some of each"):
        place_region(hexagons(20, 20), mask)
