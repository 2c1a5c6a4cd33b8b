"""What is left of a difference between batches, taken out by the groups that they share.

Training draws the batches together as a whole, which leaves a shift common to all their groups:
small beside the distance of two groups, but large beside the spread within one. Groups that two
batches share tell that shift, whatever their numbers of spots, and groups that only one of them
has do not take part.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from spatialmeta_core.integrate.basis import batch_parts, groups_apart, within_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.types import FloatArray, IntArray

__all__ = ["batch_offsets"]

Pair = tuple[int, int, int, int]  # batch, its group, another batch, its group

MAX_ROUNDS = 20
MIN_SHARED = 2  # groups; one alone could be two different groups
CLOSE = 0.5  # of the distance to the next group of either batch: nearer ones are the same group


def batch_offsets(
    latent: FloatArray, *, batch: IntArray, seed: int = 0
) -> tuple[FloatArray, int] | None:
    """Find by how much each batch is shifted against the others.

    Parameters
    ----------
    latent
        Latent means in coordinates in which groups stand apart, shape ``(n_spots, n_latent)``, no
        NaN.
    batch
        Batch codes, one column per batch key, shape ``(n_spots, n_keys)``.
    seed
        Of the grouping; the same seed gives the same shifts.

    Returns
    -------
    tuple or None
        Shift of each combination of batches, in the order of ``batch_parts``, shape
        ``(n_batches, n_latent)``, and the number of pairs of groups it rests on. Batches that
        share fewer than two groups with any other have a shift of 0. None for fewer than two
        batches, or where no two share groups.
    """
    parts = [np.asarray(latent[rows], dtype=np.float64) for rows in batch_parts(len(latent), batch)]
    found = [_groups(part, seed) for part in parts]
    known = [i for i, (rows, _) in enumerate(found) if len(rows)]
    if len(known) < 2:  # noqa: PLR2004 (nothing to compare)
        return None
    within = within_groups([found[i][0] for i in known], [found[i][1] for i in known])
    white = np.linalg.inv(np.linalg.cholesky(within)).T  # distances in spreads within groups
    centers = [_centers(rows, group) @ white for rows, group in found]
    shift: FloatArray = np.zeros((len(parts), latent.shape[1]))
    pairs: list[Pair] | None = None
    for _ in range(MAX_ROUNDS):
        before, pairs = pairs, _shared([c - s for c, s in zip(centers, shift, strict=True)])
        if not pairs or pairs == before:
            break
        shift = _solve(centers, pairs)
    if not pairs:
        return None
    return shift @ np.linalg.inv(white), len(pairs)


def _groups(part: FloatArray, seed: int) -> tuple[FloatArray, IntArray]:
    rows, group = groups_apart(part, seed=seed)
    return part[rows], group


def _centers(rows: FloatArray, group: IntArray) -> FloatArray:
    n = int(group.max()) + 1 if len(group) else 0
    return np.array([rows[group == k].mean(axis=0) for k in range(n)]).reshape(n, rows.shape[1])


def _shared(centers: Sequence[FloatArray]) -> list[Pair]:
    """Return (batch, group, other batch, its group) of groups that are each other's nearest."""
    pairs = []
    for a, b in itertools.combinations(range(len(centers)), 2):
        if not len(centers[a]) or not len(centers[b]):
            continue
        apart = cdist(centers[a], centers[b])
        limit = CLOSE * np.minimum.outer(_to_next(centers[a]), _to_next(centers[b]))
        mine = [
            (a, i, b, int(j))
            for i, j in enumerate(apart.argmin(axis=1))
            if apart[:, j].argmin() == i and apart[i, j] < limit[i, j]
        ]
        pairs += mine if len(mine) >= MIN_SHARED else []
    return pairs


def _to_next(centers: FloatArray) -> FloatArray:
    """Return the distance from each group to the nearest other one of its batch."""
    if len(centers) < 2:  # noqa: PLR2004 (no other)
        return np.full(len(centers), np.inf)
    between = cdist(centers, centers)
    np.fill_diagonal(between, np.inf)
    return np.asarray(between.min(axis=1))


def _solve(centers: Sequence[FloatArray], pairs: Sequence[Pair]) -> FloatArray:
    """Return the shifts that lay shared groups on each other best, of mean 0, least squares."""
    design = np.zeros((len(pairs), len(centers)))
    wanted = np.empty((len(pairs), centers[pairs[0][0]].shape[1]))
    for row, (a, i, b, j) in enumerate(pairs):
        design[row, a], design[row, b] = 1.0, -1.0
        wanted[row] = centers[a][i] - centers[b][j]
    return np.asarray(np.linalg.lstsq(design, wanted, rcond=None)[0])
