"""Pieces of the align screen that are drawn from data. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dash import dcc, html

from app.components import empty_state, message
from app.pages.align import verdict
from app.pages.align.thumbs import picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dash.development.base_component import Component

    from app.pages.align.review import View
    from spatialmeta_core.types import Alignment

WORSE: Final = "Automatic alignment made it worse"  # how the fit begins this note
WORSE_CODE: Final = "E-19"
SECTION_NAMES: Final = {"st": "transcriptomics", "sm": "metabolomics"}


def missing(project: str, names: Sequence[str]) -> Component:
    """Say which section is missing and link to where it is added."""
    text = " and ".join(SECTION_NAMES[name] for name in names)
    link = dcc.Link("Add it on the Data page", href=f"/p/{project}/data")
    return empty_state(f"Alignment needs the {text} section first.", link)


def scene_messages(target: str, reason: str, *, has_image: bool) -> list[Component]:
    """Say what the overlay lies on and what the automatic fit would use."""
    if not has_image:
        text = (
            "You can go on: alignment uses the outline of the spots. Add "
            "tissue_hires_image.png to the data to see histology."
        )
        return [message("warn", text, title="No tissue image found.", code="E-08")]
    if target == "spots":
        title = "The overlay lies over the ST spots."
        return [
            message("info", f"{reason} Tick 'Histology' to see the image as well.", title=title)
        ]
    return []


def status(level: str, words: str) -> Component:
    """Return the sentence on what is accepted."""
    return message(level, words)


def score_card(
    lines: Sequence[verdict.Line], problem: str = "", facts: Sequence[str] = ()
) -> list[Component]:
    """Return the score of the pose shown: one word for all, line by line, then sentences."""
    word = verdict.overall(list(lines))
    head = html.Div(
        [html.H3("Fit to the ST spots", className="card-head"), _chip(word)],
        className="align-score-head",
    )
    rows = [
        html.Tr(
            [
                html.Th(line.name, scope="row"),
                html.Td(line.value, className="num"),
                html.Td(line.good, className="num align-limit"),
                html.Td(_chip(line.word)),
            ],
            title=line.help_text,
        )
        for line in lines
    ]
    table = html.Table([_head("", "Now", "Good"), html.Tbody(rows)], className="plain align-lines")
    if not problem:
        return [head, table, *_facts(facts)]
    alert = message("bad", problem, title=verdict.NO_OVERLAP_TITLE, code=verdict.NO_OVERLAP_CODE)
    return [head, alert, table, *_facts(facts)]


def review_card(
    found: Alignment,
    after: Sequence[verdict.Line],
    before: Sequence[verdict.Line] | None,
    facts: Sequence[str] = (),
) -> list[Component]:
    """Return before and after of an automatic result, and what the fit has to say."""
    old = [line.value for line in before] if before is not None else ["—"] * len(after)
    rows = [
        html.Tr(
            [
                html.Th(line.name, scope="row"),
                html.Td(value, className="num"),
                html.Td(line.value, className="num"),
                html.Td(_chip(line.word)),
            ],
            title=f"{line.help_text} Good: {line.good}.",
        )
        for line, value in zip(after, old, strict=True)
    ]
    parts: list[Component] = [
        html.Table([_head("", "Before", "After"), html.Tbody(rows)], className="plain align-lines"),
        *_facts(facts),
        html.P(" ".join(found.notes[:1]), className="card-note"),
    ]
    return parts + [_warning(note) for note in found.notes[1:]]


def view_options(views: Sequence[View]) -> list[dict[str, Any]]:
    """Return what the overlay can show during a review, as thumbnails to choose from."""
    return [
        {
            "value": view.value,
            "label": html.Span(
                [
                    picture(view.pose),
                    html.Span(view.label, className="align-thumb-name"),
                    html.Span(view.words, className="align-thumb-score"),
                ],
                className="align-view",
            ),
        }
        for view in views
    ]


def _head(name: str, *numbers: str) -> Component:
    cells = [html.Th(name), *(html.Th(text, className="num") for text in numbers), html.Th("")]
    return html.Thead(html.Tr(cells))


def _facts(sentences: Sequence[str]) -> list[Component]:
    shown = [html.Li(text) for text in sentences if text]
    return [html.Ul(shown, className="align-facts")] if shown else []


def _warning(note: str) -> Component:
    """Return a note of the fit; that it lost against the start has a code of its own."""
    return message("warn", note, code=WORSE_CODE if note.startswith(WORSE) else "")


def _chip(word: verdict.Word) -> Component:
    return html.Span(word, className=f"chip chip-{verdict.LEVELS[word]}")
