"""Groups of spots to compare: a region, the ring around it, the same region in other samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.regions import membership
from spatialmeta_core.regions.distance import distance_from_region

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anndata import AnnData

    from spatialmeta_core.types import BoolArray, Region


def region_mask(joint: AnnData, region: Region) -> BoolArray:
    """Tell which spots of a joint object lie in a region; those of other samples do not.

    Parameters
    ----------
    joint
        Has ``obsm["spatial"]`` in px and, for several samples, ``obs["sample"]``; clusters are
        read from ``obs["cluster"]``.
    region
        In px of its sample.

    Returns
    -------
    Shape ``(joint.n_obs,)``.

    Raises
    ------
    InvalidDataError
        If the region is restricted to clusters and there are none.
    """
    clusters = joint.obs[keys.CLUSTER].astype(str) if keys.CLUSTER in joint.obs else None
    inside = membership(region, np.asarray(joint.obsm[keys.SPATIAL], float), clusters)
    return inside & of_sample(joint, region.sample)


def ring_mask(joint: AnnData, region: Region, width: float) -> BoolArray:
    """Tell which spots lie outside a region and at most ``width`` from its edge.

    Parameters
    ----------
    joint, region
        As for ``region_mask``.
    width
        In um, or in px where ``uns["spatialmeta"]`` does not know the pixel size.

    Returns
    -------
    Shape ``(joint.n_obs,)``; spots inside the region's line do not count, even where it takes
    only some clusters.

    Raises
    ------
    InvalidDataError
        If no spot lies there.
    """
    um_per_px = joint.uns.get(keys.OURS, {}).get(keys.UM_PER_PX)
    xy = np.asarray(joint.obsm[keys.SPATIAL], float)
    distance = distance_from_region(region, xy, um_per_px)
    ring = (distance > 0) & (distance <= width) & of_sample(joint, region.sample)
    if not ring.any():
        unit = "px" if um_per_px is None else "um"
        raise InvalidDataError(
            f'No spot lies within {width:g} {unit} around the region "{region.name}". '
            "Choose a wider ring."
        )
    return np.asarray(ring)


def elsewhere_mask(joint: AnnData, region: Region, regions: Iterable[Region]) -> BoolArray:
    """Tell which spots lie in the regions of the same name in other samples.

    Parameters
    ----------
    joint
        As for ``region_mask``, of several samples.
    region
        The region to compare.
    regions
        All regions that are drawn.

    Returns
    -------
    Shape ``(joint.n_obs,)``.

    Raises
    ------
    InvalidDataError
        If no other sample has such a region, or those hold no spots.
    """
    same = [r for r in regions if r.name == region.name and r.sample != region.sample]
    masks = [region_mask(joint, each) for each in same]
    found = np.any(masks, axis=0) if masks else np.zeros(joint.n_obs, bool)
    if not found.any():
        raise InvalidDataError(
            f'Found {len(same)} regions named "{region.name}" in other samples, with no spots in '
            "them. Copy the region to another sample first."
        )
    return np.asarray(found)


def of_sample(joint: AnnData, sample: str) -> BoolArray:
    """Tell which spots belong to a sample; all where the data do not name samples."""
    if keys.SAMPLE not in joint.obs:
        return np.ones(joint.n_obs, bool)
    return np.asarray(joint.obs[keys.SAMPLE].astype(str) == sample)
