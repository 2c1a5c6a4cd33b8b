"""Smooth nonrigid correction after the affine placement.

The displacement is a Gaussian process plus a small affine part; the outlines are noisy observations
of it along their normals. The most probable displacement solves a linear least-squares problem,
repeated as outline points find their partners, with robust weights that narrow; stretches read as
lost (cut, torn or extra) do not pull at all.
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
    NOISE as MATCH_NOISE,
)
from spatialmeta_core.align.evidence import (
    POINTS_PER_OBSERVATION,
    read_runs,
    turned_normals,
    unit,
)

if TYPE_CHECKING:
    from spatialmeta_core.align.shape import Shape
    from spatialmeta_core.types import FloatArray, IntArray

# In units of the tissue's size.
LENGTH = 0.45  # over which the displacement changes
SD_WARP = 0.03
CONTROL_STEP = 0.17  # of the grid of inducing points
MIN_VARIANCE = 1e-3  # of the largest principal variance
SD_LINEAR = 0.05  # of the extra affine part
SD_SHIFT = 0.06
NOISE = 0.010  # of an outline point, along its normal
WIDTHS = (0.02, 0.012)  # robust widths
STEPS_PER_WIDTH = (6, 10)
MIN_COSINE = 0.7  # normals of partners must agree


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
        return np.asarray(_features(xy, self.control, self.whitening) @ self.weights)

    def linear(self) -> FloatArray:
        """Linear part of ``xy -> xy + displacement`` without the process, shape ``(2, 2)``."""
        return np.asarray(np.eye(2) + self.weights[:2].T)

    def improbability(self) -> float:
        """Negative log prior of the process, up to a constant."""
        return float((self.weights[3:] ** 2).sum() / (2 * SD_WARP**2))


class _Pairs(NamedTuple):
    """Observations ``direction @ displacement(place[point]) = offset`` with their weights."""

    point: IntArray
    direction: FloatArray
    offset: FloatArray
    trust: FloatArray


def fit_warp(matrix: FloatArray, moving: Shape, target: Shape) -> Warp:
    """Find the most probable displacement of an affinely placed shape.

    Parameters
    ----------
    matrix
        Affine placement ``(2, 3)`` between the normalized frames.
    moving, target
        Shapes in units of their own size.
    """
    linear = matrix[:, :2]
    place = moving.outline @ linear.T + matrix[:, 2]
    normal = turned_normals(moving.normal, linear)
    control = _control(np.concatenate([place, target.outline]))
    whitening = _whitening(control)
    features = _features(place, control, whitening)
    prior = np.full(features.shape[1], SD_WARP**-2)
    prior[:3] = SD_LINEAR**-2, SD_LINEAR**-2, SD_SHIFT**-2
    weights: FloatArray = np.zeros((len(prior), 2))
    for width in np.repeat(WIDTHS, STEPS_PER_WIDTH).tolist():
        pairs = _pair(place, features @ weights, normal, target, width)
        weights = _solve(features, prior, pairs)
    return Warp(control, whitening, weights)


def _solve(features: FloatArray, prior: FloatArray, pairs: _Pairs) -> FloatArray:
    """Weighted least squares; observations of one outline point are added up first."""
    n = len(features)
    x, y = pairs.direction[:, 0], pairs.direction[:, 1]

    def total(values: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(pairs.point, values * pairs.trust, n)[:, None], float)

    xx, xy, yy = (features.T @ (features * total(v)) for v in (x * x, x * y, y * y))
    right = [features.T @ total(v * pairs.offset) for v in (x, y)]
    precision = np.block([[xx + np.diag(prior), xy], [xy, yy + np.diag(prior)]])
    solution = cho_solve(cho_factor(precision, lower=True), np.concatenate(right))
    return np.asarray(solution.reshape(2, -1).T)


def _pair(
    place: FloatArray, moved: FloatArray, normal: FloatArray, target: Shape, width: float
) -> _Pairs:
    """Pair both outlines with each other, at the displacement so far."""
    now = place + moved
    value, slope = target.at(now)
    steep = unit(slope)
    ahead = _trust(value, (steep * normal).sum(axis=1), width)
    apart, nearest = KDTree(now).query(target.outline)
    back = _trust(apart, (target.normal * normal[nearest]).sum(axis=1), width)
    gap = ((target.outline - place[nearest]) * normal[nearest]).sum(axis=1)
    return _Pairs(
        np.concatenate([np.arange(len(place)), nearest]),
        np.concatenate([steep, normal[nearest]]),
        np.concatenate([(steep * moved).sum(axis=1) - value, gap]),
        np.concatenate([ahead, back]),
    )


def _trust(distance: FloatArray, cosine: FloatArray, width: float) -> FloatArray:
    robust = (width**2 / (width**2 + distance**2)) ** 2
    noise = max(MATCH_NOISE, width / 2)
    matched = read_runs(distance, cosine, noise).matched & (cosine > MIN_COSINE)
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
