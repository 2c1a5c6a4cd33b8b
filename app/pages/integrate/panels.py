"""What the integrate screen shows of its results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dash import dcc, html

from app import ids
from app.components import card, empty_state, message
from app.figures import training
from app.state import artefact_status, missing_for
from spatialmeta_core import keys
from spatialmeta_core.types import EpochReport, LossTerms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from dash.development.base_component import Component


TOP = 6  # features named per modality


def banner(manifest: dict[str, Any], jobs: Sequence[dict[str, Any]], project: str) -> Any:
    """Say what this screen waits for, or that a result is out of date."""
    waits = missing_for(manifest, "integrate")
    if waits:
        link = dcc.Link("Go to Align", href=f"/p/{project}/align")
        return message(
            "info", ["Metabolites must be reassigned to spots first. ", link], title="Not yet."
        )
    for artefact, words in (
        ("features", "The chosen features"),
        ("integration", "The trained model"),
        ("clusters", "The clusters"),
    ):
        if artefact_status(manifest, artefact, jobs) == "out of date":
            return message(
                "warn",
                f"{words} were made before you changed an earlier step. They are still shown; "
                "run the step again to renew them.",
                title="Out of date.",
                code="E-28",
            )
    return []


def features_summary(record: dict[str, Any] | None, table: pd.DataFrame | None) -> Any:
    """Summarize the chosen features: how many, the strongest, and why others were dropped."""
    if record is None or table is None:
        return html.P("Not chosen yet. Training chooses them when you have not.", className="note")
    chosen = table[table[keys.SELECTED]].sort_values(keys.MORAN_I, ascending=False)
    rows = []
    for kind, name in ((keys.ST, "Genes"), (keys.SM, "Metabolites")):
        mine = chosen[chosen[keys.FEATURE_TYPE] == kind]
        total = int((table[keys.FEATURE_TYPE] == kind).sum())
        top = ", ".join(f"{f} ({i:.2f})" for f, i in mine[keys.MORAN_I].head(TOP).items())
        rows += [html.Dt(name), html.Dd(f"{len(mine):,} of {total:,}; highest Moran's I: {top}")]
    reasons = table.loc[~table[keys.SELECTED], "dropped_because"].fillna("")
    dropped = reasons.str.replace(r"\s*\(.*\)", "", regex=True).value_counts()
    if len(dropped):
        words = "; ".join(f"{count:,} {reason}" for reason, count in dropped.items())
        rows += [html.Dt("Dropped"), html.Dd(words)]
    return html.Dl(rows, className="facts features-facts")


def read_losses(path: Path) -> list[EpochReport]:
    """Read what a training job has written so far, one report per epoch.

    A continued training repeats the epochs since its checkpoint: the later line counts. A line that
    is being written at this moment is left for the next look.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    latest = {row["epoch"]: row for row in rows}
    return [
        EpochReport(
            epoch,
            row["n_epochs"],
            LossTerms(**row["train"]),
            LossTerms(**row["validation"]),
            row["is_best"],
        )
        for epoch, row in sorted(latest.items())
    ]


def stored_losses(path: Path) -> list[EpochReport]:
    """Read the losses kept with a finished integration."""
    rows = json.loads(path.read_text(encoding="utf-8"))["losses"]
    return [
        EpochReport(epoch, n_epochs, LossTerms(*train), LossTerms(*held_out), is_best)
        for epoch, n_epochs, train, held_out, is_best in rows
    ]


def losses_card(reports: Sequence[EpochReport]) -> Any:
    """Draw the losses, live or final."""
    if not reports:
        return []
    graph = dcc.Graph(
        id=ids.INTEGRATE_LOSS_GRAPH,
        figure=training.loss_figure(reports),
        config={"displayModeBar": False, "responsive": True},
        className="loss-graph",
    )
    return card(
        "Losses", graph, note="Mean per spot and term. Solid: training; dashed: held-out spots."
    )


def nothing_yet() -> Component:
    """Return the empty state of the right column."""
    return empty_state("No training yet. Press Train: losses appear here while it runs.")
