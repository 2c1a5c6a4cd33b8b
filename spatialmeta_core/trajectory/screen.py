"""Screen every feature for patterns along an axis, against the same axis at other places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from spatialmeta_core import compiled, keys, null, stats
from spatialmeta_core.errors import NotReadyError
from spatialmeta_core.params import GradientParams
from spatialmeta_core.trajectory.axis import bin_of, find_axis

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData

    from spatialmeta_core.trajectory.axis import Axis, EdgeDistance
    from spatialmeta_core.types import FloatArray, IntArray, Trajectory

PATTERNS = ("monotone", "peak", "valley", "step")
"""What is sought, in the order of the score columns."""

PEAKS = (0.2, 0.35, 0.5, 0.65, 0.8)  # of the axis: middles of peaks and valleys
PEAK_SD = 0.12  # of the axis; neighboring middles overlap by more than half
STEPS = (0.25, 0.375, 0.5, 0.625, 0.75)
RISE, PEAK, VALLEY, STEP = range(len(PATTERNS))


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """Patterns of all features along an axis.

    Attributes
    ----------
    table
        ``keys.PATTERN_COLUMNS``, one row per feature, the strongest evidence first.
    n_placements, n_distinct
        Fewest placements compared with in any test, and how many of them lie at clearly different
        places; 0 without a null.
    note
        Why some or all features have no p, or empty.
    """

    table: pd.DataFrame
    n_placements: int
    n_distinct: int
    note: str


def screen(
    joint: AnnData,
    where: Trajectory | EdgeDistance,
    *,
    params: GradientParams | None = None,
    n_placements: int = 0,
    seed: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> Screen:
    """Score all features for patterns along an axis.

    Scores are Pearson's correlations of normalized values with a pattern over the spots of the
    axis. The null puts the same axis at other places of the tissue (turned, mirrored, shifted) that
    share no spot with it, and compares normal scores of the values with the patterns there
    (``null.contrast_p``): values that are similar among neighbors alone rise and fall along any
    path. The four kinds of pattern count equally.

    Parameters
    ----------
    joint
        Spots by features with ``var["type"]``, ``layers["normalized"]`` and ``obsm["spatial"]``.
    where
        A path, or the distance from a region's edge.
    params
        Number of bins at most, and how many spots each should hold; the default if not given.
    n_placements
        Wanted number of places for the null; without any there is no p.
    seed
        The same seed gives the same p.
    on_progress
        Called with a fraction from 0 to 1; it may raise to cancel.

    Returns
    -------
    Screen
        Its table has ``keys.PATTERN_COLUMNS``:

        - ``pattern``: the one with the largest score.
        - ``monotone`` and ``step`` (signed), ``peak`` and ``valley``: the largest correlation, for
          the last three over several places of the pattern; NaN for a constant feature.
        - ``position``: middle of the peak or valley, or where the curve is steepest, in the unit of
          the axis.
        - ``p_spatial``: that any of the patterns is as strong at another place; NaN if not tested.
        - ``p_spatial_adj``: Benjamini-Hochberg within each modality.
        - ``n_spots``: spots of the axis with a value.

    Raises
    ------
    InvalidDataError
        If a path has fewer than two points, a region no polygon, or too few spots are in reach.
    NotFoundError
        If the sample is unknown.
    NotReadyError
        If the data are not normalized or do not tell the modalities apart.
    """
    for slot, there in ((keys.NORMALIZED, joint.layers), (keys.FEATURE_TYPE, joint.var)):
        if slot not in there:
            raise NotReadyError(f'The data have no "{slot}" values. Join the two modalities first.')
    axis = find_axis(joint, where)
    edges = axis.edges(params or GradientParams())
    sought = patterns(len(edges) - 1)
    layer = sparse.csr_matrix(joint.layers[keys.NORMALIZED])
    sums = compiled.sum_groups(layer, axis.spots, bin_of(axis.along, edges), len(edges) - 1)
    n_spots = np.bincount(bin_of(axis.along, edges), minlength=len(edges) - 1)
    counts = n_spots[:, None] - sums.missing
    scores = _scores(sums, counts, sought)
    best = np.nan_to_num(np.abs(scores)).argmax(axis=0)
    p = np.full(joint.n_vars, np.nan)
    found: list[null.ContrastNull] = []
    if n_placements:
        found, p = _against_null(
            joint, axis, edges, n_placements=n_placements, seed=seed, on_progress=on_progress
        )
    position = _positions(sums.total, counts, edges, best)
    usable = np.isfinite(scores[RISE])
    types = joint.var[keys.FEATURE_TYPE].to_numpy()
    columns = (
        joint.var_names.to_numpy(),
        types,
        np.where(usable, np.array(PATTERNS, dtype=object)[best], ""),
        *scores,
        np.where(usable, position, np.nan),
        p,
        _adjusted(p, types),
        counts.sum(axis=0).astype(int),
    )
    strength = np.nan_to_num(np.abs(scores)).max(axis=0)
    order = np.lexsort((-strength, p))
    named = zip(keys.PATTERN_COLUMNS, columns, strict=True)
    table = pd.DataFrame({name: values[order] for name, values in named})
    return Screen(
        table,
        min((each.n_placements for each in found), default=0),
        min((each.n_distinct for each in found), default=0),
        next((each.note for each in found if each.note), ""),
    )


def patterns(n_bins: int) -> null.Patterns:
    """Return the patterns sought, at the middles of ``n_bins`` bins, by family of ``PATTERNS``."""
    middle = (np.arange(n_bins) + 0.5) / n_bins
    bumps = np.exp(-((middle - np.array(PEAKS)[:, None]) ** 2) / (2 * PEAK_SD**2))
    steps = (middle > np.array(STEPS)[:, None]).astype(float)
    values = np.vstack([middle[None], bumps, -bumps, steps])
    family = np.repeat(np.arange(len(PATTERNS)), [1, len(bumps), len(bumps), len(steps)])
    return null.Patterns(values, family, np.isin(family, (RISE, STEP)))


def _scores(sums: compiled.GroupSums, counts: FloatArray, sought: null.Patterns) -> FloatArray:
    """Correlate every feature with each family; shape ``(n_families, n_features)``."""
    n, total = counts.sum(axis=0), sums.total.sum(axis=0)
    values = sought.shapes
    with np.errstate(divide="ignore", invalid="ignore"):  # a constant has no correlation
        mean = values @ counts / n
        product = values @ sums.total - mean * total
        size = np.sqrt(np.maximum(values**2 @ counts - mean**2 * n, 0.0))
        spread = sums.squares - total**2 / n
        spread = np.where(spread > 1e-9 * sums.squares, spread, np.nan)  # rounding is no spread
        r = np.clip(np.where(size > 0, product / size, 0.0) / np.sqrt(spread), -1.0, 1.0)
    found = np.empty((len(PATTERNS), counts.shape[1]))
    for number in range(len(PATTERNS)):
        own = r[sought.family == number]
        strength = np.abs(own) if number in (RISE, STEP) else own
        first = np.nan_to_num(strength, nan=-1.0).argmax(axis=0)
        found[number] = np.take_along_axis(own, first[None], axis=0)[0]
    return found


def _positions(
    total: FloatArray, counts: FloatArray, edges: FloatArray, best: IntArray
) -> FloatArray:
    """Find the peak, the valley or the steepest place of each feature's smoothed curve."""
    n_bins = len(counts)
    number = np.arange(n_bins)
    kernel = np.exp(-((number[:, None] - number) ** 2) / 2.0)  # one bin is the standard deviation
    with np.errstate(divide="ignore", invalid="ignore"):  # never measured gives NaN
        curve = np.nan_to_num((kernel @ total) / (kernel @ counts))
    steep = np.abs(np.gradient(curve, axis=0))
    sought = np.where(best == PEAK, curve, np.where(best == VALLEY, -curve, steep))
    return np.asarray(edges[0] + (top_of(sought) + 0.5) * (edges[1] - edges[0]))


