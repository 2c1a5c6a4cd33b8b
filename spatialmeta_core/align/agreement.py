"""What landmarks say: placements from them alone, and how well they agree with a fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core.align.evidence import misfit
from spatialmeta_core.align.frame import placed_at, pose_of
from spatialmeta_core.align.hypotheses import corrected
from spatialmeta_core.align.landmarks import (
    landmark_placements,
    landmarks_alone,
    without_pair,
)
from spatialmeta_core.align.search import FINE_WIDTHS, Placement, merged, refine
from spatialmeta_core.align.velocity import Flow, fit_flow
from spatialmeta_core.geometry import apply_pose
from spatialmeta_core.geometry.landmark_fit import MIN_AFFINE
from spatialmeta_core.types import Pose

if TYPE_CHECKING:
    from spatialmeta_core.align.extra import Terms
    from spatialmeta_core.align.frame import Frame, Placed
    from spatialmeta_core.types import Alignment, FloatArray, Landmarks

MAX_DISAGREEMENT = 0.05  # of the tissue's size
MIN_NATS = 5.0  # by which landmarks alone tell two placements apart


def by_landmarks(terms: Terms) -> list[Placed]:
    """Hypotheses from the landmarks alone, best first.

    Among those that the landmarks cannot tell apart, such as two flips for two pairs, the outlines
    choose.
    """
    full = terms._replace(params=replace(terms.params, outline_weight=1.0))
    found = merged(landmark_placements(terms), terms.moving)
    placed = [corrected(p, terms) for p in found]
    least = min(p.cost for p in placed)
    equal = [
        p._replace(cost=misfit(p.placement.matrix, p.warp, full))
        for p in placed
        if p.cost <= least + MIN_NATS
    ]
    return sorted(equal, key=lambda p: p.cost)


def with_landmarks(
    alignment: Alignment, best: Placed, landmarks: Landmarks, terms: Terms, frame: Frame
) -> Alignment:
    """Add the landmarks, what is left at each, and a note on those that disagree.

    Parameters
    ----------
    best
        The hypothesis that ``alignment`` was made from.
    landmarks
        Pairs in the sections' own units.
    terms
        What ``best`` was fitted to, landmarks included.
    """
    residual = _distance(alignment.apply(landmarks.moving), landmarks.target)
    alignment = replace(alignment, landmarks=landmarks, landmark_residual_px=residual)
    if len(residual) < MIN_AFFINE:
        return alignment
    left_out = leave_one_out(best, terms, frame, warped=alignment.displacement is not None)
    wrong = np.flatnonzero(left_out > MAX_DISAGREEMENT * frame.target_length)
    notes = tuple(
        f"Landmark {i + 1} disagrees with the others by {left_out[i]:,.0f} px; check it."
        for i in wrong[np.argsort(-left_out[wrong])]
    )
    return replace(alignment, landmark_loo_px=left_out, notes=(*alignment.notes, *notes))


def leave_one_out(best: Placed, terms: Terms, frame: Frame, *, warped: bool) -> FloatArray:
    """Distance at each landmark when the fit does without it, shape ``(n_pairs,)``, target px.

    Each time the placement and the correction are fitted again; only the search among hypotheses
    is not repeated.

    Parameters
    ----------
    best
        The hypothesis fitted to all landmarks.
    terms
        What it was fitted to; its landmarks are in the normalized frames.
    warped
        Whether the correction counts, or the affine part alone.
    """
    if terms.landmarks is None:
        return np.empty(0)
    pairs = terms.landmarks
    found = np.empty(len(pairs.moving))
    for i in range(len(found)):
        again = _refitted(best, without_pair(terms, i))
        marked = pairs.moving[i : i + 1]
        if warped:
            place = placed_at(again, marked)
        else:
            pose = pose_of(again, terms.moving, frame, terms.params.transform)
            place = apply_pose(Pose(frame.matrix_of(pose)), marked)
        found[i] = _distance(place, pairs.target[i : i + 1])[0]
    return found * frame.target_length


def _refitted(best: Placed, terms: Terms) -> Placed:
    if landmarks_alone(terms.params):
        tries = landmark_placements(terms)
        flip = np.linalg.det(best.placement.matrix[:, :2])
        same = [p for p in tries if np.linalg.det(p.matrix[:, :2]) * flip > 0]
        placement = same[0] if same else _shifted(best.placement, terms)
    else:
        placement = refine(best.placement, terms, FINE_WIDTHS[-1:])
    again = corrected(placement, terms)
    if isinstance(best.warp, Flow):
        again = again._replace(warp=fit_flow(placement.matrix, terms))
    return again


def _shifted(placement: Placement, terms: Terms) -> Placement:
    """Shift a placement to pairs that hold no more than that."""
    matrix = placement.matrix.copy()
    if terms.landmarks is not None:
        place = apply_pose(Pose(matrix), terms.landmarks.moving)
        matrix[:, 2] += (terms.landmarks.target - place).mean(axis=0)
    return placement._replace(matrix=matrix)


def _distance(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(a - b, axis=1))
