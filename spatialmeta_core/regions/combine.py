"""Union, difference and intersection of polygons with holes, exact up to rounding.

All edges are cut where they meet, each piece is kept if exactly one of its sides lies in the
result, and the kept pieces are chained into rings. Corners that were drawn keep their coordinates
to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.geometry import Parts
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

Operation = Literal["union", "subtract", "intersect"]

TOLERANCE: Final = 1e-9  # of the extent: nearer points are one
CHUNK: Final = 2_000_000  # pairs of edges held at a time
MOST_EDGES: Final = 20_000
STRAIGHT: Final = 1e-9  # sine of the turn
FEWEST_CORNERS: Final = 3


class _Pieces(NamedTuple):
    """Edges cut where they meet.

    ``points`` ``(n, 2)``, the drawn corners first; ``ends`` ``(n_pieces, 2)`` point numbers from
    smaller to larger y; ``odd`` ``(n_pieces, n_polygons)``: whether the piece bounds the polygon.
    """

    points: FloatArray
    ends: IntArray
    odd: BoolArray


def combine(first: Parts, second: Parts, how: Operation) -> Parts:
    """Combine two sets of polygons.

    Parameters
    ----------
    first, second
        Polygons as in ``Region.parts``; rings may cross themselves and polygons may overlap, with
        the inside as ``geometry.contains`` says.
    how
        ``"union"``, ``"subtract"`` (the first without the second) or ``"intersect"``.

    Returns
    -------
    Polygons that touch at most in points, each an outer ring and its holes; empty where nothing is
    left.

    Raises
    ------
    InvalidDataError
        If the outlines have too many corners, or touch in a way that rounding cannot resolve.
    """
    polygons = [*first, *second]
    pieces = _cut(polygons)
    if not len(pieces.ends):
        return ()
    right = _right_sides(pieces)
    sides = [_inside(parity, len(first), how) for parity in (right, right ^ pieces.odd)]
    kept = sides[0] != sides[1]
    directed = np.where(sides[0][kept, None], pieces.ends[kept], pieces.ends[kept, ::-1])
    n_drawn = sum(len(ring) for rings in polygons for ring in rings)
    return nest(_rings(directed, pieces.points, n_drawn))


def nest(rings: Sequence[FloatArray]) -> Parts:
    """Sort rings that do not cross into polygons: each outer ring with the holes right inside it.

    Parameters
    ----------
    rings
        Each ``(n, 2)``; at an even depth (inside no other, or inside a hole) a ring is an outer
        one, at an odd depth a hole.
    """
    rings = sorted(rings, key=lambda ring: -abs(geometry.signed_area(ring)))
    above = [_rings_around(rings, number) for number in range(len(rings))]
    outer = [number for number, around in enumerate(above) if len(around) % 2 == 0]
    holes: dict[int, list[FloatArray]] = {number: [] for number in outer}
    for number, around in enumerate(above):
        if len(around) % 2:
            holes[around[-1]].append(rings[number])  # the smallest ring around it
    return tuple((rings[number], *holes[number]) for number in outer)


def _rings_around(rings: Sequence[FloatArray], number: int) -> list[int]:
    """Return the larger rings that hold one, from large to small."""
    ring = rings[number]
    middles = (ring + np.roll(ring, -1, axis=0)) / 2  # corners may touch the ring around
    return [
        other
        for other in range(number)
        if geometry.contains(((rings[other],),), middles).mean() > 0.5  # noqa: PLR2004, most of it
    ]


def _cut(polygons: Sequence[Sequence[FloatArray]]) -> _Pieces:
    corners = [np.asarray(ring, float) for rings in polygons for ring in rings]
    if not corners:
        return _Pieces(np.empty((0, 2)), np.empty((0, 2), int), np.empty((0, 0), bool))
    drawn = np.concatenate(corners)
    if len(drawn) > MOST_EDGES:
        raise InvalidDataError(
            f"The two outlines have {len(drawn):,} corners; the limit is {MOST_EDGES:,}. Smooth or "
            "simplify them first."
        )
    starts = np.arange(len(drawn))
    first = np.cumsum([0, *(len(ring) for ring in corners)])[:-1]
    stops = starts + 1
    stops[[*(first[1:] - 1), len(drawn) - 1]] = first
    of_polygon = np.repeat(
        np.arange(len(polygons)), [sum(len(ring) for ring in rings) for rings in polygons]
    )
    tolerance = TOLERANCE * float(np.ptp(drawn, axis=0).max() + np.abs(drawn).max())
    edge, share, crossing = _meetings(drawn[starts], drawn[stops], tolerance)
    points, number = _merged(np.concatenate([drawn, crossing]), tolerance)
    # every edge from its start over what lies on it to its end
    n = len(drawn)
    on_edge = np.concatenate([starts, edge, starts])
    place = np.concatenate([np.zeros(n), share, np.ones(n)])
    which = number[np.concatenate([starts, n + np.arange(len(crossing)), stops])]
    order = np.lexsort((place, on_edge))
    on_edge, which = on_edge[order], which[order]
    step = (on_edge[1:] == on_edge[:-1]) & (which[1:] != which[:-1])
    ends = np.column_stack([which[:-1][step], which[1:][step]])
    return _counted(points, ends, of_polygon[on_edge[:-1][step]], len(polygons))


def _counted(points: FloatArray, ends: IntArray, owner: IntArray, n_polygons: int) -> _Pieces:
    """Join pieces that lie on each other; what bounds no polygon an odd number of times goes."""
    x, y = points[ends].transpose(2, 0, 1)
    # from smaller to larger y; of horizontal pieces from right to left, so that the side told by
    # a ray, which passes just below them, is on the same hand
    turned = (y[:, 0] > y[:, 1]) | ((y[:, 0] == y[:, 1]) & (x[:, 0] < x[:, 1]))
    ends = np.where(turned[:, None], ends[:, ::-1], ends)
    unique, index = np.unique(ends, axis=0, return_inverse=True)
    count = np.zeros((len(unique), n_polygons), int)
    np.add.at(count, (index.ravel(), owner), 1)
    odd = count % 2 == 1
    used = odd.any(axis=1)
    return _Pieces(points, unique[used], odd[used])


def _meetings(
    start: FloatArray, stop: FloatArray, tolerance: float
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return where edges cross or touch: the edge, the place along it (0 to 1), and the point."""
    found: list[tuple[IntArray, FloatArray, FloatArray]] = []
    low, high = np.minimum(start, stop) - tolerance, np.maximum(start, stop) + tolerance
    numbers = np.arange(len(start))
    for rows in np.array_split(numbers, 1 + len(start) ** 2 // CHUNK):
        near = ((low[rows, None] <= high[None]) & (high[rows, None] >= low[None])).all(axis=2)
        first, second = np.nonzero(near)
        first = rows[first]
        other = first != second
        first, second = first[other], second[other]
        found.append(_corners_on(first, start[second], start, stop, tolerance))
        once = first < second
        found += _crossings(first[once], second[once], start, stop)
    edge, share, point = (np.concatenate(column) for column in zip(*found, strict=True))
    return edge, share, point


def _corners_on(
    edge: IntArray, corner: FloatArray, start: FloatArray, stop: FloatArray, tolerance: float
) -> tuple[IntArray, FloatArray, FloatArray]:
    along = stop[edge] - start[edge]
    length2 = (along**2).sum(axis=1)
    share = ((corner - start[edge]) * along).sum(axis=1) / np.where(length2 > 0, length2, 1.0)
    away = np.linalg.norm(start[edge] + share[:, None] * along - corner, axis=1)
    touches = (away <= tolerance) & (share > 0) & (share < 1) & (length2 > 0)
    return edge[touches], share[touches], corner[touches]


def _crossings(
    first: IntArray, second: IntArray, start: FloatArray, stop: FloatArray
) -> list[tuple[IntArray, FloatArray, FloatArray]]:
    one, two = stop[first] - start[first], stop[second] - start[second]
    gap = start[second] - start[first]
    turn = _cross(one, two)
    with np.errstate(divide="ignore", invalid="ignore"):  # parallel edges do not cross
        along = _cross(gap, two) / turn
        across = _cross(gap, one) / turn
        cross = (along > 0) & (along < 1) & (across > 0) & (across < 1)
    point = start[first][cross] + along[cross, None] * one[cross]
    return [(first[cross], along[cross], point), (second[cross], across[cross], point)]


def _cross(p: FloatArray, q: FloatArray) -> FloatArray:
    return np.asarray(p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])


