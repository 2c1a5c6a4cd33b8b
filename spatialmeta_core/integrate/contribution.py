"""How much each modality has to say about a spot (eqs 20 and 21, and a calibrated balance)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg
from scipy.spatial.distance import cdist

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.integrate.basis import batch_parts, groups_apart, within_groups
from spatialmeta_core.types import Contribution, Embedding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.types import FloatArray, IntArray

__all__ = ["contribution"]

# spots are spread twice as wide as measured: without it, two groups a few standard deviations apart
# are told apart for certain by either modality, and every balance is one half
WIDENING = 4.0  # of the variance
EVEN = 0.5


def contribution(
    embedding: Embedding, *, batch: IntArray | None = None, seed: int = 0
) -> Contribution:
    r"""Say for each spot which modality tells more of where it belongs.

    .. math:: \theta_{st} = \cos(\mu_{st}, \mu), \quad \theta_{sm} = \cos(\mu_{sm}, \mu), \quad
        \mathrm{balance} = \frac{1 + P_{st}(g) - P_{sm}(g)}{2}

    where :math:`g` is the spot's group in the joint embedding, found without labels, and
    :math:`P_{st}(g)` the probability of that group given :math:`\mu_{st}` alone: normal groups with
    one covariance and equal priors, their variance widened four times.

    Parameters
    ----------
    embedding
        Latent means, each ``(n_spots, n_latent)``; NaN rows for spots left out.
    batch
        Batch codes, shape ``(n_spots, n_keys)``; groups are found and compared within each
        combination of batches.
    seed
        Of the grouping; the same seed gives the same numbers.

    Returns
    -------
    Contribution
        Cosines clipped to [-1, 1] against rounding, NaN where a vector has no length, and the
        balance, from 0 (SM alone tells the spot's group) to 1 (ST alone does); 0.5 where both or
        neither do, and everywhere if there is one group or too few spots to group. NaN where a row
        is NaN.

    Raises
    ------
    InvalidDataError
        If the three embeddings do not have the same shape.

    Notes
    -----
    The cosines compare directions of three embeddings that nothing ties to one scale, so they
    rank spots but have no neutral value. The balance has one. How far to trust it: if SM cannot
    tell two groups apart and ST can, it is near 0.75 in both, not 1, because SM still excludes the
    others; it speaks about telling groups apart, not about gradients inside of them; and it is
    only as good as the groups, so where the joint embedding shows no gaps, and the groups are parts
    of a continuum, read it as a tendency.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eqs 20 and 21.
    """
    shapes = {np.shape(part) for part in (embedding.joint, embedding.st, embedding.sm)}
    if len(shapes) > 1:
        found = ", ".join(map(str, sorted(shapes)))
        raise InvalidDataError(f"The embeddings have different shapes: {found}; expected one.")
    theta_st = _cosine(embedding.st, embedding.joint)
    theta_sm = _cosine(embedding.sm, embedding.joint)
    views = [np.asarray(v, np.float64) for v in (embedding.joint, embedding.st, embedding.sm)]
    used = np.asarray(~np.isnan(np.hstack(views)).any(axis=1))
    balance = np.full(len(used), np.nan)
    balance[used] = _balance(
        [view[used] for view in views], batch[used] if batch is not None else None, seed
    )
    return Contribution(theta_st, theta_sm, balance)


def _balance(views: Sequence[FloatArray], batch: IntArray | None, seed: int) -> FloatArray:
    """Return the balance of every spot from joint, ST and SM means, each ``(n, n_latent)``."""
    balance = np.full(len(views[0]), EVEN)
    parts = batch_parts(len(views[0]), batch)
    grouped = [groups_apart(views[0][part], seed=seed) for part in parts]
    several = [
        (part, part[index], group)
        for part, (index, group) in zip(parts, grouped, strict=True)
        if len(group) and group.max() > 0
    ]
    if not several:
        return balance
    joint, st, sm = (_probabilities(view, several) for view in views)
    for (part, _, _), *given in zip(several, joint, st, sm, strict=True):
        own = given[0].argmax(axis=1)[:, None]
        p_st, p_sm = (np.take_along_axis(p, own, axis=1)[:, 0] for p in given[1:])
        balance[part] = (1 + p_st - p_sm) / 2
    return balance


def _probabilities(
    view: FloatArray, several: Sequence[tuple[IntArray, IntArray, IntArray]]
) -> list[FloatArray]:
    """Return for each batch the probability of each of its groups, ``(n_part, n_groups)``."""
    groups = [group for _, _, group in several]
    covariance = within_groups([view[index] for _, index, _ in several], groups)
    # coordinates in which the covariance is the identity
    white = scipy.linalg.solve_triangular(
        np.linalg.cholesky(covariance * WIDENING), view.T, lower=True
    ).T
    result = []
    for part, index, group in several:
        centers = np.stack([white[index[group == k]].mean(axis=0) for k in range(group.max() + 1)])
        half_distance = cdist(white[part], centers, "sqeuclidean") / 2
        weight = np.exp(half_distance.min(axis=1, keepdims=True) - half_distance)
        result.append(weight / weight.sum(axis=1, keepdims=True))
    return result


def _cosine(a: FloatArray, b: FloatArray) -> FloatArray:
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    length = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the documented NaN
        return np.asarray(np.clip(np.einsum("nd,nd->n", a, b) / length, -1.0, 1.0))
