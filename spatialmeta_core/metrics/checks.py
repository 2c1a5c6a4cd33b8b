"""What every metric asks of its arguments, and the form it brings them to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from spatialmeta_core import graph
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from spatialmeta_core.types import FloatArray, IntArray


def codes(labels: ArrayLike, n: int, what: str = "labels") -> IntArray:
    """Give the levels of labels numbers from 0, in sorted order, shape ``(n,)``.

    Raises
    ------
    InvalidDataError
        If there is not one label for each of ``n`` spots.
    """
    given = np.asarray(labels)
    if given.shape != (n,):
        raise InvalidDataError(
            f"The {what} have shape {given.shape}; expected one for each of {n:,} spots."
        )
    return np.unique(given, return_inverse=True)[1].astype(np.int64)


def matrix(values: Any, what: str = "values") -> FloatArray:
    """Return a dense float64 matrix, spots in rows.

    Raises
    ------
    InvalidDataError
        If it is no matrix, or a value is missing or infinite.
    """
    dense = np.asarray(values.toarray() if sparse.issparse(values) else values, dtype=float)
    if dense.ndim != 2:  # noqa: PLR2004 (rows and columns)
        raise InvalidDataError(
            f"The {what} have shape {dense.shape}; expected spots in rows and columns."
        )
    if not np.isfinite(dense).all():
        raise InvalidDataError(
            f"Some {what} are missing or infinite; leave out the spots without values first."
        )
    return dense


def one_hot(code: IntArray) -> FloatArray:
    """Return 1 where a spot has a level, else 0, shape ``(n, n_levels)``."""
    return np.asarray(np.eye(int(code.max()) + 1 if len(code) else 0)[code])


def place_graph(xy: FloatArray, sample: ArrayLike | None, n_neighbors: int) -> sparse.csr_matrix:
    """Connect spots to their nearest in the same sample, with weights that sum to 1.

    Parameters
    ----------
    xy
        Positions, shape ``(n, 2)``; samples may lie on top of each other.
    sample
        Name of each spot's sample, shape ``(n,)``; one sample if None.
    n_neighbors
        As for ``graph.spatial_neighbors``.

    Returns
    -------
    Shape ``(n, n)``.

    Raises
    ------
    InvalidDataError
        If a sample has too few spots.
    """
    if sample is None:
        return graph.spatial_neighbors(xy, n_neighbors)
    code = codes(sample, len(xy), "samples")
    members = [np.flatnonzero(code == level) for level in range(code.max() + 1)]
    joined = sparse.block_diag(
        [graph.spatial_neighbors(np.asarray(xy)[rows], n_neighbors) for rows in members]
    ).tocsr()
    place = np.argsort(np.concatenate(members))
    return sparse.csr_matrix(joined[place][:, place])
