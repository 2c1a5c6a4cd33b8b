"""Where spots lie along a drawn path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from spatialmeta_core.types import BoolArray, FloatArray, Trajectory


@dataclass(frozen=True, slots=True, eq=False)
class TrajectoryPosition:
    """Where spots lie along a path.

    Attributes
    ----------
    along
        Distance from the start to the nearest point of the path, shape ``(n_spots,)``, in ``unit``.
    across
        Signed distance from the path, shape ``(n_spots,)``, in ``unit``; positive to the right of
        the direction of travel as seen on screen.
    inside
        Whether the spot is in the swath: within half the width and not beyond either end.
    length
        Length of the path, in ``unit``.
    unit
        ``"um"``, or ``"px"`` where the pixel size is unknown.
    """

    along: FloatArray
    across: FloatArray
    inside: BoolArray
    length: float
    unit: Literal["um", "px"]


def assign(
    trajectory: Trajectory, xy: FloatArray, um_per_px: float | None = None
) -> TrajectoryPosition:
    """Place spots along a path.

    Parameters
    ----------
    trajectory
        Points in px, and the full width.
    xy
        Positions, shape ``(n_spots, 2)``, px.
    um_per_px
        Pixel size, or None if unknown.

    Raises
    ------
    InvalidDataError
        If the path has fewer than two different points.
    """
    points = np.asarray(trajectory.points, float)
    if len(points) < 2 or np.ptp(points, axis=0).max() == 0:  # noqa: PLR2004, a path has two ends
        raise InvalidDataError(
            f'The path "{trajectory.name}" has {len(np.unique(points, axis=0))} different points; '
            "a path needs at least 2. Click its points again."
        )
    xy = np.asarray(xy, float)
    along, across, distance = geometry.project_onto(points, xy)
    scale = um_per_px or 1.0
    inside = (distance * scale <= trajectory.width(um_per_px) / 2.0) & ~_beyond_ends(
        points, xy, along
    )
    return TrajectoryPosition(
        along=along * scale,
        across=across * scale,
        inside=inside,
        length=float(geometry.path_length(points)) * scale,
        unit="px" if um_per_px is None else "um",
    )


def _beyond_ends(points: FloatArray, xy: FloatArray, along: FloatArray) -> BoolArray:
    """Tell which spots lie before the start or after the end: the swath is cut off square there."""
    points = points[np.r_[True, (np.diff(points, axis=0) != 0).any(axis=1)]]
    before = (xy - points[0]) @ (points[1] - points[0]) < 0
    after = (xy - points[-1]) @ (points[-1] - points[-2]) > 0
    length = geometry.path_length(points)
    return np.asarray((before & (along <= 0)) | (after & (along >= length * (1 - 1e-12))))
