"""What every step reads: its parameter sets and the project's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app import placement
from spatialmeta_core.params import from_dict

if TYPE_CHECKING:
    import anndata as ad

    from app.context import StepContext


def params_of(context: StepContext, name: str, kind: type[Any]) -> Any:
    """Return a parameter set of the job, checked; defaults where the job says nothing."""
    return from_dict(kind, context.params.get(name) or {})


def read(context: StepContext, artefact: str) -> ad.AnnData:
    """Return the project's ``st``, ``sm`` or ``joint`` table."""
    return placement.read_adata(context.store, context.project, artefact)
