"""Compare groups of spots by the averages of samples, which are independent as spots are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import stdtr

from spatialmeta_core import keys, stats
from spatialmeta_core.errors import NotReadyError
from spatialmeta_core.markers.compare import as_mask

if TYPE_CHECKING:
    from anndata import AnnData

    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

FEW_SAMPLES = 3
"""Fewer differences or averages per side than this give no p that means much."""


@dataclass(frozen=True, slots=True, eq=False)
class SampleMarkers:
    """Markers by averages of samples.

    Attributes
    ----------
    table
        One row per feature, the strongest evidence first: ``feature``, ``type``, ``log2fc``
        (difference of mean log2 averages), ``sd`` (of the paired differences, or pooled over the
        sides), ``n_in``, ``n_out`` (samples with values), ``t``, ``p`` and ``p_adj``
        (Benjamini-Hochberg within each modality).
    paired
        Whether differences within samples were tested.
    note
        A warning when there are few samples, or empty.
    """

    table: pd.DataFrame
    paired: bool
    note: str


def pseudobulk(
    joint: AnnData, mask: BoolArray, reference_mask: BoolArray | None = None
) -> SampleMarkers:
    """Compare two groups of spots by one average per sample and side.

    Averages are of values on the linear scale and enter as ``log2(mean + c)``, with ``c`` as in
    ``rank_markers``. If every sample has both groups, differences within samples are tested
    (paired t-test); otherwise the averages of the two sides (Welch's t-test).

    Parameters
    ----------
    joint
        Several samples: ``obs["sample"]``, ``var["type"]``, ``layers["normalized"]``.
    mask, reference_mask
        As for ``rank_markers``; without a reference, all other spots of the samples in which the
        group has spots.

    Raises
    ------
    InvalidDataError
        If a mask does not fit the spots or is empty.
    NotReadyError
        If the data do not name samples, are not normalized or do not tell the modalities apart.
    """
    if keys.SAMPLE not in joint.obs:
        raise NotReadyError(
            f'The data have no column "{keys.SAMPLE}", so there are no sample averages to compare. '
            "Join several samples first."
        )
    mask = as_mask(mask, joint.n_obs, "The group")
    sample = pd.Categorical(joint.obs[keys.SAMPLE].astype(str)).codes.astype(int)
    if reference_mask is None:
        reference_mask = ~mask & np.isin(sample, sample[mask])
    reference = as_mask(reference_mask, joint.n_obs, "The reference")
    paired = set(sample[mask]) == set(sample[reference])
    tables = []
    for block in stats.feature_blocks(joint):
        linear, own = block.linear(), sample[block.rows]
        pseudo = stats.pseudo_count(linear)
        inside, outside = (
            np.log2(_averages(linear, own, group[block.rows]) + pseudo)
            for group in (mask, reference)
        )
        numbers = _paired_t(inside, outside) if paired else _welch_t(inside, outside)
        names = {"feature": joint.var_names[block.columns], "type": block.kind}
        tables.append(pd.DataFrame(names | numbers))
    table = pd.concat(tables, ignore_index=True)
    table["p_adj"] = np.nan
    for rows in table.groupby("type").groups.values():
        table.loc[rows, "p_adj"] = stats.benjamini_hochberg(table.loc[rows, "p"])
    order = np.lexsort((-table["log2fc"].abs(), table["p"]))
    n_in, n_out = len(set(sample[mask])), len(set(sample[reference]))
    return SampleMarkers(table.iloc[order].reset_index(drop=True), paired, _note(n_in, n_out))


def _note(n_in: int, n_out: int) -> str:
    if min(n_in, n_out) >= FEW_SAMPLES:
        return ""
    return (
        f"The groups have {n_in} and {n_out} samples; with fewer than {FEW_SAMPLES} on a side a "
        "p-value from sample averages says little. Judge by the effect size, or add samples."
    )


def _averages(linear: sparse.csc_matrix, sample: IntArray, group: BoolArray) -> FloatArray:
    """Average a group's rows by sample; shape ``(n_samples, n_features)``, NaN where none."""
    rows = np.flatnonzero(group)
    n_samples = int(sample.max()) + 1
    shape = (n_samples, linear.shape[0])
    member = sparse.csr_matrix((np.ones(len(rows)), (sample[rows], rows)), shape)
    count = np.bincount(sample[rows], minlength=n_samples)[:, None].astype(float)
    return np.asarray((member @ linear).toarray() / np.where(count > 0, count, np.nan))


def _paired_t(inside: FloatArray, outside: FloatArray) -> dict[str, FloatArray | int]:
    return _t_table(*_moments(inside - outside), None)


def _welch_t(inside: FloatArray, outside: FloatArray) -> dict[str, FloatArray | int]:
    return _t_table(*_moments(inside), _moments(outside))


def _moments(values: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Mean and variance by column over the rows with values, and their number."""
    values = values[~np.isnan(values).any(axis=1)]
    n = len(values)
    mean = values.mean(axis=0) if n else np.full(values.shape[1], np.nan)
    variance = values.var(axis=0, ddof=1) if n > 1 else np.full(values.shape[1], np.nan)
    return mean, variance, n


def _t_table(
    mean: FloatArray,
    variance: FloatArray,
    n: int,
    other: tuple[FloatArray, FloatArray, int] | None,
) -> dict[str, FloatArray | int]:
    """Student's t of one set of differences, or Welch's of two sides."""
    with np.errstate(divide="ignore", invalid="ignore"):  # too few samples give NaN
        difference, error, n_out = mean, variance / n, n
        degrees: FloatArray = np.full(len(mean), n - 1.0)
        spread = variance
        if other is not None:
            mean_out, variance_out, n_out = other
            difference = mean - mean_out
            second = variance_out / n_out
            degrees = (error + second) ** 2 / (error**2 / (n - 1.0) + second**2 / (n_out - 1.0))
            spread = ((n - 1) * variance + (n_out - 1) * variance_out) / (n + n_out - 2.0)
            error = error + second
        t = difference / np.sqrt(error)
        p = 2.0 * stdtr(degrees, -np.abs(t))
    same = (error == 0) & (difference == 0)  # never detected, or the same everywhere
    return {
        "log2fc": difference,
        "sd": np.sqrt(spread),
        "n_in": n,
        "n_out": n_out,
        "t": np.where(same, 0.0, t),
        "p": np.where(same, 1.0, p),
    }
