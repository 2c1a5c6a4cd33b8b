"""What an alignment did beside its pose: the deformed grid, and how sure each place is. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.spatial import KDTree

from app.pages.align import tint
from spatialmeta_core.align.hypotheses import MIN_MARGIN
from spatialmeta_core.geometry import apply_pose, spacing

if TYPE_CHECKING:
    from spatialmeta_core.types import Alignment, FloatArray

N_LINES: Final = 22  # across the longer side
POINTS_PER_CELL: Final = 6
NEAR: Final = 1.5  # spacings: farther from every pixel there is no tissue to draw the grid on
WORST: Final = 90.0  # percentile called "worst 10 %"


def grid_lines(found: Alignment, sm_xy: FloatArray) -> list[FloatArray]:
    """Return the lines of a square grid on the section as its local warp bends them.

    Parameters
    ----------
    found
        An alignment with a displacement.
    sm_xy
        SM pixels in their own units, shape ``(n, 2)``.

    Returns
    -------
    Lines over the tissue, each ``(n_points, 2)`` in px of the full-resolution ST image.
    """
    if found.displacement is None:
        return []
    placed = apply_pose(found.pose, sm_xy)
    low, high = placed.min(axis=0), placed.max(axis=0)
    cell = float((high - low).max()) / N_LINES
    tissue, near = KDTree(placed), NEAR * spacing(placed)
    lines: list[FloatArray] = []
    for axis in (0, 1):
        along = np.arange(low[axis], high[axis] + cell, cell / POINTS_PER_CELL)
        for across in np.arange(low[1 - axis], high[1 - axis] + cell, cell):
            line = np.empty((len(along), 2))
            line[:, axis], line[:, 1 - axis] = along, across
            is_tissue = np.isfinite(tissue.query(line, distance_upper_bound=near)[0])
            moved = line + found.displacement.at(line)
            lines += [run for run in _runs(moved, is_tissue) if len(run) > 1]
    return lines


def _runs(line: FloatArray, keep: Any) -> list[FloatArray]:
    """Cut a line into its kept stretches."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], keep.astype(int), [0]])))
    return [line[first:last] for first, last in zip(edges[::2], edges[1::2], strict=True)]


def uncertainty(found: Alignment, um_per_px: float | None) -> tint.Tint | None:
    """Color the SM pixels by the standard deviation of their place; None where it is unknown."""
    if found.sd_px is None:
        return None
    unit, sd = _length(found.sd_px, um_per_px)
    worst = float(np.percentile(sd, 98))
    words = uncertainty_words(found, um_per_px)
    low = float(sd.min())
    fraction = np.clip((sd - low) / max(worst - low, 1e-12), 0, 1)
    return tint.Tint(
        tint.ramp(fraction),
        f"Uncertainty of each pixel's place (1 sd): {words}",
        f"{low:,.0f} {unit}",
        f"≥ {worst:,.0f} {unit}",
    )


def uncertainty_words(found: Alignment, um_per_px: float | None) -> str:
    """Sum up the uncertainty; empty where it is unknown."""
    if found.sd_px is None:
        return ""
    unit, sd = _length(found.sd_px, um_per_px)
    return (
        f"typical {np.median(sd):,.0f} {unit}, worst 10 % above "
        f"{np.percentile(sd, WORST):,.0f} {unit}"
    )


def certainty(found: Alignment, um_per_px: float | None) -> str:
    """Say how sure each place is, or why that is not known."""
    words = uncertainty_words(found, um_per_px)
    if words:
        return f"Place of a pixel, 1 sd: {words}."
    by_hand = not found.candidates and found.displacement is None
    return "Uncertainty: not available for a hand pose." if by_hand else ""


def fold_words(found: Alignment) -> str:
    """Say whether the local warp folds the tissue; empty without one."""
    if found.displacement is None or found.min_jacobian is None:
        return ""
    area = f"smallest local area change {found.min_jacobian:.2f}"
    return f"No fold: {area}." if found.min_jacobian > 0 else f"Folded somewhere: {area}."


def margin_words(found: Alignment) -> str:
    """Say how clearly the search preferred its result; empty where nothing was compared."""
    if found.ambiguous:
        return "The outline cannot tell these apart: choose."
    if len(found.candidates) < 2 or not math.isfinite(found.margin):  # noqa: PLR2004  # no rival
        return ""
    return (
        f"Clear: the runner-up is behind by {found.margin:.0f} (below {MIN_MARGIN:.0f} is a tie)."
    )


def _length(px: FloatArray, um_per_px: float | None) -> tuple[str, FloatArray]:
    return ("px", px) if um_per_px is None else ("µm", px * um_per_px)
