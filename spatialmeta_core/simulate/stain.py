"""A picture of the simulated tissue as stained with hematoxylin and eosin.

Light that passes stain falls off exponentially (Beer-Lambert), so the stains' optical densities
are added up and only then turned into color. Nuclei are points of hematoxylin, strewn by domain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage
from scipy.special import expit

from spatialmeta_core.simulate.anatomy import (
    CORTEX,
    DEEP,
    DOMAINS,
    HIPPOCAMPUS,
    LATERAL,
    MEDIAL,
    UPPER,
    WHITE,
    SmoothField,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from spatialmeta_core.simulate.anatomy import Anatomy, Layout
    from spatialmeta_core.types import FloatArray

COARSE: Final = 4
"""Smooth quantities are worked out on every fourth pixel and interpolated."""

# Optical density per unit of stain in red, green, blue; typical of scanned sections.
HEMATOXYLIN: Final = (0.66, 0.72, 0.33)
EOSIN: Final = (0.09, 0.74, 0.42)
GLASS: Final = (243.0, 241.0, 244.0)

EOSIN_OF: Final = {
    UPPER: 0.42,
    DEEP: 0.48,
    WHITE: 0.82,
    HIPPOCAMPUS: 0.40,
    LATERAL: 0.62,
    MEDIAL: 0.52,
}
NUCLEI_OF: Final = {
    UPPER: 2600,
    DEEP: 2000,
    WHITE: 3200,
    HIPPOCAMPUS: 1000,
    LATERAL: 1700,
    MEDIAL: 2300,
}
"""Nuclei per square millimeter of section."""


def paint(
    rng: np.random.Generator, anatomy: Anatomy, box: FloatArray, um_per_unit: float, long_side: int
) -> NDArray[np.uint8]:
    """Paint the section.

    Parameters
    ----------
    rng
        Source of chance.
    anatomy
        The tissue.
    box
        Corners of the picture in the anatomy's frame, ``[[x_low, y_low], [x_high, y_high]]``.
    um_per_unit
        Length of the anatomy's unit.
    long_side
        Pixels along the longer side.

    Returns
    -------
    Shape ``(height, width, 3)``.
    """
    size = (box[1] - box[0]) * long_side / (box[1] - box[0]).max()
    width, height = np.round(size).astype(int)
    um_per_pixel = float((box[1] - box[0])[0] * um_per_unit / width)
    rows, columns = -(-height // COARSE), -(-width // COARSE)
    unit_per_coarse = COARSE * um_per_pixel / um_per_unit
    x = box[0, 0] + (np.arange(columns) + 0.5) * unit_per_coarse
    y = box[0, 1] + (np.arange(rows) + 0.5) * unit_per_coarse
    grid = np.column_stack([part.ravel() for part in np.meshgrid(x, y)])

    def full(values: FloatArray) -> FloatArray:
        """Interpolate a coarse field to the picture's pixels."""
        coarse = np.asarray(values, np.float32).reshape(rows, columns)
        zoomed = ndimage.zoom(coarse, COARSE, order=1, mode="nearest", grid_mode=True)
        return np.asarray(zoomed[:height, :width])

    grain = _grain(rng, (height, width))
    covered = _covered(anatomy, grid, full, grain)
    layout = anatomy.read(grid)
    eosin, density = _stain_maps(rng, anatomy, layout, grid)
    streaks = _streaks(rng, anatomy, layout, grid, (rows, columns))
    eosin = full(eosin) * (1.0 + 0.10 * grain + full(streaks))
    nuclei = _nuclei(rng, full(density), um_per_pixel)
    lumen, wall = _vessels(rng, (height, width), um_per_pixel)
    hematoxylin = 0.13 * (1.0 + 0.25 * grain) + nuclei + 0.25 * wall
    eosin = eosin + 0.35 * wall
    present = covered * (1.0 - lumen)
    light = 1.2 * full(SmoothField.draw(rng, 1, 1.2).at(grid)[:, 0])
    picture = np.empty((height, width, 3), np.uint8)
    for channel, glass in enumerate(GLASS):
        depth = HEMATOXYLIN[channel] * hematoxylin + EOSIN[channel] * eosin
        seen = (glass + light) * np.exp(-present * depth)
        seen += 1.3 * rng.standard_normal(seen.shape, dtype=np.float32)
        picture[:, :, channel] = np.clip(np.round(seen), 0, 255)
    return picture


