"""Fit a moving section to a target section by the outlines of the tissue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from spatialmeta_core.align.agreement import by_landmarks
from spatialmeta_core.align.extra import Terms, Together
from spatialmeta_core.align.frame import Frame
from spatialmeta_core.align.hypotheses import rank_hypotheses
from spatialmeta_core.align.landmarks import (
    checked_landmarks,
    landmark_term,
    landmarks_alone,
    require_enough,
    spread_out,
)
from spatialmeta_core.align.outcome import Section, outcome
from spatialmeta_core.align.outline import find_target
from spatialmeta_core.align.scoring import orientations, score
from spatialmeta_core.align.search import global_starts, hand_starts
from spatialmeta_core.align.shape import DISC_RADIUS, MIN_PIECE, spots_shape
from spatialmeta_core.align.values import Side, prefer, value_terms
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry import apply_pose, as_xy, landmark_distances, make_pose
from spatialmeta_core.params import AlignParams
from spatialmeta_core.types import Alignment

if TYPE_CHECKING:
    from spatialmeta_core.align.extra import Extra
    from spatialmeta_core.align.hypotheses import Progress
    from spatialmeta_core.align.search import Placement
    from spatialmeta_core.align.shape import Shape
    from spatialmeta_core.types import BoolArray, FloatArray, Landmarks, Pose, TissueImage

__all__ = ["align", "orientations", "score"]

MAX_AREA_RATIO = 4.0  # of two sections in the same unit
MAX_OVERLAP_LOST = 0.05  # that histology or features may cost
ENOUGH_LANDMARKS = 4  # pairs that fix an affine placement with one to spare


def align(
    moving_xy: FloatArray,
    target_xy: FloatArray,
    params: AlignParams | None = None,
    *,
    start: Pose | None = None,
    target_image: TissueImage | None = None,
    landmarks: Landmarks | None = None,
    moving_mask: BoolArray | None = None,
    moving_closing: float = DISC_RADIUS,
    moving_values: FloatArray | None = None,
    target_values: FloatArray | None = None,
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
        Target, transform, nonrigid correction and weights; by default ``AlignParams()``. A
        ``"rigid"`` transform keeps the start's scale; without a start both sections must be in the
        same unit.
    start
        Pose from moving positions to target px, set by hand.
    target_image
        Histology picture of the target; see ``choose_target`` for when it is used.
    landmarks
        Places marked by hand in both sections. Two or more are a start by themselves (of two, the
        outline chooses the flip, unless there is a start); a wrong one hardly pulls.
    moving_mask
        Pixels that are tissue, shape ``(n_moving,)``; the others are carried along without a say.
        By default all but those of small pieces.
    moving_closing
        Radius, in spacings of the moving section, of the discs that close gaps of its outline.
    moving_values, target_values
        Latent or measured values of each section for the histology and feature terms, shapes
        ``(n_moving, p)`` and ``(n_target, q)``; used where the term's weight is above 0.
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
        missing, if the mask does not fit the moving section, if rigid sections are not in the same
        unit, if landmarks differ in number, lie far outside or, as the only term of an affine fit,
        on one line (E-20), or if the sections do not overlap in the end (E-18).
    InvalidParamsError
        If the outline has no weight and nothing else holds the fit.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eqs 1 to 4.
    """
    settings = params or AlignParams()
    moving_xy = as_xy(moving_xy, "the moving section")
    target_xy = as_xy(target_xy, "the target section")
    pairs = checked_landmarks(landmarks, moving_xy, target_xy)
    given = _Given(start, pairs, target_image, moving_values, target_values)
    _require_held(settings, given)
    report = on_progress or _silent
    report(0.0, "Finding the outlines")
    moving_shape = spots_shape(
        _tissue(moving_xy, moving_mask),
        closing=moving_closing,
        min_piece=MIN_PIECE if moving_mask is None else 0.0,  # the mask has decided
    )
    which, reason, target_shape = find_target(target_xy, target_image, settings)
    if settings.transform == "rigid" and start is None:
        _require_same_unit(moving_shape, target_shape)
    scale = make_pose() if settings.transform == "rigid" and start is None else start
    frame = Frame.between(moving_shape, target_shape, scale)
    section = Section(moving_xy, target_xy, target_shape, frame, moving_mask, moving_closing)
    moving, target = frame.normalized(moving_shape, target_shape)
    terms = _terms(moving, target, settings, given=given, section=section)
    require_enough(terms)
    # the matrices are small: several threads would spend their time waiting for each other
    with threadpool_limits(1, "blas"):
        if landmarks_alone(settings):
            found = by_landmarks(terms)
        else:
            found = rank_hypotheses(_starts(terms, frame, start), terms, report)
        report(0.95, "Scoring the result")
        best = outcome(found, terms, section, pairs)
    best = replace(best, target=which, notes=(reason, *terms.notes, *best.notes))
    if start is not None:
        vouched = prefer(terms, found[0], frame.matrix_of(start))
        best = _not_worse(best, start, section, vouched=vouched)
    _require_overlap(best, len(target_xy))
    return best


