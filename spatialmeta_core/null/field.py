r"""How strongly nearby spots resemble each other, feature by feature, and what that does to means.

A feature is read as a stationary random field whose variogram is a sum of a nugget and Gaussian
kernels of fixed lengths,

.. math:: \gamma(h) = a_0 [h > 0] + \sum_j a_j \left(1 - e^{-h^2 / 2 \ell_j^2}\right), \quad a \ge 0

fitted to the squared differences of pairs of spots. The variance of any contrast of means then
follows from sums of these kernels over pairs of spots, which depend on the region and its place
only. Cressie (1993), "Statistics for Spatial Data", sections 2.4 and 2.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from spatialmeta_core.geometry import spacing

if TYPE_CHECKING:
    from spatialmeta_core.null.placements import Placements
    from spatialmeta_core.types import FloatArray, IntArray

N_LENGTHS = 7
N_DISTANCES = 13
PAIRS_PER_DISTANCE = 1500
LONGEST = 0.5  # of the tissue's diameter; beyond, one field tells little about its variogram
N_ROUNDS = 400  # multiplicative updates; the fit changes by less than 1 % after about 150
MEMBERS_FOR_PAIRS = 1500  # spots of a region that its own kernel sums are taken over
RASTER = 0.5  # spacings per raster cell


class Pairs(NamedTuple):
    """Pairs of spots by distance class: positions ``(n_pairs,)``, class, mean distance of each."""

    first: IntArray
    second: IntArray
    group: IntArray
    distance: FloatArray


class Kernels(NamedTuple):
    """Gaussian kernels on one tissue.

    Attributes
    ----------
    lengths
        Shape ``(n_lengths,)``.
    reach
        Sum of each kernel from a spot over all spots, shape ``(n_spots, n_lengths)``.
    """

    lengths: FloatArray
    reach: FloatArray


def kernel_lengths(xy: FloatArray) -> FloatArray:
    """Choose lengths from one spacing to half the tissue's diameter, shape ``(n_lengths,)``."""
    pitch = spacing(xy)
    diameter = float(np.linalg.norm(np.ptp(xy, axis=0)))
    return np.geomspace(pitch, max(LONGEST * diameter, 2 * pitch), N_LENGTHS)


def kernels(xy: FloatArray) -> Kernels:
    """Choose lengths, and add up the kernels at each spot."""
    pitch, lengths = spacing(xy), kernel_lengths(xy)
    reach = np.column_stack([_kernel_sums(xy, length, pitch) for length in lengths])
    return Kernels(lengths, reach)


def _kernel_sums(xy: FloatArray, length: float, pitch: float) -> FloatArray:
    """Sum ``exp(-d^2 / 2 length^2)`` from each spot to all, on a raster of spots."""
    step = max(RASTER * pitch, length / 8)  # finer tells nothing more
    place = (xy - xy.min(axis=0)) / step
    size = np.ceil(place.max(axis=0)).astype(int) + 2
    raster = np.zeros(size)
    low = np.minimum(place.astype(int), size - 2)
    fraction = place - low
    for dx in (0, 1):  # share each spot among the four cells around it
        for dy in (0, 1):
            weight = np.abs(1 - dx - fraction[:, 0]) * np.abs(1 - dy - fraction[:, 1])
            np.add.at(raster, (low[:, 0] + dx, low[:, 1] + dy), weight)
    sigma = length / step
    smooth = ndimage.gaussian_filter(raster, sigma, mode="constant", truncate=5.0)
    smooth *= 2 * np.pi * sigma**2
    return np.asarray(ndimage.map_coordinates(smooth, place.T, order=1))


