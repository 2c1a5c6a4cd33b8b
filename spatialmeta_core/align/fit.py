"""Fit a moving section to a target section by the outlines of the tissue."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import KDTree
from threadpoolctl import threadpool_limits

from spatialmeta_core.align.frame import Frame, displacement_of, pose_of, quarter_turns
from spatialmeta_core.align.hypotheses import MIN_MARGIN, rank_hypotheses
from spatialmeta_core.align.outline import find_target
from spatialmeta_core.align.search import global_starts, hand_starts
from spatialmeta_core.align.shape import Shape, spots_shape
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import apply_pose, as_xy, spacing
from spatialmeta_core.params import AlignParams, ReassignParams
from spatialmeta_core.types import Alignment, Candidate, FitScore

if TYPE_CHECKING:
    from spatialmeta_core.align.frame import Placed
    from spatialmeta_core.align.hypotheses import Progress
    from spatialmeta_core.types import FloatArray, Pose, TissueImage

N_RETURNED = 5
MIN_COST = 0.1  # nats; smaller costs are noise and tell nothing apart
SCORE_GRID = 70  # grid steps per size when scoring; coarser than fitting, and quick


def align(
    moving_xy: FloatArray,
    target_xy: FloatArray,
    params: AlignParams | None = None,
    *,
    start: Pose | None = None,
    target_image: TissueImage | None = None,
    on_progress: Progress | None = None,
) -> Alignment:
    """Fit a moving section to a target section by the outlines of the tissue.

    Without a start, all rotations and flips are tried. With one, the fit stays near it and never
    changes the flip. Candidates are refined by a robust symmetric cost, corrected by a smooth
    displacement, and ranked by how believable they are when a cut or torn edge counts as one event.
    The outline says nothing about sliding along the edge or about the inside, and a nearly
    symmetric section may fit better the wrong way round: look at ``candidates`` when ``ambiguous``
    is set.

    Parameters
    ----------
    moving_xy
        Positions of the moving section (SM pixels), shape ``(n_moving, 2)``, any unit. Repeated
        ones count once.
    target_xy
        Spots of the target section, shape ``(n_target, 2)``, full-resolution px.
    params
        Target, transform and nonrigid correction; by default ``AlignParams()``.
    start
        Pose from moving positions to target px, set by hand.
    target_image
        Histology picture of the target; see ``choose_target`` for when it is used.
    on_progress
        Called with a fraction from 0 to 1 and a message; it may raise to cancel.

    Returns
    -------
    Alignment
        ``loss`` is the robust cost over all steps of the best hypothesis. ``notes`` begins with the
        choice of target. If the result is worse than the start, the start is kept and a note says
        so.

    Raises
    ------
    InvalidDataError
        If a section has fewer than 10 different spots or all on one line, if a coordinate is
        missing, or if the sections do not overlap in the end (E-18).

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eqs 1 to 4.
    """
    settings = params or AlignParams()
    report = on_progress or _silent
    report(0.0, "Finding the outlines")
    moving_shape = spots_shape(as_xy(moving_xy, "the moving section"))
    target_xy = as_xy(target_xy, "the target section")
    which, reason, target_shape = find_target(target_xy, target_image, settings)
    section = _Section(
        np.asarray(moving_xy, float),
        target_xy,
        target_shape,
        Frame.between(moving_shape, target_shape, start),
    )
    moving, target = section.frame.normalized(moving_shape, target_shape)
    starts = (
        global_starts(moving, target)
        if start is None
        else hand_starts(section.frame.matrix_of(start))
    )
    # the matrices are small: several threads would spend their time waiting for each other
    with threadpool_limits(1, "blas"):
        found = rank_hypotheses(starts, moving, target, settings, report)
    report(0.95, "Scoring the result")
    best = _result(found, moving, section, settings)
    best = replace(best, target=which, notes=(reason, *best.notes))
    if start is not None:
        best = _not_worse(best, start, section)
    _require_overlap(best, len(target_xy))
    return best


class _Section(NamedTuple):
    """What stays the same over all hypotheses."""

    moving_xy: FloatArray
    target_xy: FloatArray
    target: Shape
    frame: Frame


def _silent(_fraction: float, _message: str) -> None:
    return


def _result(
    found: list[Placed], moving: Shape, section: _Section, params: AlignParams
) -> Alignment:
    best = found[0]
    candidates = tuple(
        Candidate(pose_of(p, moving, section.frame, params.transform), p.cost)
        for p in found[:N_RETURNED]
    )
    costs = [max(p.cost, MIN_COST) for p in found]
    margin = costs[1] / costs[0] - 1 if len(found) > 1 else math.inf
    notes = []
    if margin < MIN_MARGIN:
        notes.append(
            "The outline alone cannot tell the best two placements apart "
            f"(their costs differ by {margin:.0%}). Compare the candidates and choose."
        )
    pose = candidates[0].pose
    alignment = Alignment(
        pose=pose,
        loss=np.array(best.placement.history),
        candidates=candidates,
        margin=margin,
        ambiguous=margin < MIN_MARGIN,
    )
    if params.nonrigid:
        field = displacement_of(best, pose, section.frame, section.moving_xy)
        if field is None:
            notes.append("The local warp would have folded the tissue and was left out.")
        alignment = replace(alignment, displacement=field)
    reached = score(
        alignment.apply(section.moving_xy), section.target_xy, pose=pose, shape=section.target
    )
    return replace(alignment, score=reached, notes=tuple(notes))


def _require_overlap(result: Alignment, n_spots: int) -> None:
    if result.score is not None and result.score.covered == 0:
        raise InvalidDataError(
            f"0 of {n_spots:,} spots have metabolite pixels nearby. "
            'Try "8 orientations", or drag the outline over the tissue.',
            code="E-18",
            title="The two tissues do not overlap.",
        )


def _not_worse(result: Alignment, start: Pose, section: _Section) -> Alignment:
    """Keep the start where the fit lost overlap without bringing the outlines closer."""
    placed = apply_pose(start, section.moving_xy)
    before = score(placed, section.target_xy, pose=start, shape=section.target)
    after = result.score
    result = replace(result, score_before=before)
    if (
        after is None
        or after.overlap >= before.overlap
        or after.outline_distance_px < before.outline_distance_px
    ):
        return result
    note = (
        f"Automatic alignment made it worse (overlap {after.overlap:.2f}, "
        f"was {before.overlap:.2f}). Your pose was kept. "
        "Add 4 or more landmarks and try again."
    )
    return Alignment(
        pose=start,
        loss=result.loss,
        score=before,
        score_before=before,
        target=result.target,
        notes=(*result.notes[:1], note),
    )


def score(
    placed_xy: FloatArray,
    target_xy: FloatArray,
    *,
    pose: Pose | None = None,
    shape: Shape | None = None,
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
    moving = spots_shape(placed_xy, SCORE_GRID)
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