class _Given(NamedTuple):
    """What the user gave beside the positions."""

    start: Pose | None
    landmarks: Landmarks | None
    target_image: TissueImage | None
    moving_values: FloatArray | None
    target_values: FloatArray | None


def _require_held(params: AlignParams, given: _Given) -> None:
    n_pairs = 0 if given.landmarks is None else len(given.landmarks.moving)
    if params.outline_weight + params.histology_weight + params.feature_weight > 0 or n_pairs > 1:
        return
    raise InvalidParamsError(
        f"outline_weight is 0, and with {n_pairs} landmarks nothing else holds the fit. "
        "Raise a weight, or add landmarks: 2 or more."
    )


def _tissue(moving_xy: FloatArray, mask: BoolArray | None) -> FloatArray:
    """Leave out the pixels that are not tissue."""
    if mask is None:
        return moving_xy
    if np.shape(mask) != (len(moving_xy),):
        raise InvalidDataError(
            f"The tissue mask has shape {np.shape(mask)}; expected ({len(moving_xy)},): "
            "one value per position of the moving section."
        )
    return np.asarray(moving_xy[np.asarray(mask, bool)])


def _require_same_unit(moving: Shape, target: Shape) -> None:
    ratio = max(moving.area / target.area, target.area / moving.area)
    if ratio > MAX_AREA_RATIO:
        raise InvalidDataError(
            f"The areas of the two sections differ {ratio:,.1f} times. A rigid alignment keeps "
            "the scale, so both sections must be in the same unit. Convert one of them, or choose "
            "a transform that can scale."
        )


def _terms(
    moving: Shape, target: Shape, params: AlignParams, *, given: _Given, section: Section
) -> Terms:
    """All terms of the fit, in the frames of ``section``."""
    parts: list[Extra] = []
    pairs = None
    if given.landmarks is not None:
        term = landmark_term(given.landmarks, section.frame, params.transform, given.start)
        parts.append(term)
        pairs = term.pairs
    center, length = section.frame.moving_center, section.frame.moving_length
    ours = Side("SM", (section.moving_xy - center) / length, given.moving_values, moving)
    center, length = section.frame.target_center, section.frame.target_length
    theirs = Side("ST", (section.target_xy - center) / length, given.target_values, target)
    more = value_terms(
        ours, theirs, section.frame, params, image=given.target_image, start=given.start
    )
    parts.extend(more.parts)
    together = Together(tuple(parts)) if parts else None
    return Terms(moving, target, params, together, pairs, more.notes)


def _starts(terms: Terms, frame: Frame, start: Pose | None) -> list[Placement]:
    """Placements to begin from; landmarks that hold turn and scale propose their own."""
    if start is not None:
        return hand_starts(frame.matrix_of(start))
    if terms.landmarks is not None and spread_out(terms.landmarks):
        return []
    return global_starts(terms.moving, terms.target, terms.params.transform)


def _silent(_fraction: float, _message: str) -> None:
    return


def _require_overlap(result: Alignment, n_spots: int) -> None:
    if result.score is not None and result.score.covered == 0:
        raise InvalidDataError(
            f"0 of {n_spots:,} spots have metabolite pixels nearby. "
            'Try "8 orientations", or drag the outline over the tissue.',
            code="E-18",
            title="The two tissues do not overlap.",
        )


def _not_worse(result: Alignment, start: Pose, section: Section, *, vouched: bool) -> Alignment:
    """Keep the start where the fit lost overlap and brought nothing closer.

    What the histology or the features have vouched for may cost a little overlap.
    """
    placed = apply_pose(start, section.moving_xy)
    before = section.score(placed, start)
    after = result.score
    result = replace(result, score_before=before)
    if (
        after is None
        or after.overlap >= before.overlap
        or after.outline_distance_px < before.outline_distance_px
        or (vouched and after.overlap > before.overlap - MAX_OVERLAP_LOST)
    ):
        return result
    residual = None
    if result.landmarks is not None and result.landmark_residual_px is not None:
        residual = landmark_distances(start, result.landmarks)
        if np.median(result.landmark_residual_px) < np.median(residual):
            return result
    note = (
        f"Automatic alignment made it worse (overlap {after.overlap:.2f}, "
        f"was {before.overlap:.2f}). Your pose was kept. {_advice(result.landmarks)}"
    )
    return Alignment(
        pose=start,
        loss=result.loss,
        score=before,
        score_before=before,
        target=result.target,
        landmarks=result.landmarks,
        landmark_residual_px=residual,
        notes=(*result.notes[:1], note),
    )


def _advice(landmarks: Landmarks | None) -> str:
    """Say what helps after a fit that was no better than the start."""
    n_pairs = 0 if landmarks is None else len(landmarks.moving)
    if n_pairs < ENOUGH_LANDMARKS:
        return f"Add {ENOUGH_LANDMARKS - n_pairs} or more landmarks and try again."
    return (
        f"The {n_pairs} landmarks and the outlines do not agree: check the pair with the largest "
        "distance, or the outlines, and try again."
    )
