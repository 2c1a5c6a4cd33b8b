"""Partitions of spots by their nearest neighbors in an embedding, and how far two agree.

The neighbors are exact, found with a k-d tree (10,000 spots in 10 dimensions take under a second),
so a partition does not depend on an approximate search or its random start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import graspologic_native
import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

from spatialmeta_core.errors import InvalidDataError, InvalidParamsError

if TYPE_CHECKING:
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

__all__ = [
    "LEFT_OUT",
    "adjusted_rand",
    "communities",
    "complete_rows",
    "leiden",
    "nearest_neighbors",
    "neighbor_graph",
]

LEIDEN_ITERATIONS = 10  # whole cycles; the partition of 10,000 spots is stable after about five
LEIDEN_RANDOMNESS = 0.001  # the library's default
LEFT_OUT = -1  # label of a spot without an embedding


def leiden(
    latent: FloatArray, *, resolution: float = 1.0, n_neighbors: int = 15, seed: int = 0
) -> IntArray:
    """Cluster spots by the Leiden algorithm on their nearest-neighbor graph.

    Two spots are linked, with weight 1, if either is among the other's nearest neighbors. On
    simulated sections weights by shared neighbors or by distance (as UMAP's) gave the same best
    clusters, and split domains sooner as the resolution rises.

    Parameters
    ----------
    latent
        Embedding, shape ``(n_spots, n_latent)``; a row with NaN is left out.
    resolution
        Above 0; higher gives more and smaller clusters (modularity with a resolution).
    n_neighbors
        Nearest neighbors of each spot, exact, the spot itself not counted.
    seed
        The same seed gives the same labels.

    Returns
    -------
    IntArray
        Labels from 0 by decreasing cluster size (equal sizes by their first spot), shape
        ``(n_spots,)``; -1 for a spot left out.

    Raises
    ------
    InvalidDataError
        If ``latent`` is not a matrix of 2 columns or more, or no row is complete.
    InvalidParamsError
        If ``resolution`` or ``n_neighbors`` is out of range.

    References
    ----------
    Traag, Waltman and van Eck (2019), doi 10.1038/s41598-019-41695-z.
    """
    if resolution <= 0:
        raise InvalidParamsError(f"resolution is {resolution!r}; allowed is above 0.")
    complete = complete_rows(latent)
    labels = np.full(len(latent), LEFT_OUT, dtype=np.int64)
    if complete.sum() == 1:
        labels[complete] = 0
        return labels
    index, _ = nearest_neighbors(np.asarray(latent)[complete], n_neighbors=n_neighbors)
    labels[complete] = communities(neighbor_graph(index), resolution=resolution, seed=seed)
    return labels


def communities(
    graph: sp.csr_matrix, *, resolution: float, seed: int, iterations: int = LEIDEN_ITERATIONS
) -> IntArray:
    """Cut a graph into communities by the Leiden algorithm.

    Parameters
    ----------
    graph
        Symmetric, from ``neighbor_graph``, shape ``(n, n)``.
    resolution
        Above 0; higher gives more and smaller communities (modularity with a resolution).
    seed
        The same seed gives the same labels.
    iterations
        Whole cycles of the algorithm, 1 or more.

    Returns
    -------
    IntArray
        Labels from 0 by decreasing size (equal sizes by their first row), shape ``(n,)``.
    """
    _, community = graspologic_native.leiden_csr(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32),
        graph.data.astype(np.float64),
        graph.shape[0],
        resolution=resolution,
        randomness=LEIDEN_RANDOMNESS,
        iterations=iterations,
        seed=seed,
    )
    return _by_size(np.array([community[i] for i in range(graph.shape[0])]))


def nearest_neighbors(latent: FloatArray, *, n_neighbors: int) -> tuple[IntArray, FloatArray]:
    """Find the exact nearest neighbors of every row among the other rows.

    Parameters
    ----------
    latent
        Positions, shape ``(n, n_dimensions)``, ``n`` at least 2, no NaN.
    n_neighbors
        Wanted number; ``n - 1`` are found where that is fewer.

    Returns
    -------
    index, distance
        Rows and Euclidean distances, nearest first, each ``(n, k)``; the row itself is never in
        it, also where other rows lie at the same place.

    Raises
    ------
    InvalidParamsError
        If ``n_neighbors`` is below 1.
    """
    if n_neighbors < 1:
        raise InvalidParamsError(f"n_neighbors is {n_neighbors!r}; allowed is 1 or more.")
    n = len(latent)
    k = min(n_neighbors, n - 1)
    distance, index = cKDTree(latent).query(latent, k=k + 1)
    # the row itself goes last, and is cut off with the last column; where k + 1 others lie at the
    # very same place it may not be among them, and the farthest is cut off instead
    itself = index == np.arange(n)[:, None]
    order = np.argsort(itself, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(index, order, 1), np.take_along_axis(distance, order, 1)


def neighbor_graph(index: IntArray) -> sp.csr_matrix:
    """Link every row with its nearest neighbors, in both directions.

    Parameters
    ----------
    index
        Nearest neighbors of each row, shape ``(n, k)``, the row itself not among them.

    Returns
    -------
    scipy.sparse.csr_matrix
        Symmetric, shape ``(n, n)``, 1 where either row is a neighbor of the other, else 0.
    """
    n, k = index.shape
    start = np.arange(0, n * k + 1, k)
    near = sp.csr_matrix((np.ones(n * k), index.ravel(), start), shape=(n, n))
    graph = near.maximum(near.T).tocsr()
    graph.sort_indices()
    return graph


def adjusted_rand(a: IntArray, b: IntArray) -> float:
    """Return the adjusted Rand index of two partitions of the same spots.

    Parameters
    ----------
    a, b
        Labels, 0 or more, each shape ``(n,)``.

    Returns
    -------
    float
        1 for the same partition whatever its labels, about 0 for unrelated ones.

    References
    ----------
    Hubert and Arabie (1985), doi 10.1007/BF01908075.
    """
    n = len(a)
    if n < 2:  # noqa: PLR2004 (no pair to agree on)
        return 1.0
    table = np.bincount(a * (b.max() + 1) + b).astype(float)
    together = _pairs(table).sum()
    in_a, in_b = _pairs(np.bincount(a)).sum(), _pairs(np.bincount(b)).sum()
    by_chance = in_a * in_b / _pairs(np.array([n])).sum()
    most = (in_a + in_b) / 2
    return 1.0 if most == by_chance else float((together - by_chance) / (most - by_chance))


def _pairs(size: FloatArray | IntArray) -> FloatArray:
    return np.asarray(size * (size - 1.0) / 2)


def complete_rows(latent: FloatArray, *, at_least: int = 1) -> BoolArray:
    """Say which rows of an embedding ``(n_spots, n_latent)`` have no NaN, shape ``(n_spots,)``.

    Raises
    ------
    InvalidDataError
        If it is not a matrix of 2 columns or more, or fewer than ``at_least`` rows are complete.
    """
    shape = np.shape(latent)
    if len(shape) != 2 or shape[1] < 2:  # noqa: PLR2004 (rows and columns)
        raise InvalidDataError(
            f"The embedding has shape {shape}; expected spots in rows and 2 columns or more."
        )
    complete = ~np.isnan(latent).any(axis=1)
    if complete.sum() < at_least:
        raise InvalidDataError(
            f"{int(complete.sum())} spots have an embedding; expected {at_least} or more. Run the "
            "integration on more spots."
        )
    return np.asarray(complete)


def _by_size(community: IntArray) -> IntArray:
    _, first, inverse, size = np.unique(
        community, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(size), dtype=np.int64)
    rank[np.lexsort((first, -size))] = np.arange(len(size))
    return rank[inverse]
