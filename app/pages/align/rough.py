"""Step 1 of the page: the pose by hand, in numbers, by orientation, and from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dash import dcc, html

from app import ids
from app.components import button, card, number_box
from app.pages.align import outline
from app.pages.align.controls import choice, tool

if TYPE_CHECKING:
    from dash.development.base_component import Component

MAX_POSE_BYTES: Final = 5_000_000
MOVES: Final = {
    "free": "Freely",
    "similarity": "Scale evenly",
}


def rough_panel() -> list[Component]:
    """Return the cards of step 1."""
    return [_orientations(), outline.panel(), _numbers(), _elsewhere()]


def _orientations() -> Component:
    same = dcc.Checklist(
        id=ids.ALIGN_SAME,
        options={"same": "Same section: only move and turn"},
        value=[],
        className="align-layers",
    )
    return card(
        "Place it roughly",
        choice("By hand", ids.ALIGN_LOCK, MOVES, "free", inline=True),
        html.Div(
            same,
            title="For two measurements of one section: the scale stays as it is, by hand and in "
            "the automatic fit",
        ),
        button(
            "Try 8 orientations",
            id=ids.ALIGN_EIGHT,
            title="Compare quarter turns and flips of the pose shown; fits nothing else",
        ),
        html.Div(id=ids.ALIGN_ORIENTATIONS, role="status"),
        note="Drag it over the tissue: corners scale, the round handle turns. A flip is normal.",
    )


def _numbers() -> Component:
    scale = "Image pixels per unit of the metabolomics file, along its own"
    boxes = [
        number_box("Angle", id=ids.ALIGN_ANGLE, value=None, unit="°", help_text="Clockwise"),
        html.Div(
            [
                html.Span("Mirrored", className="field-label"),
                html.Span(id=ids.ALIGN_FLIPPED, className="align-flipped"),
            ],
            className="field",
        ),
        number_box(
            "Scale x",
            id=ids.ALIGN_SCALE_X,
            value=None,
            unit="px per unit",
            low=0,
            help_text=f"{scale} x",
        ),
        number_box(
            "Scale y",
            id=ids.ALIGN_SCALE_Y,
            value=None,
            unit="px per unit",
            low=0,
            help_text=f"{scale} y",
        ),
        number_box(
            "Center x",
            id=ids.ALIGN_SHIFT_X,
            value=None,
            help_text="Where the section's center lies, from the left edge; type to shift",
        ),
        number_box(
            "Center y",
            id=ids.ALIGN_SHIFT_Y,
            value=None,
            help_text="Where the section's center lies, from the top edge; type to shift",
        ),
    ]
    unit = html.Span("µm", id=ids.ALIGN_UNIT)
    return card(
        "Pose in numbers",
        html.P(["Center in ", unit, " from the top left of the image."], className="card-note"),
        html.Div(boxes, className="align-numbers"),
    )


def _elsewhere() -> Component:
    upload = dcc.Upload(
        html.Button("Load pose", className="btn-sm-secondary btn-sm-small", type="button"),
        id=ids.ALIGN_LOAD,
        accept=".json,application/json",
        max_size=MAX_POSE_BYTES,
        className="align-load",
    )
    return card(
        "Keep and reuse the pose",
        html.Div(
            [
                tool("Copy pose", ids.ALIGN_COPY, "Copy the pose to the clipboard as JSON"),
                tool("Paste pose", ids.ALIGN_PASTE, "Take the pose on the clipboard"),
                tool("Save pose", ids.ALIGN_SAVE, "Download the pose as a JSON file"),
                upload,
            ],
            className="row",
        ),
        html.Div(id=ids.ALIGN_COPIED, className="align-say", role="status"),
        html.Label(
            [
                html.Span("Use the pose of another project…", className="field-label"),
                dcc.Dropdown(
                    id=ids.ALIGN_OTHER,
                    options=[],
                    placeholder="No other project is aligned yet",
                    searchable=False,
                    clearable=False,
                ),
            ],
            className="field",
        ),
        note="For the other polarity or the next sample measured the same way.",
    )
