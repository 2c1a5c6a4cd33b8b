"""What sets a group of spots apart: Wilcoxon rank-sum tests, fold changes and AUC, both modalities.

Ranks over all spots do not depend on the group, so they are made once (``build_index``) and each
further group costs one sparse product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spatialmeta_core import keys, stats
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import ArrayLike
    from scipy import sparse

    from spatialmeta_core.stats import ColumnRanks, FeatureBlock
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

MIN_CLUSTERS = 2


@dataclass(frozen=True, slots=True, eq=False)
class _RankedBlock:
    block: FeatureBlock
    ranks: ColumnRanks
    shift: sparse.csr_matrix  # of the ranks, by spot; same stored entries as ``linear``
    linear: sparse.csr_matrix
    total: FloatArray  # column sums of ``linear``
    detected: IntArray  # spots above 0 in each column
    pseudo: float


@dataclass(frozen=True, slots=True, eq=False)
class MarkerIndex:
    """Ranks of every feature over a set of spots, ready for any number of groups.

    Attributes
    ----------
    spots
        Positions in ``joint.obs`` that were ranked, shape ``(n_spots,)``.
    features, types
        Name and ``"ST"`` or ``"SM"`` of each feature of ``joint``.
    blocks
        The ranked values, by modality.
    """

    spots: IntArray
    features: pd.Index
    types: FloatArray
    blocks: tuple[_RankedBlock, ...]


def build_index(joint: AnnData, spots: BoolArray | None = None) -> MarkerIndex:
    """Rank all features once, so that ``rank_markers`` answers quickly for many groups.

    Parameters
    ----------
    joint
        Spots by features with ``var["type"]`` and ``layers["normalized"]``.
    spots
        Which spots to rank, shape ``(joint.n_obs,)``; all if not given.

    Returns
    -------
    Ranks and linear values, about 50 bytes per value that is not zero.

    Raises
    ------
    NotReadyError
        If the data are not normalized or do not tell the modalities apart.
    """
    chosen = np.arange(joint.n_obs) if spots is None else np.flatnonzero(spots)
    part = joint if spots is None else joint[chosen]
    blocks = []
    for block in stats.feature_blocks(part):
        blocks.append(_rank_block(block))
    types = joint.var[keys.FEATURE_TYPE].to_numpy()
    return MarkerIndex(chosen, joint.var_names, types, tuple(blocks))


def rank_markers(
    joint: AnnData,
    mask: BoolArray,
    reference_mask: BoolArray | None = None,
    *,
    index: MarkerIndex | None = None,
) -> pd.DataFrame:
    """Compare one group of spots with the rest, or with a second group.

    The test is the two-sided Wilcoxon rank-sum test on normalized values with tie correction and
    without continuity correction. It takes spots as independent, which neighboring spots are not:
    prefer effect sizes.

    Parameters
    ----------
    joint
        Spots by features with ``var["type"]`` and ``layers["normalized"]``.
    mask
        The group, shape ``(joint.n_obs,)``.
    reference_mask
        The spots to compare with; all others if not given.
    index
        From ``build_index(joint)`` over all spots; made here if not given. Used only against all
        other spots, as a comparison of two groups ranks those two alone.

    Returns
    -------
    One row per feature with ``keys.MARKER_COLUMNS``, the most different first:
    sorted by ``|auc - 0.5|``, then by ``|log2fc|``.

    - ``auc``: chance that a spot of the group has the higher value, ties counting half.
    - ``mean_in``, ``mean_out``: means on the linear scale, ``expm1`` of the normalized values.
    - ``log2fc``: ``log2((mean_in + c) / (mean_out + c))``; ``c`` is 1 % of the median feature's
    mean in the
      modality (``stats.pseudo_count``).
    - ``fraction_in``, ``fraction_out``: share of spots with a value above 0.
    - ``p_adj``: Benjamini-Hochberg within each modality.

    Spots without metabolites (NaN) are left out of the metabolites' tests; where that leaves a
    group empty, their numbers are NaN.

    Raises
    ------
    InvalidDataError
        If a mask does not fit the spots, a group is empty, or the groups overlap.
    NotReadyError
        If the data are not normalized or do not tell the modalities apart.

    References ---------- Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods; Mann and
    Whitney (1947), Ann. Math. Stat. 18, 50-60.
    """
    mask = _as_mask(mask, joint.n_obs, "The group")
    if reference_mask is None:
        if mask.all():
            raise InvalidDataError(
                f"The group holds all {len(mask)} spots, so none are left to compare with; "
                "choose fewer spots."
            )
        index = index or build_index(joint)
    else:
        reference = _as_mask(reference_mask, joint.n_obs, "The reference")
        n_both = int((mask & reference).sum())
        if n_both:
            raise InvalidDataError(
                f"{n_both} spots are in both groups; take them out of one of the two."
            )
        index = build_index(joint, mask | reference)
    return _table(index, mask)


def rank_clusters(joint: AnnData, labels: ArrayLike) -> pd.DataFrame:
    """Compare each cluster with all other spots that have a cluster.

    Parameters
    ----------
    joint
        As for ``rank_markers``.
    labels
        Cluster of each spot, shape ``(joint.n_obs,)``; spots with a missing label are left out of
        both sides.

    Returns
    -------
    A column ``cluster`` before the ``keys.MARKER_COLUMNS``; clusters in the order
    of their categories (or sorted), features as in ``rank_markers``. Benjamini-Hochberg is within
    each cluster and modality.

    Raises
    ------
    InvalidDataError
        If there is not one label per spot, or there are fewer than two clusters.
    NotReadyError
        If the data are not normalized or do not tell the modalities apart.
    """
    cluster = pd.Categorical(labels).remove_unused_categories()
    if len(cluster) != joint.n_obs:
        raise InvalidDataError(f"{len(cluster)} cluster labels for {joint.n_obs} spots.")
    if len(cluster.categories) < MIN_CLUSTERS:
        raise InvalidDataError(
            f"Found {len(cluster.categories)} cluster; at least {MIN_CLUSTERS} are needed."
        )
    labeled = cluster.codes >= 0
    index = build_index(joint, None if labeled.all() else labeled)
    tables = [_table(index, cluster.codes == code) for code in range(len(cluster.categories))]
    for name, table in zip(cluster.categories, tables, strict=True):
        table.insert(0, keys.CLUSTER, name)
    return pd.concat(tables, ignore_index=True)


def _as_mask(mask: ArrayLike, n_spots: int, what: str) -> BoolArray:
    mask = np.asarray(mask)
    if mask.shape != (n_spots,) or mask.dtype != bool:
        raise InvalidDataError(
            f"{what} is an array of {mask.dtype} with shape {mask.shape}; "
            f"expected one true or false for each of {n_spots} spots."
        )
    if not mask.any():
        raise InvalidDataError(f"{what} holds no spots; choose at least one.")
    return mask


def _table(index: MarkerIndex, members: BoolArray) -> pd.DataFrame:
    """Compare ``members (joint.n_obs,)`` with the other ranked spots; the most different first."""
    n_features = len(index.features)
    numbers = {name: np.full(n_features, np.nan) for name in keys.MARKER_COLUMNS[2:]}
    for ranked in index.blocks:
        found = _compare(ranked, members[index.spots[ranked.block.rows]])
        for name, values in found.items():
            numbers[name][ranked.block.columns] = values
    for kind in np.unique(index.types):
        rows = index.types == kind
        numbers["p_adj"][rows] = stats.benjamini_hochberg(numbers["p"][rows])
    table = pd.DataFrame({"feature": index.features, "type": index.types} | numbers)
    order = np.lexsort((-table["log2fc"].abs(), -(table["auc"] - 0.5).abs()))
    return table.iloc[order].reset_index(drop=True)


def _rank_block(block: FeatureBlock) -> _RankedBlock:
    ranks = stats.rank_columns(block.matrix)
    linear = block.linear().tocsr()
    return _RankedBlock(
        block=block,
        ranks=ranks,
        shift=ranks.shift.tocsr(),
        linear=linear,
        total=np.asarray(linear.sum(axis=0)).ravel(),
        detected=np.bincount(linear.indices[linear.data > 0], minlength=linear.shape[1]),
        pseudo=stats.pseudo_count(linear),
    )


def _compare(ranked: _RankedBlock, members: BoolArray) -> dict[str, FloatArray]:
    """Test the rows of ``members`` against the other rows; results have shape ``(n_features,)``."""
    rank_sum, total_in, detected_in = _sums_over(ranked, np.flatnonzero(members))
    n, n_in = float(len(members)), float(members.sum())
    n_out = n - n_in
    rank_sum += ranked.ranks.zero_rank * n_in
    with np.errstate(divide="ignore", invalid="ignore"):  # an empty side gives the documented NaN
        mean_in = total_in / np.float64(n_in)
        mean_out = (ranked.total - total_in) / np.float64(n_out)
        u = rank_sum - n_in * (n_in + 1.0) / 2.0
        ties = ranked.ranks.tie_sum / (n * np.float64(n - 1.0))
        variance = n_in * n_out / 12.0 * (n + 1.0 - ties)
        z = (u - n_in * n_out / 2.0) / np.sqrt(variance)
        z[(variance == 0) & (n_in * n_out > 0)] = 0.0  # all values tied: no evidence, p = 1
        return {
            "log2fc": stats.log2_fold_change(mean_in, mean_out, ranked.pseudo),
            "auc": u / np.float64(n_in * n_out),
            "mean_in": mean_in,
            "mean_out": mean_out,
            "fraction_in": detected_in / np.float64(n_in),
            "fraction_out": (ranked.detected - detected_in) / np.float64(n_out),
            "p": stats.two_sided_p(z),
        }


def _sums_over(ranked: _RankedBlock, rows: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sum rank shifts, linear values and detections over ``rows``, visiting no other row."""
    indptr, n_features = ranked.linear.indptr, ranked.linear.shape[1]
    length = np.diff(indptr)[rows]
    skipped = indptr[rows] - (np.cumsum(length) - length)
    entries = np.repeat(skipped, length) + np.arange(length.sum())
    column = ranked.linear.indices[entries]
    value = ranked.linear.data[entries]
    weights = (ranked.shift.data[entries], value, value > 0)
    shift, total, detected = (
        np.bincount(column, weight, n_features).astype(float) for weight in weights
    )
    return shift, total, detected
