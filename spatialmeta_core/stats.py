"""What several analyses share: multiple testing, ranks, fold changes, features by modality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.special import ndtr

from spatialmeta_core import keys
from spatialmeta_core.errors import NotReadyError

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import ArrayLike

    from spatialmeta_core.types import FloatArray, IntArray

PSEUDO_COUNT_SHARE = 0.01
"""The pseudo-count of a fold change, as a share of the typical feature's mean."""


def benjamini_hochberg(p: ArrayLike) -> FloatArray:
    """Adjust p-values for the false discovery rate.

    Parameters
    ----------
    p
        Any shape ``(n,)``, 0 to 1; NaN stands for a test that could not be made, does not count,
        and stays NaN.

    Returns
    -------
    Adjusted p-values in the same order, shape ``(n,)``.

    References
    ----------
    Benjamini and Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.
    """
    p = np.asarray(p, float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    ratio = p[order] * (len(order) / np.arange(1, len(order) + 1))
    adjusted[order] = np.minimum(np.minimum.accumulate(ratio[::-1])[::-1], 1.0)
    return adjusted


def upper_tail(z: ArrayLike) -> FloatArray:
    """Return the probability that a standard normal value exceeds ``z``; NaN stays NaN."""
    return np.asarray(ndtr(-np.asarray(z, float)))


def two_sided_p(z: ArrayLike) -> FloatArray:
    """Return the probability that a standard normal value is at least as far from 0 as ``z``."""
    return np.asarray(2.0 * ndtr(-np.abs(np.asarray(z, float))))


@dataclass(frozen=True, slots=True, eq=False)
class ColumnRanks:
    """Ranks of every column of a sparse matrix, kept sparse.

    Zeros of a column are one tied block and share ``zero_rank``; a stored entry holds its own rank
    less that. The sum of ranks over any set of rows is therefore a sum over stored entries plus
    ``zero_rank`` times the number of rows.

    Attributes
    ----------
    shift
        Rank minus ``zero_rank`` where the matrix is not zero, CSC, shape ``(n_rows, n_columns)``.
    zero_rank
        Rank, from 1, that a zero has (or would have), shape ``(n_columns,)``.
    tie_sum
        Sum of ``t ** 3 - t`` over groups of ``t`` equal values, shape ``(n_columns,)``.
    """

    shift: sparse.csc_matrix
    zero_rank: FloatArray
    tie_sum: FloatArray


def rank_columns(matrix: Any) -> ColumnRanks:
    """Rank each column, ties getting their mean rank, without visiting zeros.

    Parameters
    ----------
    matrix
        Dense or sparse, shape ``(n_rows, n_columns)``, any sign, no NaN.

    Returns
    -------
    Ranks as ``scipy.stats.rankdata(matrix, axis=0)`` would give, in sparse form.
    """
    csc = sparse.csc_matrix(matrix, copy=True)
    csc.eliminate_zeros()
    n_rows, n_columns = csc.shape
    shift = np.empty(csc.nnz)
    zero_rank, tie_sum = np.empty(n_columns), np.empty(n_columns)
    for column in range(n_columns):
        part = slice(csc.indptr[column], csc.indptr[column + 1])
        values = csc.data[part]
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)])
        counts = np.diff(np.r_[starts, len(ordered)]).astype(float)
        n_zero = float(n_rows - len(ordered))
        n_negative = np.searchsorted(ordered, 0.0)
        zero_rank[column] = n_negative + (n_zero + 1.0) / 2.0
        rank = starts + (counts + 1.0) / 2.0 + n_zero * (ordered[starts] > 0)
        shift[part][order] = np.repeat(rank - zero_rank[column], counts.astype(int))
        tie_sum[column] = (counts**3 - counts).sum() + n_zero**3 - n_zero
    ranked = sparse.csc_matrix((shift, csc.indices, csc.indptr), shape=csc.shape)
    return ColumnRanks(ranked, zero_rank, tie_sum)


