"""What can be done to the region or the trajectory looked at. Components only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dash import dcc, html

from app import ids
from app.components import extra

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from app.pages.explore.drawings import Board
    from app.sections import Section
    from spatialmeta_core.types import Region, Trajectory

UNITS: Final = {"um": "µm", "px": "px"}
RING_SPACINGS: Final = 2.0  # usual width of a ring


def region_tools(region: Region, board: Board, section: Section) -> list[Component]:
    """Return the boxes and buttons of a region."""
    kind = dcc.Input(
        id=ids.explore_kind(region.id),
        type="text",
        value=region.kind,
        debounce=True,
        maxLength=60,
        placeholder="Tumor, stroma …",
    )
    first = html.Div([_field("Class", kind), *_common(region)], className="explore-tools-row")
    rows = [first, _ring(region, board)]
    if len(board.regions) > 1:
        rows.append(_combine(region, board))
    if section.numbers is not None:
        rows.append(_clusters(region, section))
    return [html.Div(rows, className="explore-item-tools")]


def path_tools(path: Trajectory, board: Board) -> list[Component]:
    """Return the boxes and buttons of a trajectory."""
    width = dcc.Input(
        id=ids.explore_width(path.id),
        type="number",
        value=float(f"{path.width(board.um_per_px):.6g}"),
        min=0,
        step="any",
        debounce=True,
    )
    tools = [
        _field("Width", width, unit=UNITS[board.unit]),
        tool("reverse", path, "Reverse", "Turn the direction round"),
        tool("smooth", path, "Smooth", "Round its corners"),
        tool("split", path, "Split", "Cut it in two halves"),
        *_common(path),
    ]
    row = html.Div(tools, className="explore-tools-row")
    return [html.Div(row, className="explore-item-tools")]


def tool(
    action: str, item: Region | Trajectory, label: str, title: str, *, pressed: bool | None = None
) -> Component:
    """Return a small button that does something to an object."""
    state = extra({} if pressed is None else {"aria-pressed": word(pressed)})
    return html.Button(
        label,
        id=ids.explore_item(action, item.id),
        className=f"btn-sm-quiet btn-sm-small explore-do-{action}",
        title=f"{title} ({item.name})",
        n_clicks=0,
        **state,
    )


def word(flag: bool) -> str:
    """Write a flag as the browser wants it."""
    return "true" if flag else "false"


def _common(item: Region | Trajectory) -> list[Component]:
    return [
        tool("lock", item, "Unlock" if item.locked else "Lock", "Keep it from being changed"),
        tool("hide", item, "Show" if item.hidden else "Hide", "Draw it or not; it still counts"),
        tool("duplicate", item, "Duplicate", "Make a copy beside it"),
    ]


def _combine(region: Region, board: Board) -> Component:
    others = [{"label": each.name, "value": each.id} for each in board.regions]
    others = [each for each in others if each["value"] != region.id]
    choice = dcc.Dropdown(
        id=ids.explore_other(region.id), options=others, value=others[0]["value"], clearable=False
    )
    buttons = [
        tool("union", region, "Add", "Make this region the union of both"),
        tool("subtract", region, "Subtract", "Take the other region away from this one"),
        tool("intersect", region, "Intersect", "Keep what lies in both"),
    ]
    return html.Div([_field("With", choice), *buttons], className="explore-tools-row")


def _ring(region: Region, board: Board) -> Component:
    width = dcc.Input(
        id=ids.explore_ring(region.id),
        type="number",
        value=float(f"{RING_SPACINGS * board.spacing * (board.um_per_px or 1.0):.2g}"),
        min=0,
        step="any",
    )
    make = tool("ring", region, "Make ring", "Make a region of the band around this one")
    field = _field("Ring of", width, unit=UNITS[board.unit])
    return html.Div([field, make], className="explore-tools-row")


def _clusters(region: Region, section: Section) -> Component:
    numbers = np.asarray(section.numbers)
    taken = list(region.only_clusters)
    options = [
        {"label": _cluster_label(section, int(number)), "value": str(number)}
        for number in np.unique(numbers[numbers >= 0])
    ]
    box = dcc.Checklist(
        id=ids.explore_clusters(region.id), options=options, value=taken, inline=True
    )
    head = f"Only clusters: {', '.join(taken) if taken else 'all'}"
    return html.Details(
        [html.Summary(head), box], open=bool(taken), className="explore-only-clusters"
    )


def _cluster_label(section: Section, number: int) -> str:
    """Name a Leiden cluster as the user does, with its number where it was renamed or merged."""
    look = section.look
    if look is None:
        return str(number)
    name = next(
        name for name, members in zip(look.names, look.members, strict=True) if number in members
    )
    return name if name == str(number) else f"{number} ({name})"


def _field(label: str, box: Any, *, unit: str = "") -> Component:
    look = "unit explore-px" if unit == "px" else "unit"
    words = [html.Span(label), *([html.Span(unit, className=look)] if unit else [])]
    return html.Label([html.Span(words, className="field-label"), box], className="explore-field")
