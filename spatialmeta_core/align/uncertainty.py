"""How far a placed spot may be from its true place.

The Gaussian model of the correction, read for its spread instead of its mean: matched stretches of
the outline and landmarks hold the tissue near them, in the directions they can see; lost stretches,
places along the edge and the inside are free to move as far as tissue usually does. How far that
is, is read from the section itself. Hypotheses that are nearly as believable as the first count
too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import gammaincinv

from spatialmeta_core.align.evidence import turned_normals
from spatialmeta_core.align.frame import placed_at
from spatialmeta_core.align.velocity import Flow
from spatialmeta_core.align.warp import (
    NOISE,
    SD_SHIFT,
    WIDTHS,
    Pairs,
    joined,
    normal_equations,
    pair_landmarks,
    pair_outlines,
)

if TYPE_CHECKING:
    from spatialmeta_core.align.extra import Terms
    from spatialmeta_core.align.frame import Frame, Placed
    from spatialmeta_core.types import Alignment, FloatArray

# In units of the tissue's size. Chosen on made-up sections, see benchmarks.alignment_uncertainty.
# of the displacement, weighed by their likelihood
AMPLITUDES = (0.0075, 0.01, 0.015, 0.02, 0.03, 0.045)
SD_LINEAR = 0.08  # of the affine part around the placement
SD_SAME = 0.001  # of stretch, shear and displacement within one and the same section
SD_TURN = 0.2  # of its rotation, radians
EDGE = 0.006  # of an outline point along its normal
EDGE_PER_PITCH = 0.6  # more of it, per spacing of the lattices
INFLATION = 0.9
NATS = 2.0  # difference in cost that makes a hypothesis e times less believable
ONE_SD = 0.6827  # share of the errors within one sd


class Spread(NamedTuple):
    """Mean squares of the errors of ``n`` points along x and y: ``(n,)`` each."""

    xx: FloatArray
    xy: FloatArray
    yy: FloatArray


def spot_sd(
    found: list[Placed],
    alignment: Alignment,
    moving_xy: FloatArray,
    terms: Terms,
    frame: Frame,
    *,
    pitch: float,
) -> FloatArray:
    """Return the standard deviation of each spot's place, shape ``(n_moving,)``, target px.

    Defined by what a reader expects of it: about 68 % of the spots are within one, and 95 % within
    two of these distances from their true place, in whatever direction.

    Parameters
    ----------
    found
        Hypotheses, best first; ``alignment`` was made from the first.
    moving_xy
        In own units, shape ``(n_moving, 2)``.
    terms
        What they were fitted to.
    pitch
        Spacing of both lattices together (root of the sum of squares), target px; they leave the
        outlines uncertain by a part of it.
    """
    source = (moving_xy - frame.moving_center) / frame.moving_length
    best = placed_at(found[0], source)
    given = (alignment.apply(moving_xy) - frame.target_center) / frame.target_length
    rigid = terms.params.transform == "rigid"
    noise = math.hypot(EDGE, EDGE_PER_PITCH * pitch / frame.target_length)
    spread = posterior(found[0], source, terms, noise)
    for chance, other in zip(chances(found)[1:], found[1:], strict=True):
        spread = _added(spread, np.sqrt(chance) * (placed_at(other, source) - best))
    # what the pose alone leaves out of the fit is known to be missing, and is no random error; in
    # one and the same section there is nothing to leave out
    missing = np.zeros_like(best) if rigid else best - given
    return np.asarray(INFLATION * radius(spread, missing) * frame.target_length)


def chances(found: list[Placed]) -> FloatArray:
    """Probability of each hypothesis, shape ``(n_hypotheses,)``."""
    ahead = np.array([found[0].cost - placed.cost for placed in found])
    weight = np.exp(ahead / NATS)
    return np.asarray(weight / weight.sum())


def radius(spread: Spread, missing: FloatArray) -> FloatArray:
    """Distance that 68 % of the errors stay below, shape ``(n,)``.

    The squared length of a Gaussian error around ``missing`` is taken for a scaled chi-square of
    the same mean and variance: exact for an error on a line and for one equal in all directions.
    """
    x, y = missing.T
    mean = spread.xx + spread.yy + x**2 + y**2
    variance = 2 * (spread.xx**2 + 2 * spread.xy**2 + spread.yy**2)
    variance += 4 * (spread.xx * x**2 + 2 * spread.xy * x * y + spread.yy * y**2)
    half = mean**2 / variance  # of the degrees of freedom
    return np.asarray(np.sqrt(mean / half * gammaincinv(half, ONE_SD)))


def _added(spread: Spread, offset: FloatArray) -> Spread:
    x, y = offset.T
    return Spread(spread.xx + x**2, spread.xy + x * y, spread.yy + y**2)


def posterior(
    placed: Placed, source: FloatArray, terms: Terms, noise: float = math.sqrt(2) * NOISE
) -> Spread:
    """Spread of the true places around a hypothesis, in the normalized target frame.

    Parameters
    ----------
    source
        Points in the normalized moving frame, shape ``(n, 2)``.
    noise
        Of an outline point along its normal. The default is that of the fit, each stretch counted
        once though it is matched from both sides.
    """
    field = placed.warp.velocity if isinstance(placed.warp, Flow) else placed.warp
    matrix = placed.placement.matrix
    pairs, place = _observed(placed, terms, noise)
    seen = field.features(place)
    n = seen.shape[1]
    precision, right = normal_equations(seen, np.zeros(n), pairs)
    asked = field.features(source @ matrix[:, :2].T + matrix[:, 2])
    beyond = np.maximum(0, 1 - (asked[:, 3:] ** 2).sum(axis=1))  # of the process's own variance
    rigid = terms.params.transform == "rigid"
    parts, likelihoods = [], []
    for amplitude in (SD_SAME,) if rigid else AMPLITUDES:
        prior = _prior(n, amplitude, rigid=rigid)
        factor = cho_factor(precision + prior, lower=True)
        likelihoods.append(
            0.5 * right @ cho_solve(factor, right)
            - np.log(np.diag(factor[0])).sum()
            + 0.5 * np.linalg.slogdet(prior)[1]
        )
        covariance = cho_solve(factor, np.eye(2 * n))
        rest = amplitude**2 * beyond
        parts.append(
            (
                ((asked @ covariance[:n, :n]) * asked).sum(axis=1) + rest,
                ((asked @ covariance[:n, n:]) * asked).sum(axis=1),
                ((asked @ covariance[n:, n:]) * asked).sum(axis=1) + rest,
            )
        )
    weight = np.exp(np.array(likelihoods) - max(likelihoods))
    return Spread(*np.tensordot(weight / weight.sum(), np.array(parts), axes=1))


def _prior(n: int, amplitude: float, *, rigid: bool) -> FloatArray:
    """Prior precision of the coefficients of x and, after them, y, ``(2 n, 2 n)``."""
    alone = np.full(n, amplitude**-2)
    alone[:3] = 0 if rigid else SD_LINEAR**-2, 0 if rigid else SD_LINEAR**-2, SD_SHIFT**-2
    prior = np.diag(np.tile(alone, 2))
    if rigid:
        for weights, sd in (
            ({0: 1, n + 1: 1}, SD_SAME),  # area
            ({0: 1, n + 1: -1}, SD_SAME),  # stretch
            ({1: 1, n: 1}, SD_SAME),  # shear
            ({1: 1, n: -1}, SD_TURN),
        ):
            direction = np.zeros(2 * n)
            direction[list(weights)] = list(weights.values())
            prior += np.outer(direction, direction) / sd**2
    return prior


def _observed(placed: Placed, terms: Terms, noise: float) -> tuple[Pairs, FloatArray]:
    """Return the pairs at the end of the fit and the points that they observe."""
    matrix = placed.placement.matrix
    none = np.empty((0, 2))
    marked, goal = (
        (none, none)
        if terms.landmarks is None
        else (terms.landmarks.moving, terms.landmarks.target)
    )
    place = np.concatenate([terms.moving.outline, marked]) @ matrix[:, :2].T + matrix[:, 2]
    moved = placed.warp.at(place)
    normal = turned_normals(terms.moving.normal, matrix[:, :2])
    n = len(normal)
    edges = pair_outlines(place[:n], moved[:n], normal, terms.target, WIDTHS[-1])
    weight = terms.params.outline_weight * (NOISE / noise) ** 2
    edges = edges._replace(trust=edges.trust * weight)
    return joined(edges, pair_landmarks(place, moved, goal, WIDTHS[-1])), place
