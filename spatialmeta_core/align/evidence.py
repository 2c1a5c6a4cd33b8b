"""How believable a placement is when tissue is lost in runs along the edge, not point by point.

Walking along an outline, each point either matches the other outline (a small normal error) or
belongs to a torn, cropped or extra stretch (any distance). Changing between the two states costs
once, however long the stretch is, so a straight cut across a quarter of the section is one event
and not hundreds of misfits. A placement that explains the rest of the outline precisely then beats
one that stretches the tissue to explain the cut as well.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from spatialmeta_core.align.extra import Terms
    from spatialmeta_core.align.velocity import Flow
    from spatialmeta_core.align.warp import Warp
    from spatialmeta_core.types import BoolArray, FloatArray

NOISE = 0.006  # of a matched outline point, in units of the tissue's size
# Distances on a lost stretch are spread evenly up to here. A lost edge may be anywhere, but it is
# one smooth line: where its last observation was tells within this where the next one is.
LOST_REACH = 0.06
DIRECTION_WEIGHT = 3.0  # concentration of matched normals
POINTS_PER_OBSERVATION = 6  # neighboring outline points err together
POINTS_PER_BLOCK = 3  # that share a state, for speed
CHANCE_LOST = 0.02  # that a lost stretch starts at an observation
CHANCE_FOUND = 0.06  # that it ends
SD_LOG_STRETCH = 0.12
SD_LOG_AREA = 0.25


class Runs(NamedTuple):
    """Best reading of an outline: its log likelihood and its matched points, mask ``(n,)``."""

    log_likelihood: float
    matched: BoolArray


def read_runs(
    distance: FloatArray, cosine: FloatArray, noise: float = NOISE, reach: float = LOST_REACH
) -> Runs:
    """Split an outline into matched and lost stretches (Viterbi).

    Parameters
    ----------
    distance
        From each outline point, in order, to the other outline, shape ``(n,)``.
    cosine
        Between the normals there.
    noise
        Standard deviation of the distance of a matched point.
    reach
        Distances of lost points are spread evenly up to here.
    """
    matched = -0.5 * (distance / noise) ** 2 - math.log(noise * math.sqrt(2 * math.pi))
    gain = (matched + DIRECTION_WEIGHT * (cosine - 1)) / POINTS_PER_OBSERVATION
    blocks = np.arange(0, len(gain), POINTS_PER_BLOCK)
    size = np.diff(blocks, append=len(gain))
    value, states = _viterbi(
        np.add.reduceat(gain, blocks).tolist(),
        (size * -math.log(reach) / POINTS_PER_OBSERVATION).tolist(),
        math.log(CHANCE_LOST * POINTS_PER_BLOCK / POINTS_PER_OBSERVATION),
        math.log(CHANCE_FOUND * POINTS_PER_BLOCK / POINTS_PER_OBSERVATION),
    )
    return Runs(value, np.repeat(states, size))


def _viterbi(
    gain: list[float], loss: list[float], to_lost: float, to_found: float
) -> tuple[float, BoolArray]:
    """Best sequence of found (True) and lost states, given the log likelihood of each step."""
    found, lost = 0.0, to_lost
    entered, left = [], []
    for here, there in zip(gain, loss, strict=True):
        enters, leaves = lost + to_found > found, found + to_lost > lost
        entered.append(enters)
        left.append(leaves)
        found, lost = (
            (lost + to_found if enters else found) + here,
            (found + to_lost if leaves else lost) + there,
        )
    states = np.empty(len(gain), bool)
    state = found >= lost
    for place in range(len(gain) - 1, -1, -1):
        states[place] = state
        if entered[place] if state else left[place]:
            state = not state
    return max(found, lost), states


def misfit(matrix: FloatArray, warp: Warp | Flow, terms: Terms) -> float:
    """Improbability of a placement, in nats; differences are what counts.

    Negative log likelihood of both outlines above that of a perfect match, each counted half as
    both see the same pairs of points, plus the
    improbability of the displacement, the stretch (sd 12 %), the change of area (sd 25 %) and what
    the other terms add.

    Parameters
    ----------
    matrix
        Affine placement ``(2, 3)`` between the normalized frames.
    warp
        Displacement added to it.
    """
    moving, target = terms.moving, terms.target
    linear = matrix[:, :2]
    place = moving.outline @ linear.T + matrix[:, 2]
    place = place + warp.at(place)
    normal = turned_normals(moving.normal, linear)
    value, slope = target.at(place)
    ahead = read_runs(np.abs(value), (unit(slope) * normal).sum(axis=1))
    apart, nearest = KDTree(place).query(target.outline)
    back = read_runs(apart, (target.normal * normal[nearest]).sum(axis=1))
    n = (len(place) + len(apart)) / POINTS_PER_OBSERVATION
    perfect = -n * math.log(NOISE * math.sqrt(2 * math.pi))
    outline = perfect - ahead.log_likelihood - back.log_likelihood
    prior = warp.improbability() + _affine_improbability(warp.linear() @ linear)
    more = terms.extra.evidence(matrix, warp) if terms.extra is not None else 0.0
    return terms.params.outline_weight * outline / 2 + prior + more


def _affine_improbability(linear: FloatArray) -> float:
    large, small = np.linalg.svd(linear)[1]
    stretch, area = math.log(large / small), math.log(large * small)
    return 0.5 * ((stretch / SD_LOG_STRETCH) ** 2 + (area / SD_LOG_AREA) ** 2)


def turned_normals(normal: FloatArray, linear: FloatArray) -> FloatArray:
    """Carry the normals ``(n, 2)`` of a line through the linear map ``(2, 2)``."""
    return unit(normal @ np.linalg.inv(linear))


def unit(vectors: FloatArray) -> FloatArray:
    """Scale vectors ``(n, 2)`` to length 1; a zero vector stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12))
