"""Whether clusters have features that mark them, and these have patterns. No true labels needed.

Values are normalized, ``log1p`` of counts or intensities at a common total, 0 or more. The scores
judge the clusters through the measured values; denoised ones would judge themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import digamma

from spatialmeta_core import graph
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.metrics.checks import codes, matrix, one_hot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from scipy import sparse

    from spatialmeta_core.types import FloatArray, IntArray

__all__ = ["marker_patterns", "mutual_information", "specificity", "top_features"]

N_TOP = (5, 20, 50, 100, 200)  # markers per cluster, as in the published benchmark
ZERO_PERCENT = (100.0, 99.0, 98.0, 95.0)  # thresholds of the paper
MIN_CLUSTER = 4  # spots; the published benchmark leaves out clusters of 3 or fewer
BLOCK_COLUMNS = 256
JITTER = 1e-10  # of a standardized value, so that equal values have an order


def top_features(values: Any, labels: ArrayLike) -> IntArray:
    """Order features by how much higher each cluster has them than the rest (Welch's t).

    Parameters
    ----------
    values
        Normalized, dense or sparse, shape ``(n_spots, n_features)``.
    labels
        Cluster of each spot, shape ``(n_spots,)``; clusters below 4 spots are left out.

    Returns
    -------
    Feature numbers, best first, shape ``(n_clusters, n_features)``; features with one value
    everywhere come last.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ or a value is not finite.
    """
    x = matrix(values)
    hot = _clusters(labels, len(x))
    x = x - x.mean(axis=0)  # sums of squares of values far from 0 would lose digits
    n_in = hot.sum(axis=0)[:, None]
    n_out = len(x) - n_in
    total, squares = x.sum(axis=0), np.einsum("sf,sf->f", x, x)
    sum_in, squares_in = hot.T @ x, hot.T @ x**2
    mean_in, mean_out = sum_in / n_in, (total - sum_in) / np.maximum(n_out, 1)
    error_in = (squares_in / n_in - mean_in**2) / (n_in - 1)
    error_out = ((squares - squares_in) / np.maximum(n_out, 1) - mean_out**2) / np.maximum(
        n_out - 1, 1
    )
    error = np.sqrt(np.maximum(error_in + error_out, 0.0))
    gap = mean_in - mean_out
    t = np.divide(gap, error, out=np.where(gap > 0, np.inf, -np.inf), where=error > 0)
    t[:, squares <= 0] = -np.inf
    return np.argsort(-t, axis=1, kind="stable")


def marker_patterns(
    values: Any,
    labels: ArrayLike,
    weights: sparse.csr_matrix,
    *,
    n_top: Sequence[int] = N_TOP,
    order: IntArray | None = None,
) -> tuple[float, float]:
    """Return Moran's I and Geary's C of the clusters' markers.

    For each number in ``n_top`` the median over the union of that many top features of every
    cluster is taken; then the mean over the numbers.

    Parameters
    ----------
    values
        Normalized, dense or sparse, shape ``(n_spots, n_features)``.
    labels
        Cluster of each spot, shape ``(n_spots,)``.
    weights
        Spatial neighbors, shape ``(n_spots, n_spots)``, as of ``graph.spatial_neighbors``.
    n_top
        Markers per cluster; larger numbers than there are features count as all.
    order
        Feature numbers by cluster from ``top_features``, if at hand.

    Returns
    -------
    moran
        About -1 to 1, higher is better; scores clip it at 0.
    geary
        0 to about 2, **lower** is better; scores take 1 - Geary's C, at least 0.

    Both are NaN if there are not two clusters of 4 spots or more, or no marker varies.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ or a value is not finite.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Benchmark".
    """
    ranked = top_features(values, labels) if order is None else order
    if len(ranked) < 2:  # noqa: PLR2004 (one cluster has nothing to be marked against)
        return float("nan"), float("nan")
    chosen = [np.unique(ranked[:, :n]) for n in n_top]
    union = np.unique(np.concatenate(chosen))
    part = values[:, union]
    moran, geary = graph.moran(part, weights), graph.geary(part, weights)
    rows = [np.searchsorted(union, some) for some in chosen]
    return _mean_of_medians(moran, rows), _mean_of_medians(geary, rows)


def _mean_of_medians(statistic: FloatArray, rows: Sequence[IntArray]) -> float:
    known = [statistic[row][~np.isnan(statistic[row])] for row in rows]
    medians = [np.median(some) for some in known if len(some)]
    return float(np.mean(medians)) if medians else float("nan")


def specificity(
    values: Any, labels: ArrayLike, *, zero_percent: Sequence[float] = ZERO_PERCENT
) -> float:
    """Return how many times its overall mean a feature reaches in its best cluster.

    Parameters
    ----------
    values
        Normalized, 0 or more, dense or sparse, shape ``(n_spots, n_features)``.
    labels
        Cluster of each spot, shape ``(n_spots,)``; clusters below 4 spots are left out.
    zero_percent
        For each threshold, features that are 0 in more than this share of the spots are left out;
        then the mean over thresholds is taken.

    Returns
    -------
    1 or more, higher is better: the mean over features of the largest ratio. NaN if no feature is
    left. Scores take 1 - 1 / specificity, which is 0 for no preference and 1 for perfect ones, and
    does not depend on which other methods are compared.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ, or a value is not finite or negative.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Benchmark".
    """
    x = matrix(values)
    if (x < 0).any():
        raise InvalidDataError(
            f"Normalized values go down to {x.min():.3g}; expected 0 or more for the specificity."
        )
    hot = _clusters(labels, len(x))
    x, hot = x[hot.any(axis=1)], hot[hot.any(axis=1)]
    mean = x.mean(axis=0) if len(x) else np.zeros(x.shape[1])
    if not (mean > 0).any():
        return float("nan")
    ratio = ((hot.T @ x) / hot.sum(axis=0)[:, None] / np.where(mean > 0, mean, 1.0)).max(axis=0)
    zeros = (x == 0).mean(axis=0) * 100
    kept = [ratio[(mean > 0) & (zeros <= threshold)] for threshold in zero_percent]
    means = [some.mean() for some in kept if len(some)]
    return float(np.mean(means)) if means else float("nan")


def mutual_information(
    values: Any, labels: ArrayLike, *, n_neighbors: int = 3, seed: int = 0
) -> FloatArray:
    """Return the mutual information of each feature with the clusters.

    Parameters
    ----------
    values
        Dense or sparse, shape ``(n_spots, n_features)``.
    labels
        Cluster of each spot, shape ``(n_spots,)``; single spots of a cluster are left out.
    n_neighbors
        Nearest values within the cluster that set the reach; fewer in clusters as small.
    seed
        Of the tiny noise that orders equal values, such as zeros.

    Returns
    -------
    Nats, 0 or more, higher is better, shape ``(n_features,)``. Scores take the mean over features,
    divided by the entropy of the labels, which is 0 to 1.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ or a value is not finite.

    References
    ----------
    Ross (2014), doi 10.1371/journal.pone.0087357; Tian et al. (2025), doi
    10.1038/s41467-025-63915-z.
    """
    x = matrix(values)
    code = codes(labels, len(x))
    size = np.bincount(code)[code]
    x, code, size = x[size > 1], code[size > 1], size[size > 1]
    if not len(x):
        return np.zeros(x.shape[1])
    spread = x.std(axis=0)
    x = x / np.where(spread > 0, spread, 1.0)
    noise = np.random.default_rng(seed).standard_normal(x.shape)
    x = x + JITTER * np.maximum(1.0, np.abs(x).mean(axis=0)) * noise
    groups = [np.flatnonzero(code == level) for level in np.unique(code)]
    reached = np.concatenate([np.full(len(g), min(n_neighbors, len(g) - 1)) for g in groups])
    known = digamma(len(x)) + digamma(reached).mean() - digamma(size).mean()
    around = [
        _mean_digamma_around(x[:, first : first + BLOCK_COLUMNS], groups, n_neighbors)
        for first in range(0, x.shape[1], BLOCK_COLUMNS)
    ]
    return np.asarray(np.maximum(known - np.concatenate([*around, np.empty(0)]), 0.0))


def _mean_digamma_around(x: FloatArray, groups: Sequence[IntArray], n_neighbors: int) -> FloatArray:
    """Average digamma of the number of spots as near as the neighbors within the cluster."""
    place, reach = [], []
    for rows in groups:
        ordered = np.sort(x[rows], axis=0)
        place.append(ordered)
        reach.append(_reach(ordered, min(n_neighbors, len(rows) - 1)))
    at, radius = np.concatenate(place), np.concatenate(reach)
    radius = radius - 4 * np.spacing(np.abs(at) + radius)  # the farthest of them does not count
    everything = np.sort(x, axis=0)
    mean = np.empty(x.shape[1])
    for column in range(x.shape[1]):
        line = everything[:, column]
        low = np.searchsorted(line, at[:, column] - radius[:, column], "left")
        high = np.searchsorted(line, at[:, column] + radius[:, column], "right")
        mean[column] = digamma(np.maximum(high - low, 1)).mean()
    return mean


def _reach(ordered: FloatArray, k: int) -> FloatArray:
    """Distance of each value to the ``k``-th nearest other one, columns sorted ascending."""
    # the k nearest lie in a window of k + 1 consecutive values around it: try each such window
    n = len(ordered)
    best = np.full(ordered.shape, np.inf)
    for below in range(k + 1):
        inner = slice(below, n - k + below)
        left = ordered[inner] - ordered[: n - k]
        right = ordered[k:] - ordered[inner]
        best[inner] = np.minimum(best[inner], np.maximum(left, right))
    return best


def _clusters(labels: ArrayLike, n: int) -> FloatArray:
    """One column for each cluster of 4 spots or more: 1 for its spots."""
    code = codes(labels, n)
    kept = np.flatnonzero(np.bincount(code) >= MIN_CLUSTER) if n else np.empty(0, np.int64)
    return one_hot(code)[:, kept]
