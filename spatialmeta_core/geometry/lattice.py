"""Regular grids of points: their period and the cell of ground that belongs to each point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry.points import as_xy

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray

N_CORNERS = 6  # of a lattice's Voronoi cell; two of them coincide in pairs on a rectangular one
N_SAMPLED = 2000  # points looked at, spread evenly; the period is the same everywhere
N_NEAR = 24  # enough for a step across the rows of a grid six times as coarse as along them
SAME_STEP = 0.15  # steps closer than this, in shortest steps, are one; Visium rounds to pixels
LONGER = 1.2  # a nearest step is at most this much longer than the shortest
ASIDE = 0.4  # a step this far off the first one's line, in shortest steps, is another direction
ON_GRID = 0.2  # a neighbor is on the grid when it is off by less than this, in shortest steps
MIN_SHARE = 0.8  # of neighbors that must be on the grid


def lattice_basis(xy: FloatArray) -> FloatArray:
    """Find the two shortest steps of a regular grid.

    Parameters
    ----------
    xy
        Points, shape ``(n, 2)``, in any unit; points may be missing or given twice, and lie a
        little beside the grid.

    Returns
    -------
    Rows are the two steps, shape ``(2, 2)``, with an angle of 90 to 120 degrees between them
    (a reduced basis), in the unit of ``xy``; signs and order carry no meaning.

    Raises
    ------
    InvalidDataError
        If the points do not lie on a grid of two directions.
    """
    points = np.unique(as_xy(xy), axis=0)
    if len(points) <= 2:  # noqa: PLR2004, a grid of two directions has three
        raise _no_grid(f"{len(points)} different positions were given")
    some = points[:: max(1, len(points) // N_SAMPLED)]
    _, near = KDTree(points).query(some, k=np.arange(2, min(N_NEAR, len(points) - 1) + 2))
    steps = (points[near] - some[:, None]).reshape(-1, 2)
    length = np.hypot(*steps.T)
    short = float(np.median(length[:: near.shape[1]]))
    first = _common_step(steps[length <= LONGER * short], short)
    aside = np.abs(first[0] * steps[:, 1] - first[1] * steps[:, 0]) / np.hypot(*first)
    other = aside > ASIDE * short
    if not other.any():
        raise _no_grid("they lie on one line")
    limit = LONGER * np.percentile(length[other], 10)
    second = _common_step(steps[other & (length <= limit)], short)
    basis = _reduced(np.stack([first, second]))
    whole = np.rint(steps @ np.linalg.inv(basis))
    close = (np.abs(whole) <= 2).all(axis=1)  # noqa: PLR2004, errors add up over many steps
    off = np.hypot(*(steps - whole @ basis)[close].T)
    on_grid = off < ON_GRID * short
    if not len(off) or on_grid.mean() < MIN_SHARE:
        raise _no_grid("they are scattered")
    return np.asarray(np.linalg.lstsq(whole[close][on_grid], steps[close][on_grid])[0])


def voronoi_cell(basis: FloatArray) -> FloatArray:
    """Return the ground nearer to a lattice's point 0 than to any other point of it.

    Parameters
    ----------
    basis
        Rows are two steps at 90 to 120 degrees, as ``lattice_basis`` gives them.

    Returns
    -------
    Corners around the point, shape ``(6, 2)``: a hexagon, on a rectangular lattice a rectangle
    with two corners given twice.
    """
    a, b = np.asarray(basis, float)
    around = np.stack([a, a + b, b, -a, -a - b, -b])
    ahead = np.roll(around, -1, axis=0)
    # the corner is as far from point 0 as from two neighbors: m . corner = |m|^2 / 2 for both
    half = np.stack([(around**2).sum(axis=1), (ahead**2).sum(axis=1)], axis=1)[..., None] / 2
    return np.asarray(np.linalg.solve(np.stack([around, ahead], axis=1), half)[..., 0])


def lattice_cells(xy: FloatArray) -> FloatArray:
    """Return the cell of ground around each point of a regular grid.

    Parameters
    ----------
    xy
        As for ``lattice_basis``.

    Returns
    -------
    Corners, shape ``(n, 6, 2)``: rectangles around the points of a rectangular grid (imaging
    pixels), hexagons around those of a hexagonal one (Visium). Points at an edge, or beside
    missing ones, get a whole cell.

    Raises
    ------
    InvalidDataError
        If the points do not lie on a grid of two directions.
    """
    return as_xy(xy)[:, None] + voronoi_cell(lattice_basis(xy))


def _common_step(steps: FloatArray, short: float) -> FloatArray:
    """Return the mean of the steps that are alike and most frequent; direction carries no sign."""
    places, counts = np.unique(
        np.rint(steps / (SAME_STEP * short) * 2).astype(int), axis=0, return_counts=True
    )
    guess = places[counts.argmax()] * SAME_STEP * short / 2
    sign = np.where(steps @ guess < 0, -1.0, 1.0)[:, None]
    alike = np.hypot(*(steps * sign - guess).T) <= SAME_STEP * short
    return np.asarray((steps * sign)[alike].mean(axis=0))


def _reduced(basis: FloatArray) -> FloatArray:
    """Make a basis as short as it can be (Lagrange), with an angle of 90 degrees or more."""
    a, b = sorted(basis, key=np.linalg.norm)
    while (turns := np.rint(a @ b / (a @ a))) != 0:
        a, b = sorted((a, b - turns * a), key=np.linalg.norm)
    return np.stack([a, -b if a @ b > 0 else b])


def _no_grid(why: str) -> InvalidDataError:
    return InvalidDataError(
        f"The positions are on no regular grid ({why}), so they have no pixel shape to overlap. "
        "Choose a method by distance instead."
    )
