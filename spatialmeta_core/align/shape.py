"""Tissue shapes as signed distance fields, from spots or from a histology picture.

A distance field is the robust form of an alpha shape: it needs no alpha, keeps separate pieces and
large holes, and tells at any place how far the tissue's edge is and in which direction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import as_xy, is_flat, level_rings, signed_area, spacing
from spatialmeta_core.types import BoolArray, FloatArray, Outline

MIN_SPOTS = 10
GRID_PER_SIZE = 110  # grid steps per square root of the tissue's area
OUTLINE_PER_SIZE = 100  # outline points per square root of the area
MIN_RING = 8  # points
N_INTERIOR = 600  # points spread over the inside
PIECE_RADIUS = 1.6  # spacings; spots closer than this are one piece
MIN_PIECE = 0.015  # smaller pieces, as a fraction of all spots, are stray pixels
DISC_RADIUS = 0.8  # spacings; discs around the spots leave no gaps in a square or hexagonal lattice
EDGE_OFFSET = 0.5  # spacings; where tissue ends beyond its outermost spot centers, on average
SMOOTHING = 0.7  # spacings; a lattice cuts a slanted edge into stairs
MAX_PINHOLE = 6.0  # squared spacings; smaller holes are missing spots, not lumina
MARGIN = 0.35  # of the size, around the shape


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Tissue as a signed distance field.

    Attributes
    ----------
    distance
        Distance to the edge, negative inside, shape ``(rows, columns)``.
    origin
        Position of ``distance[0, 0]``.
    step
        Distance between grid points.
    rings
        Edge lines, outer ones and holes.
    outline
        Points evenly spread along the rings, shape ``(n, 2)``.
    normal
        Unit vectors pointing out of the tissue at ``outline``.
    interior
        Points evenly spread over the inside, shape ``(m, 2)``.
    area
        Of the inside, squared units.
    """

    distance: FloatArray
    origin: FloatArray
    step: float
    rings: tuple[FloatArray, ...]
    outline: FloatArray
    normal: FloatArray
    interior: FloatArray
    area: float

    def at(self, xy: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Signed distance ``(n,)`` and its gradient ``(n, 2)`` at ``xy``, bilinear.

        Beyond the grid the distance to the grid is added, so that the field keeps growing.
        """
        rows, columns = self.distance.shape
        place = (xy - self.origin) / self.step
        held = np.clip(place, 0, [columns - 1, rows - 1])
        low = np.minimum(held.astype(int), [columns - 2, rows - 2])
        (fx, fy), (x, y) = (held - low).T, low.T
        first = y * columns + x
        flat = self.distance.ravel()
        a, b = flat[first], flat[first + 1]
        c, d = flat[first + columns], flat[first + columns + 1]
        top, bottom = a + (b - a) * fx, c + (d - c) * fx
        value = top + (bottom - top) * fy
        gradient = np.column_stack([(b - a) * (1 - fy) + (d - c) * fy, bottom - top]) / self.step
        beyond = place - held
        outside = np.hypot(beyond[:, 0], beyond[:, 1])
        far = outside > 0
        if far.any():
            value[far] += outside[far] * self.step
            gradient[far] = np.where(
                beyond[far] != 0, beyond[far] / outside[far, None], gradient[far]
            )
        return value, gradient

    def center(self) -> FloatArray:
        """Center of gravity of the inside."""
        return np.asarray(self.interior.mean(axis=0))

    def scaled(self, center: FloatArray, length: float) -> Shape:
        """Return the shape in units of ``length`` with ``center`` as the origin."""
        return replace(
            self,
            distance=self.distance / length,
            origin=(self.origin - center) / length,
            step=self.step / length,
            rings=tuple((ring - center) / length for ring in self.rings),
            outline=(self.outline - center) / length,
            interior=(self.interior - center) / length,
            area=self.area / length**2,
        )

    def outlines(self) -> tuple[Outline, ...]:
        """Return the edge lines, largest first."""
        return tuple(Outline(r) for r in sorted(self.rings, key=lambda r: -abs(signed_area(r))))


def spots_shape(
    xy: FloatArray,
    grid_per_size: int = GRID_PER_SIZE,
    *,
    closing: float = DISC_RADIUS,
    min_piece: float = MIN_PIECE,
) -> Shape:
    """Shape of the tissue under a set of spots.

    The union of discs around the spots, small gaps filled, with its edge half a spacing beyond the
    outermost centers. Repeated positions count once and small pieces are left out.

    Parameters
    ----------
    xy
        Spot centers, shape ``(n, 2)``, any unit.
    grid_per_size
        Grid steps per square root of the tissue's area.
    closing
        Radius of the discs, in spacings: gaps and notches narrower than two radii are closed.
    min_piece
        Connected pieces under this fraction of the spots are left out.

    Raises
    ------
    InvalidDataError
        With fewer than 10 different positions, all of them on one line, or missing coordinates.
    """
    points = np.unique(as_xy(xy), axis=0)
    if len(points) < MIN_SPOTS:
        raise InvalidDataError(
            f"{len(points)} different spot positions were found; "
            f"an outline needs at least {MIN_SPOTS}. Check the coordinates of this section."
        )
    if is_flat(points):
        raise InvalidDataError(
            f"All {len(points)} spots lie on one line and have no outline. "
            "Check that x and y hold different columns."
        )
    pitch = spacing(points)
    points = points[main_pieces(points, PIECE_RADIUS * pitch, min_piece)]
    step = math.sqrt(len(points)) * pitch / grid_per_size
    radius = max(closing * pitch, 1.2 * step)  # the grid must resolve the discs
    margin = max(MARGIN * grid_per_size * step, radius + 2 * step)  # the border is outside
    origin = points.min(axis=0) - margin
    columns, rows = np.ceil((np.ptp(points, axis=0) + 2 * margin) / step).astype(int) + 1
    x, y = np.arange(columns) * step + origin[0], np.arange(rows) * step + origin[1]
    nodes = np.column_stack([np.tile(x, rows), np.repeat(y, columns)])
    level = KDTree(points).query(nodes)[0].reshape(rows, columns) - radius
    holes = _small_holes(level < 0, MAX_PINHOLE * (pitch / step) ** 2)
    level[holes] = -np.abs(level[holes]) - 1e-6 * step
    grow = radius - EDGE_OFFSET * pitch
    distance = _redistance(level / step) * step + grow
    distance = ndimage.gaussian_filter(distance, SMOOTHING * pitch / step, mode="nearest")
    return _shape(distance, origin, step)


def mask_shape(mask: BoolArray, scale: float) -> Shape:
    """Shape of a tissue mask.

    Parameters
    ----------
    mask
        Shape ``(height, width)``.
    scale
        Mask pixels per unit of the result (full-resolution pixels).

    Raises
    ------
    InvalidDataError
        If the mask is empty.
    """
    n_inside = int(mask.sum())
    if not n_inside:
        raise InvalidDataError("No tissue was found in the image. Use the spots as the target.")
    thin = max(1, int(math.sqrt(n_inside) / (2 * GRID_PER_SIZE)))
    margin = int(MARGIN * math.sqrt(n_inside)) + 2
    padded = np.pad(mask, margin)
    distance = np.where(
        padded,
        0.5 - ndimage.distance_transform_edt(padded),
        ndimage.distance_transform_edt(~padded) - 0.5,
    )
    step = thin / scale
    origin = (np.array([0.5, 0.5]) - margin) / scale
    return _shape(distance[::thin, ::thin] / scale, origin, step)


def main_pieces(points: FloatArray, radius: float, min_piece: float = MIN_PIECE) -> BoolArray:
    """Mark the points of connected pieces of some size; the largest always counts.

    Parameters
    ----------
    points
        Shape ``(n, 2)``.
    radius
        Points closer than this belong to one piece.
    min_piece
        Smallest piece that counts, as a fraction of all points.
    """
    pairs = KDTree(points).query_pairs(radius, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), bool), pairs.T), shape=(len(points), len(points)))
    _, piece = connected_components(links, directed=False)
    size = np.bincount(piece)
    kept = size >= min(min_piece * len(points), size.max())
    return np.asarray(kept[piece])


def _small_holes(mask: BoolArray, max_cells: float) -> BoolArray:
    labels, _ = ndimage.label(~mask)
    size = np.bincount(labels.ravel())
    size[0] = 0  # the tissue itself
    small = (size > 0) & (size <= max_cells)
    return np.asarray(small[labels])


def _redistance(level: FloatArray) -> FloatArray:
    """Signed distance, in grid steps, to the zero line of ``level``; outside it already is."""
    edge = np.concatenate([_resample(ring, 0.25) for ring in level_rings(level)])
    inside = level < 0
    nodes = np.argwhere(inside)[:, ::-1]
    signed = level.copy()
    signed[inside] = -KDTree(edge).query(nodes)[0]
    return signed


def _shape(distance: FloatArray, origin: FloatArray, step: float) -> Shape:
    rings = tuple(ring * step + origin for ring in level_rings(distance))
    area = sum(signed_area(ring) for ring in rings)
    gap = math.sqrt(area) / OUTLINE_PER_SIZE
    outline = np.concatenate([_resample(ring, gap) for ring in rings])
    rows, columns = np.nonzero(distance < 0)
    stride = max(1, math.isqrt(len(rows) // N_INTERIOR))
    sparse = (rows % stride == 0) & (columns % stride == 0)
    interior = np.column_stack([columns, rows])[sparse] * step + origin
    shape = Shape(distance, origin, step, rings, outline, outline, interior, area)
    slope = shape.at(outline)[1]
    length = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-12)
    return replace(shape, normal=slope / length)


def _resample(ring: FloatArray, gap: float) -> FloatArray:
    closed = np.concatenate([ring, ring[:1]])
    reached = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    n = max(MIN_RING, round(reached[-1] / gap))
    wanted = np.linspace(0, reached[-1], n, endpoint=False)
    return np.column_stack([np.interp(wanted, reached, closed[:, k]) for k in (0, 1)])
