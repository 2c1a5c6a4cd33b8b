"""Checks and spacing of point sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.spatial import KDTree

from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray


def as_xy(xy: FloatArray, name: str = "xy") -> FloatArray:
    """Return ``xy`` as floats, checked.

    Raises
    ------
    InvalidDataError
        If the shape is not ``(n, 2)`` or a coordinate is missing or infinite.
    """
    points = np.asarray(xy, dtype=float)
    if points.shape[1:] != (2,):
        raise InvalidDataError(
            f"{name} has shape {points.shape}; expected (n, 2): one row per point, x then y."
        )
    n_bad = int((~np.isfinite(points)).any(axis=1).sum())
    if n_bad:
        raise InvalidDataError(
            f"{n_bad} of {len(points)} positions in {name} are missing or infinite. "
            "Remove these points first."
        )
    return points


def spacing(xy: FloatArray, how: Literal["median", "minimum"] = "median") -> float:
    """Distance from a point to its nearest neighbor, in the unit of ``xy``.

    Repeated positions count once.

    Parameters
    ----------
    xy
        Positions, shape ``(n, 2)``.
    how
        ``"median"`` over the points, or the ``"minimum"`` of the paper.

    Raises
    ------
    InvalidDataError
        If fewer than two different positions are given.
    """
    points = np.unique(as_xy(xy), axis=0)
    if len(points) <= 1:
        raise InvalidDataError(
            f"{len(points)} different positions were given; the spacing of spots needs at least 2."
        )
    distance, _ = KDTree(points).query(points, k=[2])
    return float(np.median(distance) if how == "median" else distance.min())


def is_flat(points: FloatArray) -> bool:
    """Tell whether points ``(n, 2)`` all lie on one line (or are too few to leave it)."""
    if not len(points):
        return True
    offset = points - points[0]
    return bool(np.linalg.matrix_rank(offset, tol=1e-9 * np.abs(offset).max() * len(points)) <= 1)
