"""A p-value for a region's difference that knows that neighboring spots resemble each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from spatialmeta_core.null import field
from spatialmeta_core.null.placements import Placements, place_region

if TYPE_CHECKING:
    from collections.abc import Callable

    from spatialmeta_core.types import BoolArray, FloatArray

MIN_PLACEMENTS = 100  # fewer cannot tell 5 % from 1 %
FEATURES_PER_BLOCK = 512  # dense columns held at once


@dataclass(frozen=True, slots=True, eq=False)
class RegionNull:
    """What the spatial null says.

    Attributes
    ----------
    p
        Two-sided, shape ``(n_features,)``; NaN for constant features, and for all if there are
        fewer than 100 distinct placements.
    n_placements, n_distinct
        Placements compared with, and how many of them lie at clearly different places.
    note
        Why there is no p, or empty.
    """

    p: FloatArray
    n_placements: int
    n_distinct: int
    note: str


def region_p(
    values: FloatArray | sparse.csc_matrix,
    xy: FloatArray,
    mask: BoolArray,
    *,
    n_placements: int = 1000,
    seed: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> RegionNull:
    r"""Compare a region with the same shape at other places of the tissue.

    The statistic is the mean of ``values`` inside minus outside, divided by its standard deviation
    at that very place: near an edge, or where the region is large, means of a smooth field spread
    more, and without the division such regions come out significant too often. p is the share of
    placements, the region itself included, whose statistic is at least as far from 0.

    Parameters
    ----------
    values
        Usually ranks of each feature over the spots, which makes this a rank test; dense or
        sparse, shape ``(n_spots, n_features)``, no NaN.
    xy
        Spot centers, shape ``(n_spots, 2)``.
    mask
        The region, shape ``(n_spots,)``.
    n_placements
        Wanted number of placements.
    seed
        The same seed gives the same p.
    on_progress
        Called with a fraction from 0 to 1; it may raise to cancel.

    Returns
    -------
    RegionNull

    Raises
    ------
    InvalidDataError
        If the mask does not fit the spots or is empty.

    Notes
    -----
    It holds for features whose statistics do not change over the tissue (stationary fields). A
    feature with one trend across the whole section violates that.
    """
    placed = place_region(xy, mask, n_placements=n_placements, seed=seed)
    n_features = values.shape[1]
    p = np.full(n_features, np.nan)
    if placed.n_distinct < MIN_PLACEMENTS:
        note = too_few(placed.n_distinct)
        return RegionNull(p, placed.n_placements, placed.n_distinct, note)
    xy = np.asarray(xy, float)
    rng = np.random.default_rng([seed, 1])
    tissue, pairs = field.kernels(xy), field.sample_pairs(xy, rng)
    own = field.own_kernels(xy[mask], tissue.lengths, rng)
    rows = sparse.vstack([sparse.csr_array(mask[None].astype(float)), placed.members], "csr")
    everywhere = Placements(rows, placed.n_distinct)
    inside = rows.sum(axis=1)
    weight = np.asarray(rows.toarray() / inside[:, None], np.float32)
    for start in range(0, n_features, FEATURES_PER_BLOCK):
        part = slice(start, start + FEATURES_PER_BLOCK)
        block = standardized(values[:, part])
        mean = weight @ block
        variance = field.contrast_variance(
            field.fit_variogram(block, pairs, tissue.lengths), tissue, everywhere, own
        )
        gain = len(xy) / (len(xy) - inside)
        with np.errstate(invalid="ignore", divide="ignore"):  # constant: 0 / 0 is the stated NaN
            statistic = np.abs(mean) * gain[:, None] / np.sqrt(variance)
        reached = (statistic[1:] >= statistic[0]).sum(axis=0)
        p[part] = np.where(
            np.isfinite(statistic[0]), (1 + reached) / (1 + placed.n_placements), np.nan
        )
        if on_progress is not None:
            on_progress(min(1.0, (start + FEATURES_PER_BLOCK) / n_features))
    return RegionNull(p, placed.n_placements, placed.n_distinct, "")


def too_few(n_distinct: int) -> str:
    """Say why so few distinct placements give no p."""
    return (
        f"The drawn shape fits the tissue in only {n_distinct} other places; "
        f"{MIN_PLACEMENTS} are needed for a p-value. Draw a smaller one, or judge by the effect "
        "size."
    )


def standardized(values: FloatArray | sparse.csc_matrix) -> FloatArray:
    """Center and scale columns, dense float32; a constant column is 0."""
    dense = np.asarray(
        values.toarray() if isinstance(values, sparse.csc_matrix) else values, np.float64
    )
    dense = dense - dense.mean(axis=0)
    spread = dense.std(axis=0)
    return np.asarray(dense / np.where(spread > 0, spread, 1.0), np.float32)
