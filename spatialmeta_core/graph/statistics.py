"""How strongly values agree between spatial neighbors: Moran's I and Geary's C.

Both statistics are ratios of quadratic forms of the centered values ``z``. With weights ``W``
whose sum is ``S0``, ``I = n / S0 * z'Wz / z'z``, and Geary's sum of squared differences is ``sum_i
(row sum + column sum)_i z_i ** 2 - 2 z'Wz``, so one product per block of features serves both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.graph.sparse_forms import each_pair_once, sparse_forms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spatialmeta_core.types import FloatArray

BLOCK_COLUMNS = 64
"""Features made dense at a time: as float64, 5 MB for 10,000 spots."""

ROUNDING = 1e-13
"""A spread below this share of the mean is rounding: the feature is constant."""

SPARSE_SHARE = 0.4
"""A feature found in a smaller share of the spots is cheaper without its zeros."""

MIN_SPOTS = 4
"""Below this the variance under normality is not defined."""


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
    scale = weights.shape[0] / float(weights.sum())
    if not sparse.issparse(values):
        return np.asarray(_dense_ratios(values, weights) * scale)
    columns = _canonical(values)
    few = np.diff(columns.indptr) < SPARSE_SHARE * weights.shape[0]
    statistic = np.empty(columns.shape[1])
    for mine, ratios in ((few, _sparse_ratios), (~few, _dense_ratios)):
        if mine.any():
            statistic[mine] = ratios(columns if mine.all() else columns[:, mine], weights)
    return np.asarray(statistic * scale)


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
    each_once = each_pair_once(weights)
    for start in range(0, values.shape[1], BLOCK_COLUMNS):
        part: Any = columns[:, start : start + BLOCK_COLUMNS]
        part = part.toarray(order="C") if sparse.issparse(part) else part
        z = np.array(part, float, order="C")
        mean = z.mean(axis=0)
        z -= mean
        squares = np.einsum("sf,sf->f", z, z)
        rounding = len(z) * (ROUNDING * mean) ** 2
        yield z, np.where(squares > rounding, squares, 0.0), np.einsum("sf,sf->f", z, each_once @ z)


def _ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Divide, NaN where ``bottom`` is 0: a constant feature."""
    out = np.full(bottom.shape, np.nan)
    return np.asarray(np.divide(top, bottom, out=out, where=bottom > 0))


def _dense_ratios(values: Any, weights: sparse.csr_matrix) -> FloatArray:
    """Return ``z'Wz / z'z`` of each feature, made dense block by block."""
    ratios = [_ratio(products, squares) for _, squares, products in _forms(values, weights)]
    return np.concatenate([*ratios, np.empty(0)])


def _sparse_ratios(columns: sparse.csc_matrix, weights: sparse.csr_matrix) -> FloatArray:
    squares, products = sparse_forms(columns, weights)
    return _ratio(products, squares)


def _canonical(values: Any) -> sparse.csc_matrix:
    """Return columns with sorted rows and no entry stored twice, without writing to the input."""
    columns = sparse.csc_matrix(values)
    if not columns.has_canonical_format:
        columns = columns.copy()
        columns.sum_duplicates()
    return columns
