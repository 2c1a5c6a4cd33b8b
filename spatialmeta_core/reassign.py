"""Carry values from the spots of one section to the spots of another by averaging neighbors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from scipy.spatial import KDTree

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import as_xy
from spatialmeta_core.types import Reassigned

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray

__all__ = ["donor_weights", "reassign"]


def reassign(
    values: FloatArray | sp.spmatrix | sp.sparray,
    source_xy: FloatArray,
    target_xy: FloatArray,
    *,
    max_distance: float,
    n_neighbors: int = 5,
) -> Reassigned:
    """Average the nearest source spots around each target.

    The neighbors are exact. One sparse matrix product makes all averages, so the time is that of
    the neighbor search plus one pass over the values.

    Parameters
    ----------
    values
        One row per source spot, shape ``(n_sources, n_features)``, dense or sparse; the unit is
        kept. A NaN makes the averages that use it NaN.
    source_xy, target_xy
        Positions in pixels of the full-resolution ST image, shape ``(n, 2)``, x then y.
    max_distance
        Neighbors farther than this, in the same pixels, are ignored.
    n_neighbors
        Largest number of neighbors to average (K in the paper, default 5).

    Raises
    ------
    InvalidDataError
        If ``values`` and ``source_xy`` do not describe the same spots, there are no sources, a
        position is not finite, or a number is out of range.

    References
    ----------
    Tian et al. (2025), Methods, "Reassignment between ST and SM".

    Examples
    --------
    >>> import numpy as np
    >>> source = np.array([[0.0, 0.0], [2.0, 0.0], [50.0, 0.0]])
    >>> target = np.array([[1.0, 0.0]])
    >>> reassign(np.array([[1.0], [3.0], [9.0]]), source, target, max_distance=5).values
    array([[2.]])
    """
    n_rows = values.shape[0]
    if n_rows != len(source_xy):
        raise InvalidDataError(f"{n_rows} rows of values for {len(source_xy)} source spots.")
    weights = donor_weights(
        source_xy, target_xy, max_distance=max_distance, n_neighbors=n_neighbors
    )
    n_used = np.diff(weights.indptr)
    product = weights @ (values if sp.issparse(values) else np.asarray(values, float))
    averaged = product.toarray() if sp.issparse(product) else np.asarray(product)
    averaged[n_used == 0] = np.nan
    return Reassigned(values=averaged, n_used=n_used)


def donor_weights(
    source_xy: FloatArray, target_xy: FloatArray, *, max_distance: float, n_neighbors: int = 5
) -> sp.csr_array:
    """Weights of the sources in each target's average.

    Parameters
    ----------
    source_xy, target_xy, max_distance, n_neighbors
        As for ``reassign``.

    Returns
    -------
    Shape ``(n_targets, n_sources)``; each row sums to 1, or is empty where no source is in reach.

    Raises
    ------
    InvalidDataError
        If there are no sources, a position is not finite, or a number is out of range.
    """
    sources, targets = as_xy(source_xy), as_xy(target_xy)
    if len(sources) == 0:
        raise InvalidDataError(
            "There are no source spots to average. Check the file they came from."
        )
    if n_neighbors < 1 or not max_distance > 0:
        raise InvalidDataError(
            f"The number of neighbors is {n_neighbors} and the largest distance {max_distance}; "
            "expected 1 or more, and more than 0."
        )
    k = min(n_neighbors, len(sources))
    distance, index = KDTree(sources).query(targets, k=range(1, k + 1))
    near = distance <= max_distance
    n_used = near.sum(axis=1)
    indptr = np.concatenate([[0], np.cumsum(n_used)])
    shares = np.repeat(1.0 / np.maximum(n_used, 1), n_used)
    return sp.csr_array((shares, index[near], indptr), shape=(len(targets), len(sources)))
