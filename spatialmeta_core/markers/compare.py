"""Compare groups of spots: Wilcoxon rank-sum tests, fold changes and AUC, both modalities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spatialmeta_core import keys, stats
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.markers.index import MarkerIndex, RankedBlock, build_index

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import ArrayLike, NDArray

    from spatialmeta_core.types import BoolArray, FloatArray

MIN_CLUSTERS = 2


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
    prefer effect sizes, and ``add_spatial_p``.

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
      mean in the modality (``stats.pseudo_count``).
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

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods; Mann and Whitney (1947), Ann. Math.
    Stat. 18, 50-60.
    """
    mask = as_mask(mask, joint.n_obs, "The group")
    if reference_mask is None:
        if mask.all():
            raise InvalidDataError(
                f"The group holds all {len(mask)} spots, so none are left to compare with; "
                "choose fewer spots."
            )
        index = index or build_index(joint)
    else:
        reference = as_mask(reference_mask, joint.n_obs, "The reference")
        n_both = int((mask & reference).sum())
        if n_both:
            raise InvalidDataError(
                f"{n_both} spots are in both groups; take them out of one of the two."
            )
        index = build_index(joint, mask | reference)
    members = [mask[index.spots[ranked.rows]] for ranked in index.blocks]
    sums = [
        ranked.sums_over(np.flatnonzero(inside))
        for ranked, inside in zip(index.blocks, members, strict=True)
    ]
    return pd.DataFrame(_columns(index, sums, [int(inside.sum()) for inside in members]))


def rank_clusters(
    joint: AnnData, labels: ArrayLike, *, index: MarkerIndex | None = None
) -> pd.DataFrame:
    """Compare each cluster with all other spots that have a cluster.

    Parameters
    ----------
    joint
        As for ``rank_markers``.
    labels
        Cluster of each spot, shape ``(joint.n_obs,)``; spots with a missing label are left out of
        both sides.
    index
        From ``build_index(joint)`` over all spots; used only if every spot has a cluster.

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
    if not labeled.all():
        index = build_index(joint, labeled)
    index = index or build_index(joint)
    codes = [cluster.codes[index.spots[ranked.rows]] for ranked in index.blocks]
    n_clusters = len(cluster.categories)
    sums = [
        ranked.sums_of_groups(code, n_clusters)
        for ranked, code in zip(index.blocks, codes, strict=True)
    ]
    tables = [
        _columns(
            index,
            [own[number] for own in sums],
            [int((code == number).sum()) for code in codes],
        )
        for number in range(n_clusters)
    ]
    joined = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    names = cluster.categories.repeat(len(index.features))
    return pd.DataFrame({keys.CLUSTER: names} | joined)


def as_mask(mask: ArrayLike, n_spots: int, what: str) -> BoolArray:
    """Return a mask with some spots, checked.

    Raises
    ------
    InvalidDataError
        If it is not one true or false for each spot, or holds no spot; ``what`` begins the
        sentence.
    """
    mask = np.asarray(mask)
    if mask.shape != (n_spots,) or mask.dtype != bool:
        raise InvalidDataError(
            f"{what} is an array of {mask.dtype} with shape {mask.shape}; "
            f"expected one true or false for each of {n_spots} spots."
        )
    if not mask.any():
        raise InvalidDataError(f"{what} holds no spots; choose at least one.")
    return mask


def _columns(
    index: MarkerIndex, sums: list[FloatArray], sizes: list[int]
) -> dict[str, NDArray[Any]]:
    """Compare a group with the other ranked spots, from its sums and size in each block."""
    n_features = len(index.features)
    numbers = {name: np.full(n_features, np.nan) for name in keys.MARKER_COLUMNS[2:]}
    for ranked, own, n_in in zip(index.blocks, sums, sizes, strict=True):
        for name, values in _compare(ranked, own, float(n_in)).items():
            numbers[name][ranked.columns] = values
    for columns in index.of_type:
        numbers["p_adj"][columns] = stats.benjamini_hochberg(numbers["p"][columns])
    # numpy orders complex numbers by their real part, then by the other; faster than a lexsort
    order = np.argsort(-np.abs(numbers["auc"] - 0.5) - 1j * np.abs(numbers["log2fc"]))
    named = {"feature": index.features.to_numpy()[order], "type": index.types[order]}
    return named | {name: values[order] for name, values in numbers.items()}


def _compare(ranked: RankedBlock, sums: FloatArray, n_in: float) -> dict[str, FloatArray]:
    """Test a group of ``n_in`` rows against the others; results have shape ``(n_features,)``."""
    rank_sum, total_in, detected_in = sums
    n = float(len(ranked.rows))
    n_out = n - n_in
    with np.errstate(divide="ignore", invalid="ignore"):  # an empty side gives the documented NaN
        mean_in = total_in / np.float64(n_in)
        mean_out = (ranked.total - total_in) / np.float64(n_out)
        u = rank_sum + ranked.zero_rank * n_in - n_in * (n_in + 1.0) / 2.0
        ties = ranked.tie_sum / (n * np.float64(n - 1.0))
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
