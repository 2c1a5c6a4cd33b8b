"""Spatial neighbors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree

from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray

TIE_TOLERANCE = 1e-6
"""Relative difference below which two distances are equal: lattices are stored rounded."""


def spatial_neighbors(xy: FloatArray, n_neighbors: int = 6) -> sparse.csr_matrix:
    """Connect each spot to its nearest spots with weights that sum to 1.

    Distances are exact. Spots as far as the ``n_neighbors``-th nearest are all taken, so that the
    graph does not depend on the order of the spots and respects the symmetry of a lattice; a spot
    therefore may have more than ``n_neighbors`` neighbors. Several spots at one place are
    neighbors at distance 0; no spot is its own.

    Parameters
    ----------
    xy
        Positions, shape ``(n_spots, 2)``, in any unit.
    n_neighbors
        Neighbors per spot, not counting further ones at the same distance.

    Returns
    -------
    Row-normalized weights, shape ``(n_spots, n_spots)``; row ``i`` holds the
    neighbors of spot ``i``.

    Raises
    ------
    InvalidDataError
        If there are too few spots, a position is missing, or all spots share one position.
    """
    xy = geometry.as_xy(xy, "the spots' positions")
    _check_positions(xy, n_neighbors)
    tree = KDTree(xy)
    distance, _ = tree.query(xy, k=[n_neighbors + 1])  # the spot itself is at distance 0
    reach = distance.ravel() * (1 + TIE_TOLERANCE)
    near = tree.query_ball_point(xy, reach, return_sorted=True)
    n_found = np.array([len(found) for found in near])
    row = np.repeat(np.arange(len(xy)), n_found)
    column = np.concatenate(near).astype(np.int64)
    other = row != column
    weight = np.repeat(1.0 / (n_found - 1), n_found)[other]
    shape = (len(xy), len(xy))
    return sparse.csr_matrix((weight, (row[other], column[other])), shape=shape)


def _check_positions(xy: FloatArray, n_neighbors: int) -> None:
    if len(xy) <= n_neighbors:
        raise InvalidDataError(
            f"{len(xy)} spots cannot each have {n_neighbors} neighbors; "
            f"use at least {n_neighbors + 1} spots or fewer neighbors."
        )
    if np.ptp(xy, axis=0).max() == 0:
        raise InvalidDataError(
            f"All {len(xy)} spots share one position; spatial patterns need positions that differ."
        )
