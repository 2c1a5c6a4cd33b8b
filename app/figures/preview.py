"""Small still pictures of a section: what was read, seen at once, before anything is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from app.figures.theme import COLOR_SCALES, MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spatialmeta_core.types import FloatArray, IntArray

LONGEST_SIDE: Final = 1000  # pixels of a picture
THUMBNAIL_SIDE: Final = 320
FINER: Final = 3  # drawn larger and then reduced, for smooth edges
MARGIN: Final = 0.02  # of the longer side, around spots that lie beside the histology
MOST_DISCS: Final = 20_000  # more spots are drawn as a raster
CLIP: Final = (1.0, 99.0)  # percentiles that get the ends of the color scale
RING: Final = (11, 92, 138, 235)
HALO: Final = (255, 255, 255, 200)


def spot_overlay(
    xy: FloatArray, diameter: float, image_size: tuple[int, int], image_scale: float
) -> Image.Image:
    """Draw the spots as rings on a clear ground, to lie over the histology.

    Parameters
    ----------
    xy
        Spot centers, full-resolution px, shape ``(n_spots, 2)``.
    diameter
        Of a spot, full-resolution px.
    image_size
        Width and height of the histology picture, px.
    image_scale
        Picture px per full-resolution px.

    Returns
    -------
    RGBA picture of the same proportions; its longer side is ``LONGEST_SIDE``.
    """
    zoom = LONGEST_SIDE / max(image_size)
    width, height = (max(1, round(side * zoom)) for side in image_size)
    centers = np.asarray(xy, float) * image_scale * zoom
    radius = max(diameter * image_scale * zoom / 2, 1.2)
    ground = Image.new("RGBA", (width * FINER, height * FINER), (255, 255, 255, 0))
    pen = ImageDraw.Draw(ground)
    line = float(np.clip(radius / 5, 0.6, 2.0))
    for color, grow, wide in ((HALO, line / 2, 2 * line), (RING, 0.0, line)):
        for box in _boxes(centers * FINER, (radius + grow) * FINER):
            pen.ellipse(box, outline=color, width=max(1, round(wide * FINER)))
    return ground.resize((width, height), Image.Resampling.LANCZOS)


def any_outside(xy: FloatArray, image_size: tuple[int, int], image_scale: float) -> bool:
    """Whether a spot center lies beside the histology; see ``spot_overlay``."""
    placed = np.asarray(xy, float) * image_scale
    return bool(((placed < 0) | (placed > np.asarray(image_size))).any())


def whole_section(
    histology: Image.Image, xy: FloatArray, diameter: float, image_scale: float
) -> Image.Image:
    """Draw histology and spots on a ground that holds them all, however badly they fit.

    Parameters
    ----------
    histology
        The picture.
    xy, diameter, image_scale
        As for ``spot_overlay``.

    Returns
    -------
    RGB picture; the histology has a frame.
    """
    placed = np.asarray(xy, float) * image_scale
    low = np.minimum(placed.min(axis=0), 0.0)
    extent = np.maximum(placed.max(axis=0), histology.size) - low
    margin = MARGIN * extent.max() + diameter * image_scale / 2
    low, extent = low - margin, extent + 2 * margin
    zoom = LONGEST_SIDE / float(extent.max())
    size = (max(1, round(extent[0] * zoom)), max(1, round(extent[1] * zoom)))
    ground = Image.new("RGBA", size, "white")
    reduced = histology.resize(
        (max(1, round(histology.width * zoom)), max(1, round(histology.height * zoom))),
        Image.Resampling.LANCZOS,
    )
    left, top = round(-low[0] * zoom), round(-low[1] * zoom)
    ground.paste(reduced, (left, top))
    frame = (left, top, left + reduced.width - 1, top + reduced.height - 1)
    ImageDraw.Draw(ground).rectangle(frame, outline=RING[:3], width=2)
    in_view = (placed - low) / image_scale
    ground.alpha_composite(spot_overlay(in_view, diameter, size, image_scale * zoom))
    return ground.convert("RGB")


def value_map(xy: FloatArray, values: FloatArray, spacing: float, *, square: bool) -> Image.Image:
    """Color every position by a value, with the axes of an image: x to the right, y down.

    Parameters
    ----------
    xy
        Positions, any unit, shape ``(n, 2)``.
    values
        One number per position, shape ``(n,)``; NaN is gray.
    spacing
        Distance of neighbors, in the same unit.
    square
        Whether the positions are a square raster (pixels) or separate round spots.
    """
    colors = value_colors(values)
    if square or len(xy) > MOST_DISCS:
        return _raster(np.asarray(xy, float), colors, spacing)
    return _discs(np.asarray(xy, float), colors, spacing, LONGEST_SIDE)


def spot_map(
    xy: FloatArray, colors: NDArray[np.uint8], spacing: float, *, side: int
) -> Image.Image:
    """Draw spots in given colors, with the axes of an image: x to the right, y down.

    Parameters
    ----------
    xy
        Positions, any unit, shape ``(n, 2)``; a row of NaN is not drawn.
    colors
        RGBA, shape ``(n, 4)``; from ``value_colors`` or ``category_rgba``.
    spacing
        Distance of neighbors, in the same unit.
    side
        Longer side of the picture, px.
    """
    known = np.isfinite(xy).all(axis=1)
    return _discs(np.asarray(xy, float)[known], colors[known], spacing, side)


def thumbnail(picture: Image.Image, overlay: Image.Image | None = None) -> Image.Image:
    """Reduce a picture, with an overlay upon it, to a small one on white."""
    small = picture.convert("RGBA")
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    if overlay is not None:
        small.alpha_composite(overlay.resize(small.size, Image.Resampling.LANCZOS))
    white = Image.new("RGBA", small.size, "white")
    white.alpha_composite(small)
    return white.convert("RGB")


def value_colors(
    values: FloatArray,
    *,
    colorscale: str = "viridis",
    limits: tuple[float, float] | None = None,
) -> NDArray[np.uint8]:
    """Return RGBA, shape ``(n, 4)``, of numbers; gray where there is none.

    Parameters
    ----------
    values
        Shape ``(n,)``.
    colorscale
        A name of ``theme.COLOR_SCALES``.
    limits
        Values at the ends of the scale; None: the 1st and 99th percentile.
    """
    values = np.asarray(values, float)
    known = np.isfinite(values)
    if limits is None:
        limits = tuple(np.percentile(values[known], CLIP)) if known.any() else (0.0, 1.0)
    low, high = limits
    place = np.clip((np.where(known, values, low) - low) / max(high - low, 1e-30), 0, 1)
    stops = np.array([ImageColor.getrgb(color) for color in COLOR_SCALES[colorscale]], float)
    at = np.linspace(0, 1, len(stops))
    rgb = np.column_stack([np.interp(place, at, channel) for channel in stops.T])
    rgb[~known] = ImageColor.getrgb(MISSING)
    return _opaque(np.rint(rgb))


def category_rgba(codes: IntArray, colors: Sequence[str]) -> NDArray[np.uint8]:
    """Return RGBA, shape ``(n, 4)``, of categories; gray where the code is negative."""
    shades = np.array([ImageColor.getrgb(color) for color in (*colors, MISSING)])
    return _opaque(shades[np.where(np.asarray(codes) < 0, len(colors), codes)])


def _opaque(rgb: NDArray[np.generic]) -> NDArray[np.uint8]:
    return np.column_stack([rgb, np.full(len(rgb), 255)]).astype(np.uint8)


def _raster(xy: FloatArray, colors: NDArray[np.uint8], spacing: float) -> Image.Image:
    low = xy.min(axis=0)
    extent = float((xy.max(axis=0) - low).max())
    step = max(spacing, extent / (LONGEST_SIDE - 1))
    columns, rows = np.rint((xy - low) / step).astype(int).T
    grid = np.zeros((rows.max() + 1, columns.max() + 1, 4), np.uint8)
    grid[rows, columns] = colors
    times = max(1, LONGEST_SIDE // max(grid.shape[:2]))
    return Image.fromarray(np.kron(grid, np.ones((times, times, 1), np.uint8)))


def _discs(xy: FloatArray, colors: NDArray[np.uint8], spacing: float, side: int) -> Image.Image:
    low = xy.min(axis=0) - spacing
    extent = xy.max(axis=0) + spacing - low
    scale = side / float(extent.max())
    size = tuple(max(1, round(length)) for length in extent * scale)
    ground = Image.new("RGBA", (size[0] * FINER, size[1] * FINER), (255, 255, 255, 0))
    pen = ImageDraw.Draw(ground)
    boxes = _boxes((xy - low) * scale * FINER, 0.45 * spacing * scale * FINER)
    for box, color in zip(boxes, colors.tolist(), strict=True):
        pen.ellipse(box, fill=tuple(color))
    return ground.resize(size, Image.Resampling.LANCZOS)


def _boxes(centers: FloatArray, radius: float) -> list[list[float]]:
    boxes: list[list[float]] = np.hstack([centers - radius, centers + radius]).tolist()
    return boxes
