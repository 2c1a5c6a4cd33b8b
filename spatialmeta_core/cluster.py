"""Leiden clusters, a resolution to suggest for them, and a two-dimensional view of an embedding."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.partition import (
    LEFT_OUT,
    adjusted_rand,
    communities,
    complete_rows,
    leiden,
    nearest_neighbors,
    neighbor_graph,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import scipy.sparse as sp

    from spatialmeta_core.types import FloatArray, IntArray

__all__ = [
    "RESOLUTIONS",
    "Suggestion",
    "leiden",
    "nearest_neighbors",
    "neighbor_graph",
    "suggest_resolution",
    "umap",
]

# evenly spaced on a logarithmic scale, a factor of about 1.4 apart
RESOLUTIONS = (0.05, 0.07, 0.1, 0.14, 0.2, 0.28, 0.4, 0.56, 0.8, 1.1, 1.6, 2.2, 3.0)
N_SUBSAMPLES, SUBSAMPLE = 3, 0.8  # how often spots are left out, and the share that stays
TRIAL_ITERATIONS = 4  # of Leiden, where only the agreement with the full run counts
SAME_PLATEAU = 0.95  # adjusted Rand index of neighboring resolutions
STEADINESS = 4  # a plateau is worth the sum of its stabilities to this power: length and quality
MIN_STABILITY = 0.5  # below, another choice of spots gives other clusters
NEARLY_BEST = 0.02  # stabilities this close count as equal

FLAT = 1e-6  # extent, relative to the widest, that is rounding in single precision
MIN_UMAP_SPOTS = 10  # below, two dimensions hold the distances better than a layout does


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
    complete = complete_rows(latent, at_least=MIN_UMAP_SPOTS)
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


@dataclass(frozen=True, slots=True, eq=False)
class Suggestion:
    """A resolution whose clusters come back, and all that were tried.

    Attributes
    ----------
    resolution, n_clusters
        The suggestion, and how many clusters it gives.
    stability
        Smallest adjusted Rand index of those clusters with clusters from another seed or from a
        part of the spots; 1 where they always come back.
    table
        One row for each resolution tried, ascending, with the columns of
        ``keys.RESOLUTION_COLUMNS``.
    labels
        Clusters at each resolution, shape ``(n_resolutions, n_spots)``, as ``leiden`` gives them.
    """

    resolution: float
    n_clusters: int
    stability: float
    table: pd.DataFrame
    labels: IntArray


def suggest_resolution(
    latent: FloatArray,
    *,
    n_neighbors: int = 15,
    resolutions: Sequence[float] = RESOLUTIONS,
    seeds: Sequence[int] = (0, 1),
) -> Suggestion:
    """Suggest the resolution of the Leiden algorithm whose clusters are the most repeatable.

    Clusters that are in the data come back with another seed and when a fifth of the spots are
    left out, and stay the same over a range of resolutions. Each resolution's stability is its
    worst agreement with such repeats; neighboring resolutions with nearly the same clusters form a
    plateau, and the plateau with the largest sum of stabilities (to the fourth power) is taken.

    Parameters
    ----------
    latent
        Embedding, shape ``(n_spots, n_latent)``; a row with NaN is left out.
    n_neighbors
        Nearest neighbors of each spot, as for ``leiden``.
    resolutions
        What to try, above 0, one or more.
    seeds
        Of the Leiden algorithm; the first also chooses the spots that are left out. The same seeds
        give the same suggestion.

    Returns
    -------
    Suggestion
        With one cluster where no division into two or more is repeatable (a stability of 0.5 or
        more) and some resolution does not divide; else the most repeatable division. 2,000 spots
        take about 4 seconds of one processor core.

    Raises
    ------
    InvalidDataError
        If ``latent`` is not a matrix of 2 columns or more, or fewer than 2 rows are complete.
    InvalidParamsError
        If ``resolutions`` or ``seeds`` is empty, or a resolution is not above 0.

    References
    ----------
    Lange et al. (2004), doi 10.1162/089976604773717621, on stability under resampling.
    """
    tried = sorted(set(resolutions))
    if not tried or tried[0] <= 0 or not seeds:
        raise InvalidParamsError(
            f"resolutions are {tuple(resolutions)} and seeds {tuple(seeds)}; allowed is at least "
            "one of each, and resolutions above 0."
        )
    complete = complete_rows(latent, at_least=2)
    rows = np.asarray(latent)[complete]
    full = np.arange(len(rows))
    rng = np.random.default_rng(seeds[0])
    n_kept = max(2, round(SUBSAMPLE * len(rows)))
    kept = [np.sort(rng.choice(full, n_kept, replace=False)) for _ in range(N_SUBSAMPLES)]
    graph = _graph(rows, n_neighbors)
    trials = [(full, graph, seed) for seed in seeds[1:]]
    trials += [(part, _graph(rows[part], n_neighbors), seeds[0]) for part in kept]
    found = [communities(graph, resolution=r, seed=seeds[0]) for r in tried]
    stability = [
        min(_agreement(one, r, trial) for trial in trials)
        for one, r in zip(found, tried, strict=True)
    ]
    table = pd.DataFrame(
        {
            "resolution": tried,
            "n_clusters": [int(one.max()) + 1 for one in found],
            "stability": stability,
            "plateau": _plateaus(found),
        }
    )[list(keys.RESOLUTION_COLUMNS)]
    best = _choose(table)
    labels = np.full((len(tried), len(complete)), LEFT_OUT, dtype=np.int64)
    labels[:, complete] = found
    return Suggestion(
        resolution=float(tried[best]),
        n_clusters=int(table["n_clusters"].iloc[best]),
        stability=float(stability[best]),
        table=table,
        labels=labels,
    )


def _graph(rows: FloatArray, n_neighbors: int) -> sp.csr_matrix:
    return neighbor_graph(nearest_neighbors(rows, n_neighbors=n_neighbors)[0])


def _agreement(
    reference: IntArray, resolution: float, trial: tuple[IntArray, sp.csr_matrix, int]
) -> float:
    part, graph, seed = trial
    again = communities(graph, resolution=resolution, seed=seed, iterations=TRIAL_ITERATIONS)
    return adjusted_rand(reference[part], again)


def _plateaus(found: Sequence[IntArray]) -> IntArray:
    """Return the number of the run of nearly the same partitions that each belongs to."""
    breaks = [adjusted_rand(one, other) < SAME_PLATEAU for one, other in itertools.pairwise(found)]
    return np.concatenate([[0], np.cumsum(breaks)]).astype(np.int64)


def _choose(table: pd.DataFrame) -> int:
    """Return the row in the middle of the best plateau, of those that are nearly its most stable.

    Of plateaus that are worth the same, the one with more clusters is taken.
    """
    stability = table["stability"].to_numpy()
    divided = (table["n_clusters"] > 1).to_numpy()
    steady = divided & (stability >= MIN_STABILITY)
    if not steady.any():
        whole = np.flatnonzero(~divided)
        return int(whole[-1]) if len(whole) else int(stability.argmax())
    plateau = table["plateau"].to_numpy()
    worth = np.bincount(plateau, weights=np.where(steady, stability, 0.0) ** STEADINESS)
    best = len(worth) - 1 - int(np.round(worth, 6)[::-1].argmax())
    rows = np.flatnonzero(steady & (plateau == best))
    rows = rows[stability[rows] >= stability[rows].max() - NEARLY_BEST]
    return int(rows[np.abs(rows - rows.mean()).argmin()])
