"""How well a placed section fits its target, quick enough for every change of a hand pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from spatialmeta_core.align.frame import quarter_turns
from spatialmeta_core.align.shape import DISC_RADIUS, MIN_PIECE, Shape, spots_shape
from spatialmeta_core.geometry import apply_pose, spacing
from spatialmeta_core.params import ReassignParams
from spatialmeta_core.types import Candidate, FitScore

if TYPE_CHECKING:
    from spatialmeta_core.types import BoolArray, FloatArray, Pose

SCORE_GRID = 70  # grid steps per size when scoring; coarser than fitting, and quick


def score(
    placed_xy: FloatArray,
    target_xy: FloatArray,
    *,
    pose: Pose | None = None,
    shape: Shape | None = None,
    moving_mask: BoolArray | None = None,
    moving_closing: float = DISC_RADIUS,
) -> FitScore:
    """Measure how well placed spots fit a target; quick enough for every change of a hand pose.

    Parameters
    ----------
    placed_xy
        Moving spots in the target frame, shape ``(n_moving, 2)``, px.
    target_xy
        Spots of the target, shape ``(n_target, 2)``, px.
    pose
        Affine map that placed them, for the stretch; without it the stretch is 1.
    shape
        Tissue to compare with where that is not the one under the spots (the image's), px.
    moving_mask, moving_closing
        Which moving spots the outline is drawn around and how, as for ``align``.

    Returns
    -------
    FitScore
        ``covered`` counts target spots with a moving spot within 1.5 times the spacing of the
        target, the cut-off of the reassignment.

    Raises
    ------
    InvalidDataError
        If a section has fewer than 10 different spots or all on one line, or a coordinate is
        missing.
    """
    moving = spots_shape(
        placed_xy if moving_mask is None else placed_xy[moving_mask],
        SCORE_GRID,
        closing=moving_closing,
        min_piece=MIN_PIECE if moving_mask is None else 0.0,
    )
    target = shape or spots_shape(target_xy, SCORE_GRID)
    there = target.distance < 0
    rows, columns = np.nonzero(there)
    nodes = np.column_stack([columns, rows]) * target.step + target.origin
    shared = float((moving.at(nodes)[0] < 0).mean()) * target.area
    gaps = np.abs(np.concatenate([moving.at(target.outline)[0], target.at(moving.outline)[0]]))
    reach = ReassignParams().distance_factor * spacing(target_xy)
    near, _ = KDTree(placed_xy).query(target_xy, distance_upper_bound=reach)
    stretches = np.linalg.svd(pose.matrix[:, :2])[1] if pose is not None else np.ones(2)
    return FitScore(
        overlap=2 * shared / (moving.area + target.area),
        outline_distance_px=float(np.median(gaps)),
        covered=float(np.isfinite(near).mean()),
        stretch=float(stretches[0] / stretches[1]),
    )


def orientations(
    moving_xy: FloatArray, target_xy: FloatArray, start: Pose
) -> tuple[Candidate, ...]:
    """Turn a pose by quarter turns, with and without a flip, and rank the eight by overlap.

    Parameters
    ----------
    moving_xy
        Positions of the moving section, shape ``(n_moving, 2)``.
    target_xy
        Spots of the target section, shape ``(n_target, 2)``, px.
    start
        Pose to turn; its scales are kept and the centers of the two tissues are put together.

    Returns
    -------
    tuple of Candidate
        Eight, best first; ``cost`` is 1 minus the overlap.
    """
    moving_center = spots_shape(moving_xy, SCORE_GRID).center()
    target = spots_shape(target_xy, SCORE_GRID)
    found = []
    for turned in quarter_turns(start, moving_center, target.center()):
        placed = apply_pose(turned, moving_xy)
        reached = score(placed, target_xy, pose=turned, shape=target)
        found.append(Candidate(turned, 1 - reached.overlap))
    return tuple(sorted(found, key=lambda c: c.cost))
