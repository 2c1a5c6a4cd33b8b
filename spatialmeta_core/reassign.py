"""Carry values of one section to the positions of another by averaging near neighbors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, issparse
from scipy.spatial import KDTree

from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry import as_xy
from spatialmeta_core.types import Reassigned

if TYPE_CHECKING:
    from scipy.sparse import sparray, spmatrix

    from spatialmeta_core.types import FloatArray


def reassign(
    values: FloatArray | sparray | spmatrix,
    source_xy: FloatArray,
    target_xy: FloatArray,
    *,
    max_distance: float,
    n_neighbors: int = 5,
) -> Reassigned:
    """Average the nearest source spots around each target.

    Only the source is averaged; nothing of the target changes.

    Parameters
    ----------
    values
        One row per source spot, shape ``(n_sources, n_features)``, dense or sparse; the unit is
        kept.
    source_xy, target_xy
        Positions in pixels of the full-resolution ST image, shape ``(n, 2)``, x then y.
    max_distance
        Neighbors farther than this, in the same pixels, are ignored.
    n_neighbors
        Largest number of neighbors to average (K in the paper, default 5). Fewer sources than this
        are no error.

    Returns
    -------
    Reassigned
        ``values`` are float64, NaN (never zero) for a target without a neighbor within reach;
        ``n_used`` counts the neighbors averaged.

    Raises
    ------
    InvalidDataError
        If ``values`` and ``source_xy`` do not describe the same spots, or a coordinate is missing.
    InvalidParamsError
        If ``max_distance`` is negative or ``n_neighbors`` is below 1.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Reassignment between ST and SM".
    """
    source_xy, target_xy = as_xy(source_xy, "source_xy"), as_xy(target_xy, "target_xy")
    n_sources = values.shape[0]
    if len(values.shape) == 1 or n_sources != len(source_xy):
        raise InvalidDataError(
            f"{n_sources} rows of values for {len(source_xy)} source spots; "
            "give one row per spot, shape (n_sources, n_features)."
        )
    if n_neighbors < 1 or not max_distance >= 0:
        raise InvalidParamsError(
            f"n_neighbors is {n_neighbors} and max_distance {max_distance}; "
            "allowed are 1 or more and 0 or more."
        )
    weights, n_used = _mean_weights(source_xy, target_xy, max_distance, n_neighbors)
    total = weights @ (csr_array(values) if issparse(values) else np.asarray(values, float))
    means = np.asarray(total.toarray() if issparse(total) else total, float)
    means[n_used == 0] = np.nan
    return Reassigned(values=means, n_used=n_used)


def _mean_weights(
    source_xy: FloatArray, target_xy: FloatArray, max_distance: float, n_neighbors: int
) -> tuple[csr_array, np.ndarray]:
    """Row-normalized weights ``(n_targets, n_sources)`` and neighbors per target."""
    n_sources, n_targets = len(source_xy), len(target_xy)
    if n_sources == 0 or n_targets == 0:
        return csr_array((n_targets, n_sources)), np.zeros(n_targets, np.int64)
    ranks = np.arange(1, min(n_neighbors, n_sources) + 1)
    limit = math.nextafter(max_distance, math.inf)  # the tree's bound is exclusive
    _, index = KDTree(source_xy).query(target_xy, k=ranks, distance_upper_bound=limit)
    near = index < n_sources
    n_used = near.sum(axis=1)
    share = np.repeat(1.0 / np.maximum(n_used, 1), n_used)
    starts = np.concatenate([[0], np.cumsum(n_used)])
    return csr_array((share, index[near], starts), shape=(n_targets, n_sources)), n_used
