"""Dash pieces that several pages share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import dash_bootstrap_components as dbc
from dash import dcc, html

from app import ids
from app.job import listing_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dash.development.base_component import Component

JOB_NAMES: Final = {
    "import_st": "Reading transcriptomics",
    "import_sm": "Reading metabolomics",
    "demo": "Making the demo section",
    "align": "Automatic alignment",
    "reassign": "Reassigning values",
    "stability": "Checking stability",
    "features": "Choosing features",
    "forecast": "Estimating time and memory",
    "integrate": "Training the model",
    "cluster": "Clustering",
    "pipeline": "Running all steps",
    "export": "Building the export",
}
STATE_WORDS: Final = {
    "created": "starting",
    "queued": "waiting",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "canceled": "canceled",
    "stopped": "stopped",
}
CHECK_MARKS: Final = {
    "ok": ("✓", "OK"),
    "note": ("i", "Note"),
    "warning": ("!", "Warning"),
    "error": ("✕", "Problem"),
}


def extra(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return ``aria-*`` and ``data-*`` attributes for ``**`` in a component's call.

    They are no Python names, and Dash's annotations have no place for them.
    """
    return attributes


def card(title: str, *children: Any, note: str = "", id: str | None = None) -> Component:
    """Return a panel with a heading, an optional one-line note, and content."""
    head: list[Component] = [html.H3(title, className="card-head")]
    if note:
        head.append(html.P(note, className="card-note"))
    named: dict[str, Any] = {} if id is None else {"id": id}
    return html.Section([*head, *children], className="panel", **named)


def number_box(
    label: str,
    *,
    id: Any,
    value: float | None,
    unit: str = "",
    step: float | str = "any",
    low: float | None = None,
    high: float | None = None,
    help_text: str = "",
) -> Component:
    """Return a labeled number input with its unit."""
    bounds: dict[str, Any] = {k: v for k, v in (("min", low), ("max", high)) if v is not None}
    box = dcc.Input(id=id, type="number", value=value, step=step, debounce=True, **bounds)
    text = [html.Span(label), *([html.Span(unit, className="unit")] if unit else [])]
    return html.Label(
        [html.Span(text, className="field-label"), box], className="field", title=help_text
    )


def button(
    label: Any,
    *,
    id: Any,
    kind: str = "secondary",
    title: str = "",
    disabled: bool = False,
) -> Component:
    """Return a button; ``kind`` is ``primary``, ``secondary``, ``quiet`` or ``danger``."""
    return html.Button(
        label, id=id, className=f"btn-sm-{kind}", title=title, disabled=disabled, n_clicks=0
    )


def check_list(items: Sequence[Mapping[str, str]]) -> Component:
    """Return a file's check report as a tick list.

    Each item has ``level`` and ``text``, and may have ``title`` and ``code``; a problem is
    announced.
    """
    rows = []
    for item in items:
        mark, word = CHECK_MARKS[item["level"]]
        icon = html.Span(mark, className=f"check-mark check-{item['level']}", **_label(word))
        words = _titled(item["text"], item.get("title", ""), item.get("code", ""))
        role: dict[str, Any] = {"role": "alert"} if item["level"] == "error" else {}
        rows.append(html.Li([icon, html.Span(words, **role)]))
    return html.Ul(rows, className="check-list")


def empty_state(text: Any, *actions: Any) -> Component:
    """Return a quiet message for a place that has nothing to show yet."""
    return html.Div([html.P(text), *actions], className="empty-state")


def message(level: str, text: Any, *, title: str = "", code: str = "") -> Component:
    """Return a colored note: ``good``, ``warn``, ``bad`` or ``info``; bad ones are announced."""
    role = "alert" if level == "bad" else "note"
    words = _titled(text, title, code)
    return html.Div(words, className=f"message message-{level}", role=role)


def _titled(text: Any, title: str, code: str) -> list[Any]:
    head = [html.Strong(f"{title} ")] if title else []
    tail = [html.Span(code, className="code")] if code else []
    return [*head, text, *tail]


def job_card(job: Mapping[str, Any]) -> Component:
    """Return one job as a card: what it does, how far it is, and what can be asked of it."""
    name, state = JOB_NAMES.get(job["kind"], job["kind"]), job["state"]
    file = (job.get("params") or {}).get("name")
    named = [html.Strong(name), *([html.Span(file, className="job-file")] if file else [])]
    head = [html.Span(named), html.Span(STATE_WORDS[state], className=f"chip chip-{state}")]
    body: list[Any] = [html.Div(head, className="job-head")]
    if state in ("created", "queued", "running"):
        percent = round(100 * job["progress"])
        body.append(dbc.Progress(value=percent, label=f"{percent} %", className="job-bar"))
    error = job.get("error") or {}
    if error:
        body.append(
            message("bad", error["message"], title=error.get("title", ""), code=error["code"])
        )
        if error.get("listing"):
            address = listing_url(job["project"], job["id"])
            body.append(html.A("Download the list", href=address, download="list.txt"))
    else:
        body.append(html.P(job["message"], className="job-message"))
    body.append(html.Div(_job_buttons(job), className="job-buttons"))
    return html.Div(
        body, className="job-card", **extra({"data-state": state, "data-kind": job["kind"]})
    )


def job_cards(jobs: Sequence[Mapping[str, Any]] | None, kinds: Sequence[str]) -> list[Component]:
    """Return cards for the newest job of each kind, unless it ended well."""
    shown: list[Component] = []
    for kind in kinds:
        newest = next((job for job in jobs or () if job["kind"] == kind), None)
        if newest is not None and newest["state"] not in ("done", "canceled"):
            shown.append(job_card(newest))
    return shown


def _job_buttons(job: Mapping[str, Any]) -> list[Component]:
    state, job_id = job["state"], job["id"]
    trains = job["kind"] in ("integrate", "pipeline")
    buttons = []
    if state in ("created", "queued", "running"):
        asked = bool(job["request"])
        if trains and state == "running":
            buttons.append(("keep_best", "Stop and keep best", asked))
        buttons.append(("cancel", "Canceling" if job["request"] == "cancel" else "Cancel", asked))
    elif state == "stopped" and job["kind"] == "integrate":
        buttons += [("continue", "Continue", False), ("restart", "Start over", False)]
    elif state in ("stopped", "failed"):
        buttons.append(("restart", "Start over" if state == "stopped" else "Try again", False))
    return [
        button(text, id=ids.job_action(action, job_id), kind="secondary", disabled=disabled)
        for action, text, disabled in buttons
    ]


def _label(word: str) -> dict[str, Any]:
    return {"aria-label": word, "role": "img"}
