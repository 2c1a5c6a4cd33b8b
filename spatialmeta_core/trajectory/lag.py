"""How far a metabolite's peak lies behind a gene's, with an interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from spatialmeta_core import keys, stats
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.geometry import spacing
from spatialmeta_core.trajectory.axis import find_axis
from spatialmeta_core.trajectory.curves import wanted_columns
from spatialmeta_core.trajectory.screen import top_of
from spatialmeta_core.trajectory.smooth import Smoother

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from spatialmeta_core.trajectory.axis import EdgeDistance
    from spatialmeta_core.types import FloatArray, IntArray, Trajectory

N_POINTS = 120
SPAN = 0.25  # a peak is broadened less than by a curve for the eye
PATCH = 3.0  # spacings; residuals of spots of one patch change sign together
COVERAGE = 0.95

Landmark = Literal["peak", "valley", "change"]


class _Positions(NamedTuple):
    """Where features have their landmark: found, and in resamples less what those were made of."""

    found: FloatArray  # (n_features,)
    errors: FloatArray  # (n_resamples, n_features)


def peak_lags(
    joint: AnnData,
    where: Trajectory | EdgeDistance,
    genes: Sequence[str],
    metabolites: Sequence[str],
    *,
    at: Landmark = "peak",
    n_resamples: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure by how much each metabolite comes after each gene along an axis.

    Curves are local lines over a quarter of the spots. The interval is from a wild bootstrap: what
    the curve leaves of the values is added to it again with random signs, the same for all spots of
    a patch three spots wide and for both modalities, as neighbors err together.

    Parameters
    ----------
    joint, where
        As for ``screen``.
    genes, metabolites
        Names; choose those that the screen finds to have the landmark.
    at
        What is compared: the highest or the lowest place of the curve, or the steepest.
    n_resamples
        Of the bootstrap, 20 or more.
    seed
        The same seed gives the same interval.

    Returns
    -------
    ``keys.LAG_COLUMNS``, one row per pair, in the unit of the axis: those whose 95 % interval
    ``low`` to ``high`` leaves out 0 first, then by the size of the lag; a positive ``lag`` puts the
    metabolite farther along. Pairs of features without values, or constant ones, are NaN.

    Raises
    ------
    InvalidDataError
        If a path has fewer than two points, a region no polygon, or too few spots are in reach.
    InvalidParamsError
        If ``n_resamples`` is out of range.
    NotFoundError
        If a feature or the sample is unknown.
    NotReadyError
        If the data are not normalized.
    """
    if n_resamples < 20:  # noqa: PLR2004, fewer have no 2.5 % tail
        raise InvalidParamsError(f"n_resamples is {n_resamples!r}; allowed is 20 or more.")
    wanted = wanted_columns(joint, [*genes, *metabolites])
    places = _positions(joint, where, wanted, at, n_resamples=n_resamples, seed=seed)
    n = len(genes)
    lag = places.found[None, n:] - places.found[:n, None]
    error = places.errors[:, None, n:] - places.errors[:, :n, None]
    tails = [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]
    low, high = lag + np.quantile(error, tails, axis=0)
    columns = (
        np.repeat(np.asarray(genes, object), len(metabolites)),
        np.tile(np.asarray(metabolites, object), n),
        *(part.ravel() for part in (lag, low, high)),
        np.repeat(places.found[:n], len(metabolites)),
        np.tile(places.found[n:], n),
    )
    table = pd.DataFrame(dict(zip(keys.LAG_COLUMNS, columns, strict=True)))
    differs = (table["low"] > 0) | (table["high"] < 0)
    order = np.lexsort((-table["lag"].abs(), ~differs))
    return table.iloc[order].reset_index(drop=True)


def _positions(
    joint: AnnData,
    where: Trajectory | EdgeDistance,
    wanted: IntArray,
    at: Landmark,
    *,
    n_resamples: int,
    seed: int,
) -> _Positions:
    axis = find_axis(joint, where)
    points = np.linspace(axis.start, axis.stop, N_POINTS)
    step = points[1] - points[0]
    xy = np.asarray(joint.obsm[keys.SPATIAL], float)
    pitch = spacing(xy[axis.section])
    cells = np.floor(xy[axis.spots] / (PATCH * pitch)).astype(int)
    patch = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], (n_resamples, int(patch.max()) + 1))
    found = np.full(len(wanted), np.nan)
    errors = np.full((n_resamples, len(wanted)), np.nan)
    for block in stats.feature_blocks(joint[axis.spots]):
        place = np.searchsorted(block.columns, wanted).clip(max=len(block.columns) - 1)
        row = np.flatnonzero(block.columns[place] == wanted)
        if not len(block.rows) or not len(row):
            continue
        values = block.matrix[:, place[row]].toarray().astype(float)
        smoother = Smoother(axis.along[block.rows], points, SPAN)
        fitted, left = smoother.residuals(values)
        constant = np.ptp(values, axis=0) == 0
        found[row] = points[0] + step * _landmark(smoother.weights @ values, at)
        base, weights = smoother.weights @ fitted, smoother.weights
        start = _landmark(base, at)
        for number in range(n_resamples):
            sign = signs[number, patch[block.rows]][:, None]
            again = _landmark(base + weights @ (sign * left), at)
            errors[number, row] = step * (again - start)
        found[row[constant]] = np.nan
    errors[:, np.isnan(found)] = np.nan
    return _Positions(found, errors)


def _landmark(curves: FloatArray, at: Landmark) -> FloatArray:
    if at == "change":
        return top_of(np.abs(np.gradient(curves, axis=0)))
    return top_of(curves if at == "peak" else -curves)
