import numpy as np
import pytest
from scipy import ndimage, sparse
from scipy.stats import norm, t

from spatialmeta_core.null.freedom import as_normal, freedom


def grid(side: int) -> np.ndarray:
    row, column = np.divmod(np.arange(side**2), side)
    return np.column_stack([column, row]).astype(float)


def pairs_of_squares(side: int, step: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Two neighboring squares of 3 x 3 spots every ``step`` spots, and their difference."""
    xy, parts = grid(side), []
    for x in range(0, side - 5, step):
        for y in range(0, side - 2, step):
            inside = (xy[:, 1] >= y) & (xy[:, 1] < y + 3)
            for left in (x, x + 3):
                parts.append(inside & (xy[:, 0] >= left) & (xy[:, 0] < left + 3))
    rows = sparse.csr_matrix(np.array(parts, np.float32))
    weights = np.tile(np.array([[1.0, -1.0]]) / np.sqrt(18), (rows.shape[0] // 2, 1, 1))
    return rows, weights


def fields(side: int, n: int, blur: float) -> np.ndarray:
    draws = np.random.default_rng(0).normal(size=(n, side + 40, side + 40))
    if blur:
        draws = ndimage.gaussian_filter(draws, (0, blur, blur))
    values = draws[:, 20:-20, 20:-20].reshape(n, -1).T
    return values / values.std()


@pytest.mark.parametrize(("step", "blur"), [(6, 0.0), (2, 0.0), (2, 2.0)])
def test_degrees_agree_with_the_spread_of_mean_squares_over_many_fields(step, blur) -> None:
    side = 24
    parts, weights = pairs_of_squares(side, step)
    values = fields(side, 600, blur)
    sums = (parts @ values).reshape(len(weights), 2, -1)
    squares = (np.matmul(weights, sums)[:, 0] ** 2).mean(axis=0)
    truth = 2 * squares.mean() ** 2 / squares.var()

    nowhere = np.full(side**2, -1)
    known = freedom(parts, weights, grid(side), nowhere, np.random.default_rng(1))
    found = known.degrees(values[:, :60])[0]

    assert np.median(found) == pytest.approx(truth, rel=0.35)


def test_student_values_keep_their_tail_and_sign() -> None:
    values = np.array([-3.0, -0.5, 0.0, 2.0])

    np.testing.assert_allclose(norm.sf(as_normal(values, np.float64(5))), t.sf(values, 5))
    assert np.isnan(as_normal(np.array([np.nan]), np.array([5.0]))).all()


def test_a_constant_has_no_degrees() -> None:
    parts, weights = pairs_of_squares(20, 3)
    nowhere = np.full(400, -1)

    known = freedom(parts, weights, grid(20), nowhere, np.random.default_rng(1))

    assert np.isnan(known.degrees(np.zeros((400, 1)))).all()
