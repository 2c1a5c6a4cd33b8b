"""The align screen: overlay, tools, automatic fit, and reassignment below. No data access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dash import dcc, html

from app import ids
from app.components import button, card, number_box
from app.pages.align.controls import choice, named, slider, tool
from app.pages.align.reassign_layout import reassign_panel
from app.pages.align.tint import FIXED
from spatialmeta_core.params import AlignParams

if TYPE_CHECKING:
    from dash.development.base_component import Component

MAX_POSE_BYTES: Final = 5_000_000
MOVES: Final = {
    "free": "Move, turn, scale freely",
    "similarity": "Move, turn, scale evenly",
    "rigid": "Same section: rigid moves only",
}
TARGETS: Final = {
    "auto": "Choose for me",
    "image": "Tissue in the image",
    "spots": "ST spots",
}
TRANSFORMS: Final = {
    "affine": "Freely",
    "similarity": "Evenly",
}


def layout() -> Component:
    """Return the page."""
    title = html.Div(
        [
            html.H1("Align"),
            html.P("Place the metabolomics section on the tissue, then carry its values to spots."),
        ],
        className="page-title",
    )
    body = html.Div(
        [
            html.Div([_canvas(), reassign_panel()], className="align-left"),
            html.Aside(
                [_review(), _score(), _automatic(), _pose()],
                className="align-right",
                **named("Alignment tools"),
            ),
        ],
        id=ids.ALIGN_BODY,
        className="align-grid",
        hidden=True,
    )
    return html.Div([*_stores(), title, html.Div(id=ids.ALIGN_MESSAGES), body])


def _stores() -> list[Component]:
    names = (
        ids.ALIGN_SCENE,
        ids.ALIGN_MOUNTED,
        ids.ALIGN_CHANGE,
        ids.ALIGN_ACK,
        ids.ALIGN_POSE,
        ids.ALIGN_DONE,
    )
    return [*(dcc.Store(id=name) for name in names), dcc.Download(id=ids.ALIGN_DOWNLOAD)]


def _canvas() -> Component:
    groups = (
        (
            ("↶", ids.ALIGN_UNDO, "Undo (Ctrl+Z)"),
            ("↷", ids.ALIGN_REDO, "Redo (Ctrl+Shift+Z)"),
        ),
        (
            ("−90°", ids.ALIGN_LEFT, "Turn a quarter to the left"),
            ("+90°", ids.ALIGN_RIGHT, "Turn a quarter to the right"),
            ("Flip ⇄", ids.ALIGN_FLIP_X, "Mirror left and right (X)"),
            ("Flip ⇅", ids.ALIGN_FLIP_Y, "Mirror top and bottom (Y)"),
        ),
        (
            ("Fit view", ids.ALIGN_FIT, "Show both sections (Z)"),
            ("Reset pose", ids.ALIGN_RESET, "Back to centers and areas matched; can be undone"),
        ),
    )
    tools: list[Component] = [
        html.Div([tool(*each) for each in group], className="align-group", role="group")
        for group in groups
    ]
    tools.append(html.Div(className="spacer"))
    tools.append(choice("Moves by hand", ids.ALIGN_LOCK, MOVES, "free", inline=True))
    return html.Section(
        [
            html.Div(tools, className="align-toolbar"),
            html.Div(id=ids.ALIGN_OVERLAY, className="align-overlay"),
            _viewbar(),
        ],
        className="panel align-canvas",
        **named("Overlay"),
    )


def _viewbar() -> Component:
    color = choice("Color pixels by", ids.ALIGN_TINT, FIXED, "total", searchable=True)
    layers = dcc.Checklist(
        id=ids.ALIGN_LAYERS,
        options={"image": "Histology", "spots": "ST spots"},
        value=["image"],
        inline=True,
        className="align-layers",
    )
    return html.Div(
        [
            html.Div([color, html.Div(id=ids.ALIGN_TINT_NOTE)], className="align-color"),
            slider("Opacity", ids.ALIGN_OPACITY, low=0, high=1, step=0.05, value=0.6),
            slider("Point size", ids.ALIGN_SIZE, low=0.2, high=1.4, step=0.1, value=0.9),
            html.Fieldset(
                [html.Legend("Show", className="field-label"), layers], className="field"
            ),
        ],
        className="align-viewbar",
    )


def _review() -> Component:
    return html.Section(
        [
            html.H2("Accept this result?", className="card-head"),
            html.Fieldset(
                [
                    html.Legend("Shown in the overlay", className="field-label"),
                    dcc.RadioItems(id=ids.ALIGN_VIEW, options=[], className="align-views"),
                ],
                className="field",
            ),
            html.Div(id=ids.ALIGN_REVIEW_BODY),
            html.Div(
                [
                    button(
                        "Accept",
                        id=ids.ALIGN_ACCEPT,
                        kind="primary",
                        title="Use what is shown as the alignment",
                    ),
                    button("Reject", id=ids.ALIGN_REJECT, title="Go back to my pose"),
                ],
                className="row",
            ),
        ],
        id=ids.ALIGN_REVIEW,
        className="panel align-review",
        hidden=True,
    )


def _score() -> Component:
    return html.Section(
        [
            html.Div(id=ids.ALIGN_STATE, role="status"),
            html.Div(id=ids.ALIGN_SCORE, className="align-score"),
            button(
                "Use this pose",
                id=ids.ALIGN_USE,
                kind="primary",
                title="Accept the pose shown as the alignment",
            ),
        ],
        id=ids.ALIGN_JUDGE,
        className="panel",
        **named("Fit of the pose"),
    )


def _pose() -> Component:
    unit = html.Span("µm", id=ids.ALIGN_UNIT)
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
            help_text="Image pixels per unit of the metabolomics file, along its own x",
        ),
        number_box(
            "Scale y",
            id=ids.ALIGN_SCALE_Y,
            value=None,
            unit="px per unit",
            low=0,
            help_text="Image pixels per unit of the metabolomics file, along its own y",
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
    upload = dcc.Upload(
        html.Button("Load pose", className="btn-sm-secondary btn-sm-small", type="button"),
        id=ids.ALIGN_LOAD,
        accept=".json,application/json",
        max_size=MAX_POSE_BYTES,
        className="align-load",
    )
    save = html.Button(
        "Save pose",
        id=ids.ALIGN_SAVE,
        className="btn-sm-secondary btn-sm-small",
        title="Download the pose as a JSON file",
        n_clicks=0,
    )
    return card(
        "Pose in numbers",
        html.P(["Center in ", unit, " from the top left of the image."], className="card-note"),
        html.Div(boxes, className="align-numbers"),
        html.Div([save, upload], className="row"),
    )


def _automatic() -> Component:
    defaults = AlignParams()
    return card(
        "Automatic fit",
        choice("Fit to", ids.ALIGN_TARGET, TARGETS, defaults.target, inline=True),
        choice("Scaling", ids.ALIGN_TRANSFORM, TRANSFORMS, defaults.transform, inline=True),
        dcc.Checklist(
            id=ids.ALIGN_WARP,
            options={"nonrigid": "Allow a smooth local warp"},
            value=["nonrigid"] if defaults.nonrigid else [],
            className="align-layers",
        ),
        html.Div(
            [
                button(
                    "Automatic",
                    id=ids.ALIGN_AUTO,
                    title="Refine the pose shown; never flips the section",
                ),
                button(
                    "Automatic from scratch",
                    id=ids.ALIGN_SCRATCH,
                    title="Try every turn and flip, ignoring the pose shown",
                ),
                button(
                    "8 orientations",
                    id=ids.ALIGN_EIGHT,
                    title="Compare quarter turns and flips of the pose shown; fits nothing else",
                ),
            ],
            className="row",
        ),
        html.Div(id=ids.ALIGN_JOBS, className="align-jobs"),
        note="Fits the outlines. Nothing changes until you accept the result.",
    )
