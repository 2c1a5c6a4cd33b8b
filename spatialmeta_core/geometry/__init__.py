"""Planar geometry: poses, point sets, polygons, polylines and outlines.

Coordinates are arrays ``(n, 2)``, x to the right and y down, so a positive angle turns clockwise on
screen and the positive side of a path is on the walker's right.
"""

from spatialmeta_core.geometry.landmark_fit import (
    LeftOut,
    Transform,
    fit_landmarks,
    landmark_distances,
    leave_one_out,
)
from spatialmeta_core.geometry.outline import alpha_outline, level_rings, link_rings
from spatialmeta_core.geometry.points import as_xy, is_flat, spacing
from spatialmeta_core.geometry.polygon import Parts, contains, polygon_area, signed_area
from spatialmeta_core.geometry.polyline import path_length, project_onto, simplify
from spatialmeta_core.geometry.pose import apply_pose, compose, invert, make_pose

__all__ = [
    "LeftOut",
    "Parts",
    "Transform",
    "alpha_outline",
    "apply_pose",
    "as_xy",
    "compose",
    "contains",
    "fit_landmarks",
    "invert",
    "is_flat",
    "landmark_distances",
    "leave_one_out",
    "level_rings",
    "link_rings",
    "make_pose",
    "path_length",
    "polygon_area",
    "project_onto",
    "signed_area",
    "simplify",
    "spacing",
]
