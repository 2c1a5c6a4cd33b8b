"""Places marked by hand in both sections, as a term of the fit.

One pair holds the shift, two also turn and scale, three or more away from one line the whole affine
map. All are robust: a pair that contradicts the rest hardly pulls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core.align.extra import Together
from spatialmeta_core.align.losses import geman_mcclure
from spatialmeta_core.align.search import Placement
from spatialmeta_core.align.warp import LANDMARK_NOISE
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry.landmark_fit import (
    MIN_AFFINE,
    checked_pairs,
    on_one_line,
    require_spread,
)
from spatialmeta_core.types import Landmarks

if TYPE_CHECKING:
    from spatialmeta_core.align.extra import Terms
    from spatialmeta_core.align.frame import Frame
    from spatialmeta_core.align.search import Transform
    from spatialmeta_core.align.velocity import Flow
    from spatialmeta_core.align.warp import Warp
    from spatialmeta_core.params import AlignParams
    from spatialmeta_core.types import FloatArray, Pose

# In units of the tissue's size.
WIDTH = 0.05  # robust width of a pair's distance
ANNEALED = (0.3, 0.1, WIDTH, WIDTH, WIDTH)
MIN_SPREAD = 0.1  # pairs closer together say nothing about turn and scale
FAR_OUTSIDE = 0.5  # of the section's extent, beyond its box
WEIGHT = 0.2  # of a pair in the cost of a placement, up to
MAX_WEIGHT = 1.0  # for all pairs, as much as one outline
CHANCE_WRONG = 0.05  # that a pair is a mistake and may lie anywhere
N_STARTS = 4
MAX_TRIES = 40  # sets of two pairs
SAME = 0.04  # starts closer than this are one


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkTerm:
    """Landmarks as a term beside the outline, in the normalized frames (see ``Extra``).

    Attributes
    ----------
    pairs
        The marked places.
    bases
        Placements ``(2, 3)`` that turns, scales and shifts are added to: the start, or both flips.
    transform
        ``"rigid"`` adds no scale.
    """

    pairs: Landmarks
    bases: tuple[FloatArray, ...]
    transform: Transform

    def cost(self, matrix: FloatArray) -> tuple[float, FloatArray]:
        """Robust distance of the pairs, at most 0.2 each and 1 together, and its gradient."""
        gap = self.pairs.moving @ matrix[:, :2].T + matrix[:, 2] - self.pairs.target
        distance = np.linalg.norm(gap, axis=1)
        robust, slope = geman_mcclure(distance, WIDTH)
        weight = min(WEIGHT, MAX_WEIGHT / len(gap))
        pull = weight * gap * (slope / np.maximum(distance, 1e-12))[:, None]
        gradient = np.column_stack([pull.T @ self.pairs.moving, pull.sum(axis=0)])
        return weight * float(robust.sum()), gradient

    def evidence(self, matrix: FloatArray, warp: Warp | Flow) -> float:
        """Improbability of the pairs, nats above perfect ones; a mistaken pair costs about 10."""
        place = self.pairs.moving @ matrix[:, :2].T + matrix[:, 2]
        gap = place + warp.at(place) - self.pairs.target
        right = np.exp(-0.5 * (gap**2).sum(axis=1) / LANDMARK_NOISE**2)
        anywhere = CHANCE_WRONG / (1 - CHANCE_WRONG) * 2 * math.pi * LANDMARK_NOISE**2
        return float((math.log1p(anywhere) - np.log(right + anywhere)).sum())

    def starts(self, found: list[Placement]) -> list[Placement]:  # noqa: ARG002 (see ``Extra``)
        """Placements that the pairs ask for, best first; none from a single place."""
        if not spread_out(self.pairs):
            return []
        tries = [
            self._fitted(base, chosen) for base in self.bases for chosen in _subsets(self.pairs)
        ]
        kept: list[Placement] = []
        for placement in sorted(tries, key=lambda p: p.cost):
            if len(kept) < N_STARTS and all(_apart(placement, k) > SAME for k in kept):
                kept.append(placement)
        return kept

    def _fitted(self, base: FloatArray, chosen: FloatArray) -> Placement:
        """Turn, scale and shift ``base`` to the chosen pairs, then to all that agree."""
        rigid = self.transform == "rigid"
        placed = self.pairs.moving @ base[:, :2].T + base[:, 2]
        weight = chosen
        for _ in ANNEALED:
            added = similarity(placed, self.pairs.target, weight, rigid=rigid)
            gap = placed @ added[:, :2].T + added[:, 2] - self.pairs.target
            weight = _agreement(gap, WIDTH)
        matrix = added[:, :2] @ base
        matrix[:, 2] += added[:, 2]
        return Placement(matrix, self.cost(matrix)[0])


def landmark_placements(terms: Terms) -> list[Placement]:
    """Placements from the landmarks of ``terms`` alone, best first; none from a single place.

    Two pairs, or all on one line, give a turn, a scale and a shift (each flip once, unless the
    start has decided); with ``"affine"`` and places away from one line, the least-squares affine
    map, weighted by how well each pair agrees with the rest.
    """
    term = _term_of(terms)
    if term is None:
        return []
    starts = term.starts([])
    if term.transform != "affine" or any(map(on_one_line, (term.pairs.moving, term.pairs.target))):
        return starts
    corners = np.column_stack([term.pairs.moving, np.ones(len(term.pairs.moving))])
    found = []
    for start in starts:
        matrix, history = start.matrix, []
        for width in ANNEALED:
            gap = corners @ matrix.T - term.pairs.target
            weight = np.sqrt(_agreement(gap, width))[:, None]
            history.append(term.cost(matrix)[0])
            if np.linalg.matrix_rank(corners * weight, tol=1e-3) < corners.shape[1]:
                break
            matrix = np.linalg.lstsq(corners * weight, term.pairs.target * weight, rcond=None)[0].T
        found.append(Placement(matrix, term.cost(matrix)[0], tuple(history)))
    same_flip = [
        after
        for before, after in zip(starts, found, strict=True)
        if np.linalg.det(before.matrix[:, :2]) * np.linalg.det(after.matrix[:, :2]) > 0
    ]
    return sorted(same_flip or starts, key=lambda p: p.cost)


def similarity(
    source: FloatArray, goal: FloatArray, weight: FloatArray, *, rigid: bool = False
) -> FloatArray:
    """Turn, scale (unless ``rigid``) and shift of least squares, without a flip, ``(2, 3)``.

    Parameters
    ----------
    source, goal
        Shape ``(n, 2)``.
    weight
        Of the pairs, shape ``(n,)``.
    """
    share = weight / weight.sum()
    middle, center = share @ source, share @ goal
    a = (source - middle) @ np.array([1, 1j])
    b = (goal - center) @ np.array([1, 1j])
    shared = (share * a.conj() * b).sum()
    factor = shared / max(abs(shared) if rigid else (share * abs(a) ** 2).sum(), 1e-12)
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([linear, center - linear @ middle])


def _agreement(gap: FloatArray, width: float) -> FloatArray:
    return np.asarray((1 + (gap**2).sum(axis=1) / width**2) ** -2)


def _subsets(pairs: Landmarks) -> list[FloatArray]:
    """Weights that choose all pairs, and every two of them far enough apart; some of too many."""
    n = len(pairs.moving)
    chosen: list[FloatArray] = [np.ones(n)]
    if n == 2:  # noqa: PLR2004 (all of them are the two)
        return chosen
    first, second = np.triu_indices(n, 1)
    apart = np.linalg.norm(pairs.moving[first] - pairs.moving[second], axis=1)
    for k in np.argsort(-apart)[:MAX_TRIES]:
        if apart[k] >= MIN_SPREAD:
            weight = np.zeros(n)
            weight[[first[k], second[k]]] = 1
            chosen.append(weight)
    return chosen


def _apart(a: Placement, b: Placement) -> float:
    """Mean distance between the two images of a tissue of unit area."""
    corners = np.array([[-0.4, -0.4, 1], [-0.4, 0.4, 1], [0.4, -0.4, 1], [0.4, 0.4, 1]])
    return float(np.linalg.norm(corners @ (a.matrix - b.matrix).T, axis=1).mean())


def spread_out(pairs: Landmarks) -> bool:
    """Tell whether pairs in the normalized frames hold turn and scale, not the shift alone."""
    return all(np.ptp(xy, axis=0).max() >= MIN_SPREAD for xy in (pairs.moving, pairs.target))


def checked_landmarks(
    landmarks: Landmarks | None, moving_xy: FloatArray, target_xy: FloatArray
) -> Landmarks | None:
    """Return the landmarks as floats, or None where there are none.

    Raises
    ------
    InvalidDataError
        If the two sides differ in number, a coordinate is missing, or a place is far outside its
        section.
    """
    if landmarks is None:
        return None
    moving, target = checked_pairs(landmarks)
    _require_near(moving, moving_xy, "the moving section")
    _require_near(target, target_xy, "the target section")
    return Landmarks(moving, target) if len(moving) else None


def _require_near(places: FloatArray, section: FloatArray, name: str) -> None:
    low, high = section.min(axis=0), section.max(axis=0)
    reach = FAR_OUTSIDE * (high - low).max()
    far = ((places < low - reach) | (places > high + reach)).any(axis=1)
    if far.any():
        which = int(np.argmax(far))
        x, y = places[which]
        raise InvalidDataError(
            f"Landmark {which + 1} lies far outside {name}: it is at x {x:g}, y {y:g}; the section "
            f"spans x {low[0]:g} to {high[0]:g} and y {low[1]:g} to {high[1]:g}. "
            "Place it again, or remove it."
        )


def landmarks_alone(params: AlignParams) -> bool:
    """Tell whether no other term has a weight."""
    return params.outline_weight + params.histology_weight + params.feature_weight == 0


def require_enough(terms: Terms) -> None:
    """Refuse landmarks that alone must hold the fit and cannot.

    Raises
    ------
    InvalidDataError
        If three or more places lie on one line where an affine map is asked for (E-20), or all at
        one place.
    """
    pairs = terms.landmarks
    if pairs is None or not landmarks_alone(terms.params):
        return
    if not spread_out(pairs):
        raise InvalidDataError(
            f"The {len(pairs.moving)} landmarks are almost at one place, and nothing else holds "
            "the turn and the scale. Add one farther away, or give the outline a weight."
        )
    if len(pairs.moving) >= MIN_AFFINE and terms.params.transform == "affine":
        require_spread(pairs.moving, pairs.target)


def normalized_pairs(landmarks: Landmarks, frame: Frame) -> Landmarks:
    """Bring the landmarks into the frames of the fit."""
    return Landmarks(
        (landmarks.moving - frame.moving_center) / frame.moving_length,
        (landmarks.target - frame.target_center) / frame.target_length,
    )


def landmark_term(
    landmarks: Landmarks, frame: Frame, transform: Transform, start: Pose | None
) -> LandmarkTerm:
    """Landmarks as a term of the fit; a start's flip (and stretch) is kept."""
    flips = (np.eye(2, 3), np.diag([1.0, -1.0, 0.0])[:2])
    bases = flips if start is None else (frame.matrix_of(start),)
    return LandmarkTerm(normalized_pairs(landmarks, frame), bases, transform)


def _term_of(terms: Terms) -> LandmarkTerm | None:
    parts = terms.extra.parts if isinstance(terms.extra, Together) else ()
    return next((part for part in parts if isinstance(part, LandmarkTerm)), None)


def without_pair(terms: Terms, which: int) -> Terms:
    """Return the terms without one landmark."""
    term = _term_of(terms)
    if term is None or not isinstance(terms.extra, Together):
        return terms
    fewer = Landmarks(
        np.delete(term.pairs.moving, which, axis=0), np.delete(term.pairs.target, which, axis=0)
    )
    others = tuple(part for part in terms.extra.parts if part is not term)
    extra = Together((replace(term, pairs=fewer), *others))
    return terms._replace(landmarks=fewer, extra=extra)
