"""Quadratic forms ``x'Wx`` of features that are zero in most spots, visiting only the others."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from spatialmeta_core.types import FloatArray, IntArray

__all__ = ["each_pair_once", "sparse_forms"]


def each_pair_once(weights: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return ``V`` with ``x'Vx = x'Wx`` that holds each pair of spots once: half the work.

    In reverse Cuthill-McKee order the spots of a lattice have about as many neighbors behind them
    as ahead, so the rows of ``V`` are short and alike.
    """
    both = sparse.csr_matrix(weights + weights.T)
    order = csgraph.reverse_cuthill_mckee(both, symmetric_mode=True)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    pairs = both.tocoo()
    ahead = rank[pairs.row] < rank[pairs.col]
    rows, columns = pairs.row[ahead], pairs.col[ahead]
    once = sparse.csr_matrix((pairs.data[ahead], (rows, columns)), shape=weights.shape)
    return sparse.csr_matrix(once + sparse.diags(weights.diagonal()))


def sparse_forms(
    columns: sparse.csc_matrix, weights: sparse.csr_matrix
) -> tuple[FloatArray, FloatArray]:
    """Return ``z'z`` and ``z'Wz`` of the centered values ``z`` of each feature.

    Never centered: ``z'Wz = x'Wx - m x'(W1 + W'1) + m**2 S0``. When less than half of the spots
    are not zero, ``z'z`` is more than half of ``x'x``, so that the differences lose no digits.

    Parameters
    ----------
    columns
        Shape ``(n_spots, n_features)``, rows sorted within each column and none twice.
    weights
        Shape ``(n_spots, n_spots)``.

    Returns
    -------
    Two arrays of shape ``(n_features,)``, both 0 for a feature that is 0 everywhere.
    """
    n_spots = weights.shape[0]
    once = each_pair_once(weights)
    degree = np.asarray(weights.sum(axis=0)).ravel() + np.asarray(weights.sum(axis=1)).ravel()
    forms = np.zeros((4, columns.shape[1]))
    _compiled()(
        (columns.indptr, columns.indices, columns.data),
        (once.indptr, once.indices, once.data),
        degree,
        np.zeros(n_spots),
        forms,
    )
    product, squares, degrees, total = forms
    mean = total / n_spots
    return squares - mean * total, product - mean * degrees + mean**2 * float(weights.sum())


@lru_cache(maxsize=1)
def _compiled() -> Callable[..., None]:
    """Compile ``_visit``, which takes half a second, and keep the result on disk where possible."""
    import numba  # noqa: PLC0415  # loaded by those who compute, not by those who import

    try:
        compiled = numba.njit(cache=True)(_visit)
    except RuntimeError:  # neither this folder nor the user's cache can be written to
        compiled = numba.njit(_visit)
    return compiled


def _visit(
    columns: tuple[IntArray, IntArray, NDArray[Any]],
    pairs: tuple[IntArray, IntArray, FloatArray],
    degree: FloatArray,
    scratch: FloatArray,
    forms: FloatArray,
) -> None:
    """Fill the rows of ``forms``: x'Vx, x'x, x'degree and the sum of x; ``scratch`` is zero."""
    ends, spots, values = columns
    first, neighbor, weight = pairs
    for feature in range(len(ends) - 1):
        low, high = ends[feature], ends[feature + 1]
        for k in range(low, high):
            scratch[spots[k]] = values[k]
        product, squares, degrees, total = 0.0, 0.0, 0.0, 0.0
        for k in range(low, high):
            spot, value = spots[k], np.float64(values[k])
            near = 0.0
            for pair in range(first[spot], first[spot + 1]):
                near += weight[pair] * scratch[neighbor[pair]]
            product += value * near
            squares += value * value
            degrees += value * degree[spot]
            total += value
        forms[0, feature], forms[1, feature] = product, squares
        forms[2, feature], forms[3, feature] = degrees, total
        for k in range(low, high):
            scratch[spots[k]] = 0.0
