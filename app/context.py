"""What a long step is given to work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.settings import Settings
    from app.store import ProjectStore


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a step works with.

    Attributes
    ----------
    folder
        The job's own folder, for its log, losses and checkpoint.
    params
        JSON values, one entry per parameter set of the step.
    report
        Takes progress (0 to 1) and a message; raises when the user canceled.
    keep_best
        Whether the user asked to end training and keep the best state.
    """

    store: ProjectStore
    project: str
    folder: Path
    params: dict[str, Any]
    report: Callable[[float, str], None]
    keep_best: Callable[[], bool]
    settings: Settings
