"""The local inverse Simpson's index: how many groups a spot's neighborhood in effect holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.metrics.checks import codes, matrix, one_hot
from spatialmeta_core.partition import nearest_neighbors

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from spatialmeta_core.types import FloatArray

__all__ = ["clisi", "ilisi", "lisi"]

PERPLEXITY = 30.0  # neighbors that count in effect, as in the original
REACH = 3  # times the perplexity: the neighbors looked at
STEPS = 50  # halvings of the search for each spot's kernel width
TOLERANCE = 1e-5  # of the entropy


def lisi(embedding: FloatArray, labels: ArrayLike, *, perplexity: float = PERPLEXITY) -> FloatArray:
    """Return how many groups the neighborhood of each spot in effect holds.

    The weight of a neighbor falls exponentially with its distance, at a rate that gives every spot
    the same effective number of neighbors, so dense and sparse places of the embedding compare.

    Parameters
    ----------
    embedding
        Shape ``(n, n_latent)``, no NaN.
    labels
        Group of each spot, shape ``(n,)``.
    perplexity
        Effective number of neighbors, above 1; three times as many are looked at, or all others.

    Returns
    -------
    1 to the number of groups, shape ``(n,)``.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ or a coordinate is not finite.
    InvalidParamsError
        If ``perplexity`` is out of range.

    References
    ----------
    Korsunsky et al. (2019), doi 10.1038/s41592-019-0619-0.
    """
    if perplexity <= 1:
        raise InvalidParamsError(f"perplexity is {perplexity!r}; allowed is above 1.")
    place = matrix(embedding, "embedding coordinates")
    code = codes(labels, len(place))
    if len(place) < 3:  # noqa: PLR2004 (a spot and two to weigh)
        return np.ones(len(place))
    n_neighbors = max(2, round(REACH * perplexity) - 1)  # the original counts the spot itself
    index, distance = nearest_neighbors(place, n_neighbors=n_neighbors)
    weight = _weights(distance, min(perplexity, index.shape[1]))
    hot = one_hot(code)
    share = np.stack([(weight * column[index]).sum(axis=1) for column in hot.T], axis=1)
    return np.asarray(1.0 / (share**2).sum(axis=1))


def _weights(distance: FloatArray, perplexity: float) -> FloatArray:
    """Return kernel weights, rows summing to 1, of the wanted entropy (log of the perplexity)."""
    wanted = math.log(perplexity)
    far = distance - distance[:, :1]  # the same weights, without underflow
    low, high = np.zeros(len(far)), np.full(len(far), np.inf)
    rate = np.ones(len(far))
    for _ in range(STEPS):
        kernel = np.exp(-far * rate[:, None])
        total = kernel.sum(axis=1)
        entropy = np.log(total) + rate * (far * kernel).sum(axis=1) / total
        if (np.abs(entropy - wanted) < TOLERANCE).all():
            break
        wide = entropy > wanted
        low, high = np.where(wide, rate, low), np.where(wide, high, rate)
        rate = np.where(np.isinf(high), 2 * rate, (low + np.where(np.isinf(high), 0.0, high)) / 2)
    kernel = np.exp(-far * rate[:, None])
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True))


def ilisi(embedding: FloatArray, batch: ArrayLike, *, perplexity: float = PERPLEXITY) -> float:
    """Return how well batches mix: the median ``(LISI - 1) / (n_batches - 1)`` of the batches.

    Parameters
    ----------
    embedding, perplexity
        As for ``lisi``.
    batch
        Batch of each spot, shape ``(n,)``.

    Returns
    -------
    0 to 1, higher is better: 0 where neighborhoods hold one batch, 1 where they hold all in equal
    parts, which batches of unequal size cannot reach. NaN for one batch.

    Raises
    ------
    InvalidDataError, InvalidParamsError
        As ``lisi``.

    References
    ----------
    Korsunsky et al. (2019), doi 10.1038/s41592-019-0619-0; scaled as in Luecken et al. (2022), doi
    10.1038/s41592-021-01336-8.
    """
    n_levels = len(np.unique(np.asarray(batch)))
    if n_levels < 2:  # noqa: PLR2004 (nothing to mix)
        return float("nan")
    middle = float(np.median(lisi(embedding, batch, perplexity=perplexity)))
    return min(1.0, max(0.0, (middle - 1) / (n_levels - 1)))


def clisi(embedding: FloatArray, truth: ArrayLike, *, perplexity: float = PERPLEXITY) -> float:
    """Return how pure neighborhoods are: the median ``(K - LISI) / (K - 1)`` of K known groups.

    Parameters
    ----------
    embedding, perplexity
        As for ``lisi``.
    truth
        Known group of each spot, shape ``(n,)``.

    Returns
    -------
    0 to 1, higher is better: 1 where neighborhoods hold one group. NaN for one group.

    Raises
    ------
    InvalidDataError, InvalidParamsError
        As ``lisi``.

    References
    ----------
    Korsunsky et al. (2019), doi 10.1038/s41592-019-0619-0; scaled as in Luecken et al. (2022), doi
    10.1038/s41592-021-01336-8.
    """
    n_levels = len(np.unique(np.asarray(truth)))
    if n_levels < 2:  # noqa: PLR2004 (nothing to keep apart)
        return float("nan")
    middle = float(np.median(lisi(embedding, truth, perplexity=perplexity)))
    return min(1.0, max(0.0, (n_levels - middle) / (n_levels - 1)))
