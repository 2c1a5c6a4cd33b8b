"""Leiden clusters and a two-dimensional view of an embedding.

Both start from the same exact nearest neighbors, found with a k-d tree (10,000 spots in 10
dimensions take under a second), so neither depends on an approximate search or its random start.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import graspologic_native
import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

from spatialmeta_core.errors import InvalidDataError, InvalidParamsError

if TYPE_CHECKING:
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

__all__ = ["leiden", "nearest_neighbors", "neighbor_graph", "umap"]

LEIDEN_ITERATIONS = 10  # whole cycles; the partition of 10,000 spots is stable after about five
LEIDEN_RANDOMNESS = 0.001  # the library's default
LEFT_OUT = -1  # label of a spot without an embedding
FLAT = 1e-6  # extent, relative to the widest, that is rounding in single precision
MIN_UMAP_SPOTS = 10  # below, two dimensions hold the distances better than a layout does


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
    complete = _complete_rows(latent)
    labels = np.full(len(latent), LEFT_OUT, dtype=np.int64)
    if complete.sum() == 1:
        labels[complete] = 0
        return labels
    index, _ = nearest_neighbors(np.asarray(latent)[complete], n_neighbors=n_neighbors)
    graph = neighbor_graph(index)
    _, community = graspologic_native.leiden_csr(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int32),
        graph.data.astype(np.float64),
        graph.shape[0],
        resolution=resolution,
        randomness=LEIDEN_RANDOMNESS,
        iterations=LEIDEN_ITERATIONS,
        seed=seed,
    )
    labels[complete] = _by_size(np.array([community[i] for i in range(graph.shape[0])]))
    return labels


def umap(
    latent: FloatArray, *, n_neighbors: int = 15, min_dist: float = 0.3, seed: int = 0
) -> FloatArray:
    """Lay out an embedding in two dimensions by UMAP.

    The layout starts from the first two principal components, which keeps the large-scale order
    and needs no random start.

    Parameters
    ----------
    latent
        Embedding, shape ``(n_spots, n_latent)``; a row with NaN is left out.
    n_neighbors
        Neighbors of each spot, exact, the spot itself counted, 2 or more.
    min_dist
        Smallest distance between points in the layout, 0 to 1.
    seed
        The same seed gives the same layout.

    Returns
    -------
    FloatArray
        Coordinates without a unit, ``float32``, shape ``(n_spots, 2)``; NaN for a spot left out.

    Raises
    ------
    InvalidDataError
        If ``latent`` is not a matrix of 2 columns or more, has fewer than 10 complete rows, or
        varies along fewer than two directions.
    InvalidParamsError
        If ``n_neighbors`` or ``min_dist`` is out of range.

    References
    ----------
    McInnes, Healy and Melville (2018), arXiv 1802.03426; on the start, Kobak and Linderman (2021),
    doi 10.1038/s41587-020-00809-z.
    """
    if n_neighbors < 2:  # noqa: PLR2004 (the spot itself and one more)
        raise InvalidParamsError(f"n_neighbors is {n_neighbors!r}; allowed is 2 or more.")
    if not 0 <= min_dist <= 1:
        raise InvalidParamsError(f"min_dist is {min_dist!r}; allowed is 0 to 1.")
    complete = _complete_rows(latent, at_least=MIN_UMAP_SPOTS)
    rows = np.asarray(latent, dtype=np.float32)[complete]
    # the library takes at most n - 1 neighbors, the spot itself counted
    index, distance = nearest_neighbors(rows, n_neighbors=min(n_neighbors, len(rows) - 1) - 1)
    itself = np.arange(len(rows))[:, None]
    index, distance = np.hstack([itself, index]), np.hstack([np.zeros(itself.shape), distance])
    with warnings.catch_warnings():
        # one model needs TensorFlow, and no new points can be placed later: neither is used here
        warnings.filterwarnings("ignore", message="Tensorflow not installed")
        warnings.filterwarnings("ignore", message=r"precomputed_knn\[2\]")
        from umap.umap_ import UMAP  # noqa: PLC0415 (compiles code when imported: seconds)

        layout = UMAP(
            n_neighbors=index.shape[1],
            min_dist=min_dist,
            init=_principal_plane(rows),
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(index.astype(np.int32), distance.astype(np.float32)),
        )
        placed = layout.fit_transform(rows)
    xy = np.full((len(complete), 2), np.nan, dtype=np.float32)
    xy[complete] = placed
    return xy


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


def _by_size(community: IntArray) -> IntArray:
    _, first, inverse, size = np.unique(
        community, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(size), dtype=np.int64)
    rank[np.lexsort((first, -size))] = np.arange(len(size))
    return rank[inverse]


def _principal_plane(rows: FloatArray) -> FloatArray:
    """Project centered rows ``(n, d)`` on their two widest directions, ``(n, 2)``."""
    centered = rows - rows.mean(axis=0)
    _, extent, directions = np.linalg.svd(centered, full_matrices=False)
    if extent[1] <= FLAT * max(extent[0], FLAT):
        raise InvalidDataError(
            "The embedding varies along fewer than two directions, so there is no plane to show. "
            "Train for longer, or choose more features."
        )
    return np.asarray(centered @ directions[:2].T)


def _complete_rows(latent: FloatArray, *, at_least: int = 1) -> BoolArray:
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
