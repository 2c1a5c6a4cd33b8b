"""New outlines from old ones and from strokes: rings, brush strokes, smooth and shortest paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import sparse
from scipy.ndimage import gaussian_filter1d
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree

from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.regions.combine import combine, nest

if TYPE_CHECKING:
    from collections.abc import Callable

    from spatialmeta_core.geometry import Parts
    from spatialmeta_core.types import BoolArray, FloatArray

STEPS_PER_RADIUS: Final = 8.0
MOST_STEPS: Final = 320  # of the grid, along its longer side
DETAIL: Final = 0.004  # of the radius: outlines are simplified by this much
NEIGHBOR_REACH: Final = 1.6  # spacings: the spots around a spot, also diagonally
STRAIGHTER: Final = 0.6  # of the spacing: how far a shortest path may cut a corner
FEWEST_POINTS: Final = 2


def ring_around(parts: Parts, width: float) -> Parts:
    """Return the band outside polygons, up to ``width`` (in their unit) from their edge.

    The outer line follows the true distance within about 2 % of the width; the inner line is the
    polygons' own. Bands around neighboring polygons are joined, and none lies inside a polygon.

    Raises
    ------
    InvalidDataError
        If the width is not above 0, or there is no polygon.
    """
    rings = [np.asarray(ring, float) for rings in parts for ring in rings]
    _require_radius(width)
    if not rings:
        raise InvalidDataError("There is no polygon to put a ring around; draw it again.")

    def distance(xy: FloatArray) -> FloatArray:
        closed = [np.vstack([ring, ring[:1]]) for ring in rings]
        away = np.min([geometry.project_onto(ring, xy)[2] for ring in closed], axis=0)
        return np.asarray(np.where(geometry.contains(parts, xy), -away, away))

    return combine(_within(distance, np.concatenate(rings), width), parts, "subtract")


def brush_stroke(points: FloatArray, radius: float) -> Parts:
    """Return the area that a round brush covers.

    Parameters
    ----------
    points
        Where it went, shape ``(n, 2)``; one point is a dab.
    radius
        In the same unit; followed within about 2 %.

    Raises
    ------
    InvalidDataError
        If the radius is not above 0, or there is no point.
    """
    _require_radius(radius)
    line = np.asarray(points, float).reshape(-1, 2)
    if not len(line):
        raise InvalidDataError("The brush has not touched the tissue; drag it over some spots.")

    def distance(xy: FloatArray) -> FloatArray:
        if np.ptp(line, axis=0).max() == 0:
            return np.asarray(np.linalg.norm(xy - line[0], axis=1))
        return geometry.project_onto(line, xy)[2]

    return _within(distance, line, radius)


def smooth_line(points: FloatArray, spacing: float) -> FloatArray:
    """Round the corners of a path; its ends stay.

    Parameters
    ----------
    points
        Shape ``(n, 2)``.
    spacing
        Corners are rounded over about this length, the distance of neighboring spots.
    """
    line = np.asarray(points, float)
    step = spacing / 4
    dense = along_line(line, np.linspace(0.0, 1.0, 2 + int(geometry.path_length(line) / step)))
    # mirrored through its ends, so that these stay where they are
    smooth = dense[0] + gaussian_filter1d(dense - dense[0], 4.0, axis=0, mode="nearest")
    ramp = np.linspace(0.0, 1.0, len(dense))[:, None]
    smooth += (1 - ramp) * (dense[0] - smooth[0]) + ramp * (dense[-1] - smooth[-1])
    return geometry.simplify(smooth, 0.05 * spacing)


def split_line(points: FloatArray, share: float = 0.5) -> tuple[FloatArray, FloatArray]:
    """Cut a path in two; ``share`` of its length goes to the first part.

    Raises
    ------
    InvalidDataError
        If the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InvalidDataError(f"The path is cut at {share:g} of its length; allowed is 0 to 1.")
    line = np.asarray(points, float)
    reached = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    place = share * reached[-1]
    middle = along_line(line, np.array([share]))
    return (
        np.vstack([line[reached < place], middle]),
        np.vstack([middle, line[reached > place]]),
    )


def along_line(points: FloatArray, shares: FloatArray) -> FloatArray:
    """Return the points of a path at shares of its length, shape ``(len(shares), 2)``."""
    line = np.asarray(points, float)
    reached = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    return np.column_stack([np.interp(shares * reached[-1], reached, part) for part in line.T])


def shortest_path(xy: FloatArray, start: BoolArray, stop: BoolArray) -> FloatArray:
    """Find the shortest way over the tissue between two groups of spots.

    Steps go from spot to neighboring spot, so the way never leaves the tissue by more than a spot;
    it begins at the spot of one group from which the other is nearest. Corners that only come from
    the grid of spots are straightened by up to 0.6 spacings.

    Parameters
    ----------
    xy
        Spots, shape ``(n_spots, 2)``.
    start, stop
        The groups, shape ``(n_spots,)``.

    Returns
    -------
    Corners from start to end, shape ``(n, 2)``.

    Raises
    ------
    InvalidDataError
        If a group is empty, the groups share spots, or no tissue joins them.
    """
    xy = np.asarray(xy, float)
    if not start.any() or not stop.any():
        raise InvalidDataError("One of the regions holds no spots; choose two that do.")
    if (start & stop).any():
        raise InvalidDataError(
            f"The regions share {int((start & stop).sum())} spots, so there is no way between "
            "them. Choose two that lie apart."
        )
    near = KDTree(xy).query_pairs(NEIGHBOR_REACH * geometry.spacing(xy), output_type="ndarray")
    length = np.linalg.norm(xy[near[:, 0]] - xy[near[:, 1]], axis=1)
    graph = sparse.csr_matrix((length, (near[:, 0], near[:, 1])), (len(xy), len(xy)))
    reached, before, _ = dijkstra(
        graph,
        directed=False,
        indices=np.flatnonzero(start),
        min_only=True,
        return_predecessors=True,
    )
    ends = np.flatnonzero(stop)
    here = int(ends[np.argmin(reached[ends])])
    if not np.isfinite(reached[here]):
        raise InvalidDataError(
            "No tissue joins the two regions: a gap wider than a spot lies between them. Draw the "
            "path by hand."
        )
    way = [here]
    while before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    return geometry.simplify(xy[way[::-1]], STRAIGHTER * geometry.spacing(xy))


def _require_radius(radius: float) -> None:
    if not (np.isfinite(radius) and radius > 0):
        raise InvalidDataError(f"The width is {radius:g}; it must be a number above 0.")


def _within(
    distance: Callable[[FloatArray], FloatArray], around: FloatArray, radius: float
) -> Parts:
    """Outline where a distance is below a radius, from its values on a grid."""
    low, high = around.min(axis=0) - 1.2 * radius, around.max(axis=0) + 1.2 * radius
    step = max(radius / STEPS_PER_RADIUS, float((high - low).max()) / MOST_STEPS)
    low, high = low - step, high + step
    x, y = (np.arange(a, b + step, step) for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    level = distance(grid.reshape(-1, 2)).reshape(grid.shape[:2]) - radius
    rings = [low + step * ring for ring in geometry.level_rings(level)]
    return nest([_simplified(ring, DETAIL * radius) for ring in rings])


def _simplified(ring: FloatArray, tolerance: float) -> FloatArray:
    closed = geometry.simplify(np.vstack([ring, ring[:1]]), tolerance)[:-1]
    return closed if len(closed) > FEWEST_POINTS else ring
