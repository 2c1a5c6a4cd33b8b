"""Hypotheses of an alignment: refined, corrected, ranked by how believable they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spatialmeta_core.align.evidence import misfit
from spatialmeta_core.align.frame import Placed
from spatialmeta_core.align.search import (
    COARSE_WIDTHS,
    FINE_WIDTHS,
    Placement,
    merged,
    partial_starts,
    refine,
)
from spatialmeta_core.align.warp import fit_warp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spatialmeta_core.align.shape import Shape
    from spatialmeta_core.params import AlignParams

    Progress = Callable[[float, str], None]

N_REFINED = 6  # hypotheses refined to the end
MIN_MARGIN = 0.1  # below it the outline cannot tell the first two candidates apart


def rank_hypotheses(
    starts: list[Placement],
    moving: Shape,
    target: Shape,
    params: AlignParams,
    report: Progress,
) -> list[Placed]:
    """Refine, correct and rank placements, best first.

    Those that come close to the best are tried again with parts of the outline left out, in case
    tissue is lost there.
    """

    def refined(
        placements: list[Placement], widths: tuple[float, ...], done: float
    ) -> Iterator[Placement]:
        for number, placement in enumerate(placements):
            report(done + 0.2 * number / len(placements), "Fitting the outlines")
            yield refine(placement, moving, target, widths, params.transform)

    coarse = merged(list(refined(starts, COARSE_WIDTHS, 0.1)), moving)
    fine = merged(list(refined(coarse[:N_REFINED], FINE_WIDTHS, 0.3)), moving)
    placed = sorted((_placed(p, moving, target) for p in fine), key=lambda p: p.cost)
    unsure = [p for p in placed if p.cost <= placed[0].cost * (1 + 2 * MIN_MARGIN)]
    for number, candidate in enumerate(unsure):
        report(0.5 + 0.4 * number / len(unsure), "Looking for lost tissue")
        tries = partial_starts(candidate.placement, moving, target, params.transform)
        placed[number] = min(
            [candidate, *(_placed(p, moving, target) for p in tries)], key=lambda p: p.cost
        )
    return sorted(placed, key=lambda p: p.cost)


def _placed(placement: Placement, moving: Shape, target: Shape) -> Placed:
    warp = fit_warp(placement.matrix, moving, target)
    return Placed(placement, warp, misfit(placement.matrix, warp, moving, target))
