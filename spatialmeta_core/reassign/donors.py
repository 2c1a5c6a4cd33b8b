"""Which sources a target takes its values from, and with what weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.sparse import csr_array, issparse
from scipy.spatial import KDTree

from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry.overlap import disc_overlap

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray, IntArray

Aggregate = Literal["mean", "sum"]

BLOCK = 512  # targets at a time, so that a block stays in the processor's cache
NO_AREA = 1e-9  # of the footprint; two shapes that only touch share nothing but rounding


@dataclass(frozen=True, slots=True, eq=False)
class Donors:
    """Which sources each target takes its values from.

    Attributes
    ----------
    weights
        Shape ``(n_targets, n_sources)``; rows add up to 1, or are empty.
    n_used
        Sources of each target, shape ``(n_targets,)``.
    covered
        Share of each target's footprint that sources cover, 0 to 1, shape ``(n_targets,)``; None
        unless the weights are areas.
    """

    weights: csr_array
    n_used: IntArray
    covered: FloatArray | None = None

    def carry(self, values: Any, aggregate: Aggregate = "mean") -> FloatArray:
        """Return the values at the targets, float64, ``(n_targets, n_features)``; NaN without any.

        Parameters
        ----------
        values
            Shape ``(n_sources, n_features)``, dense or sparse, finite.
        aggregate
            ``"mean"`` with the weights, or the plain ``"sum"`` over the sources used: sums of
            counts are counts.
        """
        weights = self._weights(aggregate)
        if issparse(values):
            found = _dense_product(weights, csr_array(values))
        else:
            found = np.asarray(weights @ np.asarray(values, float))
        found[self.n_used == 0] = np.nan
        return found

    def carry_sparse(self, values: Any, aggregate: Aggregate = "mean") -> csr_array:
        """Return what ``carry`` returns as a sparse table, for tables too large to be dense."""
        bare = np.flatnonzero(self.n_used == 0)
        shape = (len(self.n_used), values.shape[1])
        return self._weights(aggregate) @ csr_array(values) + _missing_rows(bare, shape)

    def _weights(self, aggregate: Aggregate) -> csr_array:
        mean = self.weights
        if aggregate == "mean":
            return mean
        return csr_array((np.ones(mean.nnz), mean.indices, mean.indptr), shape=mean.shape)


def near_donors(
    source_xy: FloatArray,
    target_xy: FloatArray,
    max_distance: float,
    n_neighbors: int,
    method: Literal["mean", "distance"] = "mean",
) -> Donors:
    """Find the nearest sources of each target and weigh them, see ``reassign``."""
    if n_neighbors < 1 or not max_distance >= 0:
        raise InvalidParamsError(
            f"n_neighbors is {n_neighbors} and max_distance {max_distance}; "
            "allowed are 1 or more and 0 or more."
        )
    n_sources, n_targets = len(source_xy), len(target_xy)
    if n_sources == 0 or n_targets == 0:
        return Donors(csr_array((n_targets, n_sources)), np.zeros(n_targets, np.int64))
    ranks = np.arange(1, min(n_neighbors, n_sources) + 1)
    limit = math.nextafter(max_distance, math.inf)  # the tree's bound is exclusive
    # sections are evenly filled: a tree need not be balanced, which is twice as fast to build
    tree = KDTree(source_xy, balanced_tree=False, compact_nodes=False)
    distance, index = tree.query(target_xy, k=ranks, distance_upper_bound=limit)
    near = index < n_sources
    share = near.astype(float)
    if method == "distance":
        # relative to the nearest nothing overflows, and 0 / 0 counts as 1 for one at the target
        apart = near & (distance > 0)
        np.divide(distance[:, :1], distance, out=share, where=apart)
    return _donors(share, index, n_sources)


def area_donors(
    source_xy: FloatArray, target_xy: FloatArray, source_cells: FloatArray, target_radius: float
) -> Donors:
    """Find the cells that share ground with each target's disc and weigh them by area.

    Parameters
    ----------
    source_xy, target_xy
        Shape ``(n, 2)``, px.
    source_cells
        Corners, shape ``(n_sources, n_corners, 2)``, px; each holds its source.
    target_radius
        Above 0, px.
    """
    if source_cells.shape[:1] + source_cells.shape[2:] != (len(source_xy), 2):
        raise InvalidDataError(
            f"The cells have shape {source_cells.shape} for {len(source_xy)} source spots; "
            "expected (n_sources, n_corners, 2)."
        )
    if not target_radius > 0:
        raise InvalidParamsError(f"target_radius is {target_radius}; allowed is above 0.")
    n_sources, n_targets = len(source_xy), len(target_xy)
    if n_sources == 0 or n_targets == 0:
        none = np.zeros(n_targets, np.int64)
        return Donors(csr_array((n_targets, n_sources)), none, np.zeros(n_targets))
    offsets = source_cells - source_xy[:, None]
    reach = target_radius + float(np.hypot(*np.moveaxis(offsets, -1, 0)).max())
    tree = KDTree(source_xy)
    most = int(tree.query_ball_point(target_xy, reach, return_length=True).max())
    if most == 0:
        none = np.zeros(n_targets, np.int64)
        return Donors(csr_array((n_targets, n_sources)), none, np.zeros(n_targets))
    _, index = tree.query(
        target_xy,
        k=np.arange(1, most + 1),
        distance_upper_bound=math.nextafter(reach, math.inf),
    )
    row, place = np.nonzero(index < n_sources)
    share = np.zeros(index.shape)
    source = index[row, place]
    share[row, place] = disc_overlap(source_cells[source] - target_xy[row, None], target_radius)
    footprint = math.pi * target_radius**2
    share[share < NO_AREA * footprint] = 0.0
    # cells bent by a warp may overlap a little
    covered = np.minimum(share.sum(axis=1) / footprint, 1.0)
    return _donors(share, index, n_sources, covered)


def _donors(
    share: FloatArray, index: IntArray, n_sources: int, covered: FloatArray | None = None
) -> Donors:
    """Turn shares ``(n_targets, n_candidates)``, 0 for candidates not used, into weights."""
    used = share > 0
    n_used = used.sum(axis=1)
    total = share.sum(axis=1)
    weights = share / np.where(total > 0, total, 1.0)[:, None]
    starts = np.concatenate([[0], np.cumsum(n_used)])
    shape = (len(share), n_sources)
    return Donors(csr_array((weights[used], index[used], starts), shape=shape), n_used, covered)


def _dense_product(weights: csr_array, values: csr_array) -> FloatArray:
    """Multiply two sparse matrices into a dense one, a block of rows at a time.

    The rows that make up a target are put side by side as one row with repeated columns, and
    making it dense adds those up: no sparse result is built, whose columns would be sorted out.
    """
    found = np.empty((weights.shape[0], values.shape[1]))
    stored = np.diff(values.indptr)
    for first in range(0, len(found), BLOCK):
        ends = weights.indptr[first : first + BLOCK + 1]
        rows, shares = weights.indices[ends[0] : ends[-1]], weights.data[ends[0] : ends[-1]]
        part = values[rows]
        data = part.data * np.repeat(shares, stored[rows])
        block = csr_array(
            (data, part.indices, part.indptr[ends - ends[0]]), shape=(len(ends) - 1, found.shape[1])
        )
        found[first : first + BLOCK] = block.toarray()
    return found


def _missing_rows(rows: IntArray, shape: tuple[int, int]) -> csr_array:
    """Return a sparse table that holds NaN all over some rows."""
    n_columns = shape[1]
    counts = np.zeros(shape[0] + 1, np.int64)
    counts[rows + 1] = n_columns
    columns = np.tile(np.arange(n_columns), len(rows))
    return csr_array((np.full(len(columns), np.nan), columns, counts.cumsum()), shape=shape)
