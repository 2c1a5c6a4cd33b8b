"""Regions and trajectories of a project: what the user does becomes events of the history."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from app import sections
from app.figures.theme import EXTENDED
from app.pages.explore import events
from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidParamsError, NotFoundError
from spatialmeta_core.regions import to_dict
from spatialmeta_core.types import Region, Trajectory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.sections import Section
    from app.store import ProjectStore

    Item = Region | Trajectory

COLORS: Final = tuple(color for color in EXTENDED[:10] if color not in ("#000000", "#f0e442"))
DEFAULT_WIDTH: Final = 4.0  # times the spot spacing: the path's spots and two on either side
LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """The objects in force and what new ones need to know.

    Attributes
    ----------
    sample
        Name of the section new objects belong to.
    spacing
        Of the spots, px.
    um_per_px
        Pixel size, or None when unknown.
    """

    regions: list[Region]
    trajectories: list[Trajectory]
    sample: str
    spacing: float
    um_per_px: float | None

    def items(self) -> dict[str, Item]:
        """Return all objects by id."""
        found: list[Item] = [*self.regions, *self.trajectories]
        return {item.id: item for item in found}

    def get(self, identity: str) -> Item:
        """Return one object.

        Raises
        ------
        NotFoundError
            If there is none with this id.
        """
        items = self.items()
        if identity not in items:
            raise NotFoundError("This region or trajectory was deleted. Undo brings it back.")
        return items[identity]


def open_board(store: ProjectStore, project: str, section: Section) -> Board:
    """Read the objects of a project."""
    areas, paths = sections.drawings(store, project)
    return Board(areas, paths, section.sample, geometry.spacing(section.xy), section.um_per_px)


def from_reports(board: Board, reports: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turn the browser's reports into events; what is known already gives none."""
    made: list[dict[str, Any]] = []
    regions, paths = list(board.regions), list(board.trajectories)
    for report in reports:
        known = {*(region.id for region in regions), *(path.id for path in paths)}
        drawn = events.read(report, known)
        if drawn is None or drawn.id in known:
            continue
        if drawn.edits is not None:
            item = board.items().get(drawn.edits)
            if item is not None:
                made.append(put(events.edited(item, drawn)))
        elif drawn.kind == "region":
            regions.append(_new_region(board, regions, drawn))
            made.append(put(regions[-1]))
        else:
            paths.append(_new_trajectory(board, paths, drawn))
            made.append(put(paths[-1]))
    return made


def put(item: Item) -> dict[str, Any]:
    """Return the event that adds or replaces an object."""
    return {"op": "put", "what": _what(item), "object": to_dict(item)}


def delete(item: Item) -> dict[str, Any]:
    """Return the event that removes an object."""
    return {"op": "delete", "what": _what(item), "id": item.id}


def change(item: Item, action: str, value: Any = None) -> dict[str, Any] | None:
    """Return the event of a button or box in the lists, or None when nothing would change.

    Parameters
    ----------
    action
        ``delete``, ``reverse``, ``rename`` (``value``: text), ``color`` (``#rrggbb``) or ``width``
        (um, or px where the pixel size is unknown).

    Raises
    ------
    InvalidParamsError
        If the value is not allowed.
    """
    if action == "delete":
        return delete(item)
    after = _changed(item, action, value)
    return None if to_dict(after) == to_dict(item) else put(after)


def _changed(item: Item, action: str, value: Any) -> Item:
    if action == "rename":
        name = " ".join(str(value or "").split())[:LONGEST_NAME]
        return replace(item, name=name or item.name)
    if action == "color" and str(value) in COLORS:
        return replace(item, color=str(value))
    if action == "reverse" and isinstance(item, Trajectory):
        return replace(item, points=item.points[::-1].copy())
    if action == "width" and isinstance(item, Trajectory):
        if not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise InvalidParamsError("The width must be a number above 0.")
        return replace(item, width_um=float(value))
    raise InvalidParamsError(f"'{action}' cannot be done to '{item.name}'.")


def _what(item: Item) -> str:
    return "region" if isinstance(item, Region) else "trajectory"


def _new_region(board: Board, regions: Sequence[Region], drawn: events.Drawn) -> Region:
    return events.new_region(
        drawn,
        name=_free_name("Region", regions),
        sample=board.sample,
        color=_free_color(regions),
        spacing=board.spacing,
    )


def _new_trajectory(board: Board, paths: Sequence[Trajectory], drawn: events.Drawn) -> Trajectory:
    width = DEFAULT_WIDTH * board.spacing * (board.um_per_px or 1.0)
    return events.new_trajectory(
        drawn,
        name=_free_name("Trajectory", paths),
        sample=board.sample,
        color=_free_color(paths),
        spacing=board.spacing,
        width=float(f"{width:.2g}"),
    )


def _free_name(word: str, items: Sequence[Item]) -> str:
    """Return ``Region 3`` and the like, one more than the highest number in use."""
    numbers = [int(m[1]) for item in items if (m := re.fullmatch(rf"{word} (\d+)", item.name))]
    return f"{word} {max(numbers, default=0) + 1}"


def _free_color(items: Sequence[Item]) -> str:
    """Return the standard color used least so far, the earliest of these."""
    used = [item.color for item in items]
    return min(COLORS, key=used.count)
