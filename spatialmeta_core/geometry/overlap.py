"""Area that polygons share with a disc."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray


def disc_overlap(corners: FloatArray, radius: float | FloatArray) -> FloatArray:
    """Return the area of simple polygons inside a disc around the origin, exact to rounding.

    Each edge and the disc's center span a triangle; the signed areas of the triangles inside the
    disc add up to the polygon's.

    Parameters
    ----------
    corners
        Shape ``(n, n_corners, 2)``, in order around each polygon, either way; a corner may be
        given twice.
    radius
        Of the disc, in the same unit, above 0; one for all, or shape ``(n,)``.

    Returns
    -------
    Shape ``(n,)``, squared unit.
    """
    p = np.asarray(corners, float)
    q, r = np.roll(p, -1, axis=1), np.asarray(radius, float).reshape(-1, 1)
    edge = q - p
    square = (edge**2).sum(axis=2)
    along = (p * edge).sum(axis=2)
    depth = np.maximum(along**2 - square * ((p**2).sum(axis=2) - r**2), 0.0)
    # the part t0 to t1 of the edge p + t (q - p) that lies inside the disc
    divisor = np.where(square > 0, square, 1.0)
    t0 = np.clip((-along - np.sqrt(depth)) / divisor, 0.0, 1.0)
    t1 = np.clip((-along + np.sqrt(depth)) / divisor, 0.0, 1.0)
    enter = p + t0[..., None] * edge
    # exactly the corner: beside the disc's center any rounding is a wide angle
    leave = np.where(t1[..., None] < 1, p + t1[..., None] * edge, q)
    inside = _cross(enter, leave)
    sector = r**2 * (_angle(p, enter) + _angle(leave, q))
    return np.asarray(np.abs((inside + sector).sum(axis=1)) / 2)


def _cross(p: FloatArray, q: FloatArray) -> FloatArray:
    return np.asarray(p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0])


def _angle(p: FloatArray, q: FloatArray) -> FloatArray:
    """Return the angle from p to q, -pi to pi; 0 where one of them is the origin."""
    return np.asarray(np.arctan2(_cross(p, q), (p * q).sum(axis=-1)))
