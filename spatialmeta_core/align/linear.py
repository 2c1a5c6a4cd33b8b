"""The histology and the feature term: a linear map from one section's values to the other's.

At a placement the latents of the moving section predict, through a ridge regression, what the
target shows there: stain (eq. 5) or latents (eq. 6). How well they do is counted in nats,

    gain = sum over channels k of  n_k / 2 * log(1.1 T_k / (S_k + 0.1 T_k)),

with the sum of squares T_k around the mean and S_k around the prediction. Three things keep it
honest. ``n_k`` is an effective number of independent places: neighbors repeat each other, and two
unrelated smooth maps correlate by chance as if there were only that many places (Clifford,
Richardson and Hemon 1989). Where hypotheses are compared, each spatial block is predicted from the
others, so more latents or more overlap win nothing by themselves; a channel that cannot be
predicted counts as unrelated, at a cost of log 2, instead of speaking against the placement. And
the section is turned and flipped all around to see what gain chance gives: z standard deviations
above that count for z^2 / 2 nats at most, and a term whose best turn is no better than the best of
so many by chance is ignored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from spatialmeta_core.align.places import blocks, correlogram, independent_places
from spatialmeta_core.align.search import Placement, rotation

if TYPE_CHECKING:
    from spatialmeta_core.align.fields import Field, Reading
    from spatialmeta_core.align.velocity import Flow
    from spatialmeta_core.align.warp import Warp
    from spatialmeta_core.types import FloatArray, IntArray

NATS_PER_COST = 40.0  # what a unit of placement_cost is worth near the optimum, see evidence.misfit
N_BLOCKS = 8
MIN_PLACES = 30.0  # fewer in the target say nothing
MAX_CHANNELS = 6  # of the target; further ones are mostly noise
MIN_CHANNEL = 0.005  # of the first channel's variance
N_ANGLES = 72  # of the turns that show what chance gives
N_SHIFTED = 24  # best turns that are tried with small shifts too
SHIFTS = ((0.06, 0.0), (-0.06, 0.0), (0.0, 0.06), (0.0, -0.06))
N_STARTS = 6
MIN_ANGLE_APART = 14.0  # degrees
NUGGET = 0.1  # of the variance, never counted as explained: two gradients agree by chance too well
TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class LinearTerm:
    """A term of the fit, see ``extra.Extra``; all in the normalized frames.

    Attributes
    ----------
    sites
        Places in the moving section, shape ``(n, 2)``.
    design
        Latents there, centered, and a column of ones, shape ``(n, p + 1)``.
    penalty
        Of the ridge, per column, shape ``(p + 1,)``.
    block
        Spatial block of each site, shape ``(n,)``.
    field
        What the target shows, uncorrelated channels.
    independent
        Effective number of places, per channel, shape ``(k,)``.
    weight
        lambda_2 or lambda_3.
    searches
        Whether it proposes turns and flips of its own; not after a start by hand.
    turns
        Placements all around, shift 0, and their gains.
    chance
        Median gain over all turns, and its robust standard deviation, at least 1 nat.
    peak
        Nats above chance at the best turn.
    """

    sites: FloatArray
    design: FloatArray
    penalty: FloatArray
    block: IntArray
    field: Field
    independent: FloatArray
    weight: float = 1.0
    searches: bool = True
    turns: tuple[tuple[float, FloatArray], ...] = ()
    chance: tuple[float, float] = (0.0, 1.0)
    peak: float = math.inf

    @property
    def trust(self) -> float:
        """Share of the nats that count: 0 if the best turn is no better than chance makes it."""
        return max(0.0, 1 - math.log(2 * N_ANGLES) / self.peak) if self.peak > 0 else 0.0

    def cost(self, matrix: FloatArray) -> tuple[float, FloatArray]:
        """Minus the gain within the sample, in units of ``placement_cost``, and its gradient.

        Nearby placements have the same number of parameters, so nothing has to be held out; and
        as the map is the best one, its own change drops out of the gradient.
        """
        read = self.field.at(self.sites @ matrix[:, :2].T + matrix[:, 2])
        n = len(self.sites)
        places = float(read.weight.sum())
        if places < MIN_PLACES:
            return 0.0, np.zeros((2, 3))
        weighted = self.design * read.weight[:, None]
        precision = weighted.T @ self.design + np.diag(self.penalty)
        slopes = cho_solve(cho_factor(precision), weighted.T @ read.values)
        left = read.values - self.design @ slopes
        around = read.values - read.weight @ read.values / places
        total = read.weight @ around**2 + TINY
        unexplained = read.weight @ left**2 + self.penalty @ slopes**2 + NUGGET * total
        gain = self.independent / 2 * np.log((1 + NUGGET) * total / unexplained)
        share = self.independent * places / (2 * n)
        of_total, of_left = share * (1 / total - NUGGET / unexplained), share / unexplained
        scaled = around * of_total - left * of_left
        steep = 2 * read.weight[:, None] * np.einsum("nk,nkd->nd", scaled, read.slope)
        by_weight = gain.sum() / n + around**2 @ of_total - left**2 @ of_left
        steep += by_weight[:, None] * read.weight_slope
        factor = -self.weight * self.trust / NATS_PER_COST
        gradient = factor * np.column_stack([steep.T @ self.sites, steep.sum(axis=0)])
        return factor * float(gain.sum()) * places / n, gradient

    def evidence(self, matrix: FloatArray, warp: Warp | Flow) -> float:
        """Nats on held-out blocks that are missing to the best turn; lower is better."""
        place = self.sites @ matrix[:, :2].T + matrix[:, 2]
        return self.missing(place + warp.at(place))

    def missing(self, place: FloatArray) -> float:
        """Weighted nats that are missing to the best turn with the sites at ``place``."""
        return self.weight * self.trust * (self.peak - self.above_chance(self.gain(place)))

    def above_chance(self, gain: float) -> float:
        """Nats that a gain is worth, given what turns by chance gain; 0 or more."""
        usual, spread = self.chance
        z = max(0.0, gain - usual) / spread
        return min(z * spread, z**2 / 2)

    def gain(self, place: FloatArray) -> float:
        """Nats that the linear map gains with the sites at ``place`` ``(n, 2)``, held out."""
        read = self.field.at(place)
        places = float(read.weight.sum())
        if places < MIN_PLACES:
            return 0.0
        unexplained, total = self._held_out(read)
        gains = self.independent * places / (2 * len(place)) * np.log(total / unexplained)
        return float((np.logaddexp(gains, 0) - math.log(2)).sum())

    def _held_out(self, read: Reading) -> tuple[FloatArray, FloatArray]:
        """Return sums of squares around predictions and means made without the block."""
        grams, products = [], []
        for b in range(N_BLOCKS):
            here = self.block == b
            x, y, w = self.design[here], read.values[here], read.weight[here, None]
            grams.append((w * x).T @ x)
            products.append((w * x).T @ y)
        gram, product = np.sum(grams, axis=0), np.sum(products, axis=0)
        ridge = np.diag(self.penalty)
        slopes = np.linalg.solve(
            gram - np.stack(grams) + ridge + TINY * np.eye(len(ridge)), product - np.stack(products)
        )
        mean = (product[-1] - np.stack(products)[:, -1]) / np.maximum(
            gram[-1, -1] - np.stack(grams)[:, -1, -1], TINY
        )[:, None]
        left = read.values - np.einsum("np,npk->nk", self.design, slopes[self.block])
        around = read.values - mean[self.block]
        total = read.weight @ around**2 + TINY
        return read.weight @ left**2 + NUGGET * total, (1 + NUGGET) * total

    def starts(self, found: list[Placement]) -> list[Placement]:  # noqa: ARG002 (see ``Extra``)
        """Return the turns and flips with the most gain, centers together or nearly so.

        For a round section the outline proposes no turn at all.
        """
        if not self.searches or not self.trust:
            return []
        tries = []
        for gain, matrix in sorted(self.turns, key=lambda t: -t[0])[:N_SHIFTED]:
            turned = self.sites @ matrix[:, :2].T + matrix[:, 2]
            shifted = [(self.gain(turned + shift), shift) for shift in SHIFTS]
            best, shift = max([(gain, (0.0, 0.0)), *shifted])
            tries.append((best, matrix + np.column_stack([np.zeros((2, 2)), shift])))
        kept: list[FloatArray] = []
        for _, matrix in sorted(tries, key=lambda t: -t[0]):
            if len(kept) < N_STARTS and all(_differ(matrix, other) for other in kept):
                kept.append(matrix)
        return [Placement(matrix, self.cost(matrix)[0]) for matrix in kept]


def _differ(one: FloatArray, other: FloatArray) -> bool:
    """Whether two turns have another flip or are more than 14 degrees apart."""
    between = one[:, :2] @ other[:, :2].T
    return bool(np.linalg.det(between) < 0) or bool(
        between.trace() / 2 < math.cos(math.radians(MIN_ANGLE_APART))
    )


def linear_term(
    sites: FloatArray,
    moving: Field,
    places: FloatArray,
    target: Field,
    *,
    base: FloatArray,
    weight: float = 1.0,
    searches: bool = True,
) -> LinearTerm | None:
    """Prepare the comparison of two maps; None if one of them is the same everywhere.

    Parameters
    ----------
    sites
        Places spread evenly over the moving tissue, shape ``(n, 2)``.
    moving
        Latents of the moving section.
    places
        Places spread evenly over the target's tissue, shape ``(m, 2)``.
    target
        Stain or latents of the target.
    base
        Placement ``(2, 3)`` about which the section is turned to learn what chance gives.
    weight, searches
        See ``LinearTerm``.
    """
    if moving.is_flat(sites) or target.is_flat(places):
        return None
    latents = moving.at(sites).values
    latents = latents - latents.mean(axis=0)
    channels = _uncorrelated(places, target)
    shown = channels.at(places).values
    own = correlogram(sites, latents)
    independent = np.array(
        [independent_places(sites, own, correlogram(places, c[:, None])) for c in shown.T]
    )
    size = (latents**2).mean()
    penalty = np.full(latents.shape[1] + 1, len(sites) / independent.mean() * size)
    penalty[-1] = 0  # the mean is free
    term = LinearTerm(
        sites,
        np.column_stack([latents, np.ones(len(sites))]),
        penalty,
        blocks(sites, N_BLOCKS),
        channels,
        independent,
        weight,
        searches,
    )
    turns = [(term.gain(sites @ m[:, :2].T + m[:, 2]), m) for m in _all_around(base)]
    gains = np.array([gain for gain, _ in turns])
    usual = float(np.median(gains))
    chance = usual, max(1.0, 1.4826 * float(np.median(np.abs(gains - usual))))
    term = replace(term, turns=tuple(turns), chance=chance)
    return replace(term, peak=term.above_chance(float(gains.max())))


def _all_around(base: FloatArray) -> list[FloatArray]:
    angles = np.arange(N_ANGLES) * 2 * math.pi / N_ANGLES
    return [
        np.column_stack([rotation(angle) @ base[:, :2] @ np.diag([1.0, flip]), base[:, 2]])
        for flip in (1.0, -1.0)
        for angle in angles
    ]


def _uncorrelated(places: FloatArray, target: Field) -> Field:
    """Principal components of the target's channels over its tissue."""
    shown = target.at(places).values
    center = shown.mean(axis=0)
    variance, direction = np.linalg.eigh(np.cov((shown - center).T).reshape(shown.shape[1], -1))
    order = np.argsort(-variance)[:MAX_CHANNELS]
    order = order[variance[order] >= MIN_CHANNEL * variance[order[0]]]
    return target.turned(direction[:, order] / np.sqrt(variance[order]), center)
