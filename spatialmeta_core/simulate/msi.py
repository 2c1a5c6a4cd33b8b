"""The second section: a square raster laid over the tissue by a known, warped map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core import geometry
from spatialmeta_core.simulate.anatomy import SmoothField
from spatialmeta_core.types import Displacement, Pose

if TYPE_CHECKING:
    from collections.abc import Callable

    from spatialmeta_core.types import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Pixels and where they truly lie.

    Attributes
    ----------
    index
        Column and row of each pixel, from 1, shape ``(n, 2)``, as floats.
    xy
        True position, shape ``(n, 2)``, ST px.
    pose
        Affine part of the map from ``index`` to ``xy``.
    displacement
        The rest, with no affine part left over the tissue, ST px.
    """

    index: FloatArray
    xy: FloatArray
    pose: Pose
    displacement: Displacement


def draw_warp(
    rng: np.random.Generator,
    inside: Callable[[FloatArray], BoolArray],
    box: FloatArray,
    largest_px: float,
) -> Displacement:
    """Draw a smooth displacement without affine part.

    Parameters
    ----------
    rng
        Source of chance.
    inside
        Tells which positions ``(n, 2)`` px are tissue.
    box
        Corners of the area to cover, ``[[x_low, y_low], [x_high, y_high]]``, px.
    largest_px
        Length of the longest displacement in the tissue, px.
    """
    side = float((box[1] - box[0]).max())
    step = side / 40.0
    columns, rows = np.ceil((box[1] - box[0]) / step).astype(int) + 1
    x, y = np.meshgrid(box[0, 0] + step * np.arange(columns), box[0, 1] + step * np.arange(rows))
    grid = np.column_stack([x.ravel(), y.ravel()])
    vectors = SmoothField.draw(rng, 2, 0.25 * side).at(grid)
    tissue = inside(grid)
    affine = np.column_stack([grid - grid.mean(axis=0), np.full(len(grid), side)])
    slope, *_ = np.linalg.lstsq(affine[tissue], vectors[tissue], rcond=None)
    vectors = vectors - affine @ slope
    longest = np.hypot(*vectors[tissue].T).max()
    vectors = (vectors * (largest_px / longest)).reshape(rows, columns, 2)
    return Displacement(vectors, (float(box[0, 0]), float(box[0, 1])), step)


def lay_raster(
    inside: Callable[[FloatArray], BoolArray],
    box: FloatArray,
    linear: Pose,
    displacement: Displacement,
) -> Raster:
    """Cover the tissue with pixels.

    Parameters
    ----------
    inside
        Tells which positions ``(n, 2)`` px are tissue that was measured.
    box
        Corners of the tissue's box, px.
    linear
        Turn, flip and size of a pixel; its shift is not used.
    displacement
        Added after the pose.

    Returns
    -------
    Pixels in reading order; the smallest column and row are 1, and the pose
    carries the shift that goes with it.
    """
    middle = box.mean(axis=0)
    centered = Pose(np.column_stack([linear.matrix[:, :2], middle]))
    corners = np.array([[box[i, 0], box[j, 1]] for i in (0, 1) for j in (0, 1)])
    spread = geometry.apply_pose(geometry.invert(centered), corners)
    margin = 5
    low, high = (
        np.floor(spread.min(axis=0)).astype(int) - margin,
        np.ceil(spread.max(axis=0)).astype(int) + margin,
    )
    column, row = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    index = np.column_stack([column.ravel(), row.ravel()]).astype(float)
    placed = geometry.apply_pose(centered, index)
    xy = placed + displacement.at(placed)
    kept = inside(xy)
    index, xy = index[kept], xy[kept]
    first = index.min(axis=0) - 1.0
    pose = geometry.compose(centered, geometry.make_pose(shift=(first[0], first[1])))
    return Raster(index - first, xy, pose, displacement)


def lose_edge(
    rng: np.random.Generator, box: FloatArray, share: float
) -> Callable[[FloatArray], BoolArray]:
    """Return a test for positions that survived: a wavy cut takes ``share`` of the extent."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    toward = np.array([np.cos(angle), np.sin(angle)])
    middle, half = box.mean(axis=0), 0.5 * (box[1] - box[0])
    extent = float(np.hypot(*(toward * half)))
    wave = SmoothField.draw(rng, 1, 0.2 * extent)

    def survived(xy: FloatArray) -> BoolArray:
        height = (xy - middle) @ toward / extent + 0.02 * wave.at(xy)[:, 0]
        return np.asarray(height < 1.0 - 2.0 * share)

    return survived
