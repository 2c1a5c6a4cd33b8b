"""Run every step at once, and write the export."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app import placement
from app.steps.alignment import by_hand, fit
from app.steps.model import run_features, run_integrate
from app.steps.reassignment import run_reassign

if TYPE_CHECKING:
    from app.context import StepContext


def run_pipeline(context: StepContext) -> str:
    """Run every step from alignment to clusters with the given parameters."""
    made_from = context.store.input_revisions(context.project, "alignment")
    automatic = context.params.get("automatic", True)
    found = fit(_share(context, 0.0, 0.15)) if automatic else by_hand(context)
    placement.commit(
        context.store,
        context.project,
        "alignment",
        found,
        made_from=made_from,
        params=context.params,
    )
    for step, low, high in ((run_reassign, 0.15, 0.2), (run_features, 0.2, 0.25)):
        step(_share(context, low, high))
    return run_integrate(_share(context, 0.25, 1.0))


def _share(context: StepContext, low: float, high: float) -> StepContext:
    """Give a step its part of a longer job's progress bar."""

    def report(progress: float, message: str) -> None:
        context.report(low + (high - low) * progress, message)

    return replace(context, report=report)


def run_export(context: StepContext) -> str:
    """Write the export archive into the job's folder."""
    from app import exports  # noqa: PLC0415  # loads matplotlib

    context.report(0.1, "Collecting")
    size = exports.write_zip(context.store, context.project, context.folder / "export.zip")
    return f"Export ready, {size / 1e6:,.1f} MB"