def top_of(curves: FloatArray) -> FloatArray:
    """Return where each column is highest, between rows by a parabola; in rows, from 0."""
    top = curves.argmax(axis=0)
    inner = np.clip(top, 1, len(curves) - 2)
    before, at, after = (
        np.take_along_axis(curves, (inner + step)[None], axis=0)[0] for step in (-1, 0, 1)
    )
    bend = before - 2.0 * at + after
    usable = (top == inner) & (bend < 0)
    shift = 0.5 * (before - after) / np.where(usable, bend, 1.0)
    return np.asarray(top + np.where(usable, shift, 0.0))


def _against_null(
    joint: AnnData,
    axis: Axis,
    edges: FloatArray,
    *,
    n_placements: int,
    seed: int,
    on_progress: Callable[[float], None] | None,
) -> tuple[list[null.ContrastNull], FloatArray]:
    """Test all features; return what was found in each block of them, and p."""
    sought = patterns(len(edges) - 1)
    xy = np.asarray(joint.obsm[keys.SPATIAL], float)[axis.section]

    def bin_at(places: FloatArray) -> IntArray:
        along = axis.locate(places)
        return np.where(np.isnan(along), -1, bin_of(along, edges))

    p, found = np.full(joint.n_vars, np.nan), []
    blocks = stats.feature_blocks(joint[axis.section], by_row=True)
    for number, block in enumerate(blocks):
        home = bin_at(xy[block.rows])
        if not (home >= 0).any():
            continue
        placed = null.place_labels(
            xy[block.rows],
            home,
            bin_at,
            n_placements=n_placements,
            seed=seed,
            max_shared=0.0,
        )
        report = _within(on_progress, number, len(blocks))
        scores = stats.normal_scores(block.matrix)
        tested = null.contrast_p(
            scores, home, placed, sought, apart=xy[block.rows], on_progress=report
        )
        found.append(tested)
        p[block.columns] = tested.p
    return found, p


def _adjusted(p: FloatArray, types: FloatArray) -> FloatArray:
    adjusted = np.full(len(p), np.nan)
    for kind in (keys.ST, keys.SM):
        adjusted[types == kind] = stats.benjamini_hochberg(p[types == kind])
    return adjusted


def _within(
    on_progress: Callable[[float], None] | None, number: int, total: int
) -> Callable[[float], None] | None:
    if on_progress is None:
        return None
    return lambda share: on_progress((number + share) / total)
