"""One function per long step: load, call the core, save. For the worker and the headless twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.imports import import_sm, import_st, load_demo
from app.steps.alignment import run_align
from app.steps.forecast import run_forecast
from app.steps.model import run_cluster, run_features, run_integrate
from app.steps.reassignment import run_reassign, run_stability
from app.steps.whole import run_export, run_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.context import StepContext

STEPS: Final[dict[str, Callable[[StepContext], str]]] = {
    "import_st": import_st,
    "import_sm": import_sm,
    "demo": load_demo,
    "align": run_align,
    "reassign": run_reassign,
    "stability": run_stability,
    "features": run_features,
    "forecast": run_forecast,
    "integrate": run_integrate,
    "cluster": run_cluster,
    "pipeline": run_pipeline,
    "export": run_export,
}
