"""Cost of an affine placement of one tissue shape on another, with its gradient.

The paper's outline loss is a nearest-neighbor distance in both directions (eqs 3 and 4; eq. 4 names
ST twice, SM is meant). Here the distance comes from the signed distance field of the other shape, a
redescending function keeps torn or cropped edges from pulling, and the inside counts too. Both
shapes are in units of their own size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from spatialmeta_core.align.shape import Shape
    from spatialmeta_core.types import FloatArray

INTERIOR_WEIGHT = 2.0
PRIOR_WEIGHT = 0.01
SD_LOG_STRETCH = 0.12
SD_LOG_AREA = 0.25


def geman_mcclure(distance: FloatArray, width: float) -> tuple[FloatArray, FloatArray]:
    """Return the robust cost ``d^2 / (d^2 + width^2)``, at most 1, and its derivative."""
    square = distance**2
    total = square + width**2
    return square / total, 2 * distance * width**2 / total**2


def placement_cost(
    matrix: FloatArray, moving: Shape, target: Shape, width: float, weight: float = 1.0
) -> tuple[float, FloatArray]:
    """Cost of placing ``moving`` on ``target``, symmetric in the two.

    Mean robust distance of each outline to the other shape, twice the mean excess of inside points
    beyond the other shape's edge, and a weak prior on stretch (sd 12 %) and area (sd 25 %).

    Parameters
    ----------
    matrix
        Affine map from the moving to the target frame, shape ``(2, 3)``.
    width
        Distance at which the robust cost reaches one half.
    weight
        Of both outlines (lambda_1 of eq. 3); the prior is not weighted.

    Returns
    -------
    cost, gradient
        ``gradient`` has the shape of ``matrix``.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eqs 3 and 4.
    """
    linear, shift = matrix[:, :2], matrix[:, 2]
    inverse = np.linalg.inv(linear)
    ahead, pull = _one_way(
        moving, target, moving.outline @ linear.T + shift, moving.interior @ linear.T + shift, width
    )
    n = len(moving.outline)
    gradient = np.column_stack(
        [pull[:n].T @ moving.outline + pull[n:].T @ moving.interior, pull.sum(axis=0)]
    )
    outline, interior = (target.outline - shift) @ inverse.T, (target.interior - shift) @ inverse.T
    back, pull = _one_way(target, moving, outline, interior, width)
    # x = L^-1 (y - t): dx = -L^-1 (dL x + dt)
    pull = -pull @ inverse
    n = len(outline)
    gradient += np.column_stack([pull[:n].T @ outline + pull[n:].T @ interior, pull.sum(axis=0)])
    prior, slope = _shape_prior(linear, inverse)
    gradient *= weight
    gradient[:, :2] += PRIOR_WEIGHT * slope
    return weight * (ahead + back) + PRIOR_WEIGHT * prior, gradient


def _one_way(
    source: Shape, other: Shape, outline: FloatArray, interior: FloatArray, width: float
) -> tuple[float, FloatArray]:
    value, slope = other.at(np.concatenate([outline, interior]))
    n = len(source.outline)
    robust, steepness = geman_mcclure(value[:n], width)
    excess = np.maximum(value[n:], 0)
    weight = np.concatenate([steepness / n, INTERIOR_WEIGHT * (excess > 0) / max(1, len(excess))])
    cost = robust.mean() + INTERIOR_WEIGHT * excess.sum() / max(1, len(excess))
    return float(cost), slope * weight[:, None]


def _shape_prior(linear: FloatArray, inverse: FloatArray) -> tuple[float, FloatArray]:
    """Penalty on stretch and area; 2 (cosh(log r) - 1), nearly (log r)^2, is smooth at r = 1."""
    area = abs(float(np.linalg.det(linear)))
    square = float((linear**2).sum())
    stretch = (square / area - 2) / SD_LOG_STRETCH**2
    log_area = float(np.log(area))
    slope = (2 * linear - square * inverse.T) / area / SD_LOG_STRETCH**2
    slope = slope + 2 * log_area / SD_LOG_AREA**2 * inverse.T
    return stretch + (log_area / SD_LOG_AREA) ** 2, slope
