"""How many independent places a set of sites is worth, and how to hold parts of it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray, IntArray

BIN = 0.03  # of the correlograms, in units of the tissue's size
N_BINS = 64
MIN_INDEPENDENT = 4.0
TINY = 1e-12


def correlogram(xy: FloatArray, values: FloatArray) -> FloatArray:
    """Correlation of values at sites with themselves by distance, 0 from its first zero on.

    Parameters
    ----------
    xy
        Sites, shape ``(n, 2)``.
    values
        Shape ``(n, k)``; columns are pooled by their variance.

    Returns
    -------
    Shape ``(N_BINS,)``: a site with itself, then one value per ``BIN`` of distance.
    """
    apart = _bins(xy)
    centered = values - values.mean(axis=0)
    products = np.bincount(apart, (centered @ centered.T).ravel(), N_BINS)
    count = np.bincount(apart, minlength=N_BINS)
    there = np.flatnonzero(count >= len(xy))  # on a lattice, short distances are rare or absent
    found = np.interp(np.arange(N_BINS), there, products[there] / count[there])
    found /= max(float((centered**2).mean(axis=0).sum()), TINY)
    found[np.cumsum(found <= 0) > 0] = 0
    return np.asarray(found)


def _bins(xy: FloatArray) -> IntArray:
    """Bin of each pair of sites: 0 for a site with itself, then one for each ``BIN``."""
    apart = cdist(xy, xy).ravel()
    return np.where(apart > 0, np.minimum(1 + (apart / BIN).astype(int), N_BINS - 1), 0)


def independent_places(xy: FloatArray, one: FloatArray, other: FloatArray) -> float:
    """Effective number of places for the correlation of two maps.

    ``n^2`` over the sum of the products of their own correlations, over all pairs of sites.

    Parameters
    ----------
    xy
        Sites, shape ``(n, 2)``.
    one, other
        Correlograms of the two maps, see ``correlogram``.

    References
    ----------
    Clifford, Richardson and Hemon (1989), Biometrics 45, 123-134.
    """
    count = np.bincount(_bins(xy), minlength=N_BINS)
    return max(len(xy) ** 2 / float(count @ (one * other)), MIN_INDEPENDENT)


def blocks(xy: FloatArray, n: int) -> IntArray:
    """Cut the sites into ``n`` (a power of 2) compact blocks of equal size."""
    block = np.zeros(len(xy), int)
    parts = [np.arange(len(xy))]
    while len(parts) < n:
        halves = []
        for part in parts:
            axis = int(np.argmax(np.ptp(xy[part], axis=0)))
            order = part[np.argsort(xy[part, axis], kind="stable")]
            halves += [order[: len(order) // 2], order[len(order) // 2 :]]
        parts = halves
    for number, part in enumerate(parts):
        block[part] = number
    return block
