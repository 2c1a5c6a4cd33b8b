"""Regions and trajectories as plain JSON values, exact to the last bit."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from typing import Any

import numpy as np

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.types import FloatArray, Region, Trajectory

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_FEWEST_CORNERS = {"ring": 3, "path": 2}


def to_dict(item: Region | Trajectory) -> dict[str, Any]:
    """Return plain values for JSON; ``from_dict`` gives back exactly the same item."""
    values: dict[str, Any] = {f.name: getattr(item, f.name) for f in fields(item)}
    if isinstance(item, Region):
        parts = [[np.asarray(ring).tolist() for ring in part] for part in item.parts]
        return {
            "type": "region",
            **values,
            "parts": parts,
            "only_clusters": list(item.only_clusters),
        }
    return {"type": "trajectory", **values, "points": np.asarray(item.points).tolist()}


def from_dict(values: dict[str, Any]) -> Region | Trajectory:
    """Read what ``to_dict`` returned.

    Raises
    ------
    InvalidDataError
        If a field is missing, unknown, or of the wrong kind.
    """
    if not isinstance(values, dict):
        raise _wrong("entry", values, "an object")
    fields_given = dict(values)
    kind = fields_given.pop("type", None)
    if kind not in ("region", "trajectory"):
        raise _wrong("type", kind, '"region" or "trajectory"')
    cls = Region if kind == "region" else Trajectory
    known = {f.name for f in fields(cls)}
    needed = {"id", "name", "sample"} | ({"parts"} if kind == "region" else {"points", "width_um"})
    odd = sorted(needed - set(fields_given)) + sorted(set(fields_given) - known)
    if odd:
        raise InvalidDataError(
            f"A {kind} in the log has a missing or unknown field: {odd[0]!r}. The file was written "
            "by another version, or changed by hand."
        )
    _check_plain(fields_given)
    if kind == "region":
        fields_given["parts"] = _parts(fields_given["parts"])
        fields_given["only_clusters"] = tuple(fields_given.get("only_clusters", ()))
    else:
        fields_given["points"] = corners(fields_given["points"], "path")
    return cls(**fields_given)


def _check_plain(values: dict[str, Any]) -> None:
    for name in ("id", "name", "sample", "kind", "note"):
        if not isinstance(values.get(name, ""), str):
            raise _wrong(name, values[name], "text")
    color = values.get("color", "#000000")
    if not (isinstance(color, str) and _COLOR.fullmatch(color)):
        raise _wrong("color", color, 'text such as "#d55e00"')
    for name in ("locked", "hidden"):
        if not isinstance(values.get(name, False), bool):
            raise _wrong(name, values[name], "true or false")
    clusters = values.get("only_clusters", [])
    if not isinstance(clusters, list | tuple) or not all(isinstance(c, str) for c in clusters):
        raise _wrong("only_clusters", clusters, "a list of text")
    _check_width(values)


def _check_width(values: dict[str, Any]) -> None:
    width = values.get("width_um", 1.0)
    if not is_number(width) or width <= 0:
        raise _wrong("width_um", width, "a positive number")
    if values.get("width_unit", "um") not in ("um", "px"):
        raise _wrong("width_unit", values["width_unit"], '"um" or "px"')


def _parts(value: Any) -> tuple[tuple[FloatArray, ...], ...]:
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(p, list) and p for p in value)
    ):
        raise _wrong("parts", value, "a list of polygons, each a list of rings")
    return tuple(tuple(corners(ring, "ring") for ring in part) for part in value)


def corners(value: Any, what: str, name: str = "") -> FloatArray:
    """Check a list of ``[x, y]`` and return it as an array ``(n, 2)``.

    Parameters
    ----------
    value
        Anything from JSON; further numbers of a position (z) are ignored.
    what
        ``"ring"`` (three corners at least) or ``"path"`` (two).
    name
        How to call the item in an error.

    Raises
    ------
    InvalidDataError
        If this is no such list.
    """
    where = f"{name}: a {what}" if name else f"A {what}"
    if not isinstance(value, list):
        raise InvalidDataError(f"{where} is {str(value)[:60]!r}; expected a list of [x, y].")
    for point in value:
        if (
            not isinstance(point, list)
            or len(point) <= 1
            or not all(is_number(v) for v in point[:2])
        ):
            raise InvalidDataError(f"{where} has the corner {str(point)[:60]}; expected [x, y].")
    points = np.array([[float(v) for v in point[:2]] for point in value], dtype=float)
    if len(points) < _FEWEST_CORNERS[what]:
        raise InvalidDataError(
            f"{where} has {len(points)} corners; at least {_FEWEST_CORNERS[what]} are needed."
        )
    return points


def is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number (``true`` is none)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e300 and math.isfinite(value)  # noqa: PLR2004  # huge whole numbers overflow


def _wrong(field: str, value: Any, expected: str) -> InvalidDataError:
    return InvalidDataError(
        f"In the log of regions, {field} is {str(value)[:60]!r}; expected {expected}."
    )
