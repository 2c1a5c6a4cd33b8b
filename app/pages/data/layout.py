"""The data screen: one slot per modality, a check of the pair, and the way on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import dash_bootstrap_components as dbc
from dash import dcc, html

from app import ids
from app.components import button, card

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dash.development.base_component import Component

SLOTS: Final = ("st", "sm")
NAMES: Final = {"st": "Transcriptomics", "sm": "Metabolomics"}
SIZE_LABELS: Final = {
    "st": ("Pixel size", "µm per image pixel"),
    "sm": ("Raster step", "µm between pixels"),
}
DECIMALS: Final = {  # what a comma in a number is, by the decimal mark
    ",": "decimal marks: 1,234 is 1.234",
    ".": "thousands marks: 1,234 is 1234",
}
SIZE_HELP: Final = {
    "st": "Empty the box to go back to what the file says. Distances are in px while unknown.",
    "sm": "Only for comparing the areas of the two samples; the alignment finds the scale itself.",
}


def layout() -> Component:
    """Return the page; slots are filled by callbacks."""
    title = html.Div(
        [
            html.H1("Data"),
            html.P("Two measurements of the same section, or of neighboring ones: one file each."),
        ],
        className="page-title",
    )
    slots = html.Div([_slot(slot) for slot in SLOTS], className="columns data-slots")
    return html.Div([title, html.Div(id=ids.DATA_BANNER), slots, _pair()], className="stack")


def _slot(slot: str) -> Component:
    def part(name: str) -> str:
        return ids.data_part(slot, name)

    attributes: dict[str, Any] = {"aria-label": NAMES[slot]}
    head = html.Div(
        [html.H2(NAMES[slot]), html.Span(id=part("state"), role="status")], className="data-head"
    )
    keep = button("Keep the present file", id=part("keep"), kind="quiet")
    ask = [
        html.Span("Does this look right?", className="data-question"),
        button("Looks right", id=part("confirm"), kind="primary"),
    ]
    review = [
        html.Div(ask, id=part("ask"), className="data-ask"),
        button("Replace file", id=part("replace")),
    ]
    return html.Section(
        [
            *(dcc.Store(id=part(name)) for name in ("upload", "replacing", "seen")),
            head,
            html.Div(id=part("notices")),
            _columns_form(slot),
            html.Div([html.Div(id=part("drop")), keep], id=part("drop-box"), hidden=True),
            html.Div(review, id=part("review"), className="data-review", hidden=True),
            _sample_form(slot),
            html.Div(id=part("view")),
            _size_form(slot),
        ],
        id=f"data-{slot}",
        className=f"panel data-slot data-slot-{slot}",
        **attributes,
    )


def _columns_form(slot: str) -> Component:
    """Ask what the reader could not find out: the columns of x and y, the decimal mark."""

    def part(name: str) -> str:
        return ids.data_part(slot, name)

    selects = {
        "x": _select("Column of x", part("x")),
        "y": _select("Column of y", part("y")),
        "decimal": _select("Commas in numbers are", part("decimal"), DECIMALS),
    }
    fields = [html.Div(box, id=part(f"{name}-box")) for name, box in selects.items()]
    again = button("Read it that way", id=part("reread"), kind="primary")
    return html.Div(
        html.Div([*fields, again], className="row"),
        id=part("columns"),
        className="data-columns",
        hidden=True,
    )


def _sample_form(slot: str) -> Component:
    """Choose among the samples of a file that holds several."""
    take = button("Take this sample", id=ids.data_part(slot, "sample-set"))
    field = _select("Sample in this file", ids.data_part(slot, "sample"))
    return html.Div(
        html.Div([field, take], className="row"),
        id=ids.data_part(slot, "sample-box"),
        className="data-columns",
        hidden=True,
    )


def _select(label: str, name: str, options: Mapping[str, str] | None = None) -> Component:
    offered = [{"value": value, "label": text} for value, text in (options or {}).items()]
    box = dbc.Select(id=name, options=offered, placeholder="Choose ...")
    return html.Label([html.Span(label, className="field-label"), box], className="field")


def _size_form(slot: str) -> Component:
    label, unit = SIZE_LABELS[slot]
    box = dcc.Input(id=ids.data_part(slot, "size"), type="number", step="any")
    words = [html.Span(label), html.Span(unit, className="unit")]
    field = html.Label([html.Span(words, className="field-label"), box], className="field")
    return html.Div(
        [
            html.Div([field, button("Set", id=ids.data_part(slot, "size-set"))], className="row"),
            html.P(SIZE_HELP[slot], className="card-note"),
        ],
        id=ids.data_part(slot, "size-box"),
        className="data-size",
        hidden=True,
    )


def _pair() -> Component:
    run = button(
        "Run all steps with standard settings", id=ids.DATA_RUN, kind="primary", disabled=True
    )
    return card(
        "Do they belong together?",
        html.Div(id=ids.DATA_PAIR),
        html.Div([run, html.Div(id=ids.DATA_NEXT)], className="row data-onward"),
        html.P(id=ids.DATA_RUN_NOTE, className="card-note"),
    )
