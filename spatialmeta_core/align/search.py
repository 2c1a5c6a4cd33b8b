"""Affine placements: a global search over rotations, flips and scales, and local refinement.

Both shapes are in units of their own size, centered on their centers of gravity.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import fft, ndimage
from scipy.optimize import minimize

from spatialmeta_core.align.losses import placement_cost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scipy.optimize import OptimizeResult

    from spatialmeta_core.align.extra import Terms
    from spatialmeta_core.align.shape import Shape
    from spatialmeta_core.types import BoolArray, FloatArray

N_ANGLES = 60
SCALES = (0.92, 1.0, 1.09)
RASTER = 96  # cells across
N_KEPT = 12
MIN_ANGLE_APART = 14.0  # degrees
COARSE_WIDTHS = (0.12, 0.05)  # robust widths, in units of the tissue's size
FINE_WIDTHS = (0.04, 0.03)
MERGE_SHIFT = 0.04  # placements closer than this, on average, are the same
PARTIAL_WIDTHS = (0.03,)
N_SECTORS = 12
SECTOR = math.pi / 4  # half the opening of a sector left out
CUT = 0.22  # of the tissue beyond a line left out
SAME_SHIFT = 0.008  # refits closer than this need no second look
MIN_OUTLINE = 20  # points
HAND_ANGLES = (0.0, -10.0, 10.0, -20.0, 20.0)  # degrees around the user's pose


Transform = Literal["rigid", "similarity", "affine"]


class Placement(NamedTuple):
    """An affine map ``(2, 3)`` between the normalized frames, its cost, and the costs before."""

    matrix: FloatArray
    cost: float
    history: tuple[float, ...] = ()


def rotation(angle: float) -> FloatArray:
    """Matrix ``(2, 2)`` of a rotation by ``angle`` in radians."""
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def global_starts(moving: Shape, target: Shape, transform: Transform = "affine") -> list[Placement]:
    """Best overlaps over rotations, flips and scales, the shift found by correlation.

    Parameters
    ----------
    moving, target
        Shapes in units of their own size.
    transform
        ``"rigid"`` tries no scales.

    Returns
    -------
    list of Placement
        At most 12, more than 14 degrees apart or of different flip; ``cost`` is 1 minus the Dice
        overlap.
    """
    reach = 1.1 * max(np.linalg.norm(s.outline, axis=1).max() for s in (moving, target))
    cell = 2 * reach / RASTER
    ours, spectrum = _raster(moving, cell), fft.rfft2(_raster(target, cell))
    scales = (1.0,) if transform == "rigid" else SCALES
    found = []
    for flip in (1.0, -1.0):
        for angle in np.arange(N_ANGLES) * 2 * math.pi / N_ANGLES:
            tries = [
                _best_shift(ours, rotation(angle) @ np.diag([s, s * flip]), cell, spectrum)
                for s in scales
            ]
            found.append((math.degrees(angle), flip, min(tries, key=lambda p: p.cost)))
    found.sort(key=lambda f: f[2].cost)
    kept: list[tuple[float, float, Placement]] = []
    for angle, flip, placement in found:
        apart = [abs((angle - a + 180) % 360 - 180) for a, f, _ in kept if f == flip]
        if len(kept) < N_KEPT and min(apart, default=360) > MIN_ANGLE_APART:
            kept.append((angle, flip, placement))
    return [placement for _, _, placement in kept]


def _raster(shape: Shape, cell: float) -> FloatArray:
    """Share of tissue in each cell of a square centered on the origin."""
    line = (np.arange(RASTER) + 0.5 - RASTER / 2) * cell
    nodes = np.column_stack([np.tile(line, RASTER), np.repeat(line, RASTER)])
    inside = np.clip(0.5 - shape.at(nodes)[0] / cell, 0, 1)
    return np.asarray(inside.reshape(RASTER, RASTER))


def _best_shift(
    ours: FloatArray, linear: FloatArray, cell: float, spectrum: FloatArray
) -> Placement:
    inverse = np.linalg.inv(linear)[::-1, ::-1]  # of row and column instead of x and y
    middle = np.full(2, (RASTER - 1) / 2)
    raster = ndimage.affine_transform(ours, inverse, middle - inverse @ middle, order=1)
    shared = fft.irfft2(spectrum * np.conj(fft.rfft2(raster)), s=(RASTER, RASTER))
    row, column = np.unravel_index(int(shared.argmax()), shared.shape)
    shift = (np.array([column, row]) + RASTER / 2) % RASTER - RASTER / 2
    dice = 2 * shared[row, column] / (spectrum[0, 0].real + raster.sum())
    return Placement(np.column_stack([linear, shift * cell]), 1 - float(dice))


def hand_starts(start: FloatArray) -> list[Placement]:
    """Turn the user's placement ``(2, 3)`` by a few angles about the moving section's center."""
    return [
        Placement(
            np.column_stack([rotation(math.radians(angle)) @ start[:, :2], start[:, 2]]), math.nan
        )
        for angle in HAND_ANGLES
    ]


def partial_starts(placement: Placement, terms: Terms) -> list[Placement]:
    """Refit a placement with a part of both outlines left out, for parts all around.

    A section with a cut edge fits well once the cut is not asked to match; which part that is
    becomes clear from the fit of the rest. Parts are sectors (bites) and what lies beyond a
    straight line (cuts). The inside is left out too: missing tissue would pull at it.

    Returns
    -------
    list of Placement
        Without those that nearly repeat another.
    """
    moving, target = terms.moving, terms.target
    linear, shift = placement.matrix[:, :2].T, placement.matrix[:, 2]
    place, inside = moving.outline @ linear + shift, moving.interior @ linear + shift
    found = []
    for angle in np.arange(N_SECTORS) * 2 * math.pi / N_SECTORS:
        toward = np.array([math.cos(angle), math.sin(angle)])
        edge = np.quantile(inside @ toward, 1 - CUT)
        for seen, asked in (
            (_outside_sector(place, angle), _outside_sector(target.outline, angle)),
            (place @ toward < edge, target.outline @ toward < edge),
        ):
            if min(seen.sum(), asked.sum()) >= MIN_OUTLINE:
                part = terms._replace(moving=_part(moving, seen), target=_part(target, asked))
                found.append(refine(placement, part, PARTIAL_WIDTHS))
    return merged(found, moving, SAME_SHIFT)


def _outside_sector(xy: FloatArray, angle: float) -> BoolArray:
    apart = np.arctan2(xy[:, 1], xy[:, 0]) - angle
    return np.asarray(np.abs((apart + math.pi) % (2 * math.pi) - math.pi) > SECTOR)


def _part(shape: Shape, kept: BoolArray) -> Shape:
    return replace(shape, outline=shape.outline[kept], interior=shape.interior[:0])


def refine(placement: Placement, terms: Terms, widths: Iterable[float]) -> Placement:
    """Descend from ``placement`` with a robust width that narrows step by step.

    ``"similarity"`` allows rotation, shift and one scale on top of ``placement`` and so keeps its
    stretch.
    """
    history = list(placement.history)
    for width in widths:
        placement = _descend(placement.matrix, terms, width)
        history += placement.history
    return Placement(placement.matrix, placement.cost, tuple(history))


def _descend(matrix: FloatArray, terms: Terms, width: float) -> Placement:
    transform = terms.params.transform
    n_free = directions(matrix, transform)[0].shape[1]
    steps: list[float] = []

    def objective(x: FloatArray) -> tuple[float, FloatArray]:
        here, basis = moved_along(matrix, x, transform)
        cost, slope = _total_cost(here, terms, width)
        return cost, basis.T @ slope.ravel()

    def record(intermediate_result: OptimizeResult) -> None:
        steps.append(float(intermediate_result.fun))

    best = minimize(
        objective,
        np.zeros(n_free),
        jac=True,
        method="L-BFGS-B",
        callback=record,
        options={"maxiter": 60, "ftol": 1e-7},
    )
    here, _ = moved_along(matrix, best.x, transform)
    return Placement(here, float(best.fun), tuple(steps))


def _total_cost(matrix: FloatArray, terms: Terms, width: float) -> tuple[float, FloatArray]:
    weight = terms.params.outline_weight
    cost, slope = placement_cost(matrix, terms.moving, terms.target, width, weight)
    if terms.extra is None:
        return cost, slope
    more, steeper = terms.extra.cost(matrix)
    return cost + more, slope + steeper


def directions(matrix: FloatArray, transform: Transform) -> tuple[FloatArray, FloatArray]:
    """Return a basis ``(6, k)`` of allowed changes of a ``(2, 3)`` matrix, and the matrix, flat."""
    origin = matrix.ravel()
    if transform == "affine":
        return np.eye(6), origin
    linear = matrix[:, :2]
    turned = np.array([[0.0, -1.0], [1.0, 0.0]]) @ linear
    nothing = np.zeros((2, 1))
    columns = [np.hstack([turned, nothing]).ravel(), np.eye(6)[2], np.eye(6)[5]]
    if transform == "similarity":
        columns.insert(0, np.hstack([linear, nothing]).ravel())
    return np.column_stack(columns), origin


def moved_along(
    matrix: FloatArray, x: FloatArray, transform: Transform
) -> tuple[FloatArray, FloatArray]:
    """Return the matrix moved by ``x`` in its directions, and the derivative ``(6, k)`` there.

    A straight step of a turn would also enlarge; for ``"rigid"`` it is brought back to size.
    """
    basis, origin = directions(matrix, transform)
    moved = (origin + basis @ x).reshape(2, 3)
    if transform == "rigid":
        length = math.hypot(1.0, x[0])
        moved[:, :2] /= length
        turned = basis[:, 0].reshape(2, 3)[:, :2] - x[0] * matrix[:, :2]
        basis[:, 0] = np.hstack([turned / length**3, np.zeros((2, 1))]).ravel()
    return moved, basis


def merged(
    placements: list[Placement], moving: Shape, shift: float = MERGE_SHIFT
) -> list[Placement]:
    """Sort by cost and drop placements within ``shift`` of a better one, on average."""
    kept: list[Placement] = []
    carried: list[FloatArray] = []
    for placement in sorted(placements, key=lambda p: p.cost):
        place = moving.interior @ placement.matrix[:, :2].T + placement.matrix[:, 2]
        apart = [float(np.linalg.norm(place - other, axis=1).mean()) for other in carried]
        if min(apart, default=math.inf) > shift:
            kept.append(placement)
            carried.append(place)
    return kept
