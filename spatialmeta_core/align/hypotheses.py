"""Hypotheses of an alignment: refined, corrected, ranked by how believable they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core.align.evidence import misfit
from spatialmeta_core.align.frame import Placed, placed_at
from spatialmeta_core.align.search import (
    COARSE_WIDTHS,
    FINE_WIDTHS,
    MERGE_SHIFT,
    MIN_ANGLE_APART,
    Placement,
    merged,
    partial_starts,
    refine,
)
from spatialmeta_core.align.warp import fit_warp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spatialmeta_core.align.extra import Terms
    from spatialmeta_core.align.shape import Shape

    Progress = Callable[[float, str], None]

N_REFINED = 8  # hypotheses refined to the end
N_PARTIAL = 3  # of these, tried again with parts of the outline left out
MAX_BEHIND = 60.0  # nats; a hypothesis so much worse is not tried again
N_ALIKE = 2  # hypotheses of the same flip and direction
MISLEADING_SHIFT = 0.06  # of the tissue's size; a smaller error of the whole is no mix-up
MIN_MARGIN = 7.5  # nats; below it the outline cannot tell the first candidates apart
MIN_MARGIN_NEAR = 2.5  # of a hypothesis less than ``MISLEADING_SHIFT`` away


def rank_hypotheses(starts: list[Placement], terms: Terms, report: Progress) -> list[Placed]:
    """Refine, correct and rank placements, best first.

    Those that come close to the best are tried again with parts of the outline left out, in case
    tissue is lost there.
    """
    if terms.extra is not None:
        starts = [*starts, *terms.extra.starts(starts)]

    def refined(
        placements: list[Placement], widths: tuple[float, ...], done: float
    ) -> Iterator[Placement]:
        for number, placement in enumerate(placements):
            report(done + 0.2 * number / len(placements), "Fitting the outlines")
            yield refine(placement, terms, widths)

    coarse = merged(list(refined(starts, COARSE_WIDTHS, 0.1)), terms.moving)
    fine = merged(list(refined(coarse[:N_REFINED], FINE_WIDTHS, 0.3)), terms.moving)
    placed = sorted((corrected(p, terms) for p in fine), key=lambda p: p.cost)
    unsure = [p for p in placed[:N_PARTIAL] if p.cost <= placed[0].cost + MAX_BEHIND]
    for number, candidate in enumerate(unsure):
        report(0.5 + 0.4 * number / len(unsure), "Looking for lost tissue")
        placed += [corrected(p, terms) for p in partial_starts(candidate.placement, terms)]
    return distinct(placed, terms.moving)


def distinct(placed: list[Placed], moving: Shape) -> list[Placed]:
    """Sort hypotheses and drop those that put the tissue nearly where a better one does.

    Of those that agree in flip and direction and differ in the place along the edge, the best
    ``N_ALIKE`` are kept, so that they leave room for others.
    """
    kept: list[Placed] = []
    for hypothesis in sorted(placed, key=lambda p: p.cost):
        alike = sum(_same_way(hypothesis, other) for other in kept)
        apart = [shift_between(hypothesis, other, moving) for other in kept]
        if alike < N_ALIKE and min(apart, default=math.inf) > MERGE_SHIFT:
            kept.append(hypothesis)
    return kept


def _same_way(one: Placed, other: Placed) -> bool:
    """Whether two hypotheses agree in flip and, nearly, in direction."""
    turn = other.placement.matrix[:, :2] @ np.linalg.inv(one.placement.matrix[:, :2])
    angle = math.degrees(math.atan2(turn[1, 0] - turn[0, 1], turn[0, 0] + turn[1, 1]))
    return bool(np.linalg.det(turn) > 0) and abs(angle) < MIN_ANGLE_APART


def shift_between(one: Placed, other: Placed, moving: Shape) -> float:
    """Mean distance between where two hypotheses put the tissue."""
    apart = placed_at(one, moving.interior) - placed_at(other, moving.interior)
    return float(np.linalg.norm(apart, axis=1).mean())


def margin(found: list[Placed], moving: Shape) -> float:
    """Nats between the best hypothesis and the best of those that would mislead if it were wrong.

    Infinite if there is none.
    """
    others = (p for p in found[1:] if shift_between(found[0], p, moving) > MISLEADING_SHIFT)
    return min((p.cost for p in others), default=math.inf) - found[0].cost


def in_doubt(found: list[Placed], moving: Shape) -> bool:
    """Whether another hypothesis is so close behind the best that it cannot be ruled out."""
    for rival in found[1:]:
        far = shift_between(found[0], rival, moving) > MISLEADING_SHIFT
        if rival.cost - found[0].cost < (MIN_MARGIN if far else MIN_MARGIN_NEAR):
            return True
    return False


def corrected(placement: Placement, terms: Terms) -> Placed:
    """Add the most probable displacement to a placement, and judge the two."""
    warp = fit_warp(
        placement.matrix,
        terms.moving,
        terms.target,
        landmarks=terms.landmarks,
        outline_weight=terms.params.outline_weight,
    )
    return Placed(placement, warp, misfit(placement.matrix, warp, terms))
