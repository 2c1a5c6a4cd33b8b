"""Which features vary over the tissue (Moran's I), and which only tell samples apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spatialmeta_core import graph, keys, stats
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.params import FeatureParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from numpy.typing import NDArray
    from scipy import sparse

    from spatialmeta_core.stats import FeatureBlock
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

DROPPED = "dropped_because"
"""Column of ``select_features`` with the reason in words, empty where kept."""


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
    statistic, p = _moran_test(values, graph.spatial_neighbors(xy, n_neighbors))
    columns = dict(
        zip(keys.MORAN_COLUMNS, (statistic, p, stats.benjamini_hochberg(p)), strict=True)
    )
    return pd.DataFrame(columns, index=None if names is None else pd.Index(names))


def _moran_test(values: Any, weights: sparse.csr_matrix) -> tuple[FloatArray, FloatArray]:
    statistic = graph.moran(values, weights)
    expected, variance = graph.moran_moments(weights)
    return statistic, stats.upper_tail((statistic - expected) / np.sqrt(variance))


def select_features(joint: AnnData, params: FeatureParams | None = None) -> pd.DataFrame:
    """Choose the spatially variable features that are not biased toward one sample.

    Each sample is tested on its own graph; a feature counts as variable in a sample when its p,
    adjusted over the sample's features of the same modality, is at most ``params.max_p_adj``. It
    must be variable in ``params.min_samples`` samples (or in all, when there are fewer) and biased
    toward none; of these the ``n_genes`` genes and ``n_metabolites`` metabolites with the largest
    Moran's I are chosen. A feature is biased toward a sample that expresses it in more than
    ``bias_min_fraction`` of its spots, at a log2 fold change above ``bias_min_log2fc`` against the
    other samples.

    Parameters
    ----------
    joint
        Spots by features with ``var["type"]``, ``obsm["spatial"]`` and, for several samples,
        ``obs["sample"]``. ``layers["normalized"]`` is used, or ``X`` without it. Spots without
        metabolites (NaN) are left out of the metabolites' half.
    params
        Numbers and thresholds; the defaults if not given.

    Returns
    -------
    One row per feature, indexed as ``joint.var``, with ``type``, the
    ``keys.MORAN_COLUMNS``, ``spatially_variable`` (bool) and ``dropped_because`` (text, empty
    where chosen). With several samples, Moran's I is the mean over samples, and the p-values are
    the ``min_samples``-th smallest, so the adjusted one is at most ``max_p_adj`` exactly where
    enough samples agree.

    Raises
    ------
    InvalidDataError
        If a sample has too few spots or there are no positions.
    NotReadyError
        If ``var`` does not tell the modalities apart.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Spatially variable features".
    """
    params = params or FeatureParams()
    if keys.SPATIAL not in joint.obsm:
        raise InvalidDataError(f'The spots have no positions (obsm "{keys.SPATIAL}").')
    sample = _sample_of_spot(joint)
    tables = [
        _judge_block(joint, block, sample, params)
        for block in stats.feature_blocks(joint, require_normalized=False)
    ]
    table = pd.concat(tables).sort_index() if tables else _verdict_table(np.empty(0, int), "")
    limits = {keys.ST: params.n_genes, keys.SM: params.n_metabolites}
    for kind, limit in limits.items():
        _keep_best(table, kind, limit)
    table[keys.SELECTED] = table[DROPPED] == ""
    return table.set_axis(joint.var_names[table.index])


def _sample_of_spot(joint: AnnData) -> NDArray[np.object_]:
    """Return the sample's name of each spot; one name when the data tell no samples apart."""
    if keys.SAMPLE in joint.obs:
        return np.asarray(joint.obs[keys.SAMPLE].astype(str), object)
    return np.full(joint.n_obs, "the sample", object)


@dataclass(frozen=True, slots=True, eq=False)
class _PerSample:
    """Each ``(n_samples, n_features)``."""

    statistic: FloatArray
    p: FloatArray
    p_adj: FloatArray
    n_found: IntArray  # spots in which the feature is not zero


def _verdict_table(columns: IntArray, kind: str) -> pd.DataFrame:
    table = pd.DataFrame(index=columns)
    table[keys.FEATURE_TYPE] = kind
    for name in keys.MORAN_COLUMNS:
        table[name] = np.nan
    table[keys.SELECTED] = False
    table[DROPPED] = pd.Series("", index=columns, dtype=object)
    return table


