"""Lists of regions and trajectories, and the summary cards. Components only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dash import dcc, html

from app import ids
from app.components import card, empty_state, extra, message
from app.pages.explore import item_tools
from app.pages.explore.drawings import COLORS
from app.pages.explore.item_tools import UNITS, tool, word
from app.pages.explore.summary import RegionSummary, spots_of
from app.pages.explore.tables import feature_button
from spatialmeta_core import geometry, keys
from spatialmeta_core.regions import region_area
from spatialmeta_core.trajectory import MIN_SPOTS, TrajectoryPosition, assign
from spatialmeta_core.types import Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dash.development.base_component import Component

    from app.pages.explore.drawings import Board
    from app.sections import Section
    from spatialmeta_core.types import Trajectory

COLOR_NAMES: Final = dict(
    zip(
        COLORS,
        ("blue", "vermilion", "green", "orange", "sky blue", "pink", "dark red", "bright blue"),
        strict=True,
    )
)


def region_list(
    section: Section, board: Board, selected: str | None, editing: str | None, saved: str
) -> list[Component]:
    """List the regions with their size, or say how to draw one."""
    if not board.regions:
        return [
            empty_state(
                "No regions yet. Press P and click around an area, drag with Lasso (L), Box (R) "
                "or Brush (B), or import a drawing from QuPath."
            )
        ]
    rows = []
    for region in board.regions:
        n_spots = int(spots_of(section, region).sum())
        size = f"{n_spots:,} spots · {_area(region, board.um_per_px)}"
        tools = item_tools.region_tools(region, board, section) if region.id == selected else []
        rows.append(_row(region, size, selected, editing, tools))
    return [html.Ul(rows, className="explore-list"), _saved(saved)]


def trajectory_list(
    section: Section, board: Board, selected: str | None, editing: str | None, saved: str
) -> list[Component]:
    """List the trajectories with length and width, or say how to draw one."""
    if not board.trajectories:
        return [
            empty_state(
                "No trajectories yet. Press P, click a start and further points, and press Enter; "
                "draw a path by hand with Freehand (V); or let the app find the way between two "
                "regions."
            )
        ]
    rows = []
    for path in board.trajectories:
        place = assign(path, section.xy, board.um_per_px)
        size = f"{int(place.inside.sum()):,} spots · {place.length:,.0f} {UNITS[place.unit]}"
        tools = item_tools.path_tools(path, board) if path.id == selected else []
        rows.append(_row(path, size, selected, editing, tools))
    return [html.Ul(rows, className="explore-list"), _saved(saved)]


def region_card(
    region: Region,
    facts: RegionSummary,
    strongest: Mapping[str, Sequence[tuple[str, float]]],
    labels: Mapping[str, str],
) -> Component:
    """Return the facts of a region at a glance, with a warning when it is small (E-24).

    Parameters
    ----------
    strongest
        Features with the highest AUC and that AUC, by modality.
    labels
        How to show these features.
    """
    return card(region.name, *_region_body(facts), *_strongest(strongest, labels))


def _strongest(
    found: Mapping[str, Sequence[tuple[str, float]]], labels: Mapping[str, str]
) -> list[Component]:
    rows = []
    for kind, head in ((keys.ST, "Genes"), (keys.SM, "Metabolites")):
        chips = [
            html.Span(
                [feature_button(name, labels[name]), f" {auc:.2f}"], className="explore-top-one"
            )
            for name, auc in found.get(kind, ())
        ]
        if chips:
            rows += [html.Dt(f"{head} (AUC)"), html.Dd(chips, className="explore-top-row")]
    return [html.Dl(rows, className="facts")] if rows else []


def path_card(path: Trajectory, place: TrajectoryPosition, width: float) -> Component:
    """Return the facts of a trajectory, with what keeps it from being used."""
    unit = UNITS[place.unit]
    n_spots = int(place.inside.sum())
    body: list[Any] = [
        _facts(
            ("Length", html.Span(f"{place.length:,.0f} {unit}", className=_px(unit))),
            ("Width", html.Span(f"{width:,.0f} {unit}", className=_px(unit))),
            ("Spots in the swath", f"{n_spots:,}"),
        )
    ]
    if n_spots < MIN_SPOTS:
        body.append(
            message(
                "warn",
                f"The swath holds {n_spots} spots; a gradient needs at least {MIN_SPOTS}. Make the "
                "path longer or wider, or draw it over the tissue.",
                title="Too few spots.",
            )
        )
    return card(path.name, *body)


def pixel_size_note(project: str) -> Component:
    """Say that lengths are in pixels, and where to set the pixel size."""
    link = dcc.Link("Set it on the Data page", href=f"/p/{project}/data")
    return message(
        "warn",
        html.Span(["Lengths are in px until it is known. ", link, "."]),
        title="Pixel size unknown.",
    )


def _region_body(facts: RegionSummary) -> list[Any]:
    digits = 2 if facts.unit == "mm²" else 0
    rows = [
        (facts.rows, f"{facts.n_spots:,} ({facts.n_covered:,} with {facts.carried})"),
        ("Area", html.Span(f"{facts.area:,.{digits}f} {facts.unit}", className=_px(facts.unit))),
    ]
    if facts.contribution is not None:
        rows.append(
            (
                "Mean contribution",
                f"{facts.contribution:.2f} (section {facts.contribution_everywhere:.2f}; above 0.5 "
                "genes lead)",
            )
        )
    body: list[Any] = [_facts(*rows)]
    if facts.is_small:
        body.append(
            message(
                "warn",
                "Fold changes from so few spots are unreliable. Draw at least 20 for statistics.",
                title=f"This region has {facts.n_spots} spots.",
                code="E-24",
            )
        )
    if facts.mix:
        body.append(_mix(facts))
    return body


def _mix(facts: RegionSummary) -> Component:
    bars = [
        html.Span(
            style={"width": f"{100 * share.inside:.2f}%", "background": share.color},
            title=f"Cluster {share.cluster}: {100 * share.inside:.0f} % here, "
            f"{100 * share.everywhere:.0f} % of the section",
        )
        for share in facts.mix
    ]
    words = [
        html.Li(
            [
                html.Span(className="explore-swatch", style={"background": share.color}),
                f"Cluster {share.cluster}: {100 * share.inside:.0f} % "
                f"(section {100 * share.everywhere:.0f} %)",
            ]
        )
        for share in facts.mix[:4]
    ]
    return html.Div(
        [
            html.Div(bars, className="explore-mix", **extra({"aria-hidden": "true"})),
            html.Ul(words, className="explore-mix-words"),
        ]
    )


def _row(
    item: Region | Trajectory,
    size: str,
    selected: str | None,
    editing: str | None,
    tools: Sequence[Component],
) -> Component:
    is_selected, is_edited = item.id == selected, item.id == editing
    select = html.Button(
        html.Span(className="explore-swatch", style={"background": item.color}),
        id=ids.explore_item("select", item.id),
        className="explore-select",
        title=f"Show {item.name}",
        n_clicks=0,
        **extra({"aria-pressed": word(is_selected), "aria-label": f"Show {item.name}"}),
    )
    name = dcc.Input(
        id=ids.explore_name(item.id), type="text", value=item.name, debounce=True, maxLength=60
    )
    edit = tool("edit", item, "Edit", "Move, add and delete its corners", pressed=is_edited)
    marks = [text for flag, text in ((item.locked, "locked"), (item.hidden, "hidden")) if flag]
    kind = [item.kind] if isinstance(item, Region) and item.kind else []
    return html.Li(
        [
            html.Div(
                [
                    select,
                    html.Label([html.Span("Name", className="sr-only"), name], className="field"),
                    _palette(item),
                    edit,
                    tool("delete", item, "Delete", "Delete it; Undo brings it back"),
                ],
                className="explore-row",
            ),
            html.Div(
                [
                    html.Span(size, className=_px(size)),
                    *(html.Span(text, className="explore-mark") for text in (*kind, *marks)),
                ],
                className="explore-sub",
            ),
            *tools,
        ],
        className="selected" if is_selected else "",
    )


def _palette(item: Region | Trajectory) -> Component:
    swatches = [
        html.Button(
            id=ids.explore_color(color, item.id),
            className="explore-color",
            style={"background": color},
            title=name,
            n_clicks=0,
            **extra({"aria-label": name, "aria-pressed": word(color == item.color)}),
        )
        for color, name in COLOR_NAMES.items()
    ]
    head = html.Summary("Color", className="btn-sm-quiet btn-sm-small")
    return html.Details(
        [head, html.Div(swatches, className="explore-palette")], className="explore-menu"
    )


def _facts(*rows: tuple[str, Any]) -> Component:
    return html.Dl(
        [part for name, value in rows for part in (html.Dt(name), html.Dd(value))],
        className="facts",
    )


def _saved(saved: str) -> Component:
    return html.P(f"Saved {saved}" if saved else "", className="card-note explore-saved")


def _area(region: Region, um_per_px: float | None) -> str:
    if um_per_px is None:
        return f"{geometry.polygon_area(region.parts):,.0f} px²"
    return f"{region_area(region, um_per_px) / 1e6:,.2f} mm²"


def _px(text: str) -> str:
    """Return the class of lengths that still lack a unit of length."""
    return "explore-px" if "px" in text else ""
