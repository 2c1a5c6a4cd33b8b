"""What several analyses share: multiple testing, ranks, fold changes, features by modality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.special import ndtr, ndtri

from spatialmeta_core import compiled, keys
from spatialmeta_core.errors import NotReadyError

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import ArrayLike, NDArray

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
    order = tested[np.argsort(p[tested])]  # equal p end up equal in any order
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
    matrix
        What was ranked, CSR, shape ``(n_rows, n_columns)``, no stored zeros.
    shift
        Rank minus ``zero_rank`` where the matrix is not zero, CSR, with the entries of ``matrix``;
        float32, which holds half ranks exactly below 8 million rows, or else float64.
    zero_rank
        Rank, from 1, that a zero has (or would have), shape ``(n_columns,)``.
    tie_sum
        Sum of ``t ** 3 - t`` over groups of ``t`` equal values, shape ``(n_columns,)``.
    """

    matrix: sparse.csr_matrix
    shift: sparse.csr_matrix
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
    csr = sparse.csr_matrix(matrix)
    if not csr.data.all():
        csr = csr.copy()
        csr.eliminate_zeros()
    ranks = compiled.rank_entries(csr, *_in_order(csr.data))
    shift = sparse.csr_matrix((ranks.shift, csr.indices, csr.indptr), csr.shape)
    return ColumnRanks(csr, shift, ranks.zero_rank, ranks.tie_sum)


def normal_scores(matrix: Any) -> sparse.csc_matrix:
    """Give each value of a column the normal quantile of its rank, less that of a zero.

    Parameters
    ----------
    matrix
        As for ``rank_columns``.

    Returns
    -------
    CSC, float32, in the shape of ``matrix``: van der Waerden's scores up to a constant of each
    column. Contrasts of them lose next to nothing to those of normal values, and ranks alone do
    where a pattern reaches the ends of the values' range.

    References
    ----------
    van der Waerden (1952), Indag. Math. 14, 453-458.
    """
    ranks = rank_columns(matrix)
    n = matrix.shape[0]
    shift = ranks.shift.astype(float)
    zero = ranks.zero_rank[shift.indices]
    scores = ndtri((shift.data + zero) / (n + 1)) - ndtri(zero / (n + 1))
    found = sparse.csr_matrix((scores.astype(np.float32), shift.indices, shift.indptr), shift.shape)
    return found.tocsc()


def _in_order(values: FloatArray) -> tuple[NDArray[np.uint32], int]:
    """Return 32-bit integers in the order of ``values``, and where zero would be among them."""
    if values.dtype == np.float32:
        # read as integers, floats of one sign are in order once the sign is dealt with
        bits, sign = values.view(np.uint32), np.uint32(1 << 31)
        if not (values < 0).any():
            return bits, 0
        return np.where(bits & sign, ~bits, bits | sign), int(sign)
    different, codes = np.unique(np.r_[0.0, values], return_inverse=True)
    return codes[1:].astype(np.uint32), int(np.searchsorted(different, 0.0))


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
        CSC (or CSR if asked for), shape ``(n_rows, n_features)``, no NaN and no stored zeros.
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


def feature_blocks(
    joint: AnnData, *, require_normalized: bool = True, by_row: bool = False
) -> list[FeatureBlock]:
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
    by_row
        Give matrices in CSR, which spares turning them where all values are there.

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
        if not len(columns):
            continue
        every = len(columns) == joint.n_vars
        values = matrix if every else matrix[:, _as_slice(columns)]
        parts: list[tuple[IntArray, IntArray, Any]]
        if by_row and sparse.issparse(values) and not np.isnan(values.data).any():
            parts = [(np.arange(len(columns)), np.arange(joint.n_obs), values.tocsr())]
        else:
            parts = _measured_together(sparse.csc_matrix(values))
        for members, rows, found in parts:
            part = found.tocsr() if by_row else found
            if not part.data.all():
                part = part.copy()  # it may share its entries with the layer
                part.eliminate_zeros()
            blocks.append(FeatureBlock(kind, columns[members], rows, part, log_scale))
    return blocks


def _as_slice(columns: IntArray) -> slice | IntArray:
    """Return neighboring columns as a slice, which sparse matrices cut several times faster."""
    first, last = int(columns[0]), int(columns[-1]) + 1
    return slice(first, last) if last - first == len(columns) else columns


def _measured_together(
    values: sparse.csc_matrix,
) -> list[tuple[IntArray, IntArray, sparse.csc_matrix]]:
    """Group columns by their pattern of NaN: columns, the rows with values, and the values."""
    n_rows, n_columns = values.shape
    every_row, every_column = np.arange(n_rows), np.arange(n_columns)
    missing = np.flatnonzero(np.isnan(values.data))
    if not len(missing):
        return [(every_column, every_row, values)]
    pattern = np.zeros((n_columns, n_rows), bool)
    column_of = np.repeat(every_column, np.diff(values.indptr))
    pattern[column_of[missing], values.indices[missing]] = True
    packed, member_of = np.unique(np.packbits(pattern, axis=1), axis=0, return_inverse=True)
    found = np.unpackbits(packed, axis=1, count=n_rows)
    groups = [np.flatnonzero(member_of.ravel() == group) for group in range(len(packed))]
    return [
        (members, rows, values[:, members].tocsr()[rows].tocsc())
        for members, gone in zip(groups, found, strict=True)
        for rows in [np.flatnonzero(gone == 0)]
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
    return pseudo_count_of(np.asarray(linear.sum(axis=0), float).ravel() / max(1, linear.shape[0]))


def pseudo_count_of(mean: FloatArray) -> float:
    """Return ``pseudo_count`` from the means of one modality's features ``(n_features,)``."""
    positive = mean[mean > 0]
    return PSEUDO_COUNT_SHARE * float(np.median(positive)) if len(positive) else 1.0


def log2_fold_change(mean_in: FloatArray, mean_out: FloatArray, pseudo: float) -> FloatArray:
    """Return ``log2((mean_in + pseudo) / (mean_out + pseudo))`` of means on the linear scale."""
    return np.asarray(np.log2((mean_in + pseudo) / (mean_out + pseudo)))
