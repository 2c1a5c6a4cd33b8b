"""How little of an embedding is owed to batches. iLISI is in ``lisi``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core.metrics.checks import codes, matrix, one_hot
from spatialmeta_core.metrics.conservation import silhouettes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from spatialmeta_core.types import FloatArray

__all__ = ["batch_asw", "batch_share", "pcr_batch"]


def batch_asw(embedding: FloatArray, labels: ArrayLike, batch: ArrayLike) -> float:
    """Return one minus the size of the batches' silhouettes within each group.

    Parameters
    ----------
    embedding
        Shape ``(n, n_latent)``, no NaN.
    labels
        Known group of each spot, or its cluster where none is known, shape ``(n,)``.
    batch
        Batch of each spot, shape ``(n,)``.

    Returns
    -------
    0 to 1, higher is better: 1 where batches cannot be told apart. The mean over groups with at
    least two batches, and more spots than batches; NaN if there are none.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ or a coordinate is not finite.

    References
    ----------
    Luecken et al. (2022), doi 10.1038/s41592-021-01336-8.
    """
    place = matrix(embedding, "embedding coordinates")
    group, level = codes(labels, len(place)), codes(batch, len(place), "batch")
    found = []
    for one in np.unique(group):
        rows = group == one
        n_batches = len(np.unique(level[rows]))
        if 1 < n_batches < rows.sum():
            found.append(1 - np.abs(silhouettes(place[rows], level[rows])).mean())
    return float(np.mean(found)) if found else float("nan")


def batch_share(embedding: FloatArray, batch: ArrayLike) -> float:
    """Return the share of an embedding's variance that lies between batches.

    It is the principal component regression: R2 of each component on the batches, weighted by the
    component's variance. The weighted sum is the same in every rotation, so none is computed.

    Parameters
    ----------
    embedding
        Shape ``(n, n_latent)``, no NaN.
    batch
        Batch of each spot, shape ``(n,)``.

    Returns
    -------
    0 to 1, **lower** is better; 0 for an embedding without variance.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ or a coordinate is not finite.

    References
    ----------
    Büttner et al. (2019), doi 10.1038/s41592-018-0254-1.
    """
    place = matrix(embedding, "embedding coordinates")
    hot = one_hot(codes(batch, len(place), "batch"))
    place = place - place.mean(axis=0)
    total = float((place**2).sum())
    between = float(((hot.T @ place) ** 2 / hot.sum(axis=0)[:, None]).sum())
    return min(1.0, between / total) if total > 0 else 0.0


def pcr_batch(before: FloatArray, after: FloatArray, batch: ArrayLike) -> float:
    """Return which part of the batches' share of the variance the integration removed.

    Parameters
    ----------
    before
        Coordinates without correction, such as principal components, shape ``(n, n_components)``.
    after
        The embedding, shape ``(n, n_latent)``.
    batch
        Batch of each spot, shape ``(n,)``.

    Returns
    -------
    0 to 1, higher is better: ``(share before - share after) / share before``, 0 where it grew.
    NaN where batches had no share before, as with one batch.

    Raises
    ------
    InvalidDataError
        If the numbers of spots differ or a coordinate is not finite.

    References
    ----------
    Luecken et al. (2022), doi 10.1038/s41592-021-01336-8.
    """
    if len(np.unique(np.asarray(batch))) < 2:  # noqa: PLR2004 (nothing to remove)
        return float("nan")
    was, is_now = batch_share(before, batch), batch_share(after, batch)
    return max(0.0, (was - is_now) / was) if was > 0 else float("nan")