def sample_pairs(xy: FloatArray, rng: np.random.Generator) -> Pairs:
    """Draw pairs of different spots at distances from one spacing to half the diameter."""
    pitch = spacing(xy)
    diameter = float(np.linalg.norm(np.ptp(xy, axis=0)))
    wanted = np.geomspace(pitch, max(LONGEST * diameter, 2 * pitch), N_DISTANCES)
    tree = KDTree(xy)
    first = rng.integers(len(xy), size=(N_DISTANCES, PAIRS_PER_DISTANCE))
    angle = rng.uniform(0, 2 * np.pi, first.shape)
    aim = xy[first] + wanted[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    near, second = tree.query(aim, distance_upper_bound=0.75 * pitch)
    kept = np.isfinite(near)
    kept[kept] &= first[kept] != second[kept]
    group = np.nonzero(kept)[0]
    first, second = first[kept], second[kept]
    apart = np.linalg.norm(xy[first] - xy[second], axis=1)
    total = np.bincount(group, apart, N_DISTANCES)
    count = np.bincount(group, minlength=N_DISTANCES)
    return Pairs(first, second, group, total / np.maximum(count, 1))


def fit_variogram(values: FloatArray, pairs: Pairs, lengths: FloatArray) -> FloatArray:
    """Fit nugget and kernel weights of every feature.

    Parameters
    ----------
    values
        Shape ``(n_spots, n_features)``.

    Returns
    -------
    Weights ``a``, 0 or more, shape ``(1 + n_lengths, n_features)``, nugget first.
    """
    n_pairs = np.bincount(pairs.group, minlength=len(pairs.distance))
    seen = n_pairs > 0
    squared = (values[pairs.first] - values[pairs.second]) ** 2 / 2
    starts = np.searchsorted(pairs.group, np.flatnonzero(seen))
    observed = np.add.reduceat(squared, starts, axis=0) / n_pairs[seen, None]
    distance = pairs.distance[seen, None]
    model = np.column_stack([np.ones(len(distance)), 1 - np.exp(-(distance**2) / (2 * lengths**2))])
    # relative errors count: the spread of a squared difference grows with its mean
    trust = np.maximum(observed, 1e-9 * observed.max(axis=0) + 1e-30) ** -2.0
    weights = np.repeat(observed.mean(axis=0)[None] / model.shape[1], model.shape[1], axis=0)
    pull = model.T @ (trust * observed)
    for _ in range(N_ROUNDS):
        weights *= pull / np.maximum(model.T @ (trust * (model @ weights)), 1e-300)
    return np.asarray(weights)


def contrast_variance(
    weights: FloatArray, tissue: Kernels, placements: Placements, own: FloatArray
) -> FloatArray:
    """Variance of "mean inside minus mean outside" for every placement and feature.

    Parameters
    ----------
    weights
        From ``fit_variogram``, shape ``(1 + n_lengths, n_features)``.
    own
        Mean of each kernel over all pairs of the region's own spots, shape ``(n_lengths,)``; a
        moved shape has the same.

    Returns
    -------
    Shape ``(n_placements, n_features)``, above 0 wherever a weight is.
    """
    n = float(len(tissue.reach))
    inside = placements.members.sum(axis=1)[:, None]
    between = placements.members @ tissue.reach / (inside * n)
    everywhere = tissue.reach.mean(axis=0) / n
    smooth = np.maximum(own - 2 * between + everywhere, 0.0)
    # inside minus outside is n / (n - inside) times inside minus everywhere
    gain = (n / (n - inside)) ** 2
    nugget = gain * (1 / inside - 1 / n)
    floor = 1e-3 * nugget  # of a perfectly smooth feature, whose contrast rounding decides
    return np.asarray(np.hstack([nugget, gain * smooth + floor]) @ weights)


def own_kernels(members: FloatArray, lengths: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Average each kernel over all pairs of a region's spots ``(n, 2)``, also with themselves."""
    if len(members) > MEMBERS_FOR_PAIRS:
        members = rng.choice(members, MEMBERS_FOR_PAIRS, replace=False)
    squared = ((members[:, None] - members[None]) ** 2).sum(axis=-1)
    return np.array([np.exp(-squared / (2 * length**2)).mean() for length in lengths])
