"""What the browser reports about drawing on the tissue map, as domain types. Pure.

The browser queues each report of plotly (``relayoutData``) that holds a drawing, together with a
fresh id and the names of the shapes on the map, so that the position in an edit such as
``shapes[2].path`` can be told::

    {"id": "9f0c...", "names": ["a region's id", ...], "data": {"selections": [...]}}

With ``"how": "add"`` or ``"subtract"`` a drawing is for the region looked at. Besides plotly's
forms, ``data`` may be ``{"brush": {"path", "radius"}}``, ``{"move": {"item", "by": [x, y]}}`` or
``{"width": {"item", "px"}}``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from spatialmeta_core import geometry
from spatialmeta_core.regions import brush_stroke, combine, is_number
from spatialmeta_core.types import FloatArray, Region, Trajectory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from spatialmeta_core.geometry import Parts

ID: Final = re.compile(r"[0-9a-f]{32}")
EDIT: Final = re.compile(r"shapes\[(\d+)\]\.path")
COMMAND: Final = re.compile(r"([MLZ])([^MLZ]*)", re.IGNORECASE)
NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
FEWEST_CORNERS: Final = {"region": 3, "trajectory": 2}
DETAIL: Final = 0.2  # of the spot spacing: freehand wobbles below this are dropped


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A finished drawing or edit.

    Attributes
    ----------
    id
        Id of the report; the new object's id unless ``edits``.
    kind
        A closed line is a region, an open one a trajectory.
    rings
        The lines in the order of the path, each ``(n, 2)`` px, the first point not repeated.
    edits
        Id of the object whose line was changed, or None for a new one.
    how
        Whether it is added to the region looked at or taken from it; empty for neither.
    parts
        Of a brush stroke: its area, already outlined.
    """

    id: str
    kind: Literal["region", "trajectory"]
    rings: tuple[FloatArray, ...]
    edits: str | None = None
    how: Literal["", "add", "subtract"] = ""
    parts: Parts = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """An object that was moved as it is, or whose swath was made wider; lengths in px."""

    id: str
    item: str
    by: tuple[float, float] = (0.0, 0.0)
    width: float | None = None


def read(report: Mapping[str, Any], known: Iterable[str] = ()) -> Drawn | None:
    """Turn one report into a drawing.

    Parameters
    ----------
    report
        ``id``, ``names`` and ``data`` as above.
    known
        Ids of objects that exist; shapes named after them are not new.

    Returns
    -------
    None when nothing was drawn: a mere zoom, a click without an area, a shape without a type
    (plotly sends such phantoms), or a report that is not well formed.
    """
    data, names = report.get("data"), report.get("names", [])
    if not isinstance(data, dict) or not ID.fullmatch(str(report.get("id"))):
        return None
    how = report.get("how")
    drawn = (
        _brushed(report["id"], data["brush"])
        if "brush" in data
        else _read(report, data, names, known)
    )
    if drawn is None or drawn.kind == "trajectory" or how not in ("add", "subtract"):
        return drawn
    return replace(drawn, how=how)


def read_move(report: Mapping[str, Any]) -> Moved | None:
    """Turn a report into a move or a new width; None when it is neither, or not well formed."""
    data = report.get("data")
    if not isinstance(data, dict) or not ID.fullmatch(str(report.get("id"))):
        return None
    move, width = data.get("move"), data.get("width")
    if isinstance(move, dict) and all(is_number(v) for v in move.get("by", ["no"])):
        x, y = move["by"]
        return Moved(report["id"], str(move.get("item")), (float(x), float(y)))
    if isinstance(width, dict) and is_number(width.get("px")) and width["px"] > 0:
        return Moved(report["id"], str(width.get("item")), width=float(width["px"]))
    return None


def _brushed(report: str, brush: Any) -> Drawn | None:
    if not isinstance(brush, dict) or not is_number(brush.get("radius")) or brush["radius"] <= 0:
        return None
    lines, _ = parse_path(str(brush.get("path")))
    if not lines or not len(lines[0]) or not np.isfinite(lines[0]).all():
        return None
    parts = brush_stroke(lines[0], float(brush["radius"]))
    return Drawn(report, "region", (lines[0],), parts=parts)


def _read(
    report: Mapping[str, Any], data: Mapping[str, Any], names: Sequence[str], known: Iterable[str]
) -> Drawn | None:
    edit = next((match for key in data if (match := EDIT.fullmatch(key))), None)
    if edit is not None:
        position = int(edit[1])
        name = names[position] if position < len(names) else None
        return _drawn(report["id"], str(data[edit[0]]), edits=name) if name else None
    for key in ("selections", "shapes"):
        if isinstance(data.get(key), list):
            path = _newest_path(data[key], set(known))
            closed = key == "selections"  # plotly leaves the closing Z out of a lasso
            return None if path is None else _drawn(report["id"], path, closed=closed)
    return None


