"""Highly variable features: more spread than others of the same mean, wherever in the tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

    from spatialmeta_core.types import FloatArray, IntArray

__all__ = ["dispersion"]

N_BINS = 20  # of the mean, as in the source


def dispersion(linear: sparse.csc_matrix) -> FloatArray:
    """Score each feature by its variance-to-mean ratio among features of a similar mean.

    The logarithm of that ratio is standardized within 20 equal ranges of log(1 + mean). A feature
    alone in its range has nothing to be compared with and gets 1 (as in the source); one that is
    zero everywhere gets NaN. Unlike Moran's I it does not look at the positions.

    Parameters
    ----------
    linear
        Values on the linear scale, 0 or more, shape ``(n_spots, n_features)``, two spots or more.

    Returns
    -------
    FloatArray
        Shape ``(n_features,)``.

    References
    ----------
    Satija et al. (2015), Nature Biotechnology 33, 495-502, doi 10.1038/nbt.3192.
    """
    n = linear.shape[0]
    mean = np.asarray(linear.sum(axis=0), float).ravel() / n
    squares = np.asarray(linear.multiply(linear).sum(axis=0), float).ravel()
    variance = (squares - n * mean**2) / (n - 1)
    some = (mean > 0) & (variance > 0)
    score = np.full(len(mean), np.nan)
    ratio = np.log(variance[some] / mean[some])
    level = np.log1p(mean[some])
    if some.any():
        score[some] = _standardized_by(_bins(level), ratio)
    return score


def _bins(level: FloatArray) -> IntArray:
    low, high = level.min(), level.max()
    width = (high - low) / N_BINS or 1.0
    return np.asarray(np.clip(np.ceil((level - low) / width) - 1, 0, N_BINS - 1).astype(int))


def _standardized_by(bins: IntArray, values: FloatArray) -> FloatArray:
    count = np.bincount(bins, minlength=N_BINS)
    mean = np.bincount(bins, values, minlength=N_BINS) / np.maximum(count, 1)
    away = values - mean[bins]
    squares = np.bincount(bins, away**2, minlength=N_BINS)
    sd = np.sqrt(squares / np.maximum(count - 1, 1))[bins]
    alone = (count[bins] == 1) | (sd == 0)
    return np.where(alone, 1.0, away / np.where(alone, 1.0, sd))
