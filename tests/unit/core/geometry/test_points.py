import numpy as np
import pytest
from scipy.spatial.distance import cdist

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import as_xy, is_flat, spacing

LINE = np.column_stack([np.arange(5.0), 2 * np.arange(5.0) + 1])


def test_the_spacing_of_a_square_lattice_is_its_step() -> None:
    lattice = np.stack(np.meshgrid(np.arange(6), np.arange(4)), axis=-1).reshape(-1, 2) * 7.0

    assert spacing(lattice) == pytest.approx(7.0)


def test_repeated_positions_do_not_make_the_spacing_zero() -> None:
    assert spacing(np.concatenate([LINE, LINE]), "minimum") == pytest.approx(np.sqrt(5))


@pytest.mark.parametrize(("how", "reduce"), [("median", np.median), ("minimum", np.min)])
def test_spacing_equals_all_pairs(how, reduce) -> None:
    points = np.random.default_rng(0).uniform(size=(60, 2))
    pairs = cdist(points, points) + np.diag(np.full(60, np.inf))

    assert spacing(points, how) == pytest.approx(reduce(pairs.min(axis=1)))


def test_one_position_has_no_spacing() -> None:
    with pytest.raises(InvalidDataError, match="1 different positions"):
        spacing(np.ones((5, 2)))


def test_missing_coordinates_are_counted() -> None:
    with pytest.raises(InvalidDataError, match="1 of 2 positions in spots"):
        as_xy(np.array([[0.0, np.nan], [1.0, 1.0]]), "spots")


@pytest.mark.parametrize("shape", [(3,), (3, 3), (2, 3, 2)])
def test_positions_have_two_columns(shape) -> None:
    with pytest.raises(InvalidDataError, match="expected \\(n, 2\\)"):
        as_xy(np.zeros(shape))


def test_a_line_is_flat_and_a_triangle_is_not() -> None:
    assert is_flat(LINE * 1e6 + 1e7)
    assert is_flat(np.empty((0, 2)))
    assert not is_flat(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
