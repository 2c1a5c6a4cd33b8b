"""Loops over the entries of a sparse matrix that numpy would need many passes for.

numba compiles each at its first call in a process: about a second, or a fraction of that from
numba's cache beside this file.
"""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy import sparse

    from spatialmeta_core.types import FloatArray, IntArray

EXACT_HALVES = 2**23  # float32 holds every half below this
LOW_BITS = np.uint64(2**32 - 1)


class EntryRanks(NamedTuple):
    """Ranks within columns; zeros, which are not stored, are one tied block.

    Attributes
    ----------
    shift
        Rank of each stored entry less its column's ``zero_rank``, shape ``(n_entries,)``; float32,
        which holds half ranks exactly below 8 million rows, or else float64.
    zero_rank
        Rank, from 1, that a zero has (or would have), shape ``(n_columns,)``.
    tie_sum
        Sum of ``t ** 3 - t`` over groups of ``t`` equal values, shape ``(n_columns,)``.
    """

    shift: FloatArray
    zero_rank: FloatArray
    tie_sum: FloatArray


class GroupSums(NamedTuple):
    """Sums of each column over groups of rows.

    Attributes
    ----------
    total
        Sum of the values, shape ``(n_groups, n_columns)``.
    squares
        Sum of their squares over all groups, shape ``(n_columns,)``.
    missing
        Number of NaN, which the sums leave out, shape ``(n_groups, n_columns)``.
    """

    total: FloatArray
    squares: FloatArray
    missing: FloatArray


def rank_entries(matrix: sparse.csr_matrix, codes: NDArray[np.uint32], zero: int) -> EntryRanks:
    """Rank the stored entries of each column, ties getting their mean rank.

    Parameters
    ----------
    matrix
        CSR, shape ``(n_rows, n_columns)``, no stored zeros, fewer than 2 ** 32 entries; only its
        structure is read.
    codes
        Integers in the order of the stored values, equal where those are, shape ``(n_entries,)``.
    zero
        The code that a zero would have: smaller codes are negative values.
    """
    n_rows, n_columns = matrix.shape
    starts = np.zeros(n_columns + 1, np.int64)
    _compiled(_count)(matrix.indices, starts[1:])  # numpy's would copy the indices
    np.cumsum(starts, out=starts)
    # one integer holds code and entry, so that a plain sort, which is several times faster than
    # an argsort, orders both
    keyed = np.empty(len(codes), np.uint64)
    _compiled(_by_column)(matrix.indices, codes, starts[:-1].copy(), keyed)
    for first, last in itertools.pairwise(starts.tolist()):
        keyed[first:last].sort()
    shift: FloatArray = np.empty(len(codes), np.float32 if n_rows < EXACT_HALVES else np.float64)
    zero_rank, tie_sum = np.empty(n_columns), np.empty(n_columns)
    _compiled(_rank_sorted)(keyed, starts, n_rows, np.uint64(zero), shift, zero_rank, tie_sum)
    return EntryRanks(shift, zero_rank, tie_sum)


def sum_pairs(
    indptr: IntArray, indices: IntArray, pairs: FloatArray, rows: IntArray, n_columns: int
) -> FloatArray:
    """Add up rows of two matrices that share their stored entries.

    Parameters
    ----------
    indptr, indices
        Of a CSR matrix with ``n_columns`` columns.
    pairs
        The entries of both, shape ``(n_entries, 2)``.
    rows
        Rows to add up, shape ``(n,)``.

    Returns
    -------
    Column sums of the first and of the second matrix, and the number of entries above 0 of the
    second; float64, shape ``(3, n_columns)``.
    """
    sums = np.zeros((n_columns, 3))
    _compiled(_sum_pairs)(indptr, indices, pairs, np.asarray(rows, np.int64), sums)
    return np.ascontiguousarray(sums.T)


def sum_groups(
    matrix: sparse.csr_matrix, rows: IntArray, group: IntArray, n_groups: int
) -> GroupSums:
    """Add up groups of rows, leaving out NaN.

    Parameters
    ----------
    matrix
        CSR, shape ``(n_rows, n_columns)``.
    rows, group
        Rows to add up, and the group of each, 0 to ``n_groups - 1``; shape ``(n,)``.
    """
    n_columns = matrix.shape[1]
    total, missing = np.zeros((n_groups, n_columns)), np.zeros((n_groups, n_columns))
    squares = np.zeros(n_columns)
    places = (np.asarray(rows, np.int64), np.asarray(group, np.int64))
    csr = (matrix.indptr, matrix.indices, matrix.data)
    _compiled(_sum_groups)(*csr, *places, total, squares, missing)
    return GroupSums(total, squares, missing)


@cache
def _compiled(function: Callable[..., None]) -> Any:
    from numba import njit  # noqa: PLC0415 (half a second, for these loops only)

    return njit(function, cache=True, nogil=True)


def _count(indices: Any, counts: Any) -> None:
    for column in indices:
        counts[column] += 1


def _by_column(indices: Any, codes: Any, free: Any, keyed: Any) -> None:
    for entry in range(len(indices)):
        column = indices[entry]
        keyed[free[column]] = np.uint64(codes[entry]) << np.uint64(32) | np.uint64(entry)
        free[column] += 1


def _rank_sorted(  # noqa: PLR0917 (numba passes by position)
    keyed: Any, starts: Any, n_rows: Any, zero: Any, shift: Any, zero_rank: Any, tie_sum: Any
) -> None:
    for column in range(len(starts) - 1):
        first, last = starts[column], starts[column + 1]
        n_zero = float(n_rows - (last - first))
        n_below = 0
        while first + n_below < last and keyed[first + n_below] >> np.uint64(32) < zero:
            n_below += 1
        of_zero = n_below + (n_zero + 1.0) / 2.0
        ties = n_zero**3 - n_zero
        begin = first
        while begin < last:
            code = keyed[begin] >> np.uint64(32)
            end = begin + 1
            while end < last and keyed[end] >> np.uint64(32) == code:
                end += 1
            size = float(end - begin)
            rank = (begin - first) + (size + 1.0) / 2.0 - of_zero
            if code > zero:
                rank += n_zero
            for place in range(begin, end):
                shift[keyed[place] & LOW_BITS] = rank
            ties += size**3 - size
            begin = end
        zero_rank[column] = of_zero
        tie_sum[column] = ties


def _sum_pairs(indptr: Any, indices: Any, pairs: Any, rows: Any, sums: Any) -> None:
    for row in rows:
        for entry in range(indptr[row], indptr[row + 1]):
            column = indices[entry]
            value = pairs[entry, 1]
            sums[column, 0] += pairs[entry, 0]
            sums[column, 1] += value
            if value > 0:
                sums[column, 2] += 1.0


def _sum_groups(  # noqa: PLR0917 (numba passes by position)
    indptr: Any,
    indices: Any,
    data: Any,
    rows: Any,
    group: Any,
    total: Any,
    squares: Any,
    missing: Any,
) -> None:
    for place in range(len(rows)):
        row, own = rows[place], group[place]
        for entry in range(indptr[row], indptr[row + 1]):
            column = indices[entry]
            value = float(data[entry])
            if math.isnan(value):
                missing[own, column] += 1.0
            else:
                total[own, column] += value
                squares[column] += value * value
