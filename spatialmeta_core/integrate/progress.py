"""The state of a training: in memory while it runs, and on disk so that it can be resumed."""

from __future__ import annotations

import math
import os
import pickle
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from spatialmeta_core.types import EpochReport, LossTerms

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Checkpoint", "Progress", "resume", "write"]

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where to keep a resumable state, and the digest of data and settings it belongs to."""

    path: Path
    fingerprint: str


@dataclass(slots=True, eq=False)
class Progress:
    """The best network so far, and the course of the losses.

    Attributes
    ----------
    best
        State of the network with the lowest validation loss; empty before the first epoch.
    best_epoch, best_loss
        When that was, counted from 1, and the loss.
    reports
        One report for each epoch.
    notes
        Sentences for the user.
    """

    best: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0
    best_loss: float = math.inf
    reports: list[EpochReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def write(
    checkpoint: Checkpoint,
    progress: Progress,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Replace the checkpoint file by the present state, all at once or not at all."""
    state = {
        "schema": SCHEMA,
        "fingerprint": checkpoint.fingerprint,
        "module": module.state_dict(),
        "optimizer": optimizer.state_dict(),
        "best": progress.best,
        "best_epoch": progress.best_epoch,
        "best_loss": progress.best_loss,
        "reports": [
            (r.epoch, r.n_epochs, list(r.train), list(r.validation), r.is_best)
            for r in progress.reports
        ],
    }
    handle, name = tempfile.mkstemp(dir=checkpoint.path.parent, prefix=checkpoint.path.name)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(checkpoint.path)
    finally:
        temporary.unlink(missing_ok=True)


def resume(checkpoint: Checkpoint, module: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Load the checkpoint into ``module`` and ``optimizer`` if there is one that fits.

    Returns
    -------
    Progress
        The state to go on from; a new one, with a note, if the file cannot be read or belongs to
        other data or settings, in which case ``module`` and ``optimizer`` are left as they are.
    """
    if not checkpoint.path.exists():
        return Progress()
    state = _read(checkpoint.path)
    if state is None:
        return Progress(
            notes=["The checkpoint could not be read, so training started from the beginning."]
        )
    if (state.get("schema"), state.get("fingerprint")) != (SCHEMA, checkpoint.fingerprint):
        return Progress(
            notes=[
                "The checkpoint belongs to other data or settings, so training started from the "
                "beginning."
            ]
        )
    module.load_state_dict(state["module"])
    optimizer.load_state_dict(state["optimizer"])
    reports = [
        EpochReport(epoch, n, LossTerms(*train), LossTerms(*validation), is_best)
        for epoch, n, train, validation, is_best in state["reports"]
    ]
    return Progress(
        best=state["best"],
        best_epoch=state["best_epoch"],
        best_loss=state["best_loss"],
        reports=reports,
        notes=[f"Training continued from epoch {len(reports)}."],
    )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError):
        return None  # what torch raises for a file that is cut off or is no checkpoint
    return state if isinstance(state, dict) else None
