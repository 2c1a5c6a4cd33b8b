"""Which spots a region holds, where spots lie along a trajectory, and both written into AnnData."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from spatialmeta_core import geometry, keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.regions.log import to_dict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import anndata as ad

    from spatialmeta_core.types import BoolArray, FloatArray, Region, Trajectory


def membership(
    region: Region, xy: FloatArray, clusters: Sequence[str] | pd.Series | None = None
) -> BoolArray:
    """Tell which spots lie in a region.

    Parameters
    ----------
    region
        Its ``only_clusters`` restricts the spots further.
    xy
        Spot positions of the region's sample, px, shape ``(n, 2)``.
    clusters
        Cluster of each spot; needed if the region is restricted.

    Returns
    -------
    Mask of shape ``(n,)``; borders count as ``geometry.contains`` says.

    Raises
    ------
    InvalidDataError
        If the region is restricted to clusters and none are given, or their number differs.
    """
    inside = geometry.contains(region.parts, xy)
    if not region.only_clusters:
        return inside
    if clusters is None:
        raise InvalidDataError(
            f'The region "{region.name}" takes only some clusters, but the spots have none. '
            "Compute clusters first, or lift the restriction."
        )
    labels = np.asarray([str(cluster) for cluster in clusters])
    if len(labels) != len(xy):
        raise InvalidDataError(f"{len(labels)} clusters for {len(xy)} spots.")
    return inside & np.isin(labels, region.only_clusters)


def region_area(region: Region, um_per_px: float | None = None) -> float:
    """Area without holes, in square um, or in square px if ``um_per_px`` is None."""
    scale = 1.0 if um_per_px is None else um_per_px
    return float(geometry.polygon_area(region.parts)) * scale**2


def position_along(
    trajectory: Trajectory, xy: FloatArray, um_per_px: float | None = None
) -> FloatArray:
    """Return the distance of each spot from the trajectory's start, measured along it.

    Parameters
    ----------
    trajectory
        With its full width.
    xy
        Spot positions of the trajectory's sample, px, shape ``(n, 2)``.

    Returns
    -------
    Shape ``(n,)``, um (px if ``um_per_px`` is None); NaN outside the swath, which is cut off square
    at both ends.

    Raises
    ------
    InvalidDataError
        If the trajectory has no length.
    """
    scale = 1.0 if um_per_px is None else um_per_px
    points = np.asarray(trajectory.points, float)
    along, _, distance = geometry.project_onto(points, xy)
    corners = points[np.r_[True, (np.diff(points, axis=0) != 0).any(axis=1)]]
    length = geometry.path_length(corners)
    before = (along <= 0) & ((xy - corners[0]) @ (corners[1] - corners[0]) < 0)
    at_end = along >= length * (1 - 1e-12)  # ``along`` is a sum, so allow for rounding
    after = at_end & ((xy - corners[-1]) @ (corners[-1] - corners[-2]) > 0)
    inside = (distance * scale <= trajectory.width(um_per_px) / 2) & ~before & ~after
    return np.where(inside, along * scale, np.nan)


def coordinate_space(
    regions: Iterable[Region],
    trajectories: Iterable[Trajectory],
    xy: FloatArray,
    hires_scale: float | None,
) -> Literal["full", "hires", "outside"]:
    """Tell in which pixels a drawing was made, by where it falls (E-27).

    Parameters
    ----------
    regions, trajectories
        As ``from_geojson`` returned them with ``scale=1``.
    xy
        Spot positions of the sample, full-resolution pixels, shape ``(n, 2)``.
    hires_scale
        Hires pixels per full-resolution pixel; None if there is no such image.

    Returns
    -------
    ``"full"`` if the middle of most objects lies in the bounding box of the spots, ``"hires"`` if
    it does after dividing by ``hires_scale``, else ``"outside"``.
    """
    middles = np.array(
        [
            *(np.mean(np.concatenate([p[0] for p in r.parts]), axis=0) for r in regions),
            *(np.mean(t.points, axis=0) for t in trajectories),
        ]
    ).reshape(-1, 2)
    low, high = np.min(xy, axis=0), np.max(xy, axis=0)

    def fits(points: FloatArray) -> bool:
        inside = ((points >= low) & (points <= high)).all(axis=1)
        return bool(inside.sum() * 2 > len(points)) or not len(points)

    if fits(middles):
        return "full"
    if hires_scale is not None and fits(middles / hires_scale):
        return "hires"
    return "outside"


def record(
    adata: ad.AnnData, regions: Iterable[Region] = (), trajectories: Iterable[Trajectory] = ()
) -> ad.AnnData:
    """Write drawn objects into a copy of a section or a joint object.

    ``obs`` gets a boolean column ``region: <name>`` per region and a column ``trajectory: <name>
    (um)`` (or ``(px)``) per trajectory, the position along it, NaN outside. Spots of other samples
    are outside. ``uns["spatialmeta"]`` gets both lists as JSON text. Columns of an earlier record
    are replaced.

    Parameters
    ----------
    adata
        Has ``obsm["spatial"]`` in px and, for several samples, ``obs["sample"]``; clusters are read
        from ``obs["cluster"]``, the pixel size from ``uns["spatialmeta"]``.
    regions, trajectories
        May belong to several samples; names may repeat, columns get a number then.

    Raises
    ------
    InvalidDataError
        If a region is restricted to clusters and there are none.
    """
    regions, trajectories = tuple(regions), tuple(trajectories)
    xy = np.asarray(adata.obsm[keys.SPATIAL], float)
    clusters = adata.obs[keys.CLUSTER].astype(str) if keys.CLUSTER in adata.obs else None
    ours = dict(adata.uns.get(keys.OURS, {}))
    um_per_px = ours.get(keys.UM_PER_PX)
    unit = "px" if um_per_px is None else "um"
    columns: dict[str, BoolArray | FloatArray] = {}
    for region in regions:
        inside = membership(region, xy, clusters) & _of_sample(adata, region.sample)
        columns[_free_name(f"region: {region.name}", "", columns)] = inside
    for trajectory in trajectories:
        along = position_along(trajectory, xy, um_per_px)
        along[~_of_sample(adata, trajectory.sample)] = np.nan
        columns[_free_name(f"trajectory: {trajectory.name}", f" ({unit})", columns)] = along

    result = adata.copy()
    kept = [c for c in result.obs if not str(c).startswith(("region: ", "trajectory: "))]
    new = pd.DataFrame(columns, index=result.obs.index)
    result.obs = pd.concat([result.obs[kept], new], axis=1)
    ours[keys.REGIONS] = json.dumps([to_dict(region) for region in regions])
    ours[keys.TRAJECTORIES] = json.dumps([to_dict(trajectory) for trajectory in trajectories])
    result.uns[keys.OURS] = ours
    return result


def _of_sample(adata: ad.AnnData, sample: str) -> BoolArray:
    if keys.SAMPLE not in adata.obs:
        return np.ones(adata.n_obs, bool)
    return np.asarray(adata.obs[keys.SAMPLE].astype(str) == sample)


def _free_name(start: str, end: str, taken: dict[str, BoolArray | FloatArray]) -> str:
    """Return a column name that is not taken; ``/`` would be a folder in HDF5."""
    start = start.replace("/", "-")
    name, number = start + end, 1
    while name in taken:
        number += 1
        name = f"{start} {number}{end}"
    return name
