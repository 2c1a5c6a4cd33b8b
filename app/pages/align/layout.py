"""The align screen: steps, panes, tools, and reassignment below. No data access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dash import dcc, html

from app import ids
from app.components import button, extra
from app.pages.align import landmarks
from app.pages.align.controls import choice, named, slider, tool
from app.pages.align.fitting import automatic_panel, fine_panel
from app.pages.align.reassign_layout import reassign_panel
from app.pages.align.rough import rough_panel
from app.pages.align.tint import FIXED

if TYPE_CHECKING:
    from dash.development.base_component import Component

LAYERS: Final = {
    "image": "Histology",
    "spots": "ST spots",
    "grid": "Warp grid",
    "sd": "Uncertainty",
}
STEPS: Final = {
    "rough": ("Rough", "Drag, turn and flip the section by hand"),
    "landmarks": ("Landmarks", "Mark the same place in both sections"),
    "automatic": ("Automatic", "Fit the outlines"),
    "warp": ("Fine warp", "Bend the section a little until the outlines agree"),
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
    panels = {
        "rough": rough_panel(),
        "landmarks": [landmarks.panel()],
        "automatic": [automatic_panel()],
        "warp": [fine_panel()],
    }
    tools: list[Component] = [_review(), _score()]
    for name, content in panels.items():
        attributes: dict[str, Any] = {"aria-labelledby": ids.align_step(name)}
        tools.append(
            html.Div(
                content,
                id=ids.align_panel(name),
                className="align-step-panel",
                role="tabpanel",
                hidden=name != "rough",
                **attributes,
            )
        )
    tools.append(html.Div(id=ids.ALIGN_JOBS, className="align-jobs"))
    body = html.Div(
        [
            _steps(),
            html.Div([_canvas(), reassign_panel()], className="align-left"),
            html.Aside(tools, className="align-right", **named("Alignment tools")),
        ],
        id=ids.ALIGN_BODY,
        className="align-grid",
        hidden=True,
    )
    return html.Div([*_stores(), title, html.Div(id=ids.ALIGN_MESSAGES), body])


def _steps() -> Component:
    buttons = []
    for number, (name, (label, text)) in enumerate(STEPS.items(), start=1):
        attributes: dict[str, Any] = {
            "aria-selected": str(name == "rough").lower(),
            "aria-controls": ids.align_panel(name),
            "data-done": "false",
        }
        buttons.append(
            html.Button(
                [html.Span(str(number), className="align-step-number"), html.Span(label)],
                id=ids.align_step(name),
                type="button",
                role="tab",
                title=f"{text}. Optional.",
                n_clicks=0,
                className="align-step",
                **attributes,
            )
        )
    return html.Div(buttons, className="align-steps", role="tablist", **named("Steps of alignment"))


def _stores() -> list[Component]:
    names = (
        ids.ALIGN_SCENE,
        ids.ALIGN_MOUNTED,
        ids.ALIGN_CHANGE,
        ids.ALIGN_ACK,
        ids.ALIGN_POSE,
        ids.ALIGN_DONE,
        ids.ALIGN_BORROWED,
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
    pressed: dict[str, Any] = {"aria-pressed": "true"}
    tools.append(
        html.Button(
            "Panes",
            id=ids.ALIGN_PANES_TOGGLE,
            type="button",
            n_clicks=0,
            title="Show or hide the metabolites alone and the histology alone",
            className="btn-sm-secondary btn-sm-small",
            **pressed,
        )
    )
    return html.Section(
        [
            html.Div(tools, className="align-toolbar"),
            html.Div(
                [
                    html.Div(id=ids.ALIGN_PANE_MSI, className="align-pane align-pane-msi"),
                    html.Div(id=ids.ALIGN_OVERLAY, className="align-overlay"),
                    html.Div(id=ids.ALIGN_PANE_HE, className="align-pane align-pane-he"),
                ],
                id=ids.ALIGN_PANES,
                className="align-panes",
            ),
            _viewbar(),
        ],
        className="panel align-canvas",
        **named("Overlay"),
    )


def _viewbar() -> Component:
    color = choice("Color pixels by", ids.ALIGN_TINT, FIXED, "total", searchable=True)
    layers = dcc.Checklist(
        id=ids.ALIGN_LAYERS,
        options=LAYERS,
        value=["image"],
        inline=True,
        className="align-layers",
    )
    return html.Div(
        [
            html.Div([color, html.Div(id=ids.ALIGN_TINT_NOTE)], className="align-color"),
            slider("Opacity", ids.ALIGN_OPACITY, low=0, high=1, step=0.05, value=0.6, typed=True),
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
                    html.Legend(
                        "Shown in the overlay", id=ids.ALIGN_VIEW_TITLE, className="field-label"
                    ),
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
            html.Div(id=ids.ALIGN_SCORE, className="align-score", **extra({"aria-live": "polite"})),
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
