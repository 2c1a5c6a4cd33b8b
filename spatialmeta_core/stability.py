"""Which carried patterns hold when the alignment is a little off.

The reassignment is repeated with the sources shifted by one spot in eight directions and turned by
two degrees either way. A feature whose map stays alike holds; one whose map is gone would look
different after any other, equally good alignment.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.sparse import csc_array, csr_array, issparse

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry import make_pose, spacing
from spatialmeta_core.joint import TARGET_COUNTS, feature_table, positions
from spatialmeta_core.params import ReassignParams
from spatialmeta_core.reassign import donors_of, sides

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import anndata as ad

    from spatialmeta_core.reassign import Donors, Sides
    from spatialmeta_core.types import Alignment, BoolArray, FloatArray, Pose

THRESHOLD: Final = 0.8  # a feature holds when every correlation is at least this
ANGLE_DEG: Final = 2.0
DIRECTIONS: Final = (
    "right",
    "right and down",
    "down",
    "left and down",
    "left",
    "left and up",
    "up",
    "right and up",
)  # 45 degrees apart, y pointing down
CHUNK = 256  # features at a time
MIN_ROWS = 3  # fewer say nothing about a correlation


def stability(
    st: ad.AnnData,
    sm: ad.AnnData,
    alignment: Alignment | None = None,
    params: ReassignParams | None = None,
    *,
    angle_deg: float = ANGLE_DEG,
    threshold: float = THRESHOLD,
    seed: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Tell which carried features keep their pattern when the alignment is moved a little.

    Parameters
    ----------
    st, sm, alignment, params
        As for ``joint.join``.
    angle_deg
        The turns, about the middle of the target; the shifts are one spacing of the ST spots.
    threshold
        A feature holds when its smallest correlation is at least this, 0 to 1.
    seed
        Of the random halves behind ``r_noise``.
    on_progress
        Takes the fraction done.

    Returns
    -------
    Columns ``keys.STABILITY_COLUMNS``, one row per carried feature, named as in the joint table:
    metabolites, or genes where the direction is ``"st_to_sm"``. Correlations are NaN for a feature
    with one value everywhere, which does not hold. A correlation is lowered by shifting and by
    noise between pixels; ``r_noise`` tells what noise alone would leave (``noise_correlations``),
    so where the smallest is not far below it, the alignment makes no difference.

    Raises
    ------
    InvalidDataError
        As for ``joint.join``, also when fewer than 3 targets have values.
    InvalidParamsError
        If ``threshold`` is not 0 to 1.
    """
    if not 0 <= threshold <= 1:
        raise InvalidParamsError(f"threshold is {threshold}; allowed is 0 to 1.")
    settings = params or ReassignParams()
    st_xy = positions(st, "ST")
    where = sides(st_xy, positions(sm, "SM"), alignment, settings)
    to_spots = settings.direction == "sm_to_st"
    moves = perturbations(where.target_xy, shift=spacing(st_xy), angle_deg=angle_deg)
    values, total = (sm.X, None) if to_spots else (st.X, TARGET_COUNTS)
    found = shift_correlations(
        values, where, settings, list(moves.values()), total=total, on_progress=on_progress
    )
    noise = noise_correlations(values, where, settings, total=total, seed=seed)
    names = feature_table(st, sm)[keys.FEATURE_TYPE]
    kind = keys.SM if to_spots else keys.ST
    table = _table(names.index[names == kind].astype(str), found, list(moves), threshold)
    return table.assign(type=kind, **{keys.R_NOISE: noise})[list(keys.STABILITY_COLUMNS)]


def perturbations(
    target_xy: FloatArray, *, shift: float, angle_deg: float = ANGLE_DEG
) -> dict[str, Pose]:
    """Return the ten ways the sources are moved, by their names in words.

    Parameters
    ----------
    target_xy
        Shape ``(n_targets, 2)``; turns are about the middle of their bounding box.
    shift
        Length of the shifts, in the same unit.
    """
    middle = (target_xy.min(axis=0) + target_xy.max(axis=0)) / 2
    moves = {}
    for number, name in enumerate(DIRECTIONS):
        turn = math.radians(45 * number)
        moves[f"1 spot {name}"] = make_pose(shift=(shift * math.cos(turn), shift * math.sin(turn)))
    for turned in (angle_deg, -angle_deg):
        moves[f"{turned:+g} degrees"] = make_pose(turned, center=(middle[0], middle[1]))
    return moves


