"""Affine maps of the plane."""

from __future__ import annotations

import math

import numpy as np

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.types import FloatArray, Pose


def make_pose(  # noqa: PLR0917 (the order is that of the pose's own properties)
    angle_deg: float = 0.0,
    scale_x: float = 1.0,
    scale_y: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
    flipped: bool = False,
    center: tuple[float, float] = (0.0, 0.0),
) -> Pose:
    """Build a pose: flip y, scale, rotate (all about ``center``), then shift.

    Parameters
    ----------
    angle_deg
        Rotation in degrees, clockwise on screen.
    scale_x, scale_y
        Factors along the source's own axes, above 0.
    shift
        Added last, target px.
    flipped
        Mirror ``y`` before everything else.
    center
        Point that only the shift moves, source units.

    Raises
    ------
    InvalidDataError
        If a scale is not above 0 or a number is not finite.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eq. 1, with a flip added.
    """
    numbers = (angle_deg, scale_x, scale_y, *shift, *center)
    if not all(map(math.isfinite, numbers)) or min(scale_x, scale_y) <= 0:
        raise InvalidDataError(
            f"The pose has scales {scale_x:g} and {scale_y:g}; "
            "scales must be above 0 and all numbers finite."
        )
    cosine, sine = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    linear = rotation @ np.diag([scale_x, -scale_y if flipped else scale_y])
    middle = np.asarray(center, float)
    offset = middle - linear @ middle + np.asarray(shift, float)
    return Pose(np.column_stack([linear, offset]))


def apply_pose(pose: Pose, xy: FloatArray) -> FloatArray:
    """Carry points ``(n, 2)`` through ``pose``."""
    return np.asarray(np.asarray(xy, float) @ pose.matrix[:, :2].T + pose.matrix[:, 2])


def compose(second: Pose, first: Pose) -> Pose:
    """Return the pose that applies ``first`` and then ``second``."""
    linear = second.matrix[:, :2] @ first.matrix[:, :2]
    offset = second.matrix[:, :2] @ first.matrix[:, 2] + second.matrix[:, 2]
    return Pose(np.column_stack([linear, offset]))


def invert(pose: Pose) -> Pose:
    """Return the pose that undoes ``pose``.

    Raises
    ------
    InvalidDataError
        If ``pose`` flattens the plane onto a line.
    """
    linear = np.asarray(pose.matrix[:, :2], float)
    if abs(np.linalg.det(linear)) <= 1e-12 * np.abs(linear).max() ** 2:
        raise InvalidDataError("The pose flattens the section onto a line and cannot be undone.")
    inverse = np.linalg.inv(linear)
    return Pose(np.column_stack([inverse, -inverse @ pose.matrix[:, 2]]))
