"""Ranks of every feature over a set of spots, made once and ready for any group of them.

Against all other spots, ranks do not depend on the group: with zeros as one tied block, a group's
rank sum is a sum over the stored entries of its own rows, and costs nothing for the other spots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from spatialmeta_core import compiled, keys, stats

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from spatialmeta_core.stats import FeatureBlock
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class RankedBlock:
    """Features of one modality that were measured in the same spots, ranked.

    Attributes
    ----------
    kind
        ``"ST"`` or ``"SM"``.
    columns
        Positions in ``joint.var``, shape ``(n_features,)``.
    rows
        Positions among the index's spots of those with values, shape ``(n_rows,)``.
    indptr, indices
        CSR structure of the stored entries, shape ``(n_rows, n_features)``.
    pairs
        Of each entry, the rank less ``zero_rank`` and the value on the linear scale; float32,
        shape ``(n_entries, 2)``. Half ranks are exact below 8 million rows.
    zero_rank, tie_sum
        As in ``stats.ColumnRanks``, shape ``(n_features,)``.
    total, detected
        Sum of the linear values, and number of values above 0, shape ``(n_features,)``.
    pseudo
        Added to both means of a fold change.
    """

    kind: str
    columns: IntArray
    rows: IntArray
    indptr: IntArray
    indices: IntArray
    pairs: FloatArray
    zero_rank: FloatArray
    tie_sum: FloatArray
    total: FloatArray
    detected: FloatArray
    pseudo: float

    @property
    def shift(self) -> sparse.csc_matrix:
        """Ranks less ``zero_rank``, CSC, shape ``(n_rows, n_features)``."""
        shape = (len(self.rows), len(self.columns))
        return sparse.csr_matrix((self.pairs[:, 0], self.indices, self.indptr), shape).tocsc()

    def sums_over(self, rows: IntArray) -> FloatArray:
        """Sum rank shifts, linear values and detections over rows of the block.

        The rows left out are visited instead where they are fewer.

        Parameters
        ----------
        rows
            Different positions among ``rows``, shape ``(n,)``.

        Returns
        -------
        Shape ``(3, n_features)``.
        """
        if 2 * len(rows) <= len(self.rows):
            return self._visit(rows)
        rest = np.ones(len(self.rows), bool)
        rest[rows] = False
        return self._over_all() - self._visit(np.flatnonzero(rest))

    def sums_of_groups(self, group: IntArray, n_groups: int) -> list[FloatArray]:
        """Sum as ``sums_over``, for groups that hold every row; the largest is never visited.

        Parameters
        ----------
        group
            Group of each row, 0 to ``n_groups - 1``, shape ``(n_rows,)``.
        """
        largest = int(np.bincount(group, minlength=n_groups).argmax())
        found = [
            np.zeros((3, len(self.columns)))
            if number == largest
            else self._visit(np.flatnonzero(group == number))
            for number in range(n_groups)
        ]
        found[largest] = self._over_all() - np.sum(found, axis=0)
        return found

    def _visit(self, rows: IntArray) -> FloatArray:
        n_features = len(self.columns)
        return compiled.sum_pairs(self.indptr, self.indices, self.pairs, rows, n_features)

    def _over_all(self) -> FloatArray:
        n_rows = len(self.rows)
        # ranks 1 to n have one sum, whatever their ties
        shift = n_rows * (n_rows + 1) / 2.0 - n_rows * self.zero_rank
        return np.stack([shift, self.total, self.detected])


@dataclass(frozen=True, slots=True, eq=False)
class MarkerIndex:
    """Ranks of every feature over a set of spots, ready for any number of groups.

    Attributes
    ----------
    spots
        Positions in ``joint.obs`` that were ranked, shape ``(n_spots,)``.
    features, types
        Name and ``"ST"`` or ``"SM"`` of each feature of ``joint``.
    of_type
        Positions of the features of each modality.
    blocks
        The ranked values, by modality and by the spots in which they were measured.
    """

    spots: IntArray
    features: pd.Index
    types: FloatArray
    of_type: tuple[IntArray, ...]
    blocks: tuple[RankedBlock, ...]


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
    Ranks and linear values, 12 bytes per value that is not zero.

    Raises
    ------
    NotReadyError
        If the data are not normalized or do not tell the modalities apart.
    """
    chosen = np.arange(joint.n_obs) if spots is None else np.flatnonzero(spots)
    part = joint if spots is None else joint[chosen]
    blocks = tuple(_rank_block(block) for block in stats.feature_blocks(part, by_row=True))
    types = joint.var[keys.FEATURE_TYPE].to_numpy()
    of_type = tuple(np.flatnonzero(types == kind) for kind in (keys.ST, keys.SM))
    return MarkerIndex(chosen, joint.var_names, types, of_type, blocks)


def _rank_block(block: FeatureBlock) -> RankedBlock:
    ranks = stats.rank_columns(block.matrix)
    values = ranks.matrix
    pairs = np.empty((values.nnz, 2), np.float32)
    pairs[:, 0] = ranks.shift.data
    pairs[:, 1] = np.expm1(values.data) if block.log_scale else values.data
    every, n_features = np.arange(values.shape[0]), values.shape[1]
    _, total, detected = compiled.sum_pairs(values.indptr, values.indices, pairs, every, n_features)
    return RankedBlock(
        kind=block.kind,
        columns=block.columns,
        rows=block.rows,
        indptr=values.indptr,
        indices=values.indices,
        pairs=pairs,
        zero_rank=ranks.zero_rank,
        tie_sum=ranks.tie_sum,
        total=total,
        detected=detected,
        pseudo=stats.pseudo_count_of(total / max(1, len(block.rows))),
    )
