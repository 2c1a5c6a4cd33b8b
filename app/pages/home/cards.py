"""A project on the first screen. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from dash import dcc, html

from app import ids
from app.components import JOB_NAMES, STATE_WORDS, button
from app.downloads import file_url
from app.state import project_status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dash.development.base_component import Component

    from app.job import Job

STEPS: Final = (("data", "Data"), ("align", "Align"), ("integrate", "Integrate"))


def project_card(
    about: Mapping[str, Any], manifest: Mapping[str, Any], jobs: Sequence[Job]
) -> Component:
    """Return a project with its picture, where it stands, and what can be done with it.

    Parameters
    ----------
    about
        ``id``, ``name``, ``changed`` (seconds), ``simulated``.
    jobs
        Its jobs, newest first.
    """
    status = project_status(manifest, [job.to_json() for job in jobs])
    words = [html.Span(f"{name}: {status[page]}") for page, name in STEPS]
    changed = time.strftime("%d %b %Y, %H:%M", time.localtime(about["changed"]))
    delete = button(
        "Delete",
        id=ids.home_delete(about["id"]),
        kind="quiet",
        title=f"Move “{about['name']}” to the bin",
    )
    return html.Article(
        [
            _picture(about["id"], manifest),
            html.Div(
                [
                    html.Div(
                        [
                            dcc.Link(
                                about["name"],
                                href=next_page(about, status),
                                className="project-link",
                            ),
                            *_chips(about, jobs),
                        ],
                        className="project-head",
                    ),
                    html.P(words, className="project-steps"),
                    html.Div(
                        [html.Span(f"Changed {changed}", className="card-note"), delete],
                        className="project-foot",
                    ),
                ]
            ),
        ],
        className="panel project-card",
    )


def next_page(about: Mapping[str, Any], status: Mapping[str, str]) -> str:
    """Return the address of the first step that is not done; exploring when all are."""
    page = next((page for page, _ in STEPS if status[page] != "done"), "explore")
    return f"/p/{about['id']}/{page}"


def _picture(project: str, manifest: Mapping[str, Any]) -> Component:
    record = manifest["artefacts"].get("st")
    if record is None:
        return html.Div(className="project-thumb project-thumb-empty")
    url = file_url(project, "st", record["revision"], "thumb.jpg")
    return html.Div(html.Img(src=url, alt=""), className="project-thumb")


def _chips(about: Mapping[str, Any], jobs: Sequence[Job]) -> list[Component]:
    chips: list[Component] = []
    if about["simulated"]:
        chips.append(html.Span("Simulated data", className="chip chip-simulated"))
    last = next(iter(jobs), None)
    if last is not None and last.state not in ("done", "canceled"):
        name = JOB_NAMES.get(last.kind, last.kind)
        text = f"{name}: {STATE_WORDS[last.state]}"
        chips.append(html.Span(text, className=f"chip chip-{last.state}"))
    return chips
