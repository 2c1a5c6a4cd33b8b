"""From ranked hypotheses to the alignment that is handed back."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spatialmeta_core.align.agreement import with_landmarks
from spatialmeta_core.align.frame import Frame, Placed, displacement_of, pose_of
from spatialmeta_core.align.hypotheses import in_doubt, margin
from spatialmeta_core.align.scoring import score
from spatialmeta_core.align.shape import DISC_RADIUS
from spatialmeta_core.align.uncertainty import spot_sd
from spatialmeta_core.align.velocity import fit_flow
from spatialmeta_core.geometry import spacing
from spatialmeta_core.types import Alignment, Candidate

if TYPE_CHECKING:
    from spatialmeta_core.align.extra import Terms
    from spatialmeta_core.align.shape import Shape
    from spatialmeta_core.types import BoolArray, FitScore, FloatArray, Landmarks, Pose

N_RETURNED = 5


class Section(NamedTuple):
    """What stays the same over all hypotheses, in the sections' own units."""

    moving_xy: FloatArray
    target_xy: FloatArray
    target: Shape
    frame: Frame
    moving_mask: BoolArray | None = None
    moving_closing: float = DISC_RADIUS

    def score(self, placed_xy: FloatArray, pose: Pose) -> FitScore:
        """Measure how well the placed moving section fits."""
        return score(
            placed_xy,
            self.target_xy,
            pose=pose,
            shape=self.target,
            moving_mask=self.moving_mask,
            moving_closing=self.moving_closing,
        )


def outcome(
    found: list[Placed], terms: Terms, section: Section, landmarks: Landmarks | None
) -> Alignment:
    """Choose the first hypothesis and say all there is to say about it.

    Parameters
    ----------
    found
        Hypotheses, best first.
    terms, section
        What they were fitted to, in the frames and in own units.
    landmarks
        Pairs in own units.
    """
    params = terms.params
    best = found[0]
    warped = params.nonrigid and params.transform != "rigid"
    if warped and params.diffeomorphic:
        best = best._replace(warp=fit_flow(best.placement.matrix, terms))
    placed = [best, *found[1:]]
    alignment = _ranked(placed, terms, section)
    if warped:
        alignment = _corrected(best, alignment, terms, section)
    if landmarks is not None:
        alignment = with_landmarks(alignment, best, landmarks, terms, section.frame)
    pitch = math.hypot(
        spacing(section.moving_xy) / section.frame.moving_length * section.frame.target_length,
        spacing(section.target_xy),
    )
    sd = spot_sd(placed, alignment, section.moving_xy, terms, section.frame, pitch=pitch)
    alignment = replace(alignment, sd_px=sd)
    reached = section.score(alignment.apply(section.moving_xy), alignment.pose)
    return replace(alignment, score=reached)


def _ranked(found: list[Placed], terms: Terms, section: Section) -> Alignment:
    candidates = tuple(
        Candidate(pose_of(p, terms.moving, section.frame, terms.params.transform), p.cost)
        for p in found[:N_RETURNED]
    )
    doubt = in_doubt(found, terms.moving)
    note = "The fit does not decide between the best placements. Compare the candidates and choose."
    return Alignment(
        pose=candidates[0].pose,
        loss=np.array(found[0].placement.history),
        candidates=candidates,
        margin=margin(found, terms.moving),
        ambiguous=doubt,
        notes=(note,) if doubt else (),
    )


def _corrected(best: Placed, alignment: Alignment, terms: Terms, section: Section) -> Alignment:
    """Add the local correction, if it does not fold."""
    is_flow = terms.params.diffeomorphic
    field, least = displacement_of(
        best, alignment.pose, section.frame, section.moving_xy, is_flow=is_flow
    )
    if field is not None:
        return replace(alignment, displacement=field, min_jacobian=least)
    note = "The local warp would have folded the tissue and was left out."
    if not is_flow:
        note += " The diffeomorphic correction cannot fold; try that."
    return replace(alignment, notes=(*alignment.notes, note))
