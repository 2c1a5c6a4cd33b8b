import numpy as np
import pytest
from scipy import sparse
from scipy.stats import rankdata

from spatialmeta_core import compiled


def ranked(values: np.ndarray) -> tuple[compiled.EntryRanks, np.ndarray]:
    csr = sparse.csr_matrix(values)
    different, codes = np.unique(np.r_[0.0, csr.data], return_inverse=True)
    zero = int(np.searchsorted(different, 0.0))
    found = compiled.rank_entries(csr, codes[1:].astype(np.uint32), zero)
    shift = sparse.csr_matrix((found.shift, csr.indices, csr.indptr), csr.shape)
    return found, shift.toarray() + found.zero_rank


def test_ranks_are_those_of_scipy_with_ties_and_signs() -> None:
    values = np.random.default_rng(0).integers(-2, 4, (50, 9)).astype(float)
    values[:, 0] = 0.0
    values[:, 1] = 7.0

    found, dense = ranked(values)

    np.testing.assert_array_equal(dense, rankdata(values, axis=0))
    ties = [sum(t**3 - t for t in np.unique(c, return_counts=True)[1]) for c in values.T]
    np.testing.assert_array_equal(found.tie_sum, ties)


def test_a_matrix_without_entries_is_one_tie() -> None:
    found, dense = ranked(np.zeros((4, 2)))

    assert (dense == 2.5).all()
    assert found.tie_sum.tolist() == [60.0, 60.0]


def test_sums_over_rows_count_what_is_above_zero() -> None:
    first = np.array([[1.0, 0.0, 2.0], [3.0, 4.0, 0.0], [5.0, 0.0, 6.0]])
    csr = sparse.csr_matrix(first)
    pairs = np.column_stack([csr.data, csr.data - 4.0])

    found = compiled.sum_pairs(csr.indptr, csr.indices, pairs, np.array([0, 2]), 3)

    np.testing.assert_array_equal(found, [[6, 0, 8], [-2, 0, 0], [1, 0, 1]])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_sums_of_groups_leave_out_missing_values(kind) -> None:
    rng = np.random.default_rng(1)
    values = rng.poisson(1.0, (30, 7)).astype(kind)
    values[rng.random(values.shape) < 0.2] = np.nan
    rows, group = np.array([2, 5, 7, 11, 29]), np.array([1, 0, 1, 3, 3])

    found = compiled.sum_groups(sparse.csr_matrix(values), rows, group, 4)

    for number in range(4):
        own = values[rows[group == number]]
        np.testing.assert_allclose(found.total[number], np.nansum(own, axis=0))
        np.testing.assert_array_equal(found.missing[number], np.isnan(own).sum(axis=0))
    np.testing.assert_allclose(found.squares, np.nansum(values[rows] ** 2, axis=0))


def test_the_loops_do_the_same_uncompiled() -> None:
    csr = sparse.csr_matrix(np.random.default_rng(2).poisson(0.7, (20, 5)).astype(np.float32))
    pairs = np.column_stack([csr.data, csr.data])
    plain = np.zeros((5, 3))

    compiled._sum_pairs(csr.indptr, csr.indices, pairs, range(20), plain)

    found = compiled.sum_pairs(csr.indptr, csr.indices, pairs, np.arange(20), 5)
    np.testing.assert_allclose(found, plain.T)
