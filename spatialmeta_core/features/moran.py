"""Moran's I with its test, in one sample and in each of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spatialmeta_core import graph, keys, stats
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from spatialmeta_core.params import FeatureParams
    from spatialmeta_core.stats import FeatureBlock
    from spatialmeta_core.types import FloatArray, IntArray

__all__ = ["PerSample", "morans_i", "per_sample"]


def morans_i(
    values: Any, xy: FloatArray, *, n_neighbors: int = 6, names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Test each feature for spatial pattern by Moran's I.

    Parameters
    ----------
    values
        Dense or sparse, shape ``(n_spots, n_features)``, finite.
    xy
        Positions, shape ``(n_spots, 2)``, in any unit.
    n_neighbors
        Neighbors per spot in the weights, see ``graph.spatial_neighbors``.
    names
        Row labels, one per feature; 0, 1, 2, ... if not given.

    Returns
    -------
    Columns ``keys.MORAN_COLUMNS``: the statistic, its one-sided p under normality
    (large where neighbors are not alike), and p adjusted by Benjamini-Hochberg over all rows; NaN
    for features with one value everywhere.

    Raises
    ------
    InvalidDataError
        If values, positions and names disagree in number, or a value or position is missing.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Spatially variable features".
    """
    if values.shape[0] != len(xy):
        raise InvalidDataError(f"{values.shape[0]} rows of values for {len(xy)} positions.")
    if names is not None and len(names) != values.shape[1]:
        raise InvalidDataError(f"{len(names)} names for {values.shape[1]} features.")
    statistic, p = _test(values, graph.spatial_neighbors(xy, n_neighbors))
    columns = dict(
        zip(keys.MORAN_COLUMNS, (statistic, p, stats.benjamini_hochberg(p)), strict=True)
    )
    return pd.DataFrame(columns, index=None if names is None else pd.Index(names))


def _test(values: Any, weights: sparse.csr_matrix) -> tuple[FloatArray, FloatArray]:
    statistic = graph.moran(values, weights)
    expected, variance = graph.moran_moments(weights)
    return statistic, stats.upper_tail((statistic - expected) / np.sqrt(variance))


@dataclass(frozen=True, slots=True, eq=False)
class PerSample:
    """The test in each sample, each ``(n_samples, n_features)``; NaN where it was not made."""

    statistic: FloatArray
    p: FloatArray
    p_adj: FloatArray
    n_found: IntArray  # spots in which the feature is not zero

    def mean_statistic(self) -> FloatArray:
        """Average Moran's I over the samples in which the feature was tested."""
        tested = ~np.isnan(self.statistic)
        total = np.where(tested, self.statistic, 0.0).sum(axis=0)
        mean = total / np.maximum(tested.sum(axis=0), 1)
        return np.asarray(np.where(tested.any(axis=0), mean, np.nan))


def per_sample(
    block: FeatureBlock,
    xy: FloatArray,
    sample: NDArray[np.object_],
    names: NDArray[np.object_],
    params: FeatureParams,
) -> PerSample:
    """Test the features of one block in each sample, on the sample's own neighbors.

    Parameters
    ----------
    block
        Features of one modality, ``n`` rows.
    xy
        Positions of those rows, shape ``(n, 2)``.
    sample, names
        Name of each row's sample, shape ``(n,)``, and the names to test, shape ``(n_samples,)``.
    params
        Neighbors per spot, and the spots a gene must be found in to be tested.

    Returns
    -------
    PerSample
        Its p-values are adjusted over the features of the block within a sample.

    Raises
    ------
    InvalidDataError
        If a sample has too few spots.
    """
    shape = (len(names), len(block.columns))
    statistic, p, p_adj = (np.full(shape, np.nan) for _ in range(3))
    n_found = np.zeros(shape, int)
    min_spots = params.min_spots if block.kind == keys.ST else 0
    by_spot = block.matrix.tocsr() if len(names) > 1 else block.matrix
    for row, name in enumerate(names):
        members = sample == name
        if members.sum() <= params.n_neighbors:
            raise InvalidDataError(
                f'"{name}" has {members.sum()} spots with {block.kind} values; '
                f"at least {params.n_neighbors + 1} are needed, so that each has "
                f"{params.n_neighbors} neighbors."
            )
        values = by_spot[members].tocsc() if len(names) > 1 else block.matrix
        n_found[row] = np.diff(values.indptr)
        common = n_found[row] >= min_spots
        weights = graph.spatial_neighbors(xy[members], params.n_neighbors)
        tested = values if common.all() else values[:, common]
        statistic[row, common], p[row, common] = _test(tested, weights)
        p_adj[row] = stats.benjamini_hochberg(p[row])
    return PerSample(statistic, p, p_adj, n_found)
