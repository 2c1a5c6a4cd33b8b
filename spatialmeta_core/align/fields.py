"""Smooth maps of values over a section: spot values or stain, on a grid, in the normalized frame.

Both sides of the histology and the feature term are such maps, so that spots of two lattices and
the pixels of a picture can be compared at any place, and so that the terms have a gradient.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from spatialmeta_core.types import BoolArray, FloatArray, TissueImage

STEPS_PER_SMOOTHING = 2.0  # grid steps per standard deviation of the smoothing
MARGIN = 4.0  # smoothings around the outermost spot
MIN_WEIGHT = 1e-6  # below it there is no value to divide by
WHITE = 255.0
FLAT = 1e-9  # of the largest value


class Reading(NamedTuple):
    """A field at ``n`` places.

    ``values`` ``(n, k)``, ``weight`` ``(n,)``, and their gradients ``(n, k, 2)`` and ``(n, 2)``.
    """

    values: FloatArray
    weight: FloatArray
    slope: FloatArray
    weight_slope: FloatArray


class Field(NamedTuple):
    """Values on a regular grid.

    Attributes
    ----------
    stack
        ``k`` channels of values, then a weight that is 1 in the tissue and falls smoothly to 0
        outside, shape ``(rows, columns, k + 1)``.
    origin
        Position of the first grid point, ``(2,)``.
    step
        Distance between grid points.
    """

    stack: FloatArray
    origin: FloatArray
    step: float

    def at(self, xy: FloatArray) -> Reading:
        """Read bilinearly at ``xy`` ``(n, 2)``; beyond the grid the weight is 0."""
        rows, columns, depth = self.stack.shape
        place = (xy - self.origin) / self.step
        held = np.clip(place, 0, [columns - 1, rows - 1])
        low = np.minimum(held.astype(int), [columns - 2, rows - 2])
        fx, fy = (held - low).T[:, :, None]
        first = low[:, 1] * columns + low[:, 0]
        flat = self.stack.reshape(rows * columns, depth)
        a, b = flat[first], flat[first + 1]
        c, d = flat[first + columns], flat[first + columns + 1]
        top, bottom = a + (b - a) * fx, c + (d - c) * fx
        read = top + (bottom - top) * fy
        slope = np.stack([(b - a) * (1 - fy) + (d - c) * fy, bottom - top], axis=2) / self.step
        inside = (place == held).all(axis=1)
        slope[~inside] = 0
        return Reading(read[:, :-1], read[:, -1] * inside, slope[:, :-1], slope[:, -1])

    def is_flat(self, xy: FloatArray) -> bool:
        """Whether all values at ``xy`` ``(n, 2)`` are the same but for rounding."""
        values = self.at(xy).values
        return bool((np.ptp(values, axis=0) <= FLAT * np.abs(values).max(initial=0)).all())

    def turned(self, rotation: FloatArray, center: FloatArray) -> Field:
        """Return ``(values - center) @ rotation`` on the same grid."""
        return self.with_values((self.stack[..., :-1] - center) @ rotation)

    def with_values(self, values: FloatArray) -> Field:
        """Return other values ``(rows, columns, k)`` on the same grid."""
        return self._replace(stack=np.concatenate([values, self.stack[..., -1:]], axis=2))


def spots_field(xy: FloatArray, values: FloatArray, smoothing: float) -> Field:
    """Average the values of spots with Gaussian weights.

    Parameters
    ----------
    xy
        Positions, shape ``(n, 2)``.
    values
        Shape ``(n, k)``.
    smoothing
        Standard deviation of the weights, in the unit of ``xy``.
    """
    step = smoothing / STEPS_PER_SMOOTHING
    origin = xy.min(axis=0) - MARGIN * smoothing
    columns, rows = np.ceil((np.ptp(xy, axis=0) + 2 * MARGIN * smoothing) / step).astype(int) + 2
    place = (xy - origin) / step
    low = place.astype(int)
    rest = place - low
    columns_of = np.column_stack([values, np.ones(len(xy))])
    total = np.zeros((rows * columns, columns_of.shape[1]))
    for dx in (0, 1):
        for dy in (0, 1):
            share = np.abs(1 - dx - rest[:, 0]) * np.abs(1 - dy - rest[:, 1])
            cell = (low[:, 1] + dy) * columns + low[:, 0] + dx
            for k, column in enumerate(columns_of.T):
                total[:, k] += np.bincount(cell, share * column, rows * columns)
    total = total.reshape(rows, columns, -1)
    spread = _smoothed(total, smoothing / step)
    usual = float(np.median(_nearest(spread[..., -1], low)))
    return _normalized(spread, usual, origin, step)


def image_field(
    image: TissueImage, tissue: BoolArray, center: FloatArray, length: float, smoothing: float
) -> Field:
    """Average the stain of a histology picture: optical density of red, green and blue, contrast.

    Density is proportional to the amount of stain, which color is not (Beer and Lambert). The
    contrast is the standard deviation of the total density around a place, high where nuclei are
    crowded or tissue is fibrous.

    Parameters
    ----------
    image
        Histology picture.
    tissue
        Where it shows tissue, shape ``(height, width)``; glass says nothing.
    center, length
        Of the normalized frame, full-resolution px.
    smoothing
        Standard deviation of the Gaussian weights, in the normalized frame.
    """
    pixel = 1 / (image.scale * length)
    block = max(1, math.floor(smoothing / STEPS_PER_SMOOTHING / pixel))
    density = -np.log((image.rgb[..., :3].astype(np.float32) + 1) / (WHITE + 1))
    square = density.sum(axis=2, keepdims=True) ** 2
    stacked = np.concatenate([density, square, np.ones_like(square)], axis=2) * tissue[..., None]
    total = _block_means(stacked, block)
    step = block * pixel
    origin = (np.array([0.5, 0.5]) * block / image.scale - center) / length
    field = _normalized(_smoothed(total, smoothing / step), 1.0, origin, step)
    mean, mean_square = field.stack[..., :3], field.stack[..., 3]
    contrast = np.sqrt(np.maximum(mean_square - mean.sum(axis=2) ** 2, 0))
    return field.with_values(np.concatenate([mean, contrast[..., None]], axis=2))


def _smoothed(stack: FloatArray, sd: float) -> FloatArray:
    return np.asarray(ndimage.gaussian_filter(stack, (sd, sd, 0), mode="constant"))


def _normalized(spread: FloatArray, usual: float, origin: FloatArray, step: float) -> Field:
    """Divide by the smoothed weight; on a straight edge that is half of the inside's."""
    weight = spread[..., -1]
    values = spread[..., :-1] / np.maximum(weight, MIN_WEIGHT * usual)[..., None]
    known = np.clip(2 * weight / usual, 0, 1)[..., None]
    return Field(np.concatenate([values, known], axis=2), origin, step)


def _nearest(grid: FloatArray, low: FloatArray) -> FloatArray:
    return np.asarray(grid[low[:, 1], low[:, 0]])


def _block_means(stack: FloatArray, block: int) -> FloatArray:
    rows, columns = (size // block * block for size in stack.shape[:2])
    parts = stack[:rows, :columns].reshape(rows // block, block, columns // block, block, -1)
    return np.asarray(parts.mean(axis=(1, 3)), float)
