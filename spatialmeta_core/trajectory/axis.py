"""Axes that features are followed along: a drawn path, or the distance from a region's edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError, NotFoundError
from spatialmeta_core.regions.distance import distance_from_region
from spatialmeta_core.trajectory.position import assign
from spatialmeta_core.types import Region, Trajectory

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData

    from spatialmeta_core.params import GradientParams
    from spatialmeta_core.types import FloatArray, IntArray

MIN_SPOTS = 10
"""Fewest spots on an axis to speak of a gradient."""

FEWEST_BINS = 3
"""Bins of an axis with hardly any spots; a trend needs no fewer."""


@dataclass(frozen=True, slots=True, eq=False)
class EdgeDistance:
    """The distance from a region's edge as an axis, inside negative.

    Attributes
    ----------
    region
        A restriction to clusters has no part in it.
    reach_um
        Spots farther from the edge are left out; um, or px where the pixel size is unknown.
    """

    region: Region
    reach_um: float = 500.0


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Spots along an axis.

    Attributes
    ----------
    section
        Positions in ``obs`` of all spots of the axis's sample, shape ``(n_section,)``.
    spots
        Positions in ``obs`` of those on the axis, shape ``(n_spots,)``.
    along
        Where they lie, in ``unit``, shape ``(n_spots,)``.
    start, stop
        Ends of the axis, in ``unit``.
    unit
        ``"um"``, or ``"px"`` where the pixel size is unknown.
    locate
        Gives any positions ``(n, 2)`` in px their place along the axis, NaN beside it.
    """

    section: IntArray
    spots: IntArray
    along: FloatArray
    start: float
    stop: float
    unit: Literal["um", "px"]
    locate: Callable[[FloatArray], FloatArray]

    def edges(self, params: GradientParams) -> FloatArray:
        """Borders of bins of equal width: fewer than asked for where they would hold few spots."""
        filled = max(len(self.spots) // params.min_spots_per_bin, FEWEST_BINS)
        return np.linspace(self.start, self.stop, min(params.n_bins, filled) + 1)


def find_axis(joint: AnnData, where: Trajectory | EdgeDistance) -> Axis:
    """Place the spots of a joint object along an axis.

    Parameters
    ----------
    joint
        With ``obsm["spatial"]`` in px. With several samples (``obs["sample"]``) only that of the
        path or region is used. Distances are um when ``uns["spatialmeta"]`` knows the pixel size.
    where
        The path, or the region whose edge is meant.

    Raises
    ------
    InvalidDataError
        If a path has fewer than two points, a region no polygon, or too few spots are in reach.
    NotFoundError
        If the sample is unknown.
    """
    sample = where.sample if isinstance(where, Trajectory) else where.region.sample
    section = np.arange(joint.n_obs)
    if keys.SAMPLE in joint.obs and sample:
        section = np.flatnonzero(joint.obs[keys.SAMPLE].astype(str) == sample)
        if not len(section):
            raise NotFoundError(f'No spots of the sample "{sample}" in the data.')
    um_per_px = joint.uns.get(keys.OURS, {}).get(keys.UM_PER_PX)
    unit: Literal["um", "px"] = "px" if um_per_px is None else "um"
    locate = _path(where, um_per_px) if isinstance(where, Trajectory) else _edge(where, um_per_px)
    xy = np.asarray(joint.obsm[keys.SPATIAL], float)[section]
    along = locate(xy)
    inside = np.isfinite(along)
    _check(where, int(inside.sum()), unit)
    if isinstance(where, Trajectory):
        start, stop = 0.0, assign(where, xy[:1], um_per_px).length
    else:
        start, stop = float(along[inside].min()), float(along[inside].max())
    return Axis(section, section[inside], along[inside], start, stop, unit, locate)


def bin_of(along: FloatArray, edges: FloatArray) -> IntArray:
    """Return the bin of each place; the last bin holds its upper edge."""
    return np.clip(np.searchsorted(edges, along, side="right") - 1, 0, len(edges) - 2)


def _path(path: Trajectory, um_per_px: float | None) -> Callable[[FloatArray], FloatArray]:
    def locate(xy: FloatArray) -> FloatArray:
        position = assign(path, xy, um_per_px)
        return np.where(position.inside, position.along, np.nan)

    return locate


def _edge(edge: EdgeDistance, um_per_px: float | None) -> Callable[[FloatArray], FloatArray]:
    def locate(xy: FloatArray) -> FloatArray:
        distance = distance_from_region(edge.region, xy, um_per_px)
        return np.where(np.abs(distance) <= edge.reach_um, distance, np.nan)

    return locate


def _check(where: Trajectory | EdgeDistance, n_inside: int, unit: str) -> None:
    """Refuse an axis with hardly any spots."""
    if n_inside >= MIN_SPOTS:
        return
    if isinstance(where, EdgeDistance):
        raise InvalidDataError(
            f"{n_inside} spots lie within {where.reach_um:g} {unit} of the edge of the region "
            f'"{where.region.name}"; at least {MIN_SPOTS} are needed. Choose a longer reach.'
        )
    if n_inside == 0:
        raise InvalidDataError(
            f'The path "{where.name}" passes no spot within its width of '
            f"{where.width_um:g} {unit}. Draw it over the tissue, or make it wider."
        )
    raise InvalidDataError(
        f'The path "{where.name}" has {n_inside} spots in its swath; '
        f"at least {MIN_SPOTS} are needed. Make it longer or wider."
    )
