"""Smooth nonrigid correction after the affine placement.

The displacement is a Gaussian process plus a small affine part; the outlines are noisy observations
of it along their normals, landmarks in both directions. The most probable displacement solves a
linear least-squares problem, repeated as outline points find their partners, with robust weights
that narrow; stretches read as lost (cut, torn or extra) do not pull at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from spatialmeta_core.align.evidence import (
    POINTS_PER_OBSERVATION,
    read_runs,
    turned_normals,
    unit,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from spatialmeta_core.align.shape import Shape
    from spatialmeta_core.types import FloatArray, IntArray, Landmarks

    Carry = Callable[["Warp", FloatArray], FloatArray]

# In units of the tissue's size.
LENGTH = 0.45  # over which the displacement changes
SD_WARP = 0.03
CONTROL_STEP = 0.17  # of the grid of inducing points
MIN_VARIANCE = 1e-3  # of the largest principal variance
SD_LINEAR = 0.05  # of the extra affine part
SD_SHIFT = 0.06
NOISE = 0.010  # of an outline point, along its normal
WIDTHS = (0.02, 0.012)  # robust widths
STEPS_PER_WIDTH = (3, 4)
MATCH_NOISE = 0.008  # where stretches that match are told from lost ones, at the least
MATCH_REACH = 0.3  # generous, so that points find partners from afar
MIN_COSINE = 0.7  # normals of partners must agree
LANDMARK_NOISE = 0.010  # of a place marked by hand, along each axis
LANDMARK_WIDTHS = 3.0  # robust widths of landmarks, in those of the outline


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """A displacement of the plane, in the normalized target frame.

    Attributes
    ----------
    control
        Inducing points, shape ``(n_control, 2)``.
    whitening
        From kernel values to features of unit variance, shape ``(n_control, n_process)``.
    weights
        Coefficients of x and y, shape ``(3 + n_process, 2)``.
    """

    control: FloatArray
    whitening: FloatArray
    weights: FloatArray

    def at(self, xy: FloatArray) -> FloatArray:
        """Displacement at ``xy``, shape ``(n, 2)``."""
        return np.asarray(self.features(xy) @ self.weights)

    def features(self, xy: FloatArray) -> FloatArray:
        """Columns x, y, 1 and the process, ``(n, 3 + n_process)``, that the weights belong to."""
        return _features(xy, self.control, self.whitening)

    def linear(self) -> FloatArray:
        """Linear part of ``xy -> xy + displacement`` without the process, shape ``(2, 2)``."""
        return np.asarray(np.eye(2) + self.weights[:2].T)

    def improbability(self) -> float:
        """Negative log prior of the process, up to a constant."""
        return float((self.weights[3:] ** 2).sum() / (2 * SD_WARP**2))


class Pairs(NamedTuple):
    """Observations ``direction @ displacement(place[point]) = offset`` with their weights."""

    point: IntArray
    direction: FloatArray
    offset: FloatArray
    trust: FloatArray


def fit_warp(
    matrix: FloatArray,
    moving: Shape,
    target: Shape,
    *,
    landmarks: Landmarks | None = None,
    outline_weight: float = 1.0,
    carry: Carry | None = None,
) -> Warp:
    """Find the most probable displacement of an affinely placed shape.

    Parameters
    ----------
    matrix
        Affine placement ``(2, 3)`` between the normalized frames.
    moving, target
        Shapes in units of their own size.
    landmarks
        Pairs of places in the same frames, observed in both directions.
    outline_weight
        Weight of the outlines; the landmarks have 1.
    carry
        Displacement of points by the field, where that is not the field itself (a flow); the field
        is then chosen so that the displacement meets the observations.
    """
    linear = matrix[:, :2]
    marked = np.empty((0, 2)) if landmarks is None else landmarks.moving
    goal = np.empty((0, 2)) if landmarks is None else landmarks.target
    place = np.concatenate([moving.outline, marked]) @ linear.T + matrix[:, 2]
    n = len(moving.outline)
    normal = turned_normals(moving.normal, linear)
    control = _control(np.concatenate([place, target.outline]))
    whitening = _whitening(control)
    features = _features(place, control, whitening)
    prior = np.full(features.shape[1], SD_WARP**-2)
    prior[:3] = SD_LINEAR**-2, SD_LINEAR**-2, SD_SHIFT**-2
    warp = Warp(control, whitening, np.zeros((len(prior), 2)))
    for width in np.repeat(WIDTHS, STEPS_PER_WIDTH).tolist():
        straight = features @ warp.weights
        moved = straight if carry is None else carry(warp, place)
        edges = pair_outlines(place[:n], moved[:n], normal, target, width)
        edges = edges._replace(trust=edges.trust * outline_weight)
        pairs = joined(edges, pair_landmarks(place, moved, goal, width))
        beyond = (pairs.direction * (moved - straight)[pairs.point]).sum(axis=1)
        pairs = pairs._replace(offset=pairs.offset - beyond)
        warp = Warp(control, whitening, _solve(features, prior, pairs))
    return warp


def _solve(features: FloatArray, prior: FloatArray, pairs: Pairs) -> FloatArray:
    precision, right = normal_equations(features, prior, pairs)
    solution = cho_solve(cho_factor(precision, lower=True), right)
    return np.asarray(solution.reshape(2, -1).T)


def normal_equations(
    features: FloatArray, prior: FloatArray, pairs: Pairs
) -> tuple[FloatArray, FloatArray]:
    """Precision matrix and right side for the coefficients of x and, after them, y.

    Observations of one point are added up first.
    """
    n = len(features)
    x, y = pairs.direction[:, 0], pairs.direction[:, 1]

    def total(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(pairs.point, values * pairs.trust, n)[:, None], float)

    xx, xy, yy = (features.T @ (features * total(v)) for v in (x * x, x * y, y * y))
    right = [features.T @ total(v * pairs.offset) for v in (x, y)]
    precision = np.block([[xx + np.diag(prior), xy], [xy, yy + np.diag(prior)]])
    return precision, np.concatenate(right).ravel()


def joined(first: Pairs, second: Pairs) -> Pairs:
    """Observations of both."""
    return Pairs(*(np.concatenate(both) for both in zip(first, second, strict=True)))


def pair_landmarks(place: FloatArray, moved: FloatArray, goal: FloatArray, width: float) -> Pairs:
    """Observe the last ``len(goal)`` of the points ``place`` along x and along y.

    Parameters
    ----------
    place, moved
        Points after the affine placement, and their displacement so far, ``(n, 2)``.
    goal
        Where the last of them belong, ``(n_landmarks, 2)``.
    width
        Robust width of the outlines; a landmark far from its goal hardly pulls.
    """
    points = np.arange(len(place) - len(goal), len(place))
    apart = ((place + moved)[points] - goal) / (LANDMARK_WIDTHS * width)
    trust = (1 + (apart**2).sum(axis=1)) ** -2 / LANDMARK_NOISE**2
    return Pairs(
        np.tile(points, 2),
        np.repeat(np.eye(2), len(points), axis=0),
        (goal - place[points]).T.ravel(),
        np.tile(trust, 2),
    )


def pair_outlines(
    place: FloatArray, moved: FloatArray, normal: FloatArray, target: Shape, width: float
) -> Pairs:
    """Pair both outlines with each other, at the displacement so far.

    Parameters
    ----------
    place, moved
        The moving outline after the affine placement, and its displacement, ``(n, 2)``.
    normal
        Its normals after the placement, ``(n, 2)``.
    width
        Robust width.
    """
    now = place + moved
    value, slope = target.at(now)
    steep = unit(slope)
    ahead = _trust(value, (steep * normal).sum(axis=1), width)
    apart, nearest = KDTree(now).query(target.outline)
    back = _trust(apart, (target.normal * normal[nearest]).sum(axis=1), width)
    gap = ((target.outline - place[nearest]) * normal[nearest]).sum(axis=1)
    return Pairs(
        np.concatenate([np.arange(len(place)), nearest]),
        np.concatenate([steep, normal[nearest]]),
        np.concatenate([(steep * moved).sum(axis=1) - value, gap]),
        np.concatenate([ahead, back]),
    )


def _trust(distance: FloatArray, cosine: FloatArray, width: float) -> FloatArray:
    robust = (width**2 / (width**2 + distance**2)) ** 2
    noise = max(MATCH_NOISE, width / 2)
    matched = read_runs(distance, cosine, noise, MATCH_REACH).matched & (cosine > MIN_COSINE)
    return np.asarray(robust * matched / (NOISE**2 * POINTS_PER_OBSERVATION))


def _control(points: FloatArray) -> FloatArray:
    low, high = points.min(axis=0) - CONTROL_STEP, points.max(axis=0) + CONTROL_STEP
    axes = [
        np.linspace(a, b, math.ceil((b - a) / CONTROL_STEP) + 1)
        for a, b in zip(low, high, strict=True)
    ]
    control = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    near = KDTree(points).query(control)[0] < 2 * CONTROL_STEP
    return np.asarray(control[near])


def _whitening(control: FloatArray) -> FloatArray:
    """Principal features of the process; directions it hardly ever takes are left out."""
    variance, direction = np.linalg.eigh(_kernel(control, control))
    kept = variance > MIN_VARIANCE * variance[-1]
    return np.asarray(direction[:, kept] / np.sqrt(variance[kept]))


def _kernel(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-cdist(a, b, "sqeuclidean") / (2 * LENGTH**2)))


def _features(xy: FloatArray, control: FloatArray, whitening: FloatArray) -> FloatArray:
    """Columns x, y, 1 and the process, whose weights are independent."""
    return np.column_stack([xy, np.ones(len(xy)), _kernel(xy, control) @ whitening])
