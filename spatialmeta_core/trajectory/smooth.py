r"""Smooth curves along an axis: one matrix smooths every feature.

Local linear regression with tricube weights over the nearest share of the spots, which is LOWESS
without its robustness steps, is linear in the values, so its weights are made once. Cleveland
(1979), J. Am. Stat. Assoc. 74, 829-836.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import norm

from spatialmeta_core import keys, stats
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.trajectory.axis import find_axis
from spatialmeta_core.trajectory.curves import BAND, wanted_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from spatialmeta_core.trajectory.axis import EdgeDistance
    from spatialmeta_core.types import FloatArray, Trajectory

FEATURES_PER_BLOCK = 512  # dense columns held at once


def smooth(
    joint: AnnData,
    where: Trajectory | EdgeDistance,
    features: Sequence[str] | None = None,
    *,
    span: float = 0.4,
    n_points: int = 60,
) -> pd.DataFrame:
    """Smooth features along an axis.

    Parameters
    ----------
    joint, where
        As for ``screen``.
    features
        Names to follow; all if not given.
    span
        Share of the spots that each local line is fitted to, above 0 to 1.
    n_points
        Points of each curve, evenly spaced from end to end.

    Returns
    -------
    ``keys.GRADIENT_COLUMNS``, one row per feature and point, points in order. ``mean`` is the
    curve, with a pointwise 95 % band from the spread around it; ``z``, ``z_low`` and ``z_high`` are
    standardized as in ``gradient``; ``n_spots`` counts the spots behind the whole curve. The band
    takes spots as independent.

    Raises
    ------
    InvalidDataError
        If a path has fewer than two points, a region no polygon, or too few spots are in reach.
    InvalidParamsError
        If the span or the number of points is out of range.
    NotFoundError
        If a feature or the sample is unknown.
    NotReadyError
        If the data are not normalized.
    """
    if not 0 < span <= 1 or n_points < 2:  # noqa: PLR2004, a curve has two ends
        raise InvalidParamsError(
            f"span is {span!r} and n_points is {n_points!r}; allowed are a span above 0 and up to "
            "1, and 2 or more points."
        )
    wanted = wanted_columns(joint, features)
    axis = find_axis(joint, where)
    points = np.linspace(axis.start, axis.stop, n_points)
    numbers = {name: np.full((len(wanted), n_points), np.nan) for name in keys.GRADIENT_COLUMNS[3:]}
    for block in stats.feature_blocks(joint[axis.spots]):
        place = np.searchsorted(block.columns, wanted).clip(max=len(block.columns) - 1)
        row = np.flatnonzero(block.columns[place] == wanted)
        if not len(block.rows) or not len(row):
            continue
        smoother = Smoother(axis.along[block.rows], points, span)
        for start in range(0, len(row), FEATURES_PER_BLOCK):
            part = row[start : start + FEATURES_PER_BLOCK]
            values = block.matrix[:, place[part]].toarray().astype(float)
            for name, found in _curves(smoother, values).items():
                numbers[name][part] = found.T
    numbers["n_spots"] = np.nan_to_num(numbers["n_spots"]).astype(int)
    columns = (
        np.repeat(joint.var_names[wanted], n_points),
        np.repeat(joint.var[keys.FEATURE_TYPE].to_numpy()[wanted], n_points),
        np.tile(points, len(wanted)),
        *(values.ravel() for values in numbers.values()),
    )
    return pd.DataFrame(dict(zip(keys.GRADIENT_COLUMNS, columns, strict=True)))


class Smoother:
    """Local linear regression as two matrices: values to points, and points back to spots.

    Attributes
    ----------
    weights
        Curve at the points from values at the spots, shape ``(n_points, n_spots)``.
    back
        Linear interpolation of the curve at the spots, shape ``(n_spots, n_points)``.
    """

    def __init__(self, along: FloatArray, points: FloatArray, span: float) -> None:
        self.weights = local_lines(along, points, span)
        step = points[1] - points[0]
        place = np.clip((along - points[0]) / step, 0, len(points) - 1)
        low = np.minimum(place.astype(int), len(points) - 2)
        self.back = np.zeros((len(along), len(points)))
        spots = np.arange(len(along))
        self.back[spots, low] = 1 - (place - low)
        self.back[spots, low + 1] = place - low

    def residuals(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the curve at the spots and what it leaves; both shaped as ``values``."""
        fitted = self.back @ (self.weights @ values)
        return fitted, values - fitted


def local_lines(along: FloatArray, points: FloatArray, span: float) -> FloatArray:
    """Return the weights with which a local line at each point adds up values.

    Parameters
    ----------
    along
        Places of the values, shape ``(n,)``.
    points
        Shape ``(n_points,)``.
    span
        Share of the values in each fit.

    Returns
    -------
    Shape ``(n_points, n)``; rows add up to 1.
    """
    away = along[None] - points[:, None]
    n_near = min(len(along), max(2, int(span * len(along) + 1e-10)))
    reach = np.partition(np.abs(away), n_near - 1, axis=1)[:, [n_near - 1]]
    reach = np.maximum(reach, 1e-12 * (np.ptp(along) + 1.0))
    weight = np.clip(1 - (np.abs(away) / reach) ** 3, 0, None) ** 3
    weight[weight.sum(axis=1) == 0] = 1.0  # all near values at the reach itself
    weight /= weight.sum(axis=1, keepdims=True)
    center = (weight * away).sum(axis=1, keepdims=True)
    moment = (weight * (away - center) ** 2).sum(axis=1, keepdims=True)
    sloped = moment > 1e-12 * np.ptp(along) ** 2  # else one place, and a mean is all there is
    slope = np.where(sloped, -center * (away - center) / np.where(sloped, moment, 1.0), 0.0)
    return np.asarray(weight * (1.0 + slope))


def _curves(smoother: Smoother, values: FloatArray) -> dict[str, FloatArray]:
    """Curves of columns ``(n_spots, n_features)``; each result ``(n_points, n_features)``."""
    curve = smoother.weights @ values
    n, hat = len(values), smoother.back @ smoother.weights
    _, left = smoother.residuals(values)
    # degrees of freedom of the residuals: Hastie and Tibshirani (1990), section 3.5
    degrees = max(1.0, n - 2 * np.trace(hat) + float((hat**2).sum()))
    sd = np.sqrt((left**2).sum(axis=0) / degrees)
    half = norm.ppf((1 + BAND) / 2) * np.sqrt((smoother.weights**2).sum(axis=1))[:, None] * sd
    center, scale = values.mean(axis=0), values.std(axis=0, ddof=1)
    scale = np.where(scale > 1e-9 * np.abs(center), scale, np.nan)
    low, high = curve - half, curve + half
    return {
        "mean": curve,
        "low": low,
        "high": high,
        "z": (curve - center) / scale,
        "z_low": (low - center) / scale,
        "z_high": (high - center) / scale,
        "n_spots": np.full(curve.shape, float(n)),
    }
