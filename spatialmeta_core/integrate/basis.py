"""Coordinates of the latent space in which groups of spots stand apart.

A network that explains smooth gradients as well as domains gives both the same room in its latent
space: parts of one domain that lie at different places of a gradient are as far from each other
as two domains are. Groups and coordinates are therefore made to agree with each other, in rounds:
cluster finely, join what no gap separates, measure the spread within and between the groups, scale
every direction by how well it tells groups apart, cluster again. A gradient spreads spots within
all groups, so it shrinks; the difference of two domains does not.

The change of coordinates is linear and can be undone, so it can make no gap where there is none.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from spatialmeta_core.partition import adjusted_rand, leiden

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

__all__ = ["Basis", "batch_parts", "groups_apart", "separating_basis", "within_groups"]

FINE, COARSE = 1.0, 0.3  # Leiden resolution of the first round, and of those after it
MAX_ROUNDS = 10  # two to five do on simulated sections
SETTLED = 0.99  # adjusted Rand index of two rounds that ends them
HALF_STRENGTH = 3.0  # between over within at which a direction keeps half; 2 to 5 do as well
LEAST_WEIGHT = 0.2  # a direction without groups keeps this: its structure is made small, not lost
SEPARATES = 1.0  # a direction counts as separating if groups spread more between than within
RIDGE = 1e-4  # of the mean variance, added within groups: collapsed directions stay finite
# the share of two groups' spots in the middle third between their means; a cloud without a gap cut
# in two has 1/6 there, two normal clouds 4 standard deviations apart 0.09, and 5 apart 0.05. Early
# in a training groups are nearer to each other than at its end
MAX_IN_GAP = 0.1
NOTHING = 1e-12  # variance of an embedding that says nothing
MIN_GROUP = 10  # spots; fewer cannot show a gap
MOSTLY = (
    0.35  # least adjusted Rand index of clusters and groups; a few outliers beside one cloud: 0.1
)
# least adjusted Rand index of the groups and the coarse clusters of the old coordinates: groups
# that hold several of these, as of a tissue that changes without gaps, would hide them. On
# simulated sections 0.78 to 0.99, on a mouse brain of eight areas, some without gaps, 0.45
EXPLAIN = 0.65
MAX_SPOTS = (
    4_000  # of a batch; Leiden cuts larger clouds at the same resolution, means need no more
)


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """A change of coordinates, ``(old - origin) @ matrix``.

    Attributes
    ----------
    matrix
        Invertible, shape ``(n_latent, n_latent)``; columns by decreasing ``strength``. It keeps the
        total variance.
    origin
        The old place of the new zero, the mean spot, shape ``(n_latent,)``.
    strength
        Variance between groups over variance within groups along each new direction, decreasing,
        shape ``(n_latent,)``.
    n_groups
        Number of groups found apart, summed over batches.
    """

    matrix: FloatArray
    origin: FloatArray
    strength: FloatArray
    n_groups: int

    @property
    def n_separating(self) -> int:
        """Number of directions along which groups spread more between than within."""
        return int((self.strength > SEPARATES).sum())


def separating_basis(
    latent: FloatArray, *, batch: IntArray | None = None, seed: int = 0
) -> Basis | None:
    """Find coordinates in which groups of spots stand apart, without labels.

    Parameters
    ----------
    latent
        Latent means, shape ``(n_spots, n_latent)``, no NaN.
    batch
        Batch codes, one column per batch key, shape ``(n_spots, n_keys)``. Groups are looked for
        within each combination of batches, so a difference between batches is not a group.
    seed
        Of the clustering, of the halves a gap is tested on, and of the choice of spots where a
        batch has more than 4,000. The same seed gives the same coordinates.

    Returns
    -------
    Basis or None
        None if no groups stand apart, as in one domain with smooth gradients, in noise, or with
        too few spots to tell: then the coordinates are best left as they are. A gap between two
        groups counts if spots that had no part in choosing the direction leave it empty, and the
        coordinates are changed only if most clusters in them, and in the old ones, are such groups.

    References
    ----------
    Ding and Li (2007), doi 10.1145/1273496.1273562, on discriminant coordinates and clusters that
    are made consistent with each other; Fisher (1936), doi 10.1111/j.1469-1809.1936.tb02137.x.
    """
    origin = np.asarray(latent.mean(axis=0, dtype=np.float64))
    rows = np.asarray(latent, dtype=np.float64) - origin
    rng = np.random.default_rng(seed)
    parts = [rows[index] for index in _samples(batch_parts(len(rows), batch), rng)]
    if not parts or np.concatenate(parts).var(axis=0).max() <= NOTHING:
        return None
    keys = [rng.random(len(part)) for part in parts]
    coarse = [leiden(part, resolution=COARSE, seed=seed) for part in parts]
    clusters = [leiden(part, resolution=FINE, seed=seed) for part in parts]
    found = _discriminants(parts, _joined(parts, clusters, keys))
    for _ in range(MAX_ROUNDS):
        if found is None:
            return None
        before = clusters
        clusters = [leiden(part @ found[0], resolution=COARSE, seed=seed) for part in parts]
        groups = _joined(parts, clusters, keys)
        found = _discriminants(parts, groups)
        if _agreement(before, clusters) >= SETTLED:
            break
    if found is None or _agreement(groups, clusters) < MOSTLY:
        return None
    if _agreement(groups, coarse) < EXPLAIN:
        return None
    matrix, strength = found
    known = np.concatenate(parts)
    matrix = matrix * np.sqrt(known.var(axis=0).sum() / (known @ matrix).var(axis=0).sum())
    return Basis(matrix, origin, strength, sum(int(group.max()) + 1 for group in groups))


def batch_parts(n_spots: int, batch: IntArray | None) -> list[IntArray]:
    """Return the spots of each combination of batches, largest code last.

    Parameters
    ----------
    n_spots
        Number of spots.
    batch
        Batch codes, shape ``(n_spots, n_keys)``, or None for one batch.
    """
    if batch is None or not batch.shape[1]:
        return [np.arange(n_spots)]
    code = np.unique(batch, axis=0, return_inverse=True)[1].ravel()
    return [np.flatnonzero(code == level) for level in range(code.max() + 1)]


def groups_apart(latent: FloatArray, *, seed: int = 0) -> tuple[IntArray, IntArray]:
    """Group the spots of one batch: by the gaps between them, else by Leiden clusters alone.

    Parameters
    ----------
    latent
        Latent means in the final coordinates, shape ``(n_spots, n_latent)``, no NaN.
    seed
        The same seed gives the same groups.

    Returns
    -------
    tuple of IntArray
        Spots that were grouped, all or 4,000 of them, ascending, and their groups, numbered from
        0. Empty where there are too few spots to group.
    """
    rng = np.random.default_rng(seed)
    samples = _samples([np.arange(len(latent))], rng)
    if not samples:
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    rows = np.asarray(latent[samples[0]], dtype=np.float64)
    clusters = leiden(rows, resolution=COARSE, seed=seed)
    if rows.var(axis=0).max() <= NOTHING:
        return samples[0], np.zeros_like(clusters)
    groups = _joined([rows], [clusters], [rng.random(len(rows))])[0]
    return samples[0], groups if _agreement([groups], [clusters]) >= MOSTLY else clusters


def _samples(parts: Sequence[IntArray], rng: np.random.Generator) -> list[IntArray]:
    """Leave out batches too small to show groups, and cut down the large ones."""
    large = [part for part in parts if len(part) >= 2 * MIN_GROUP]
    return [
        np.sort(rng.choice(part, MAX_SPOTS, replace=False)) if len(part) > MAX_SPOTS else part
        for part in large
    ]


def _agreement(a: Sequence[IntArray], b: Sequence[IntArray]) -> float:
    """Return the adjusted Rand index, the mean over batches by their spots."""
    index = [adjusted_rand(x, y) for x, y in zip(a, b, strict=True)]
    return float(np.average(index, weights=[len(x) for x in a]))


def _discriminants(
    parts: Sequence[FloatArray], groups: Sequence[IntArray]
) -> tuple[FloatArray, FloatArray] | None:
    """Return directions, scaled by how well they tell groups apart, and that strength."""
    within = within_groups(parts, groups)
    between, n_several = np.zeros_like(within), 0
    for part, group in zip(parts, groups, strict=True):
        means, size = _means(part, group)
        if len(means) < 2:  # noqa: PLR2004 (nothing to tell apart)
            continue
        # between a large and a small group, which has a say too: rare domains must not be lost
        share = np.sqrt(size) / np.sqrt(size).sum()
        apart = means - share @ means
        between += len(part) * (apart.T * share) @ apart
        n_several += len(part)
    if not n_several:
        return None
    strength, directions = scipy.linalg.eigh(between / n_several, within)
    strength, directions = np.maximum(strength[::-1], 0.0), directions[:, ::-1]
    weight = np.maximum(strength / (strength + HALF_STRENGTH), LEAST_WEIGHT)
    return directions * weight, strength


def _means(rows: FloatArray, group: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return mean ``(n_groups, n_latent)`` and size ``(n_groups,)`` of each group."""
    size = np.bincount(group).astype(float)
    member = np.eye(len(size))[group]
    return member.T @ rows / size[:, None], size