def _judge_block(
    joint: AnnData, block: FeatureBlock, sample: Any, params: FeatureParams
) -> pd.DataFrame:
    """Fill every column but the choice of the best; rows are positions in ``joint.var``."""
    sample = sample[block.rows]
    names = np.unique(sample)
    xy = np.asarray(joint.obsm[keys.SPATIAL], float)[block.rows]
    tests = _test_samples(block, xy, sample, names, params)
    needed = min(params.min_samples, len(names)) - 1
    table = _verdict_table(block.columns, block.kind)
    if len(names):
        tested = ~np.isnan(tests.statistic)
        total = np.where(tested, tests.statistic, 0.0).sum(axis=0)
        table[keys.MORAN_I] = np.where(
            tested.any(axis=0), total / np.maximum(tested.sum(0), 1), np.nan
        )
        table[keys.MORAN_P] = np.sort(tests.p, axis=0)[needed]  # NaN sorts last
        table[keys.MORAN_P_ADJ] = np.sort(tests.p_adj, axis=0)[needed]
    biased = _biased_toward(block, sample, names, params)
    table[DROPPED] = _reasons(tests, biased, names, params)
    return table


def _test_samples(
    block: FeatureBlock, xy: FloatArray, sample: Any, names: Any, params: FeatureParams
) -> _PerSample:
    shape = (len(names), len(block.columns))
    statistic, p, p_adj = (np.full(shape, np.nan) for _ in range(3))
    n_found = np.zeros(shape, int)
    min_spots = params.min_spots if block.kind == keys.ST else 0
    by_spot = block.matrix.tocsr()
    for row, name in enumerate(names):
        members = sample == name
        if members.sum() <= params.n_neighbors:
            raise InvalidDataError(
                f'"{name}" has {members.sum()} spots with {block.kind} values; '
                f"at least {params.n_neighbors + 1} are needed, so that each has "
                f"{params.n_neighbors} neighbors."
            )
        values = by_spot[members].tocsc()
        n_found[row] = np.diff(values.indptr)
        common = n_found[row] >= min_spots
        weights = graph.spatial_neighbors(xy[members], params.n_neighbors)
        statistic[row, common], p[row, common] = _moran_test(values[:, common], weights)
        p_adj[row] = stats.benjamini_hochberg(p[row])
    return _PerSample(statistic, p, p_adj, n_found)


def _biased_toward(
    block: FeatureBlock, sample: Any, names: Any, params: FeatureParams
) -> BoolArray:
    """Tell, per sample and feature, whether the feature is biased toward the sample."""
    biased = np.zeros((len(names), len(block.columns)), bool)
    if len(names) < 2:  # noqa: PLR2004, one sample has no others to differ from
        return biased
    linear = block.linear()
    pseudo = stats.pseudo_count(linear)
    total = np.asarray(linear.sum(axis=0)).ravel()
    by_spot = linear.tocsr()
    for row, name in enumerate(names):
        members = sample == name
        inside = by_spot[members]
        n_inside = members.sum()
        own = np.asarray(inside.sum(axis=0)).ravel()
        change = stats.log2_fold_change(
            own / n_inside, (total - own) / (len(members) - n_inside), pseudo
        )
        fraction = np.asarray((inside > 0).sum(axis=0)).ravel() / n_inside
        biased[row] = (change > params.bias_min_log2fc) & (fraction > params.bias_min_fraction)
    return biased


def _reasons(tests: _PerSample, biased: BoolArray, names: Any, params: FeatureParams) -> list[str]:
    """Say for each feature why it is dropped; empty if it may be chosen."""
    n_samples, n_features = tests.p.shape
    needed = min(params.min_samples, n_samples)
    agree = (tests.p_adj <= params.max_p_adj).sum(axis=0)
    reasons = []
    for feature in range(n_features):
        toward = names[biased[:, feature]]
        if np.isnan(tests.p[:, feature]).all():
            reasons.append(_untested(tests.n_found[:, feature], params.min_spots))
        elif len(toward):
            reasons.append(f"biased toward sample {', '.join(toward)}")
        elif agree[feature] >= needed:
            reasons.append("")
        elif n_samples == 1:
            reasons.append(f"no spatial pattern (adjusted p = {tests.p_adj[0, feature]:.2g})")
        else:
            reasons.append(
                f"spatially variable in {agree[feature]} of {n_samples} samples; "
                f"{needed} are needed"
            )
    return reasons


def _untested(n_found: IntArray, min_spots: int) -> str:
    if not len(n_found):
        return "no spot has a value"
    if n_found.max() < min_spots:
        return f"found in {n_found.max()} spots at most; {min_spots} are needed"
    return "the same value in every spot"


def _keep_best(table: pd.DataFrame, kind: str, limit: int) -> None:
    """Write the reason of those that are good enough but not among the best, into our own table."""
    good = table[(table[keys.FEATURE_TYPE] == kind) & (table[DROPPED] == "")]
    beyond = good[keys.MORAN_I].sort_values(ascending=False, kind="stable").index[limit:]
    table.loc[beyond, DROPPED] = f"not among the {limit} with the largest Moran's I"
