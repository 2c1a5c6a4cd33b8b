"""The choice of features for one joint matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spatialmeta_core import keys, stats
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.features.bias import sample_bias
from spatialmeta_core.features.dispersion import dispersion
from spatialmeta_core.features.moran import PerSample, per_sample
from spatialmeta_core.features.table import (
    BIASED_TOWARD,
    DISPERSION,
    DROPPED,
    N_VARIABLE,
    empty_table,
    of_sample,
    reasons,
)
from spatialmeta_core.params import FeatureParams

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from spatialmeta_core.stats import FeatureBlock
    from spatialmeta_core.types import FloatArray

__all__ = ["select_features"]


def select_features(joint: AnnData, params: FeatureParams | None = None) -> pd.DataFrame:
    """Choose the spatially variable features that are not biased toward one sample.

    Each sample is tested on its own graph; a feature counts as variable in a sample when its p,
    adjusted over the sample's features of the same modality, is at most ``params.max_p_adj``. It
    must be variable in ``params.min_samples`` samples (or in all, when there are fewer) and biased
    toward none; of these the ``n_genes`` genes and ``n_metabolites`` metabolites with the largest
    Moran's I are chosen. A feature is biased toward a sample that expresses it in more than
    ``bias_min_fraction`` of its spots, at a log2 fold change above ``bias_min_log2fc`` against the
    other samples.

    With ``params.method="highly_variable"`` the features with the largest dispersion are chosen
    instead (see ``dispersion``), whether or not they form a pattern in the tissue; the tests are
    made and reported all the same.

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
    ``keys.MORAN_COLUMNS``, ``dispersion`` (NaN unless asked for), ``n_samples_variable`` (in how
    many samples it passed the test), ``spatially_variable`` (bool: chosen), ``biased_toward``
    (names of samples) and ``dropped_because`` (text, empty where chosen). With several samples,
    Moran's I is the mean over samples, the p-values are the ``min_samples``-th smallest, so the
    adjusted one is at most ``max_p_adj`` exactly where enough samples agree, and further columns
    give Moran's I and both p of each sample (``of_sample`` names them).

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
    table = pd.concat(tables).sort_index() if tables else empty_table(np.empty(0, int), "")
    for kind, limit in ((keys.ST, params.n_genes), (keys.SM, params.n_metabolites)):
        _keep_best(table, kind, limit, params)
    table[keys.SELECTED] = table[DROPPED] == ""
    return table.set_axis(joint.var_names[table.index])


def _sample_of_spot(joint: AnnData) -> NDArray[np.object_]:
    """Return the sample's name of each spot; one name when the data tell no samples apart."""
    if keys.SAMPLE in joint.obs:
        return np.asarray(joint.obs[keys.SAMPLE].astype(str), object)
    return np.full(joint.n_obs, "the sample", object)


def _judge_block(
    joint: AnnData, block: FeatureBlock, sample: NDArray[np.object_], params: FeatureParams
) -> pd.DataFrame:
    """Fill every column but the choice of the best; rows are positions in ``joint.var``."""
    sample = sample[block.rows]
    names = np.unique(sample)
    xy = np.asarray(joint.obsm[keys.SPATIAL], float)[block.rows]
    tests = per_sample(block, xy, sample, names, params)
    bias = sample_bias(block, sample, names, params)
    table = empty_table(block.columns, block.kind)
    if len(names):
        _fill_tests(table, tests, names, params)
    if params.method == "highly_variable":
        table[DISPERSION] = _mean_dispersion(block, sample, names)
    table[BIASED_TOWARD] = [", ".join(names[column]) for column in bias.is_biased.T]
    table[DROPPED] = reasons(tests, bias, names, params)
    return table


def _fill_tests(
    table: pd.DataFrame, tests: PerSample, names: NDArray[np.object_], params: FeatureParams
) -> None:
    """Write the tests into our own table."""
    needed = min(params.min_samples, len(names)) - 1
    table[keys.MORAN_I] = tests.mean_statistic()
    table[keys.MORAN_P] = np.sort(tests.p, axis=0)[needed]  # NaN sorts last
    table[keys.MORAN_P_ADJ] = np.sort(tests.p_adj, axis=0)[needed]
    table[N_VARIABLE] = (tests.p_adj <= params.max_p_adj).sum(axis=0)
    if len(names) == 1:
        return
    for row, name in enumerate(names):
        parts = (tests.statistic[row], tests.p[row], tests.p_adj[row])
        for column, values in zip(keys.MORAN_COLUMNS, parts, strict=True):
            table[of_sample(column, name)] = values


def _mean_dispersion(
    block: FeatureBlock, sample: NDArray[np.object_], names: NDArray[np.object_]
) -> FloatArray:
    """Average the dispersion over the samples in which the feature has one."""
    if not len(names):
        return np.full(len(block.columns), np.nan)
    by_spot = block.linear().tocsr()
    scores = np.stack([dispersion(by_spot[sample == name].tocsc()) for name in names])
    known = ~np.isnan(scores)
    total = np.where(known, scores, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _keep_best(table: pd.DataFrame, kind: str, limit: int, params: FeatureParams) -> None:
    """Write the reason of those that are good enough but not among the best, into our own table."""
    by_pattern = params.method == "spatially_variable"
    column, words = (
        (keys.MORAN_I, "with the largest Moran's I")
        if by_pattern
        else (DISPERSION, "most variable")
    )
    good = table[(table[keys.FEATURE_TYPE] == kind) & (table[DROPPED] == "")]
    beyond = good[column].sort_values(ascending=False, kind="stable").index[limit:]
    table.loc[beyond, DROPPED] = f"not among the {limit} {words}"