@dataclass(frozen=True, slots=True, eq=False)
class FeatureBlock:
    """Features of one modality that were measured in the same spots.

    Attributes
    ----------
    kind
        ``"ST"`` or ``"SM"``.
    columns
        Positions in ``joint.var``, shape ``(n_features,)``.
    rows
        Positions in ``joint.obs`` of the spots with values, shape ``(n_rows,)``.
    matrix
        CSC, shape ``(n_rows, n_features)``, no NaN and no stored zeros.
    log_scale
        Whether its values are ``log1p`` of a linear scale.
    """

    kind: str
    columns: IntArray
    rows: IntArray
    matrix: sparse.csc_matrix
    log_scale: bool

    def linear(self) -> sparse.csc_matrix:
        """Return the values on the linear scale, float64: counts per 10,000 or scaled intensity."""
        values = self.matrix.astype(float)
        return values.expm1() if self.log_scale else values


def feature_blocks(joint: AnnData, *, require_normalized: bool = True) -> list[FeatureBlock]:
    """Split a matrix of both modalities into blocks without missing values.

    Genes form one block over all spots. Metabolites are grouped by the spots in which they have
    values, since a spot without metabolite pixels in reach holds NaN; usually that is one block.

    Parameters
    ----------
    joint
        Spots by features with ``var["type"]``; ``layers["normalized"]`` is read.
    require_normalized
        Whether that layer must be there; if not required and absent, ``X`` is read as a linear
        scale.

    Raises
    ------
    NotReadyError
        If the layer is required and absent, or ``var`` does not tell the modalities apart.
    """
    if keys.FEATURE_TYPE not in joint.var:
        raise NotReadyError(
            f'The features have no column "{keys.FEATURE_TYPE}" that says ST or SM. '
            "Join the two modalities first."
        )
    log_scale = keys.NORMALIZED in joint.layers
    if require_normalized and not log_scale:
        raise NotReadyError(
            f'The data have no normalized values (layer "{keys.NORMALIZED}"). '
            "Join the two modalities first."
        )
    matrix = joint.layers[keys.NORMALIZED] if log_scale else joint.X
    blocks = []
    for kind in (keys.ST, keys.SM):
        columns = np.flatnonzero(joint.var[keys.FEATURE_TYPE].to_numpy() == kind)
        values = sparse.csc_matrix(matrix[:, columns])
        values.eliminate_zeros()
        for members, rows in _measured_together(values):
            part = values[:, members]
            part = part if len(rows) == joint.n_obs else part.tocsr()[rows].tocsc()
            blocks.append(FeatureBlock(kind, columns[members], rows, part, log_scale))
    return blocks


def _measured_together(values: sparse.csc_matrix) -> list[tuple[IntArray, IntArray]]:
    """Group columns by their pattern of NaN: pairs of columns and the rows with values."""
    n_rows, n_columns = values.shape
    every_row, every_column = np.arange(n_rows), np.arange(n_columns)
    missing = np.flatnonzero(np.isnan(values.data))
    if not len(missing):
        return [(every_column, every_row)] if n_columns else []
    pattern = np.zeros((n_columns, n_rows), bool)
    column_of = np.repeat(every_column, np.diff(values.indptr))
    pattern[column_of[missing], values.indices[missing]] = True
    packed, member_of = np.unique(np.packbits(pattern, axis=1), axis=0, return_inverse=True)
    found = np.unpackbits(packed, axis=1, count=n_rows)
    groups = [np.flatnonzero(member_of.ravel() == group) for group in range(len(packed))]
    return [
        (members, np.flatnonzero(gone == 0)) for members, gone in zip(groups, found, strict=True)
    ]


def pseudo_count(linear: sparse.csc_matrix) -> float:
    """Return the constant added to both means of a fold change.

    It is ``PSEUDO_COUNT_SHARE`` times the median, over the features with any signal, of their mean
    over all spots; so fold changes do not depend on the unit of the intensities.

    Parameters
    ----------
    linear
        Values of one modality on the linear scale, shape ``(n_spots, n_features)``.
    """
    mean = np.asarray(linear.sum(axis=0), float).ravel() / max(1, linear.shape[0])
    positive = mean[mean > 0]
    return PSEUDO_COUNT_SHARE * float(np.median(positive)) if len(positive) else 1.0


def log2_fold_change(mean_in: FloatArray, mean_out: FloatArray, pseudo: float) -> FloatArray:
    """Return ``log2((mean_in + pseudo) / (mean_out + pseudo))`` of means on the linear scale."""
    return np.asarray(np.log2((mean_in + pseudo) / (mean_out + pseudo)))
