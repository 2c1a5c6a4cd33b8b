"""Polygons with holes."""

from __future__ import annotations

import numpy as np

from spatialmeta_core.types import BoolArray, FloatArray

Parts = tuple[tuple[FloatArray, ...], ...]

CHUNK = 2_000_000  # largest number of point-by-edge products held at a time


def contains(parts: Parts, xy: FloatArray) -> BoolArray:
    """Tell which points lie inside polygons with holes.

    A point is inside a polygon if a ray to the right crosses its rings an odd number of times (so
    holes, and islands in holes, count as drawn), and inside ``parts`` if it is inside any polygon.
    A point exactly on a boundary is inside on the left and top sides (smaller x, smaller y) and
    outside on the right and bottom sides: of two polygons that share an edge, exactly one owns it.

    Parameters
    ----------
    parts
        Polygons as in ``Region.parts``: each a tuple of rings ``(n, 2)``, the first point not
        repeated.
    xy
        Points, shape ``(n_points, 2)``; a missing coordinate is outside.

    Returns
    -------
    mask
        Shape ``(n_points,)``.
    """
    points = np.asarray(xy, float).reshape(-1, 2)
    inside = np.zeros(len(points), bool)
    for rings in parts:
        inside |= _odd_crossings(rings, points)
    return inside


def _odd_crossings(rings: tuple[FloatArray, ...], points: FloatArray) -> BoolArray:
    odd = np.zeros(len(points), bool)
    if not rings:
        return odd
    start = np.concatenate([np.asarray(ring, float) for ring in rings])
    end = np.concatenate([np.roll(np.asarray(ring, float), -1, axis=0) for ring in rings])
    # Both directions of an edge must give the same crossing, digit for digit: sort its ends by y.
    swap = start[:, 1] > end[:, 1]
    top, bottom = np.where(swap[:, None], end, start), np.where(swap[:, None], start, end)
    sloped = top[:, 1] < bottom[:, 1]
    (x0, y0), (x1, y1) = top[sloped].T, bottom[sloped].T
    box = (points >= start.min(axis=0)).all(axis=1) & (points <= start.max(axis=0)).all(axis=1)
    near = np.flatnonzero(box)
    for part in np.array_split(near, 1 + len(near) * len(x0) // CHUNK):
        x, y = points[part].T[:, :, None]
        crossing = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
        odd[part] = (((y0 <= y) & (y < y1) & (x < crossing)).sum(axis=1) % 2).astype(bool)
    return odd


def signed_area(ring: FloatArray) -> float:
    """Area inside one ring ``(n, 2)``; the sign tells its direction."""
    x, y = (np.asarray(ring, float) - np.mean(ring, axis=0)).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def polygon_area(parts: Parts) -> float:
    """Area of polygons less their holes, in squared units; overlapping polygons count twice."""
    return sum(
        abs(signed_area(ring)) * (1 if number == 0 else -1)
        for rings in parts
        for number, ring in enumerate(rings)
    )
