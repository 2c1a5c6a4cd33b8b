"""How well denoised values follow the measured ones, feature by feature.

Against measured values both numbers have a ceiling below 1, the noise, and copying noise raises
them: against a known truth they tell more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.metrics.checks import matrix

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray

__all__ = ["cosine", "pearson"]


def pearson(observed: Any, denoised: Any) -> FloatArray:
    """Return Pearson's correlation (PCC) of each feature over the spots.

    Parameters
    ----------
    observed, denoised
        Values on one scale, dense or sparse, shape ``(n_spots, n_features)``.

    Returns
    -------
    -1 to 1, higher is better, shape ``(n_features,)``; NaN where either has one value everywhere.
    In scores its mean over features counts, clipped at 0.

    Raises
    ------
    InvalidDataError
        If the shapes differ or a value is not finite.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Benchmark".
    """
    a, b = _pair(observed, denoised)
    return _cosines(a - a.mean(axis=0), b - b.mean(axis=0), np.abs(a).max(0), np.abs(b).max(0))


def cosine(observed: Any, denoised: Any) -> FloatArray:
    """Return the cosine similarity (CS) of each feature over the spots.

    Parameters
    ----------
    observed, denoised
        Values on one scale, dense or sparse, shape ``(n_spots, n_features)``.

    Returns
    -------
    -1 to 1, for values of 0 or more 0 to 1, higher is better, shape ``(n_features,)``; NaN where
    either is 0 everywhere. A feature far from 0 has a value near 1 whatever its pattern. In scores
    its mean over features counts, clipped at 0.

    Raises
    ------
    InvalidDataError
        If the shapes differ or a value is not finite.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Benchmark".
    """
    a, b = _pair(observed, denoised)
    return _cosines(a, b, np.zeros(a.shape[1]), np.zeros(a.shape[1]))


def _pair(observed: Any, denoised: Any) -> tuple[FloatArray, FloatArray]:
    a, b = matrix(observed, "measured values"), matrix(denoised, "denoised values")
    if a.shape != b.shape or not len(a):
        raise InvalidDataError(
            f"Measured values have shape {a.shape}, denoised ones {b.shape}; expected the same "
            "spots and features, at least one spot."
        )
    return a, b


def _cosines(a: FloatArray, b: FloatArray, size_a: FloatArray, size_b: FloatArray) -> FloatArray:
    """Return cosines of columns; NaN where one is shorter than the rounding of its size."""
    length_a, length_b = np.linalg.norm(a, axis=0), np.linalg.norm(b, axis=0)
    rounding = 1e-13 * np.sqrt(len(a))
    known = (length_a > rounding * size_a) & (length_b > rounding * size_b)
    product = np.einsum("sf,sf->f", a, b)
    out = np.full(a.shape[1], np.nan)
    return np.asarray(
        np.clip(np.divide(product, length_a * length_b, out=out, where=known), -1.0, 1.0)
    )
