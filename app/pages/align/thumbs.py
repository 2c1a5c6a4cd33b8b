"""Thumbnails of poses; the browser draws them, see ``assets/align_thumbs.js``. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dash import html

from app.components import extra
from app.pages.align import verdict
from app.pages.align.controls import named
from app.pages.align.poses import flat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dash.development.base_component import Component

    from spatialmeta_core.types import Candidate, Pose


def posed(pose: Pose) -> dict[str, Any]:
    """Return the attribute by which the browser knows an element's pose."""
    return {"data-pose": json.dumps(flat(pose))}


def picture(pose: Pose) -> Component:
    """Return the thumbnail itself."""
    return html.Canvas(className="align-thumb", **extra({"aria-hidden": "true"}), **posed(pose))


def orientation(pose: Pose) -> str:
    """Say how a pose turns the section."""
    angle = f"{pose.angle_deg:.0f}".replace("-", "−")
    angle = "0" if angle == "−0" else angle
    return f"turned {angle}°{', flipped' if pose.flipped else ''}"


def orientations(found: Sequence[Candidate]) -> Component:
    """Return one button per orientation, best first; ``cost`` is 1 minus the overlap."""
    buttons = []
    for rank, each in enumerate(found):
        overlap = 1 - each.cost
        word = verdict.overlap_word(overlap)
        name = f"{orientation(each.pose).capitalize()}: overlap {overlap:.2f}, {word}"
        score = html.Span(
            [
                html.Span(f"{overlap:.2f} "),
                html.Span(word, className=f"chip chip-{verdict.LEVELS[word]}"),
            ],
            className="align-thumb-score",
        )
        text = html.Span(orientation(each.pose), className="align-thumb-name")
        best = [html.Span("best", className="align-thumb-best")] if not rank else []
        labels: dict[str, Any] = {"aria-label": name, "aria-pressed": "false"}
        buttons.append(
            html.Button(
                [picture(each.pose), *best, score, text],
                type="button",
                className="align-choice",
                title=f"{name}. Click to use it; can be undone.",
                **labels,
                **posed(each.pose),
            )
        )
    return html.Div(
        [
            html.P("Largest overlap with the ST spots first.", className="card-note"),
            html.Div(
                buttons,
                className="align-choices",
                role="group",
                **named("8 orientations"),
            ),
        ]
    )
