"""Whether clusters form coherent areas of the tissue. No true labels are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from spatialmeta_core import geometry
from spatialmeta_core.metrics.checks import codes, one_hot, place_graph

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from spatialmeta_core.types import FloatArray

__all__ = ["chaos", "pas"]

MIN_CLUSTER = 3  # spots of a sample; a pair has a distance but no shape
HALF = 0.5 + 1e-9  # an even split is not "most", and sums of weights are rounded


def chaos(labels: ArrayLike, xy: FloatArray, sample: ArrayLike | None = None) -> float:
    """Return CHAOS: the mean distance of a spot to the nearest spot of its own cluster.

    Parameters
    ----------
    labels
        Cluster of each spot, shape ``(n,)``.
    xy
        Positions, shape ``(n, 2)``, any unit: each axis is standardized over the sample.
    sample
        Name of each spot's sample, shape ``(n,)``; distances are within samples.

    Returns
    -------
    0 or more, **lower** is better, in standard deviations of the positions; a lattice of ``n``
    spots in one cluster has about ``3 / sqrt(n)``, so values compare on the same spots only.
    Clusters with fewer than 3 spots in a sample do not count; NaN if there are no others. Scores
    take 1 - CHAOS, at least 0.

    Raises
    ------
    InvalidDataError
        If labels, samples and positions disagree in number.

    References
    ----------
    Shang and Zhou (2022), doi 10.1038/s41467-022-34879-1; Tian et al. (2025), doi
    10.1038/s41467-025-63915-z.
    """
    xy = geometry.as_xy(xy, "the spots' positions")
    cluster = codes(labels, len(xy))
    group = np.zeros(len(xy), np.int64) if sample is None else codes(sample, len(xy), "samples")
    total, n_counted = 0.0, 0
    for level in range(group.max() + 1 if len(group) else 0):
        rows = np.flatnonzero(group == level)
        spread = xy[rows].std(axis=0)
        place = (xy[rows] - xy[rows].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        for one in np.unique(cluster[rows]):
            members = place[cluster[rows] == one]
            if len(members) >= MIN_CLUSTER:
                distance, _ = cKDTree(members).query(members, k=[2])  # the first is the spot
                total += float(distance.sum())
                n_counted += len(members)
    return total / n_counted if n_counted else float("nan")


def pas(
    labels: ArrayLike, xy: FloatArray, sample: ArrayLike | None = None, *, n_neighbors: int = 10
) -> float:
    """Return PAS: the share of spots most of whose neighbors are in other clusters.

    Parameters
    ----------
    labels
        Cluster of each spot, shape ``(n,)``.
    xy
        Positions, shape ``(n, 2)``, any unit.
    sample
        Name of each spot's sample, shape ``(n,)``; neighbors are within samples.
    n_neighbors
        Neighbors of each spot; further ones at the same distance count too, so that the value does
        not depend on the order of the spots (12 on a hexagonal lattice for the usual 10).

    Returns
    -------
    0 to 1, **lower** is better. Scores take 1 - PAS.

    Raises
    ------
    InvalidDataError
        If labels, samples and positions disagree in number, or a sample has ``n_neighbors`` spots
        or fewer.

    References
    ----------
    Shang and Zhou (2022), doi 10.1038/s41467-022-34879-1; Tian et al. (2025), doi
    10.1038/s41467-025-63915-z.
    """
    xy = geometry.as_xy(xy, "the spots' positions")
    cluster = codes(labels, len(xy))
    near = np.asarray(place_graph(xy, sample, n_neighbors) @ one_hot(cluster))
    same = near[np.arange(len(xy)), cluster]
    return float((1.0 - same > HALF).mean())
