"""GeoJSON of QuPath and others, in any of its spellings, into regions and trajectories."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any, Final, Literal

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.regions.geojson import NAMESPACE, is_uuid
from spatialmeta_core.regions.log import corners, is_number
from spatialmeta_core.types import FloatArray, Region, Trajectory

MOST_FEATURES: Final = 10_000
MOST_CORNERS: Final = 1_000_000
_CELLS: Final = ("detection", "cell", "tile", "pathdetectionobject", "pathcellobject")
_DEFAULT_WIDTH: Final = 100.0  # um, or px where the pixel size is unknown; one Visium spot distance


def from_geojson(
    data: dict[str, Any] | list[Any] | str | bytes, sample: str, *, scale: float = 1.0
) -> tuple[tuple[Region, ...], tuple[Trajectory, ...]]:
    """Read annotations of QuPath or another program.

    Parameters
    ----------
    data
        A FeatureCollection, a bare list of features or a single feature, parsed or as JSON text.
        Older QuPath spellings are understood.
    sample
        Whose annotations these are.
    scale
        Pixels of the drawing's image per full-resolution pixel: ``tissue_hires_scalef`` if it was
        drawn on the hires image (see ``coordinate_space``).

    Returns
    -------
    Polygons and MultiPolygons as regions, LineStrings as trajectories, in full-resolution pixels.
    Items without a name are numbered, without a usable id get one made from their content.

    Raises
    ------
    InvalidDataError
        If this is not such JSON; the message names the feature. Points, cells and detections are
        not taken.
    """
    features = _features(data)
    if not (is_number(scale) and scale > 0):
        raise InvalidDataError(f"The scale is {scale}; it must be a positive number.")
    regions: list[Region] = []
    trajectories: list[Trajectory] = []
    taken: set[str] = set()
    n_corners = 0
    for number, feature in enumerate(features, start=1):
        item = _item(feature, f"Feature {number}", sample, scale)
        identity = item.id
        if not identity or identity in taken:
            content = json.dumps([number, feature], sort_keys=True, default=str)
            identity = str(uuid.uuid5(NAMESPACE, content))
        taken.add(identity)
        n_corners += _n_corners(item)
        if n_corners > MOST_CORNERS:
            raise InvalidDataError(
                f"The drawing has more than {MOST_CORNERS:,} corners. Simplify it in QuPath first."
            )
        if isinstance(item, Region):
            name = item.name or f"Region {len(regions) + 1}"
            regions.append(replace(item, id=identity, name=name))
        else:
            name = item.name or f"Trajectory {len(trajectories) + 1}"
            trajectories.append(replace(item, id=identity, name=name))
    return tuple(regions), tuple(trajectories)


def _n_corners(item: Region | Trajectory) -> int:
    if isinstance(item, Trajectory):
        return len(item.points)
    return sum(len(ring) for part in item.parts for ring in part)


def _features(data: Any) -> list[Any]:
    if isinstance(data, str | bytes):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InvalidDataError(
                "This is not GeoJSON: the text is not valid JSON. Export the annotations again."
            ) from error
    if isinstance(data, dict):
        data = [data] if data.get("type") == "Feature" else data.get("features")
    if not isinstance(data, list):
        raise InvalidDataError(
            "This is not GeoJSON: no list of features was found. Export the annotations from "
            "QuPath as a FeatureCollection."
        )
    if len(data) > MOST_FEATURES:
        raise InvalidDataError(
            f"The file has {len(data):,} features; the limit is {MOST_FEATURES:,}. Export the "
            "annotations only, without cells or detections."
        )
    return data


def _item(feature: Any, where: str, sample: str, scale: float) -> Region | Trajectory:
    if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict):
        raise InvalidDataError(f"{where} has no geometry. Export the annotations again.")
    properties = feature.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    kind = str(_first(properties, "objectType", "object_type") or feature.get("id") or "").lower()
    if kind in _CELLS:
        raise InvalidDataError(
            f"{where} is a {kind}, not an annotation. In QuPath, export the annotations only."
        )
    metadata = properties.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    common: dict[str, Any] = {
        "id": _identity(feature, metadata),
        "name": _text(properties.get("name")),
        "sample": sample,
        "note": _text(_first(metadata, "note", "ANNOTATION_DESCRIPTION")),
    }
    class_name, color = _class_and_color(properties)
    if color:
        common["color"] = color
    geometry = feature["geometry"]
    locked = bool(_first(properties, "isLocked", "locked", "is_locked"))
    if geometry.get("type") == "LineString":
        points = corners(geometry.get("coordinates"), "path", where) / scale
        unit: Literal["um", "px"] = "px" if "width_px" in metadata else "um"
        width = _width(metadata, where, unit)
        return Trajectory(points=points, width_um=width, width_unit=unit, locked=locked, **common)
    return Region(
        parts=_parts(geometry, where, scale),
        kind=class_name,
        locked=locked,
        only_clusters=_clusters(metadata),
        **common,
    )


def _first(values: dict[str, Any], *names: str) -> Any:
    return next((values[name] for name in names if name in values), None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _identity(feature: dict[str, Any], metadata: dict[str, Any]) -> str:
    """Return our own id if the file keeps one, else the UUID, else nothing."""
    own, given = metadata.get("id"), feature.get("id")
    if isinstance(own, str) and own and str(uuid.uuid5(NAMESPACE, own)) == given:
        return own
    return given if isinstance(given, str) and is_uuid(given) else ""


def _class_and_color(properties: dict[str, Any]) -> tuple[str, str | None]:
    classification = properties.get("classification")
    if isinstance(classification, str):
        return classification, _color(properties)
    if not isinstance(classification, dict):
        return "", _color(properties)
    names = classification.get("names")
    joined = ": ".join(map(str, names)) if isinstance(names, list) else ""
    name = _text(classification.get("name")) or joined
    return name, _color(classification) or _color(properties)


def _color(values: dict[str, Any]) -> str | None:
    rgb = values.get("color")
    if isinstance(rgb, list) and len(rgb) >= 3 and all(is_number(v) for v in rgb[:3]):  # noqa: PLR2004  # r, g, b
        return "#" + "".join(f"{min(max(int(v), 0), 255):02x}" for v in rgb[:3])
    packed = _first(values, "colorRGB", "color_rgb")
    if isinstance(packed, int) and not isinstance(packed, bool):  # Java's signed 0xAARRGGBB
        return f"#{packed & 0xFFFFFF:06x}"
    return None


def _width(metadata: dict[str, Any], where: str, unit: str) -> float:
    value = metadata.get(f"width_{unit}", _DEFAULT_WIDTH)
    try:
        width = float(value)
    except (TypeError, ValueError):
        width = float("nan")
    if not (is_number(width) and width > 0):
        raise InvalidDataError(f"{where}: the width is {value!r}; it must be a positive number.")
    return width


def _clusters(metadata: dict[str, Any]) -> tuple[str, ...]:
    try:
        names = json.loads(metadata.get("only_clusters", "[]"))
    except (TypeError, ValueError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidDataError("metadata.only_clusters of a region is not a list of names.")
    return tuple(names)


def _parts(
    geometry: dict[str, Any], where: str, scale: float
) -> tuple[tuple[FloatArray, ...], ...]:
    kind, value = geometry.get("type"), geometry.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        raise InvalidDataError(
            f"{where} is a {kind}; regions are Polygon or MultiPolygon, trajectories LineString. "
            "Leave it out of the export."
        )
    polygons = [value] if kind == "Polygon" else value
    if not isinstance(polygons, list) or not polygons:
        raise InvalidDataError(f"{where} has no polygons.")
    if not all(isinstance(rings, list) and rings for rings in polygons):
        raise InvalidDataError(f"{where} has a polygon without rings.")
    return tuple(tuple(_ring(ring, where) / scale for ring in rings) for rings in polygons)


def _ring(value: Any, where: str) -> FloatArray:
    """Read a ring; the first point, repeated at the end, is dropped."""
    points = corners(value, "ring", where)
    is_closed = bool((points[0] == points[-1]).all())
    return corners(value[:-1], "ring", where) if is_closed else points
