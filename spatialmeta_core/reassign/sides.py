"""Sources and targets of a reassignment: the direction, the cut-off and the shapes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core.geometry import apply_pose, as_xy, signed_area, spacing
from spatialmeta_core.geometry.lattice import lattice_cells
from spatialmeta_core.params import ReassignParams
from spatialmeta_core.reassign.donors import Donors, area_donors, near_donors

if TYPE_CHECKING:
    from spatialmeta_core.types import Alignment, FloatArray, Pose


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Where a reassignment takes from and goes to, in full-resolution px of the ST image.

    Attributes
    ----------
    source_xy, target_xy
        Shape ``(n, 2)``.
    max_distance
        Cut-off of the methods by distance.
    source_cells
        Corners of the ground around each source, shape ``(n_sources, n_corners, 2)``; None unless
        areas are wanted.
    target_radius
        Of the disc that stands for each target.
    """

    source_xy: FloatArray
    target_xy: FloatArray
    max_distance: float
    source_cells: FloatArray | None = None
    target_radius: float = 0.0

    def moved(self, pose: Pose) -> Sides:
        """Return the same with the sources moved."""
        cells = self.source_cells
        if cells is not None:
            cells = apply_pose(pose, cells.reshape(-1, 2)).reshape(cells.shape)
        return replace(self, source_xy=apply_pose(pose, self.source_xy), source_cells=cells)


def sides(
    st_xy: FloatArray,
    sm_xy: FloatArray,
    alignment: Alignment | None = None,
    params: ReassignParams | None = None,
) -> Sides:
    """Tell sources from targets and measure what the method needs.

    Parameters
    ----------
    st_xy
        ST spots, shape ``(n_spots, 2)``, px.
    sm_xy
        SM pixels in their own unit, shape ``(n_pixels, 2)``.
    alignment
        Map from SM positions to ST px; without it they are in ST px already.
    params
        Direction, method, cut-off; by default ``ReassignParams()``.

    Raises
    ------
    InvalidDataError
        If a coordinate is missing, or areas are wanted of sources that form no grid.
    """
    settings = params or ReassignParams()
    st_xy, sm_xy = as_xy(st_xy, "st_xy"), as_xy(sm_xy, "sm_xy")
    placed = sm_xy if alignment is None else alignment.apply(sm_xy)
    to_spots = settings.direction == "sm_to_st"
    source, target = (placed, st_xy) if to_spots else (st_xy, placed)
    step = spacing(target, settings.spacing)
    found = Sides(source, target, settings.distance_factor * step)
    if settings.method != "area":
        return found
    if to_spots:
        cells = _placed_cells(sm_xy, alignment)
        return replace(found, source_cells=cells, target_radius=settings.spot_diameter * step / 2)
    # an imaging pixel stands for all of its ground: a disc of the same area
    ground = abs(signed_area(np.median(_placed_cells(sm_xy, alignment) - placed[:, None], axis=0)))
    return replace(
        found, source_cells=lattice_cells(st_xy), target_radius=math.sqrt(ground / math.pi)
    )


def donors_of(where: Sides, params: ReassignParams) -> Donors:
    """Return the weights of a reassignment, by which any number of tables can be carried."""
    if where.source_cells is not None:
        return area_donors(
            where.source_xy, where.target_xy, where.source_cells, where.target_radius
        )
    return near_donors(
        where.source_xy,
        where.target_xy,
        where.max_distance,
        params.n_neighbors,
        "distance" if params.method == "distance" else "mean",
    )


def _placed_cells(sm_xy: FloatArray, alignment: Alignment | None) -> FloatArray:
    """Carry the corners of the pixels like the pixels: turned, stretched and bent with them."""
    cells = lattice_cells(sm_xy)
    if alignment is None:
        return cells
    return alignment.apply(cells.reshape(-1, 2)).reshape(cells.shape)