def _newest_path(shapes: Sequence[Any], known: set[str]) -> str | None:
    """Return the path of the last shape that is none of ours."""
    for shape in reversed(shapes):
        if not isinstance(shape, dict) or _owner(shape.get("name")) in known:
            continue
        if shape.get("type") == "path" and isinstance(shape.get("path"), str):
            return str(shape["path"])
        if shape.get("type") == "rect":
            x0, x1, y0, y1 = (float(shape[key]) for key in ("x0", "x1", "y0", "y1"))
            return f"M{x0},{y0}L{x1},{y0}L{x1},{y1}L{x0},{y1}Z"
    return None


def _owner(name: object) -> str:
    """Return the object a shape belongs to; helper shapes are named ``<id>/<part>``."""
    return str(name or "").partition("/")[0]


def _drawn(
    report: str, path: str, *, closed: bool = False, edits: str | None = None
) -> Drawn | None:
    rings, is_closed = parse_path(f"{path}Z" if closed else path)
    kind: Literal["region", "trajectory"] = "region" if is_closed else "trajectory"
    usable = [ring for ring in rings if _has_size(ring, kind)]
    if not usable:
        return None
    return Drawn(report, kind, tuple(usable), None if edits is None else _owner(edits))


def _has_size(ring: FloatArray, kind: str) -> bool:
    corners = np.unique(ring, axis=0)
    if len(corners) < FEWEST_CORNERS[kind] or not np.isfinite(corners).all():
        return False
    return kind == "trajectory" or abs(geometry.signed_area(ring)) > 0


def parse_path(path: str) -> tuple[list[FloatArray], bool]:
    """Read an SVG path of straight lines.

    Returns
    -------
    lines
        One array ``(n, 2)`` per ``M``; a last point equal to the first is dropped from closed ones.
    is_closed
        Whether the path ends with ``Z``.
    """
    lines: list[list[float]] = []
    for command, text in COMMAND.findall(path):
        if command.upper() == "M":
            lines.append([])
        if command.upper() != "Z" and lines:
            lines[-1] += [float(number) for number in NUMBER.findall(text)]
    is_closed = path.strip().upper().endswith("Z")
    rings = [np.asarray(line[: len(line) // 2 * 2]).reshape(-1, 2) for line in lines]
    if is_closed:
        rings = [
            ring[:-1] if len(ring) > 1 and (ring[0] == ring[-1]).all() else ring for ring in rings
        ]
    return rings, is_closed


def new_region(drawn: Drawn, *, name: str, sample: str, color: str, spacing: float) -> Region:
    """Make a region of a closed drawing; ``spacing`` of the spots, px, sets the detail kept."""
    return Region(drawn.id, name, sample, parts_of(drawn, spacing), color=color)


def parts_of(drawn: Drawn, spacing: float) -> Parts:
    """Return the area of a closed drawing; lines that cross themselves are sorted out."""
    if drawn.parts:
        return drawn.parts
    parts = tuple((_simplified(ring, DETAIL * spacing),) for ring in drawn.rings)
    return untangled(parts)


def untangled(parts: Parts) -> Parts:
    """Return the same area without crossing lines; what has none comes back as it is."""
    clean = combine(parts, (), "union")
    area, sure = (geometry.polygon_area(each) for each in (parts, clean))
    return parts if abs(area - sure) <= 1e-6 * sure else clean


def new_trajectory(
    drawn: Drawn,
    *,
    name: str,
    sample: str,
    color: str,
    spacing: float,
    width: float,
    unit: Literal["um", "px"] = "um",
) -> Trajectory:
    """Make a trajectory of an open drawing.

    Parameters
    ----------
    spacing
        Of the spots, px; sets how much detail is kept.
    width, unit
        Full width of the swath; in px where the pixel size is unknown.
    """
    points = geometry.simplify(drawn.rings[0], DETAIL * spacing)
    return Trajectory(drawn.id, name, sample, points, width, color=color, width_unit=unit)


def edited(item: Region | Trajectory, drawn: Drawn) -> Region | Trajectory:
    """Give an object the line of an edit; a region keeps its division into parts and holes."""
    if isinstance(item, Trajectory):
        return replace(item, points=drawn.rings[0])
    rings = iter(drawn.rings)
    if len(drawn.rings) != sum(len(part) for part in item.parts):
        parts: Parts = tuple((ring,) for ring in rings)
    else:
        parts = tuple(tuple(next(rings) for _ in part) for part in item.parts)
    return replace(item, parts=untangled(parts))


def _simplified(ring: FloatArray, tolerance: float) -> FloatArray:
    closed = geometry.simplify(np.vstack([ring, ring[:1]]), tolerance)[:-1]
    return closed if _has_size(closed, "region") else ring
