"""Polylines: length, projection and simplification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray

CHUNK = 2_000_000  # largest number of point-by-segment products held at a time


def path_length(points: FloatArray) -> float:
    """Length of the polyline through ``points`` ``(n, 2)``, in their unit."""
    steps = np.diff(np.asarray(points, float), axis=0)
    return float(np.linalg.norm(steps, axis=1).sum())


def project_onto(points: FloatArray, xy: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Project positions onto a polyline.

    Parameters
    ----------
    points
        Corners of the polyline from start to end, shape ``(n_corners, 2)``; repeated corners are
        allowed.
    xy
        Positions, shape ``(n, 2)``, in the same unit.

    Returns
    -------
    along
        Distance from the start to the nearest point of the polyline, measured along it, shape
        ``(n,)``; the first such point where several are equally near.
    across
        Distance to the polyline with a sign: positive on the walker's right as seen on screen (y
        down).
    distance
        Distance to the polyline.

    Raises
    ------
    InvalidDataError
        If the polyline has no length.
    """
    corners = np.asarray(points, float)
    position = np.asarray(xy, float).reshape(-1, 2)
    step = np.diff(corners, axis=0)
    length = np.linalg.norm(step, axis=1)
    kept = length > 0
    if not kept.any():
        raise InvalidDataError(
            f"The path has {len(corners)} corners and no length; "
            "draw at least two different points."
        )
    begin, step, length = corners[:-1][kept], step[kept], length[kept]
    reached = np.concatenate([[0.0], np.cumsum(length)[:-1]])
    along, across, distance = np.empty((3, len(position)))
    for part in np.array_split(np.arange(len(position)), 1 + len(position) * len(step) // CHUNK):
        offset = position[part, None] - begin
        fraction = np.clip((offset * step).sum(axis=2) / length**2, 0, 1)
        apart = np.linalg.norm(offset - fraction[..., None] * step, axis=2)
        nearest = apart.argmin(axis=1)
        rows = np.arange(len(part))
        u, v = step[nearest], offset[rows, nearest]
        side = np.where(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] < 0, -1.0, 1.0)
        along[part] = reached[nearest] + fraction[rows, nearest] * length[nearest]
        distance[part] = apart[rows, nearest]
        across[part] = side * distance[part]
    return along, across, distance


def simplify(points: FloatArray, tolerance: float) -> FloatArray:
    """Drop corners that lie within ``tolerance`` of the line kept (Douglas and Peucker).

    Parameters
    ----------
    points
        Corners of a polyline, shape ``(n, 2)``; the first and last are always kept. For a ring,
        repeat the first point at the end.
    tolerance
        Largest distance of a dropped corner from the result, in the same unit.
    """
    corners = np.asarray(points, float)
    kept = np.zeros(len(corners), bool)
    kept[[0, -1]] = True
    pending = [(0, len(corners) - 1)]
    while pending:
        first, last = pending.pop()
        if last - first <= 1:
            continue
        apart = _distance_to_segment(corners[first], corners[last], corners[first + 1 : last])
        farthest = int(apart.argmax())
        if apart[farthest] > tolerance:
            middle = first + 1 + farthest
            kept[middle] = True
            pending += [(first, middle), (middle, last)]
    return corners[kept]


def _distance_to_segment(start: FloatArray, end: FloatArray, xy: FloatArray) -> FloatArray:
    step, offset = end - start, xy - start
    squared = step @ step
    fraction = np.clip(offset @ step / squared, 0, 1) if squared > 0 else np.zeros(len(xy))
    return np.asarray(np.linalg.norm(offset - fraction[:, None] * step, axis=1))
