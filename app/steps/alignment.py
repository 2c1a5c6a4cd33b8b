"""Place the metabolomics section on the transcriptomics section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app import placement
from app.steps.reading import params_of, read
from spatialmeta_core import keys
from spatialmeta_core.align import align
from spatialmeta_core.align.latents import latents
from spatialmeta_core.params import AlignParams, OutlineParams
from spatialmeta_core.types import Alignment, Pose

if TYPE_CHECKING:
    import anndata as ad

    from app.context import StepContext


def run_align(context: StepContext) -> str:
    """Fit the outlines automatically; the result waits for accept or reject."""
    made_from = context.store.input_revisions(context.project, "proposal")
    found = fit(context)
    placement.commit(
        context.store,
        context.project,
        "proposal",
        found,
        made_from=made_from,
        params=context.params,
    )
    return "Automatic alignment ready to review"


def fit(context: StepContext) -> Alignment:
    """Fit the outlines with the job's parameters, from its start when it has one."""
    params = params_of(context, "align", AlignParams)
    st, sm = read(context, "st"), read(context, "sm")
    start, outline = context.params.get("start"), _outline(context)
    return align(
        sm.obsm[keys.SPATIAL],
        st.obsm[keys.SPATIAL],
        params,
        start=None if start is None else Pose(np.asarray(start, float)),
        target_image=placement.tissue_image(st),
        landmarks=placement.landmarks_from(context.params.get("landmarks")),
        **placement.outline_options(outline, placement.tissue_mask(sm, outline)),
        **_values(params, st, sm),
        on_progress=lambda fraction, message: context.report(0.05 + 0.9 * fraction, message),
    )


def _values(params: AlignParams, st: ad.AnnData, sm: ad.AnnData) -> dict[str, Any]:
    """Return what the histology and feature terms compare, as far as they are asked for."""
    found: dict[str, Any] = {}
    if params.histology_weight or params.feature_weight:
        found["moving_values"] = latents(sm.X, seed=params.seed)
    if params.feature_weight:
        found["target_values"] = latents(st.X, seed=params.seed)
    return found


def by_hand(context: StepContext) -> Alignment:
    """Take the job's start as it is."""
    pose = Pose(np.asarray(context.params["start"], float))
    st, sm = read(context, "st"), read(context, "sm")
    outline = _outline(context)
    return placement.by_hand(
        pose,
        sm.obsm[keys.SPATIAL],
        st.obsm[keys.SPATIAL],
        outline=outline,
        kept=placement.tissue_mask(sm, outline),
        landmarks=placement.landmarks_from(context.params.get("landmarks")),
    )


def _outline(context: StepContext) -> OutlineParams:
    found: OutlineParams = params_of(context, "outline", OutlineParams)
    return found
