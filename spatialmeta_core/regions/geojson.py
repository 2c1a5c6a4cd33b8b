"""Regions and trajectories as QuPath reads them: GeoJSON in image pixels, y down."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spatialmeta_core.types import FloatArray, Region, Trajectory

NAMESPACE: Final = uuid.UUID("5b0f2c0e-6d8f-5a3e-9a0b-3d6a1f3b7c11")  # for ids of our own


def to_geojson(
    regions: Iterable[Region], trajectories: Iterable[Trajectory] = ()
) -> dict[str, Any]:
    """Write drawn objects of one sample in QuPath's form.

    Parameters
    ----------
    regions
        Become ``Polygon`` or ``MultiPolygon`` annotations with closed rings.
    trajectories
        Become ``LineString`` annotations; the width is in ``properties.metadata``.

    Returns
    -------
    A FeatureCollection of plain values, in full-resolution pixels. What GeoJSON and QuPath have no
    place for (note, cluster restriction) is in ``properties.metadata`` as text, so that
    ``from_geojson`` gives back the same items.
    """
    features = [_region_feature(region) for region in regions]
    features += [_trajectory_feature(trajectory) for trajectory in trajectories]
    return {"type": "FeatureCollection", "features": features}


def _region_feature(region: Region) -> dict[str, Any]:
    polygons = [[_closed(ring) for ring in part] for part in region.parts]
    single = len(polygons) == 1
    geometry = {
        "type": "Polygon" if single else "MultiPolygon",
        "coordinates": polygons[0] if single else polygons,
    }
    metadata = {"note": region.note} if region.note else {}
    if region.only_clusters:
        metadata["only_clusters"] = json.dumps(region.only_clusters)
    return _feature(region, geometry, metadata, kind=region.kind, locked=region.locked)


def _trajectory_feature(trajectory: Trajectory) -> dict[str, Any]:
    points = np.asarray(trajectory.points, float).tolist()
    metadata = {f"width_{trajectory.width_unit}": repr(float(trajectory.width_um))}
    if trajectory.note:
        metadata["note"] = trajectory.note
    line = {"type": "LineString", "coordinates": points}
    return _feature(trajectory, line, metadata, locked=trajectory.locked)


def _feature(
    item: Region | Trajectory,
    geometry: dict[str, Any],
    metadata: dict[str, str],
    *,
    kind: str = "",
    locked: bool = False,
) -> dict[str, Any]:
    rgb = [int(item.color[i : i + 2], 16) for i in (1, 3, 5)]
    properties: dict[str, Any] = {"objectType": "annotation", "name": item.name, "isLocked": locked}
    if kind:
        properties["classification"] = {"name": kind, "color": rgb}
    else:
        properties["color"] = rgb
    identity = item.id
    if not is_uuid(identity):  # QuPath wants a UUID
        identity = str(uuid.uuid5(NAMESPACE, item.id))
        metadata = {**metadata, "id": item.id}
    if metadata:
        properties["metadata"] = metadata
    return {"type": "Feature", "id": identity, "geometry": geometry, "properties": properties}


def _closed(ring: FloatArray) -> list[list[float]]:
    points = np.asarray(ring, float).tolist()
    return [*points, points[0]]


def is_uuid(text: str) -> bool:
    """Whether this is a UUID in the usual lower-case form."""
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None
