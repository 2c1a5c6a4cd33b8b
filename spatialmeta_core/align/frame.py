"""Frames of unit size around both tissues, in which all fitting is done, and the way back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spatialmeta_core.align.search import Placement, Transform, directions, moved_along
from spatialmeta_core.geometry import apply_pose
from spatialmeta_core.types import Displacement, FloatArray, Pose

if TYPE_CHECKING:
    from spatialmeta_core.align.shape import Shape
    from spatialmeta_core.align.velocity import Flow
    from spatialmeta_core.align.warp import Warp

GRID_STEP = 0.05  # of the displacement returned, in units of the tissue's size
FINER_GRIDS = 2  # times a flow's grid may be made finer, until it does not fold between its nodes
GRID_MARGIN = 0.1  # around the moving section, in units of the tissue's size
MIN_DETERMINANT = 0.1  # local change of area; below it the tissue nearly folds


class Placed(NamedTuple):
    """A hypothesis: placement, displacement and misfit, in the normalized frames."""

    placement: Placement
    warp: Warp | Flow
    cost: float


class Frame(NamedTuple):
    """Centers and lengths that bring both tissues to the origin and to an area near 1."""

    moving_center: FloatArray
    moving_length: float
    target_center: FloatArray
    target_length: float

    @classmethod
    def between(cls, moving: Shape, target: Shape, start: Pose | None) -> Frame:
        """Scale each tissue by its own area; with a start, the moving one as the start does."""
        length = math.sqrt(target.area)
        scale = (
            math.sqrt(target.area / moving.area)
            if start is None
            else math.sqrt(abs(float(np.linalg.det(start.matrix[:, :2]))))
        )
        return cls(moving.center(), length / scale, target.center(), length)

    def normalized(self, moving: Shape, target: Shape) -> tuple[Shape, Shape]:
        """Return both shapes in their frames."""
        return (
            moving.scaled(self.moving_center, self.moving_length),
            target.scaled(self.target_center, self.target_length),
        )

    def matrix_of(self, pose: Pose) -> FloatArray:
        """Matrix ``(2, 3)`` between the frames of a pose in the sections' own units."""
        center = apply_pose(pose, self.moving_center[None])[0] - self.target_center
        linear = pose.matrix[:, :2] * self.moving_length
        return np.column_stack([linear, center]) / self.target_length

    def pose_from(self, matrix: FloatArray) -> Pose:
        """Pose in the sections' own units of a matrix ``(2, 3)`` between the frames."""
        linear = matrix[:, :2] * self.target_length / self.moving_length
        center = matrix[:, 2] * self.target_length + self.target_center
        return Pose(np.column_stack([linear, center - linear @ self.moving_center]))


def pose_of(placed: Placed, moving: Shape, frame: Frame, transform: Transform) -> Pose:
    """Pose nearest to the whole placement, displacement included, over the moving tissue."""
    matrix = placed.placement.matrix
    affine = moving.interior @ matrix[:, :2].T + matrix[:, 2]
    basis, _ = directions(matrix, transform)
    corners = np.column_stack([moving.interior, np.ones(len(moving.interior))])
    # each column of the basis, as a (2, 3) matrix, moves the points by corners @ column.T
    design = np.column_stack([(corners @ column.reshape(2, 3).T).ravel() for column in basis.T])
    change = np.linalg.lstsq(design, placed.warp.at(affine).ravel(), rcond=None)[0]
    return frame.pose_from(moved_along(matrix, change, transform)[0])


def displacement_of(
    placed: Placed, pose: Pose, frame: Frame, moving_xy: FloatArray, *, is_flow: bool = False
) -> tuple[Displacement | None, float]:
    """Return what ``pose`` leaves out of the placement, on a grid over the moving section, px.

    Parameters
    ----------
    is_flow
        The exact map does not fold; the grid is made finer until what lies between its nodes does
        not either.

    Returns
    -------
    displacement
        None if the map would fold the tissue.
    min_jacobian
        Its smallest local change of area, also where it folds.
    """
    field, least = None, -math.inf
    for finer in range(FINER_GRIDS + 1 if is_flow else 1):
        field = _on_grid(placed, pose, frame, moving_xy, GRID_STEP / 2**finer)
        least = min_jacobian(field)
        if least >= MIN_DETERMINANT:
            return field, least
    return (field if is_flow and least > 0 else None), least


def _on_grid(
    placed: Placed, pose: Pose, frame: Frame, moving_xy: FloatArray, relative_step: float
) -> Displacement:
    step = relative_step * frame.target_length
    margin = round(GRID_MARGIN / relative_step)
    nodes, origin, (rows, columns) = _grid(apply_pose(pose, moving_xy), step, margin)
    linear = np.linalg.inv(pose.matrix[:, :2])
    source = ((nodes - pose.matrix[:, 2]) @ linear.T - frame.moving_center) / frame.moving_length
    wanted = placed_at(placed, source) * frame.target_length + frame.target_center
    vectors = (wanted - nodes).reshape(rows, columns, 2)
    return Displacement(vectors, (float(origin[0]), float(origin[1])), step)


def placed_at(placed: Placed, source: FloatArray) -> FloatArray:
    """Carry points ``(n, 2)`` through the whole placement, in the normalized frames."""
    affine = apply_pose(Pose(placed.placement.matrix), source)
    return np.asarray(affine + placed.warp.at(affine))


def min_jacobian(displacement: Displacement) -> float:
    """Smallest local change of area by a displacement, 1 where nothing changes; at 0 it folds.

    Between four nodes the map is bilinear and the determinant of its derivative changes linearly,
    so the corners of all cells, seen from inside the cell, hold the exact minimum.
    """
    v, step = displacement.vectors, displacement.step
    along_x, along_y = np.diff(v, axis=1) / step, np.diff(v, axis=0) / step
    corners = [
        (1 + x[..., 0]) * (1 + y[..., 1]) - x[..., 1] * y[..., 0]
        for x in (along_x[:-1], along_x[1:])
        for y in (along_y[:, :-1], along_y[:, 1:])
    ]
    return float(np.min(corners))


def _grid(
    xy: FloatArray, step: float, margin: int
) -> tuple[FloatArray, FloatArray, tuple[int, int]]:
    origin = xy.min(axis=0) - margin * step
    columns, rows = np.ceil(np.ptp(xy, axis=0) / step).astype(int) + 2 * margin + 1
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    nodes = np.column_stack([x.ravel(), y.ravel()]) * step + origin
    return nodes, origin, (int(rows), int(columns))


def quarter_turns(start: Pose, moving_center: FloatArray, target_center: FloatArray) -> list[Pose]:
    """Eight poses: quarter turns of ``start`` with and without a flip, centers put together."""
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    found = []
    for flip in (np.eye(2), np.diag([1.0, -1.0])):
        linear = np.asarray(start.matrix[:, :2]) @ flip
        for _ in range(4):
            linear = quarter @ linear
            found.append(Pose(np.column_stack([linear, target_center - linear @ moving_center])))
    return found