def within_groups(parts: Sequence[FloatArray], groups: Sequence[IntArray]) -> FloatArray:
    """Return the pooled covariance within groups, with a ridge."""
    rest = np.concatenate(
        [part - _means(part, group)[0][group] for part, group in zip(parts, groups, strict=True)]
    )
    covariance = rest.T @ rest / len(rest)
    return np.asarray(
        covariance
        + (RIDGE * np.trace(covariance) / len(covariance) + NOTHING) * np.eye(len(covariance))
    )


def _joined(
    parts: Sequence[FloatArray], clusters: Sequence[IntArray], keys: Sequence[FloatArray]
) -> list[IntArray]:
    """Join the clusters of each batch that no gap keeps apart, also by way of others."""
    clusters = [_without_small(*both) for both in zip(parts, clusters, strict=True)]
    halves = [_half(*both) for both in zip(clusters, keys, strict=True)]
    in_gap = [np.zeros((cluster.max() + 1,) * 2) for cluster in clusters]
    for fitted in (halves, [~half for half in halves]):
        known = [part[mask] for part, mask in zip(parts, fitted, strict=True)]
        labels = [cluster[mask] for cluster, mask in zip(clusters, fitted, strict=True)]
        precision = np.linalg.inv(within_groups(known, labels))
        for i, mask in enumerate(fitted):
            centers, _ = _means(known[i], labels[i])
            in_gap[i] += _share_in_gap(parts[i][~mask], clusters[i][~mask], centers, precision) / 2
    joined = []
    for share, cluster in zip(in_gap, clusters, strict=True):
        _, component = connected_components(share >= MAX_IN_GAP, directed=False)
        joined.append(np.asarray(component)[cluster])
    return joined