def _merged(points: FloatArray, tolerance: float) -> tuple[FloatArray, IntArray]:
    """Let near points be one, the first of them; return the points and the number of each."""
    pairs = KDTree(points).query_pairs(tolerance, output_type="ndarray")
    n = len(points)
    links = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (n, n))
    _, group = connected_components(links, directed=False)
    _, first, index = np.unique(group, return_index=True, return_inverse=True)
    return points, first[index.ravel()]


def _right_sides(pieces: _Pieces) -> BoolArray:
    """Tell which polygons hold the side of larger x (of larger y beside horizontal pieces)."""
    start, stop = pieces.points[pieces.ends[:, 0]], pieces.points[pieces.ends[:, 1]]
    x, y = ((start + stop) / 2).T[:, :, None]
    (x0, y0), (x1, y1) = start.T, stop.T
    slope = (x1 - x0) / np.where(y1 > y0, y1 - y0, 1.0)
    n = len(start)
    parity = np.zeros(pieces.odd.shape, bool)
    for rows in np.array_split(np.arange(n), 1 + n**2 // CHUNK):
        hit = (y0 <= y[rows]) & (y[rows] < y1)
        hit &= x[rows] < x0 + (y[rows] - y0) * slope
        hit[np.arange(len(rows)), rows] = False  # the piece itself
        parity[rows] = (hit.astype(np.int32) @ pieces.odd.astype(np.int32)) % 2 == 1
    return parity


def _inside(parity: BoolArray, n_first: int, how: Operation) -> BoolArray:
    first, second = parity[:, :n_first].any(axis=1), parity[:, n_first:].any(axis=1)
    if how == "union":
        return np.asarray(first | second)
    return np.asarray(first & (~second if how == "subtract" else second))


def _rings(directed: IntArray, points: FloatArray, n_drawn: int) -> list[FloatArray]:
    """Chain pieces into rings; corners that only come from cutting a straight edge are left out."""
    leaving, coming = (np.bincount(end, minlength=len(points)) for end in directed.T)
    if (leaving != coming).any():
        raise InvalidDataError(
            "The two outlines touch in a way that cannot be resolved. Move one of them a little."
        )
    rings = [_without_cuts(ring, points, n_drawn) for ring in geometry.link_rings(directed, points)]
    return [ring for ring in rings if len(ring) >= FEWEST_CORNERS and geometry.signed_area(ring)]


def _without_cuts(ring: IntArray, points: FloatArray, n_drawn: int) -> FloatArray:
    corners = points[ring]
    before, after = (np.roll(corners, by, axis=0) - corners for by in (1, -1))
    size = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    is_straight = np.abs(_cross(before, after)) <= STRAIGHT * size
    return np.asarray(corners[~is_straight | (ring < n_drawn)])
