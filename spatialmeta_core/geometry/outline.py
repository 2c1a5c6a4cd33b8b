"""Outlines: alpha shapes of point sets, level lines of grids, edges chained into rings."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial import Delaunay

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry.points import as_xy, is_flat, spacing
from spatialmeta_core.geometry.polygon import signed_area
from spatialmeta_core.types import FloatArray, IntArray, Outline

# A point on a regular lattice with one neighbor missing lies on an empty circle of 1 spacing; the
# hole of two missing neighbors reaches 1.3. Holes wider than this many spacings stay open.
ALPHA_PER_SPACING = 1.5


def alpha_outline(xy: FloatArray, alpha: float | None = None) -> tuple[Outline, ...]:
    """Outline a point set by its alpha shape.

    Delaunay triangles with a circumradius **below** ``alpha`` are kept (the paper's sentence says
    above; its code, and the meaning, say below); edges that belong to one kept triangle are the
    outline. Holes are outlines too, so even-odd filling of all rings gives the shape.

    Parameters
    ----------
    xy
        Positions, shape ``(n, 2)``; repeated ones count once.
    alpha
        Largest circumradius, in the unit of ``xy``; by default 1.5 times the median spacing.

    Returns
    -------
    tuple of Outline
        Largest enclosed area first; empty if no triangle is small enough.

    Raises
    ------
    InvalidDataError
        With fewer than three points, or all of them on one line.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, Methods, "Alignment".
    """
    points = np.unique(as_xy(xy), axis=0)
    if is_flat(points):
        raise InvalidDataError(
            f"{len(points)} different positions, all on one line or fewer than 3, have no outline."
        )
    triangles = Delaunay(points - points.mean(axis=0)).simplices
    radius = ALPHA_PER_SPACING * spacing(points) if alpha is None else alpha
    triangles = triangles[_circumradius(points[triangles]) < radius]
    directed = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    _, index, count = np.unique(
        np.sort(directed, axis=1), axis=0, return_index=True, return_counts=True
    )
    rings = [points[ring] for ring in link_rings(directed[index[count == 1]], points)]
    rings.sort(key=lambda ring: -abs(signed_area(ring)))
    return tuple(Outline(ring) for ring in rings)


def _circumradius(corners: FloatArray) -> FloatArray:
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    twice_area = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
    with np.errstate(divide="ignore"):  # a flat triangle has an infinite circle and is dropped
        return np.asarray(sides.prod(axis=1) / (2 * twice_area))


def link_rings(edges: IntArray, points: FloatArray) -> list[IntArray]:
    """Chain directed edges ``(n, 2)`` of point numbers into closed rings of point numbers.

    Every point must be the end of as many edges as it is the start of. Where several edges leave
    one point, the sharpest turn to one side is taken, so that rings touch there but do not cross.
    """
    leaving: dict[int, list[int]] = {}
    for start, end in edges.tolist():
        leaving.setdefault(start, []).append(end)
    rings = []
    for first in list(leaving):
        while leaving.get(first):
            ring, here = [first], leaving[first].pop()
            while here != first:
                ring.append(here)
                ends = leaving[here]
                here = ends.pop(_sharpest(points, ring[-2], ring[-1], ends))
            rings.append(np.array(ring))
    return rings


def _sharpest(points: FloatArray, before: int, here: int, ends: list[int]) -> int:
    if len(ends) == 1:
        return 0
    back = points[before] - points[here]
    ahead = points[ends] - points[here]
    turn = np.arctan2(
        back[0] * ahead[:, 1] - back[1] * ahead[:, 0], ahead @ back
    )  # angle from the way back to each way ahead
    return int(np.argmin(turn % (2 * math.pi)))


# Sides of a grid cell: 0 top, 1 right, 2 bottom, 3 left. For each pattern of corners below the
# level (bit 0 top left, 1 top right, 2 bottom right, 3 bottom left) the directed crossings of the
# cell.
_CELL_SEGMENTS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((0, 3),),
    2: ((1, 0),),
    3: ((1, 3),),
    4: ((2, 1),),
    5: ((0, 3), (2, 1)),
    6: ((2, 0),),
    7: ((2, 3),),
    8: ((3, 2),),
    9: ((0, 2),),
    10: ((1, 0), (3, 2)),
    11: ((1, 2),),
    12: ((3, 1),),
    13: ((0, 1),),
    14: ((3, 0),),
}


def level_rings(grid: FloatArray) -> list[FloatArray]:
    """Find the closed lines where a grid of values crosses zero (marching squares).

    Parameters
    ----------
    grid
        Shape ``(rows, columns)``; negative is inside. Values at the border must not be negative, so
        that every line closes.

    Returns
    -------
    list of arrays ``(n, 2)``
        Rings in grid units, x (column) then y (row), the first point not repeated.
    """
    rows, columns = grid.shape
    below = grid < 0
    corner = below.astype(int)
    case = corner[:-1, :-1] + 2 * corner[:-1, 1:] + 4 * corner[1:, 1:] + 8 * corner[1:, :-1]
    n = rows * columns
    edges = []
    for pattern, segments in _CELL_SEGMENTS.items():
        i, j = np.nonzero(case == pattern)
        here = i * columns + j
        side = (here, n + here + 1, here + columns, n + here)  # along x first, then along y
        edges += [np.column_stack([side[start], side[end]]) for start, end in segments]
    directed = np.concatenate(edges)
    names, index = np.unique(directed, return_inverse=True)
    place = names % n
    y, x = np.divmod(place, columns)
    along_x = names < n
    value = grid.ravel()
    end = value[place + np.where(along_x, 1, columns)]
    fraction = value[place] / (value[place] - end)
    points = np.column_stack([x + fraction * along_x, y + fraction * ~along_x])
    return [points[ring] for ring in link_rings(index.reshape(-1, 2), points)]