def _share_in_gap(
    rows: FloatArray, cluster: IntArray, centers: FloatArray, precision: FloatArray
) -> FloatArray:
    """Return the share of each two clusters' spots in the middle third between their centers."""
    share = np.zeros((len(centers), len(centers)))
    members = [rows[cluster == k] for k in range(len(centers))]
    for a, b in itertools.combinations(range(len(centers)), 2):
        direction = precision @ (centers[b] - centers[a])
        length = (centers[b] - centers[a]) @ direction
        for k in (a, b):
            place = (members[k] - centers[a]) @ direction / length
            share[a, b] += np.mean((place > 1 / 3) & (place < 2 / 3)) / 2
    return share + share.T


def _half(cluster: IntArray, key: FloatArray) -> BoolArray:
    """Choose every second spot of every cluster, in the order of ``key``."""
    half = np.zeros(len(cluster), dtype=bool)
    half[np.lexsort((key, cluster))[::2]] = True
    return half


def _without_small(rows: FloatArray, cluster: IntArray) -> IntArray:
    """Give the spots of clusters below ``MIN_GROUP`` to the nearest larger one."""
    centers, size = _means(rows, cluster)
    large = np.flatnonzero(size >= MIN_GROUP)
    if not len(large):
        return np.zeros_like(cluster)
    nearest = cdist(centers, centers[large]).argmin(axis=1)
    nearest[large] = np.arange(len(large))
    return np.asarray(nearest[cluster])
