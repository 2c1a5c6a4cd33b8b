"""What the lists can do to a region or a trajectory: each action becomes one event."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from app.pages.explore import drawings
from app.pages.explore.drawings import COLORS, open_to_change, put, with_parts
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.regions import (
    combine,
    is_number,
    ring_around,
    smooth_line,
    split_line,
    to_dict,
)
from spatialmeta_core.types import Region, Trajectory

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.pages.explore.drawings import Board, Item

LONGEST_NAME: Final = 60
ALWAYS: Final = ("lock", "hide", "color", "duplicate", "ring")  # also to what is locked
OPERATIONS: Final = {"union": "union", "subtract": "subtract", "intersect": "intersect"}


def change(
    item: Item, action: str, value: Any = None, *, board: Board | None = None
) -> dict[str, Any] | None:
    """Return the event of a button or box in the lists, or None when nothing would change.

    Parameters
    ----------
    action
        ``delete``, ``rename`` and ``kind`` (``value``: text), ``color`` (``#rrggbb``), ``lock``,
        ``hide``, ``duplicate``; of regions also ``clusters`` (list of names), ``union``,
        ``subtract`` and ``intersect`` (id of another region) and ``ring`` (width); of trajectories
        ``reverse``, ``smooth``, ``split`` and ``width``. Widths are um, or px where the pixel size
        is unknown.
    board
        Everything drawn; needed by what makes new objects or lengths.

    Raises
    ------
    InvalidParamsError
        If the value is not allowed, or the object is locked.
    """
    board = board or drawings.Board([], [], item.sample, 1.0, None)
    if action not in ALWAYS:
        open_to_change(item)
    if action == "delete":
        return drawings.delete(item)
    if action in MAKERS:
        return drawings.many(MAKERS[action](board, item, value))
    after = _changed(board, item, action, value)
    return None if to_dict(after) == to_dict(item) else put(after)


def _changed(board: Board, item: Item, action: str, value: Any) -> Item:
    if action == "rename":
        return replace(item, name=_text(value) or item.name)
    if action == "color" and str(value) in COLORS:
        return replace(item, color=str(value))
    if action == "lock":
        return replace(item, locked=not item.locked)
    if action == "hide":
        return replace(item, hidden=not item.hidden)
    if isinstance(item, Region):
        return _changed_region(board, item, action, value)
    return _changed_path(board, item, action, value)


def _changed_region(board: Board, region: Region, action: str, value: Any) -> Region:
    if action == "kind":
        return replace(region, kind=_text(value))
    if action == "clusters":
        return replace(region, only_clusters=tuple(sorted(map(str, value or ()), key=_number)))
    if action in OPERATIONS:
        other = board.items().get(str(value))
        if not isinstance(other, Region) or other.id == region.id:
            raise InvalidParamsError("Choose another region to combine this one with.")
        how: Any = OPERATIONS[action]
        return with_parts(region, combine(region.parts, other.parts, how))
    raise _impossible(action, region)


def _changed_path(board: Board, path: Trajectory, action: str, value: Any) -> Trajectory:
    if action == "reverse":
        return replace(path, points=path.points[::-1].copy())
    if action == "smooth":
        return replace(path, points=smooth_line(path.points, board.spacing))
    if action == "width":
        return replace(path, width_um=_width(value), width_unit=board.unit)
    raise _impossible(action, path)


def _duplicate(board: Board, item: Item, _value: Any) -> list[dict[str, Any]]:
    others = board.regions if isinstance(item, Region) else board.trajectories
    shift = [board.spacing, board.spacing]
    name = f"{item.name} copy"
    taken = {each.name for each in others}
    name = name if name not in taken else drawings.free_name(name, others)
    common: dict[str, Any] = {
        "id": drawings.new_id(),
        "name": name,
        "color": drawings.free_color(others),
        "locked": False,
        "hidden": False,
    }
    if isinstance(item, Region):
        parts = tuple(tuple(ring + shift for ring in rings) for rings in item.parts)
        return [put(replace(item, parts=parts, **common))]
    return [put(replace(item, points=item.points + shift, **common))]


def _ring(board: Board, item: Item, value: Any) -> list[dict[str, Any]]:
    if not isinstance(item, Region):
        raise _impossible("ring", item)
    width = _width(value)
    parts = ring_around(item.parts, width / (board.um_per_px or 1.0))
    unit = "µm" if board.unit == "um" else "px"
    name = f"{item.name} ring {width:g} {unit}"[:LONGEST_NAME]
    color = drawings.free_color(board.regions)
    return [put(Region(drawings.new_id(), name, item.sample, parts, kind=item.kind, color=color))]


def _split(board: Board, item: Item, _value: Any) -> list[dict[str, Any]]:
    if not isinstance(item, Trajectory):
        raise _impossible("split", item)
    first, second = split_line(item.points)
    color = drawings.free_color(board.trajectories)
    name = f"{item.name} b"[:LONGEST_NAME]
    return [
        put(replace(item, points=first)),
        put(replace(item, id=drawings.new_id(), points=second, name=name, color=color)),
    ]


MAKERS: Final[dict[str, Callable[[Board, Item, Any], list[dict[str, Any]]]]] = {
    "duplicate": _duplicate,
    "ring": _ring,
    "split": _split,
}


def _width(value: Any) -> float:
    if not is_number(value) or value <= 0:
        raise InvalidParamsError("The width must be a number above 0.")
    return float(value)


def _text(value: Any) -> str:
    return " ".join(str(value or "").split())[:LONGEST_NAME]


def _number(name: str) -> tuple[int, str]:
    return (int(name) if name.isdecimal() else 0, name)


def _impossible(action: str, item: Item) -> InvalidParamsError:
    return InvalidParamsError(f"'{action}' cannot be done to '{item.name}'.")
