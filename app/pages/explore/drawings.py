"""Regions and trajectories of a project: what the user does becomes events of the history."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from app import sections
from app.figures.theme import EXTENDED
from app.pages.explore import events
from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidParamsError, NotFoundError
from spatialmeta_core.regions import combine, to_dict
from spatialmeta_core.types import Region, Trajectory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.sections import Section
    from app.store import ProjectStore
    from spatialmeta_core.geometry import Parts
    from spatialmeta_core.regions import Operation

    Item = Region | Trajectory

COLORS: Final = tuple(color for color in EXTENDED[:10] if color not in ("#000000", "#f0e442"))
DEFAULT_WIDTH: Final = 4.0  # times the spot spacing: the path's spots and two on either side


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

    @property
    def unit(self) -> Literal["um", "px"]:
        """Unit of lengths that the user gives."""
        return "px" if self.um_per_px is None else "um"

    @property
    def usual_width(self) -> float:
        """Width of a new path, in ``unit``."""
        return float(f"{DEFAULT_WIDTH * self.spacing * (self.um_per_px or 1.0):.2g}")

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


def from_reports(
    board: Board, reports: Iterable[Mapping[str, Any]], *, target: str | None = None
) -> list[dict[str, Any]]:
    """Turn the browser's reports into events; what is known already gives none.

    Parameters
    ----------
    target
        Id of the region that drawings with Shift are added to and with Alt taken from; without
        one they are new regions.
    """
    made: list[dict[str, Any]] = []
    regions, paths = list(board.regions), list(board.trajectories)
    for report in reports:
        moved = events.read_move(report)
        if moved is not None:
            made += _moved(board, moved)
            continue
        known = {*(region.id for region in regions), *(path.id for path in paths)}
        drawn = events.read(report, known)
        if drawn is None or drawn.id in known:
            continue
        if drawn.edits is not None:
            item = board.items().get(drawn.edits)
            if item is not None:
                made.append(put(events.edited(open_to_change(item), drawn)))
        elif drawn.how and target is not None:
            made += _combined(board, target, drawn)
        elif drawn.kind == "region":
            regions.append(_new_region(board, regions, drawn))
            made.append(put(regions[-1]))
        else:
            paths.append(_new_trajectory(board, paths, drawn))
            made.append(put(paths[-1]))
    return made


def put(item: Item) -> dict[str, Any]:
    """Return the event that adds or replaces an object."""
    return {"op": "put", "what": what(item), "object": to_dict(item)}


def delete(item: Item) -> dict[str, Any]:
    """Return the event that removes an object."""
    return {"op": "delete", "what": what(item), "id": item.id}


def many(made: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one event that does several, so that one undo takes all back."""
    return made[0] if len(made) == 1 else {"op": "many", "events": list(made)}


def open_to_change(item: Item) -> Item:
    """Return an object that may be changed.

    Raises
    ------
    InvalidParamsError
        If it is locked.
    """
    if item.locked:
        raise InvalidParamsError(f"'{item.name}' is locked. Unlock it first.")
    return item


def with_parts(region: Region, parts: Parts) -> Region:
    """Give a region another area.

    Raises
    ------
    InvalidParamsError
        If nothing would be left of it.
    """
    if not parts:
        raise InvalidParamsError(
            f"Nothing would be left of '{region.name}'. Delete it instead, or take less away."
        )
    return replace(region, parts=parts)


def free_name(word: str, items: Sequence[Item]) -> str:
    """Return ``Region 3`` and the like, one more than the highest number in use."""
    start = re.escape(word)
    numbers = [int(m[1]) for item in items if (m := re.fullmatch(rf"{start} (\d+)", item.name))]
    return f"{word} {max(numbers, default=0) + 1}"


def free_color(items: Sequence[Item]) -> str:
    """Return the standard color used least so far, the earliest of these."""
    used = [item.color for item in items]
    return min(COLORS, key=used.count)


def new_id() -> str:
    """Return an id for an object that is not drawn in the browser."""
    return uuid.uuid4().hex


def what(item: Item) -> str:
    """Return the kind of an object as the events name it."""
    return "region" if isinstance(item, Region) else "trajectory"


def _combined(board: Board, target: str, drawn: events.Drawn) -> list[dict[str, Any]]:
    region = board.items().get(target)
    if not isinstance(region, Region):
        return []
    how: Operation = "union" if drawn.how == "add" else "subtract"
    open_to_change(region)
    parts = combine(region.parts, events.parts_of(drawn, board.spacing), how)
    return [put(with_parts(region, parts))]


def _moved(board: Board, moved: events.Moved) -> list[dict[str, Any]]:
    item = board.items().get(moved.item)
    if item is None:
        return []
    open_to_change(item)
    if isinstance(item, Region):
        parts = tuple(tuple(ring + moved.by for ring in rings) for rings in item.parts)
        return [put(replace(item, parts=parts))]
    if moved.width is None:
        return [put(replace(item, points=item.points + moved.by))]
    width = float(f"{moved.width * (board.um_per_px or 1.0):.3g}")
    return [put(replace(item, width_um=width, width_unit=board.unit))]


def _new_region(board: Board, regions: Sequence[Region], drawn: events.Drawn) -> Region:
    return events.new_region(
        drawn,
        name=free_name("Region", regions),
        sample=board.sample,
        color=free_color(regions),
        spacing=board.spacing,
    )


def _new_trajectory(board: Board, paths: Sequence[Trajectory], drawn: events.Drawn) -> Trajectory:
    return events.new_trajectory(
        drawn,
        name=free_name("Trajectory", paths),
        sample=board.sample,
        color=free_color(paths),
        spacing=board.spacing,
        width=board.usual_width,
        unit=board.unit,
    )