def _grain(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Texture of several sizes, mean 0 and standard deviation 1."""
    total = np.zeros(shape, np.float32)
    for sigma, weight in ((0.8, 0.6), (2.0, 0.6), (6.0, 0.8), (20.0, 0.7)):
        step = max(1, int(sigma / 2))
        small = (shape[0] // step + 2, shape[1] // step + 2)
        noise = rng.standard_normal(small, dtype=np.float32)
        noise = ndimage.gaussian_filter(noise, sigma / step)
        noise = ndimage.zoom(noise, step, order=1)[: shape[0], : shape[1]] if step > 1 else noise
        noise = noise[: shape[0], : shape[1]]
        total += weight * noise / noise.std()
    return np.asarray((total - total.mean()) / total.std())


def _covered(
    anatomy: Anatomy, grid: FloatArray, full: Callable[[FloatArray], FloatArray], grain: FloatArray
) -> FloatArray:
    """Share of tissue in each pixel, 0 to 1, with slightly ragged edges."""
    ragged = ndimage.gaussian_filter(grain, 1.2)
    outer = (1.0 - full(anatomy.reach(grid)) + 0.0022 * ragged) / 0.0012
    hole = (np.sqrt(full(anatomy.ventricle(grid))) - 1.0 + 0.02 * ragged) / 0.012
    return np.asarray(expit(outer) * expit(hole))


def _stain_maps(
    rng: np.random.Generator, anatomy: Anatomy, layout: Layout, grid: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return eosin (optical density) and nuclei per square millimeter at each point of the grid."""
    domain = layout.domain
    places = range(len(DOMAINS))
    patch = SmoothField.draw(rng, 2, 0.10).at(grid)
    eosin = np.array([EOSIN_OF[place] for place in places])[domain] * (1.0 + 0.05 * patch[:, 0])
    density = np.array([NUCLEI_OF[place] for place in places])[domain] * (1.0 + 0.18 * patch[:, 1])
    layer = layout.depth / (CORTEX * np.maximum(layout.thickness, 1e-9))
    lamination = np.interp(
        layer,
        [0.0, 0.10, 0.13, 0.25, 0.34, 0.42, 0.55, 0.62, 0.80, 1.0],
        [0.25, 0.25, 1.70, 1.30, 1.00, 1.55, 1.30, 0.65, 1.05, 0.90],
    )
    density *= np.where((domain == UPPER) | (domain == DEEP), lamination, 1.0)
    surface = anatomy.reach(grid)
    eosin += 0.22 * expit((surface - 0.985) / 0.004)
    density += 900.0 * expit((surface - 0.985) / 0.004)
    density += 6000.0 * np.exp(-(((anatomy.ventricle(grid) - 1.25) / 0.25) ** 2))
    density += 15000.0 * np.where(domain == HIPPOCAMPUS, _cell_lines(layout), 0.0)
    return eosin, density


def _cell_lines(layout: Layout) -> FloatArray:
    """Crowded cell bodies of the hippocampus, 0 to 1: a long arc and a folded blade."""
    u, v = layout.u, layout.v
    arc = np.exp(-(((np.hypot(u + 0.15, 1.25 * v - 0.25) - 0.60) / 0.055) ** 2))
    arc *= expit((0.25 - v - 0.3 * u) / 0.05)
    blade = np.hypot((u - 0.12) / 0.50, (v - 0.30) / 0.30)
    closed = np.exp(-(((blade - 1.0) / 0.12) ** 2)) * expit((u + 0.10) / 0.04)
    return np.asarray(np.maximum(arc, closed))


def _streaks(
    rng: np.random.Generator,
    anatomy: Anatomy,
    layout: Layout,
    grid: FloatArray,
    shape: tuple[int, int],
) -> FloatArray:
    """Fibers running along the surface: strong in white matter, faint elsewhere."""
    texture = ndimage.gaussian_filter(rng.standard_normal((360, 90)), (0.7, 1.2), mode="wrap")
    offset = grid - grid.mean(axis=0)
    along = np.arctan2(offset[:, 1], offset[:, 0]) * 9.0
    across = anatomy.reach(grid) * 190.0
    fibers = ndimage.map_coordinates(
        texture / texture.std(), [across, along], order=1, mode="grid-wrap"
    )
    share = (layout.domain == WHITE).astype(float).reshape(shape)
    share = ndimage.gaussian_filter(share, 1.5).ravel()
    return np.asarray((0.02 + 0.15 * share) * np.clip(fibers, -2.0, 3.0))


def _nuclei(rng: np.random.Generator, density: FloatArray, um_per_pixel: float) -> FloatArray:
    """Strew nuclei of about 7 um; returns their hematoxylin, optical density."""
    expected = np.maximum(density, 0.0) * (um_per_pixel / 1000.0) ** 2
    count = rng.poisson(expected) * rng.lognormal(0.0, 0.35, density.shape)
    mass = 0.60 * 38.0 / um_per_pixel**2  # darkness times area in pixels
    dark = (count * mass).astype(np.float32)
    return np.asarray(ndimage.gaussian_filter(dark, 2.7 / um_per_pixel))


def _vessels(
    rng: np.random.Generator, shape: tuple[int, int], um_per_pixel: float, n_vessels: int = 70
) -> tuple[FloatArray, FloatArray]:
    """Cut vessels: returns open lumen and wall, 0 to 1 in each pixel."""
    lumen, wall = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for _ in range(n_vessels):
        radius = rng.gamma(2.0, 5.0) / um_per_pixel + 0.6
        stretch, tilt = 1.0 + rng.exponential(1.2), rng.uniform(0.0, np.pi)
        reach = int(radius * stretch + 6.0)
        row, column = (int(rng.integers(0, side)) for side in shape)
        rows = slice(max(0, row - reach), row + reach + 1)
        columns = slice(max(0, column - reach), column + reach + 1)
        dy, dx = np.ogrid[rows, columns]
        dy, dx = dy[: len(lumen) - rows.start] - row, dx[:, : shape[1] - columns.start] - column
        a = (dx * np.cos(tilt) + dy * np.sin(tilt)) / stretch
        b = dy * np.cos(tilt) - dx * np.sin(tilt)
        beyond = np.hypot(a, b) - radius
        lumen[rows, columns] = np.maximum(lumen[rows, columns], expit(-beyond / 0.4))
        ring = np.exp(-((beyond / (5.0 / um_per_pixel)) ** 2))
        wall[rows, columns] = np.maximum(wall[rows, columns], ring)
    return lumen, wall
