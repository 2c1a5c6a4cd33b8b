"""Whether known groups of spots are kept by clusters and embedding: true labels are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from spatialmeta_core import partition
from spatialmeta_core.metrics.checks import codes, matrix, one_hot

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from spatialmeta_core.types import FloatArray

__all__ = ["ari", "entropy", "isolated_asw", "label_asw", "nmi", "silhouettes"]

BLOCK_ROWS = 512


def ari(truth: ArrayLike, labels: ArrayLike) -> float:
    """Return the adjusted Rand index of clusters and known groups.

    Parameters
    ----------
    truth, labels
        Known group and cluster of each spot, each shape ``(n,)``.

    Returns
    -------
    About -0.5 to 1, higher is better: 1 for the same partition, about 0 for unrelated ones. Scores
    clip it at 0.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ.

    References
    ----------
    Hubert and Arabie (1985), doi 10.1007/BF01908075.
    """
    n = len(np.asarray(truth))
    return partition.adjusted_rand(codes(truth, n, "known groups"), codes(labels, n))


def entropy(labels: ArrayLike) -> float:
    """Return the entropy of the labels in nats, 0 where all are the same."""
    _, size = np.unique(np.asarray(labels), return_counts=True)
    share = size / size.sum()
    return float(-(share * np.log(share)).sum()) + 0.0


def nmi(truth: ArrayLike, labels: ArrayLike) -> float:
    """Return the mutual information of clusters and known groups over their mean entropy.

    Parameters
    ----------
    truth, labels
        Known group and cluster of each spot, each shape ``(n,)``.

    Returns
    -------
    0 to 1, higher is better; 1 for the same partition. Many small clusters raise it by chance.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ.

    References
    ----------
    Luecken et al. (2022), doi 10.1038/s41592-021-01336-8.
    """
    n = len(np.asarray(truth))
    a, b = codes(truth, n, "known groups"), codes(labels, n)
    apart = entropy(a) + entropy(b)
    if apart == 0:
        return 1.0
    shared = apart - entropy(a * (int(b.max()) + 1) + b)
    return float(np.clip(2 * shared / apart, 0.0, 1.0))


def silhouettes(embedding: FloatArray, labels: ArrayLike) -> FloatArray:
    """Return the silhouette of each spot: how much nearer its own group is than the next.

    Parameters
    ----------
    embedding
        Shape ``(n, n_latent)``, no NaN.
    labels
        Group of each spot, shape ``(n,)``.

    Returns
    -------
    -1 to 1, shape ``(n,)``; 0 for a spot alone in its group, NaN everywhere if there is one group.
    Time is quadratic in ``n``, memory is not.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ or a coordinate is not finite.

    References
    ----------
    Rousseeuw (1987), doi 10.1016/0377-0427(87)90125-7.
    """
    place = matrix(embedding, "embedding coordinates")
    code = codes(labels, len(place))
    hot = one_hot(code)
    size = hot.sum(axis=0)
    if len(size) < 2:  # noqa: PLR2004 (no other group)
        return np.full(len(place), np.nan)
    result = np.empty(len(place))
    for first in range(0, len(place), BLOCK_ROWS):
        rows = slice(first, first + BLOCK_ROWS)
        own = code[rows]
        total = cdist(place[rows], place) @ hot
        at = np.arange(len(own))
        inside = total[at, own] / np.maximum(size[own] - 1, 1)
        between = total / size
        between[at, own] = np.inf
        outside = between.min(axis=1)
        larger = np.maximum(inside, outside)
        apart = np.divide(outside - inside, larger, out=np.zeros(len(own)), where=larger > 0)
        result[rows] = np.where(size[own] > 1, apart, 0.0)
    return result


def label_asw(embedding: FloatArray, truth: ArrayLike) -> float:
    """Return the average silhouette width of known groups, as ``(width + 1) / 2``.

    Parameters
    ----------
    embedding
        Shape ``(n, n_latent)``, no NaN.
    truth
        Known group of each spot, shape ``(n,)``.

    Returns
    -------
    0 to 1, higher is better; 0.5 where groups overlap fully, NaN for one group.

    Raises
    ------
    InvalidDataError
        As ``silhouettes``.

    References
    ----------
    Luecken et al. (2022), doi 10.1038/s41592-021-01336-8.
    """
    return float((silhouettes(embedding, truth).mean() + 1) / 2)


def isolated_asw(embedding: FloatArray, truth: ArrayLike, batch: ArrayLike | None = None) -> float:
    """Return the average silhouette width of the groups that are in the fewest batches.

    Parameters
    ----------
    embedding
        Shape ``(n, n_latent)``, no NaN.
    truth
        Known group of each spot, shape ``(n,)``.
    batch
        Batch of each spot, shape ``(n,)``; with one batch every group counts.

    Returns
    -------
    0 to 1, higher is better: the mean over these groups of ``(width + 1) / 2``, so small groups
    count as much as large ones. NaN for one group.

    Raises
    ------
    InvalidDataError
        As ``silhouettes``.

    References
    ----------
    Luecken et al. (2022), doi 10.1038/s41592-021-01336-8.
    """
    width = silhouettes(embedding, truth)
    group = codes(truth, len(width), "known groups")
    places = np.zeros(len(width), np.int64) if batch is None else codes(batch, len(width), "batch")
    pairs = np.unique(np.column_stack([group, places]), axis=0)
    n_batches = np.bincount(pairs[:, 0])
    isolated = np.flatnonzero(n_batches == n_batches.min())
    return float(np.mean([(width[group == one].mean() + 1) / 2 for one in isolated]))