def shift_correlations(
    values: Any,
    where: Sides,
    params: ReassignParams,
    moves: list[Pose],
    *,
    total: float | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> FloatArray:
    """Correlate each feature, carried in place, with itself, carried from moved sources.

    Compared are normalized values, ``log1p(value / total of the target * typical total)``, which
    all later tables are made of, over the targets that have values both times.

    Parameters
    ----------
    values
        Raw intensities or counts, 0 or more, shape ``(n_sources, n_features)``, dense or sparse.
    where, params
        As ``reassign.sides`` gives them.
    moves
        Maps of the plane applied to the sources, one at a time.
    total
        The typical total; by default the median over the targets.
    on_progress
        Takes the fraction done.

    Returns
    -------
    Pearson correlations, shape ``(n_moves, n_features)``; NaN for a feature that does not vary
    when carried in place, 0 for one that varies there but no longer when moved.

    Raises
    ------
    InvalidDataError
        If fewer than 3 targets have values in place.
    """
    sums = np.asarray(values.sum(axis=1, dtype=float)).ravel()
    still = donors_of(where, params)
    n_found = int((still.n_used > 0).sum())
    if n_found < MIN_ROWS:
        raise InvalidDataError(
            f"{n_found} of {len(still.n_used):,} positions get values; the stability check needs "
            f"{MIN_ROWS} or more. Align the sections first."
        )
    here = _Plan(still.weights, sums, total)
    others = [_Plan(donors_of(where.moved(move), params).weights, sums, total) for move in moves]
    found = np.empty((len(moves), values.shape[1]))
    for part, dense in _blocks(values):
        before = here.carry(dense)
        varies = np.ptp(before[here.has], axis=0) > 0
        for row, plan in enumerate(others):
            r = _correlation(before, plan.carry(dense), here.has & plan.has)
            found[row, part] = np.where(varies, r, np.nan)
        if on_progress is not None:
            on_progress(min(part.stop, values.shape[1]) / values.shape[1])
    return found


def noise_correlations(
    values: Any,
    where: Sides,
    params: ReassignParams,
    *,
    total: float | None = None,
    seed: int = 0,
) -> FloatArray:
    """Tell how alike two maps of the same place would be, made from different pixels.

    The sources of each target are split into two halves at random; the correlation of the two maps
    is corrected for their having half the sources each (Spearman and Brown).

    Parameters
    ----------
    values, where, params, total
        As for ``shift_correlations``.
    seed
        Of the halves.

    Returns
    -------
    Shape ``(n_features,)``, 0 to 1; NaN for all when fewer than 3 targets have two sources.
    """
    sums = np.asarray(values.sum(axis=1, dtype=float)).ravel()
    first, second = (_Plan(half, sums, total) for half in _halves(donors_of(where, params), seed))
    both = first.has & second.has
    found = np.full(values.shape[1], np.nan)
    if both.sum() >= MIN_ROWS:
        for part, dense in _blocks(values):
            r = np.maximum(_correlation(first.carry(dense), second.carry(dense), both), 0.0)
            found[part] = 2 * r / (1 + r)
    return found


def _halves(found: Donors, seed: int) -> tuple[csr_array, csr_array]:
    """Split the weights of every target: a random half of its sources each."""
    weights = found.weights
    row = np.repeat(np.arange(len(found.n_used)), found.n_used)
    order = np.lexsort((np.random.default_rng(seed).random(weights.nnz), row))
    rank = np.empty(weights.nnz, np.int64)
    rank[order] = np.arange(weights.nnz) - np.repeat(weights.indptr[:-1], found.n_used)
    parts = [weights.data * (rank % 2 == half) for half in (0, 1)]
    first, second = (
        csr_array((part, weights.indices, weights.indptr), shape=weights.shape) for part in parts
    )
    return first, second


def _blocks(values: Any) -> Iterator[tuple[slice, FloatArray]]:
    """Yield a table as dense blocks of a few columns."""
    columns: Any = csc_array(values) if issparse(values) else np.asarray(values)
    for first in range(0, columns.shape[1], CHUNK):
        part = slice(first, first + CHUNK)
        block = columns[:, part]
        yield part, np.asarray(block.toarray() if issparse(block) else block, float)


class _Plan:
    """Weights of one reassignment, and the factor that gives each target the typical total."""

    def __init__(self, weights: csr_array, sums: FloatArray, total: float | None) -> None:
        self.has = np.asarray(weights.sum(axis=1)).ravel() > 0
        self._weights = weights
        own = weights @ sums
        lit = own > 0
        typical = float(np.median(own[lit])) if total is None and lit.any() else total or 0.0
        self._factor = np.divide(typical, own, out=np.zeros(len(own)), where=lit)[:, None]

    def carry(self, values: FloatArray) -> FloatArray:
        """Return normalized values at the targets; 0 (not NaN) where there is no source."""
        carried = self._weights @ values
        carried *= self._factor
        return np.asarray(np.log1p(carried, out=carried))


def _correlation(a: FloatArray, b: FloatArray, rows: BoolArray) -> FloatArray:
    """Correlate columns over some rows; 0 where one has no variance, or the rows are too few."""
    if rows.sum() < MIN_ROWS:
        return np.zeros(a.shape[1])
    if not rows.all():
        a, b = a[rows], b[rows]
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    size = np.sqrt(np.einsum("ij,ij->j", a, a) * np.einsum("ij,ij->j", b, b))
    r = np.divide(np.einsum("ij,ij->j", a, b), size, out=np.zeros(len(size)), where=size > 0)
    return np.asarray(np.clip(r, -1.0, 1.0))


def _table(names: pd.Index, found: FloatArray, moves: list[str], threshold: float) -> pd.DataFrame:
    known = ~np.isnan(found).any(axis=0)
    filled = np.where(known, found, np.inf)
    lowest = np.where(known, filled.min(axis=0), np.nan)
    worst = np.where(known, np.asarray(moves)[filled.argmin(axis=0)], "")
    return pd.DataFrame(
        {
            "feature": names.to_numpy(),
            "r_mean": found.mean(axis=0),
            keys.SHIFT_R: lowest,
            "worst": worst,
            keys.HOLDS: lowest >= threshold,
        }
    )
