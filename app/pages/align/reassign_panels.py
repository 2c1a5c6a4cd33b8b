"""Pieces of the reassign half that are drawn from data. Pure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dash import html

from app.components import message
from app.pages.align.reassign_layout import METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dash.development.base_component import Component

    from app.pages.align.coverage import Coverage
    from spatialmeta_core.params import ReassignParams

E_OLD: Final = "E-28"


@dataclass(frozen=True, slots=True)
class Words:
    """What a direction calls its sides."""

    source: str
    target: str
    plain: str  # of the target, where it is clear which
    values: str


WORDS: Final = {
    "sm_to_st": Words("metabolite pixel", "ST spot", "spot", "metabolite values"),
    "st_to_sm": Words("ST spot", "metabolite pixel", "pixel", "counts"),
}
HELP: Final = {
    ("sm_to_st", "mean"): "Each ST spot gets the mean of its K nearest metabolite pixels.",
    ("sm_to_st", "distance"): "Each ST spot gets the mean of its K nearest metabolite pixels, "
    "weighted by 1 / distance: one twice as far counts half.",
    ("sm_to_st", "area"): "Each ST spot gets the mean of the pixels it lies on, weighted by the "
    "ground they share with it.",
    ("st_to_sm", "mean"): "Each metabolite pixel gets the counts of its K nearest ST spots, added "
    "up: whole numbers, as the model needs.",
    ("st_to_sm", "distance"): "Each metabolite pixel gets the mean counts of its K nearest ST "
    "spots, weighted by 1 / distance.",
    ("st_to_sm", "area"): "Each metabolite pixel gets the mean counts of the spots whose ground "
    "(halfway to the next spot) it lies on, weighted by the area shared.",
}
CUT_OFF: Final = (
    "Those farther away than the distance factor times the {spacing} are left out; a {plain} "
    "without any gets no value, not 0."
)
NO_CUT_OFF: Final = "No K and no cut-off; a {plain} that lies on none gets no value, not 0."
NOISE: Final = (
    "{n:,} of the others differ no more than two maps of the same place, made from different {of}, "
    "would: noise lowers their r, not the shift."
)
BLIND: Final = "{n:,} are too noisy to tell."
DECIMALS: Final = "Weighted counts have decimals: maps and markers work, training the model not."


def help_text(params: ReassignParams) -> list[Component]:
    """Say in plain words what the method does."""
    words, by_area = WORDS[params.direction], params.method == "area"
    spacing = "spot spacing" if params.direction == "sm_to_st" else "pixel spacing"
    rule = (NO_CUT_OFF if by_area else CUT_OFF).format(plain=words.plain, spacing=spacing)
    said: list[Component] = [html.P(f"{HELP[params.direction, params.method]} {rule}")]
    if params.direction == "st_to_sm" and params.method != "mean":
        said.append(html.P(DECIMALS, className="reassign-warning"))
    return said


def titles(params: ReassignParams) -> tuple[str, str]:
    """Name the map and the histogram."""
    words = WORDS[params.direction]
    if params.method == "area":
        return f"Share of each {words.target} that is covered", "Share covered"
    return (
        f"{words.source[0].upper()}{words.source[1:]}s per {words.target}",
        f"Distance to the nearest {words.source}",
    )


def preview(found: Coverage, params: ReassignParams, *, accepted: bool) -> Component:
    """Say how many targets would keep and lose values."""
    plain, n = WORDS[params.direction].plain, len(found.n_donors)
    what = "the accepted alignment" if accepted else "the pose shown (not accepted yet)"
    last = (
        ("Fully covered", found.n_full)
        if found.covered is not None
        else (
            f"With all {params.n_neighbors}",
            int((found.n_donors == params.n_neighbors).sum()),
        )
    )
    facts = html.Dl(
        [
            html.Dt("Kept"),
            html.Dd(f"{found.n_kept:,} of {n:,} {plain}s"),
            html.Dt("Dropped"),
            html.Dd(f"{found.n_dropped:,} ({100 * found.n_dropped / n:.1f} %)"),
            html.Dt(last[0]),
            html.Dd(f"{last[1]:,}"),
        ],
        className="facts",
    )
    parts: list[Component] = [html.P(f"Preview for {what}:", className="card-note"), facts]
    if found.factor_without_holes is not None:
        hint = (
            "Pixels lie closer than spots, so the cut-off leaves holes between the spots. From a "
            f"distance factor of {found.factor_without_holes + 0.05:.1f} on there are none."
        )
        parts.append(html.P(hint, className="card-note"))
    return html.Div(parts)


def state(record: Mapping[str, Any] | None, *, current: bool, ready: bool) -> Component:
    """Say what reassignment has made, and whether it still fits the alignment."""
    if record is None:
        text = (
            "Not reassigned yet."
            if ready
            else "Accept an alignment first: 'Use this pose', or 'Accept' an automatic result."
        )
        return message("info", text)
    summary, made_with = record["summary"], record["params"].get("reassign", {})
    words = WORDS[made_with.get("direction", "sm_to_st")]
    done = (
        f"{summary['covered']:,} of {summary['n_spots']:,} {words.plain}s have {words.values} "
        f"({_method(made_with)}; {_time(record)})."
    )
    if current:
        return message("good", done, title="Done.")
    text = f"{done} They were made before the alignment changed. Press 'Reassign' to redo them."
    return message("warn", text, title="Out of date.", code=E_OLD)


def stability_state(
    record: Mapping[str, Any] | None, *, current: bool, ready: bool
) -> list[Component]:
    """Say how many features hold under shift, and which hold least."""
    if record is None:
        return [message("info", "Not checked yet." if ready else "Reassign first.")]
    facts = record["summary"]
    known = facts["n_features"] - facts["n_blind"]
    fine = known > 0 and 2 * (facts["n_hold"] + facts["n_noise"]) >= known
    done = (
        f"{facts['n_hold']:,} of {facts['n_features']:,} {facts['what']} hold under shift "
        f"(r ≥ {facts['threshold']:g}; {_time(record)}). The Export holds the whole table."
    )
    if not current:
        text = f"{done} They were checked before the reassignment changed. Check again."
        return [message("warn", text, title="Out of date.", code=E_OLD)]
    shown = [message("good" if fine else "warn", done)]
    of = "pixels" if facts["what"] == "metabolites" else "spots"
    notes = ((NOISE, facts["n_noise"]), (BLIND, facts["n_blind"]))
    said = " ".join(text.format(n=n, of=of) for text, n in notes if n)
    if said:
        shown.append(html.P(said, className="card-note"))
    return [*shown, _worst(facts)] if facts["worst"] else shown


def _worst(facts: Mapping[str, Any]) -> Component:
    heads = (
        ("Holds least", ""),
        ("Lowest r", "num"),
        ("r by noise alone", "num"),
        ("When shifted", ""),
    )
    rows = [
        html.Tr(
            [
                html.Th(item["feature"], scope="row"),
                html.Td(_number(item["r"]), className="num"),
                html.Td(_number(item["noise"]), className="num"),
                html.Td(item["move"].replace("-", "−")),
            ]
        )
        for item in facts["worst"]
    ]
    head = html.Thead(html.Tr([html.Th(text, scope="col", className=look) for text, look in heads]))
    return html.Table([head, html.Tbody(rows)], className="plain reassign-worst")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def _method(made_with: Mapping[str, Any]) -> str:
    method = str(made_with.get("method", "mean"))
    said = METHODS[method].lower()
    if method == "area":
        return said
    return (
        f"{said}, K {made_with.get('n_neighbors', '?')}, "
        f"factor {made_with.get('distance_factor', '?')}"
    )


def _time(record: Mapping[str, Any]) -> str:
    return time.strftime("%d %b, %H:%M", time.localtime(record["created"]))
