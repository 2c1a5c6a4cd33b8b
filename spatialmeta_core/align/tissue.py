"""Which pixels of the moving section are tissue, and the outline around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core.align.outline import otsu
from spatialmeta_core.align.shape import MIN_SPOTS, PIECE_RADIUS, main_pieces, spots_shape
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import as_xy, spacing

if TYPE_CHECKING:
    from spatialmeta_core.params import OutlineParams
    from spatialmeta_core.types import BoolArray, FloatArray, Outline


@dataclass(frozen=True, slots=True, eq=False)
class Tissue:
    """The tissue part of a section.

    Attributes
    ----------
    kept
        Pixels that count as tissue, shape ``(n,)``.
    n_dim, n_stray
        Pixels left out for a low total, and as part of a small piece.
    min_total
        Smallest total that counts as tissue, or None where totals were not asked for.
    separation
        Share of the variance of the log totals that lies between the two classes, 0 to 1; None
        unless the limit was found from them.
    """

    kept: BoolArray
    n_dim: int
    n_stray: int
    min_total: float | None
    separation: float | None = None


def tissue_pixels(xy: FloatArray, totals: FloatArray | None, params: OutlineParams) -> BoolArray:
    """Mark the pixels that count as tissue.

    Parameters
    ----------
    xy
        Pixel positions, shape ``(n, 2)``, any unit.
    totals
        Total intensity of each pixel, shape ``(n,)``; needed only for ``params.by_total``.
    params
        What counts as tissue.

    Returns
    -------
    mask
        Shape ``(n,)``.

    Raises
    ------
    InvalidDataError
        If fewer than 10 pixels are left, or totals are needed and are missing, unequal in number
        or all alike.
    """
    return find_tissue(xy, totals, params).kept


def find_tissue(xy: FloatArray, totals: FloatArray | None, params: OutlineParams) -> Tissue:
    """Mark the pixels that count as tissue as ``tissue_pixels`` does, and say why others do not.

    Pixels of low total intensity go first, then connected pieces smaller than ``min_piece`` of all
    pixels; the largest piece always stays.
    """
    points = as_xy(xy, "the section")
    kept, limit, separation = np.ones(len(points), bool), None, None
    if params.by_total:
        values = _checked(totals, len(points))
        limit = params.min_total or total_threshold(values)
        separation = None if params.min_total else _separation(values, limit)
        kept = values >= limit
    n_dim = int((~kept).sum())
    if kept.any():
        radius = PIECE_RADIUS * spacing(points)
        fraction = params.min_piece * len(points) / kept.sum()
        kept[kept] = main_pieces(points[kept], radius, fraction)
    n_kept = int(kept.sum())
    if n_kept < min(MIN_SPOTS, len(points)):
        raise InvalidDataError(
            f"Only {n_kept:,} of {len(points):,} pixels would count as tissue; an outline needs at "
            f"least {MIN_SPOTS}. Lower the smallest total, or drop fewer stray pixels."
        )
    return Tissue(kept, n_dim, len(points) - n_dim - n_kept, limit, separation)


def total_threshold(totals: FloatArray) -> float:
    """Total intensity that parts tissue from background best (Otsu on the log totals).

    Pixels without any intensity do not take part: they are background anyway.

    Raises
    ------
    InvalidDataError
        If all totals are alike.
    """
    positive = np.asarray(totals, float)
    positive = positive[positive > 0]
    if not len(positive) or positive.min() == positive.max():
        raise InvalidDataError(
            "The total intensities are all alike, so they cannot tell tissue from background. "
            "Leave the tissue mask off."
        )
    return float(np.exp(otsu(np.log(positive))))


def tissue_outline(xy: FloatArray, kept: BoolArray, params: OutlineParams) -> tuple[Outline, ...]:
    """Outline the tissue pixels as the automatic fit does, largest ring first; holes count too.

    Parameters
    ----------
    xy
        Pixel positions, shape ``(n, 2)``.
    kept
        Pixels that count as tissue, shape ``(n,)``.
    params
        ``closing`` decides how tightly the line follows the pixels.

    Raises
    ------
    InvalidDataError
        As ``spots_shape`` does.
    """
    points = as_xy(xy, "the section")[kept]
    return spots_shape(points, closing=params.closing, min_piece=0.0).outlines()


def _separation(totals: FloatArray, limit: float) -> float:
    logs = np.log(totals[totals > 0])
    high = logs >= np.log(limit)
    between = high.mean() * (1 - high.mean()) * (logs[high].mean() - logs[~high].mean()) ** 2
    return float(between / logs.var())


def _checked(totals: FloatArray | None, n: int) -> FloatArray:
    if totals is None:
        raise InvalidDataError(
            "The tissue mask needs the total intensity of each pixel, and none was given."
        )
    values = np.asarray(totals, float)
    if values.shape != (n,) or not np.isfinite(values).all():
        raise InvalidDataError(
            f"The tissue mask needs {n:,} finite total intensities, one per pixel; "
            f"found an array of shape {values.shape}."
        )
    return values
