"""Spatial neighbors, and how strongly values agree between them (Moran's I and Geary's C).

Both statistics are ratios of quadratic forms of the centered values ``z``. With weights ``W``
whose sum is ``S0``, ``I = n / S0 * z'Wz / z'z``, and Geary's sum of squared differences is ``sum_i
(row sum + column sum)_i z_i ** 2 - 2 z'Wz``, so one product per block of features serves both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree

from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spatialmeta_core.types import FloatArray

TIE_TOLERANCE = 1e-6
"""Relative difference below which two distances are equal: lattices are stored rounded."""

BLOCK_COLUMNS = 64
"""Features made dense at a time: as float64, 5 MB for 10,000 spots."""

ROUNDING = 1e-13
"""A spread below this share of the mean is rounding: the feature is constant."""

MIN_SPOTS = 4
"""Below this the variance under normality is not defined."""


def spatial_neighbors(xy: FloatArray, n_neighbors: int = 6) -> sparse.csr_matrix:
    """Connect each spot to its nearest spots with weights that sum to 1.

    Distances are exact. Spots as far as the ``n_neighbors``-th nearest are all taken, so that the
    graph does not depend on the order of the spots and respects the symmetry of a lattice; a spot
    therefore may have more than ``n_neighbors`` neighbors. Several spots at one place are
    neighbors at distance 0; no spot is its own.

    Parameters
    ----------
    xy
        Positions, shape ``(n_spots, 2)``, in any unit.
    n_neighbors
        Neighbors per spot, not counting further ones at the same distance.

    Returns
    -------
    Row-normalized weights, shape ``(n_spots, n_spots)``; row ``i`` holds the
    neighbors of spot ``i``.

    Raises
    ------
    InvalidDataError
        If there are too few spots, a position is missing, or all spots share one position.
    """
    xy = geometry.as_xy(xy, "the spots' positions")
    _check_positions(xy, n_neighbors)
    tree = KDTree(xy)
    distance, _ = tree.query(xy, k=[n_neighbors + 1])  # the spot itself is at distance 0
    reach = distance.ravel() * (1 + TIE_TOLERANCE)
    near = tree.query_ball_point(xy, reach, return_sorted=True)
    n_found = np.array([len(found) for found in near])
    row = np.repeat(np.arange(len(xy)), n_found)
    column = np.concatenate(near).astype(np.int64)
    other = row != column
    weight = np.repeat(1.0 / (n_found - 1), n_found)[other]
    shape = (len(xy), len(xy))
    return sparse.csr_matrix((weight, (row[other], column[other])), shape=shape)


def _check_positions(xy: FloatArray, n_neighbors: int) -> None:
    if len(xy) <= n_neighbors:
        raise InvalidDataError(
            f"{len(xy)} spots cannot each have {n_neighbors} neighbors; "
            f"use at least {n_neighbors + 1} spots or fewer neighbors."
        )
    if np.ptp(xy, axis=0).max() == 0:
        raise InvalidDataError(
            f"All {len(xy)} spots share one position; spatial patterns need positions that differ."
        )


def moran(values: Any, weights: sparse.csr_matrix) -> FloatArray:
    """Return Moran's I of each feature: near 1 where neighbors are alike, near 0 for noise.

    Parameters
    ----------
    values
        Dense or sparse, shape ``(n_spots, n_features)``, finite. Never made dense as a whole; sums
        are float64.
    weights
        Shape ``(n_spots, n_spots)``, as from ``spatial_neighbors``.

    Returns
    -------
    Shape ``(n_features,)``; NaN where all spots have one value.

    Raises
    ------
    InvalidDataError
        If values and weights do not describe the same spots, or a value is not finite.

    References
    ----------
    Moran (1950), Biometrika 37, 17-23; Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods.
    """
    _check_values(values, weights)
    n_spots = weights.shape[0]
    statistic = [_ratio(products, squares) for _, squares, products in _forms(values, weights)]
    scale = n_spots / float(weights.sum())
    return np.asarray(np.concatenate([*statistic, np.empty(0)]) * scale)


def geary(values: Any, weights: sparse.csr_matrix) -> FloatArray:
    """Return Geary's C of each feature: near 0 where neighbors are alike, near 1 for noise.

    Parameters
    ----------
    values
        Dense or sparse, shape ``(n_spots, n_features)``, finite.
    weights
        Shape ``(n_spots, n_spots)``, as from ``spatial_neighbors``.

    Returns
    -------
    Shape ``(n_features,)``; NaN where all spots have one value.

    Raises
    ------
    InvalidDataError
        If values and weights do not describe the same spots, or a value is not finite.

    References
    ----------
    Geary (1954), The Incorporated Statistician 5, 115-145.
    """
    _check_values(values, weights)
    n_spots = weights.shape[0]
    degree = np.asarray(weights.sum(axis=0)).ravel() + np.asarray(weights.sum(axis=1)).ravel()
    statistic = [
        _ratio(np.einsum("s,sf,sf->f", degree, z, z) - 2.0 * products, squares)
        for z, squares, products in _forms(values, weights)
    ]
    scale = (n_spots - 1) / (2.0 * float(weights.sum()))
    return np.asarray(np.concatenate([*statistic, np.empty(0)]) * scale)


def moran_moments(weights: sparse.csr_matrix) -> tuple[float, float]:
    """Return mean and variance of Moran's I for independent normal values.

    Parameters
    ----------
    weights
        Shape ``(n_spots, n_spots)``.

    Returns
    -------
    ``-1 / (n - 1)`` and the variance under normality.

    Raises
    ------
    InvalidDataError
        If there are fewer than 4 spots.

    References
    ----------
    Cliff and Ord (1981), Spatial Processes, section 2.3.
    """
    n = weights.shape[0]
    if n < MIN_SPOTS:
        raise InvalidDataError(f"{n} spots are too few for Moran's I; at least {MIN_SPOTS} needed.")
    s0 = float(weights.sum())
    both = weights + weights.T
    s1 = float(both.multiply(both).sum()) / 2.0
    degree = np.asarray(weights.sum(axis=0)).ravel() + np.asarray(weights.sum(axis=1)).ravel()
    s2 = float(degree @ degree)
    expected = -1.0 / (n - 1)
    second_moment = (n * n * s1 - n * s2 + 3.0 * s0 * s0) / ((n * n - 1) * s0 * s0)
    return expected, second_moment - expected**2


def _check_values(values: Any, weights: sparse.csr_matrix) -> None:
    if values.shape[0] != weights.shape[0]:
        raise InvalidDataError(f"{values.shape[0]} rows of values for {weights.shape[0]} spots.")
    stored = values.data if sparse.issparse(values) else values
    if not np.isfinite(stored).all():
        raise InvalidDataError(
            "Some values are missing or infinite; leave out the spots without values first."
        )


def _forms(
    values: Any, weights: sparse.csr_matrix
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
    """Yield, per block of features, centered values ``z``, ``z'z`` (0 if constant) and ``z'Wz``."""
    columns = sparse.csc_matrix(values) if sparse.issparse(values) else np.asarray(values)
    for start in range(0, values.shape[1], BLOCK_COLUMNS):
        part: Any = columns[:, start : start + BLOCK_COLUMNS]
        part = part.toarray(order="C") if sparse.issparse(part) else part
        z = np.array(part, float, order="C")
        mean = z.mean(axis=0)
        z -= mean
        squares = np.einsum("sf,sf->f", z, z)
        rounding = len(z) * (ROUNDING * mean) ** 2
        yield z, np.where(squares > rounding, squares, 0.0), np.einsum("sf,sf->f", z, weights @ z)


def _ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Divide, NaN where ``bottom`` is 0: a constant feature."""
    out = np.full(bottom.shape, np.nan)
    return np.asarray(np.divide(top, bottom, out=out, where=bottom > 0))
