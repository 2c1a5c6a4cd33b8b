"""Carry the values of one section to the other, and check how much hangs on the exact place."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from app.state import is_current
from app.steps.reading import params_of, read
from spatialmeta_core import io, joint, keys
from spatialmeta_core.errors import NotReadyError
from spatialmeta_core.io.alignment import read_alignment
from spatialmeta_core.params import ReassignParams, from_dict
from spatialmeta_core.stability import THRESHOLD, stability

if TYPE_CHECKING:
    import anndata as ad
    import pandas as pd

    from app.context import StepContext

BLIND = 0.2  # where noise leaves less of a correlation, there is no pattern to hold or lose
N_WORST = 5  # features that the screen names


def run_reassign(context: StepContext) -> str:
    """Carry values by the accepted alignment: pixels onto spots, or spots onto pixels."""
    params = params_of(context, "reassign", ReassignParams)
    made_from = context.store.input_revisions(context.project, "joint")
    st, sm = read(context, "st"), read(context, "sm")
    alignment = read_alignment(context.store.path(context.project, "alignment", "alignment.json"))
    to_spots = params.direction == "sm_to_st"
    what = "metabolite pixels onto spots" if to_spots else "transcriptomics spots onto pixels"
    context.report(0.3, f"Carrying {what}")
    result = joint.join(st, sm, alignment, params)
    context.report(0.7, "Saving")
    facts = joint_summary(result, params)
    context.store.commit(
        context.project,
        "joint",
        lambda folder: io.write_h5ad(result, folder / "joint.h5ad"),
        made_from=made_from,
        params={"reassign": asdict(params)},
        summary=facts,
    )
    n_covered, n_rows = facts["covered"], facts["n_spots"]
    if to_spots:
        return f"{n_covered:,} of {n_rows:,} spots have metabolite values"
    return f"{n_covered:,} of {n_rows:,} pixels have counts"


def joint_summary(result: ad.AnnData, params: ReassignParams) -> dict[str, Any]:
    """Return what the screens say of a joint table; ``n_spots`` counts its rows."""
    to_spots = params.direction == "sm_to_st"
    donors = result.obs[keys.N_DONORS if to_spots else keys.N_ST_DONORS].to_numpy()
    return {
        "n_spots": result.n_obs,
        "covered": int((donors > 0).sum()),
        "n_genes": int((result.var[keys.FEATURE_TYPE] == keys.ST).sum()),
        "n_metabolites": int((result.var[keys.FEATURE_TYPE] == keys.SM).sum()),
        "donors": np.bincount(donors, minlength=params.n_neighbors + 1).tolist(),
    }


def run_stability(context: StepContext) -> str:
    """Repeat the reassignment under small shifts and turns and compare."""
    manifest = context.store.manifest(context.project)
    if not is_current(manifest, "joint"):
        raise NotReadyError("The stability check repeats the reassignment. Press 'Reassign' first.")
    made_from = context.store.input_revisions(context.project, "stability")
    params: ReassignParams = from_dict(
        ReassignParams, manifest["artefacts"]["joint"]["params"]["reassign"]
    )
    st, sm = read(context, "st"), read(context, "sm")
    alignment = read_alignment(context.store.path(context.project, "alignment", "alignment.json"))
    table = stability(
        st,
        sm,
        alignment,
        params,
        on_progress=lambda done: context.report(0.05 + 0.9 * done, "Comparing shifted maps"),
    )
    facts = stability_summary(table, params)
    context.store.commit(
        context.project,
        "stability",
        lambda folder: table.to_csv(folder / "stability.csv", index=False),
        made_from=made_from,
        params={"reassign": asdict(params)},
        summary=facts,
    )
    return f"{facts['n_hold']:,} of {facts['n_features']:,} {facts['what']} hold under shift"


def stability_summary(table: pd.DataFrame, params: ReassignParams) -> dict[str, Any]:
    """Return what the screen says of a stability check, as JSON values."""
    others = ~table[keys.HOLDS].to_numpy(bool)
    as_noise = table[keys.SHIFT_R] >= THRESHOLD * table[keys.R_NOISE]
    blind = table[keys.R_NOISE] < BLIND
    worst = table.dropna(subset=[keys.SHIFT_R]).nsmallest(N_WORST, keys.SHIFT_R)
    return {
        "n_features": len(table),
        "n_hold": int(table[keys.HOLDS].sum()),
        "n_noise": int((others & as_noise & ~blind).sum()),
        "n_blind": int((others & blind).sum()),
        "threshold": THRESHOLD,
        "what": "metabolites" if params.direction == "sm_to_st" else "genes",
        "worst": [
            {
                "feature": str(row["feature"]),
                "r": float(row[keys.SHIFT_R]),
                "noise": None if np.isnan(row[keys.R_NOISE]) else float(row[keys.R_NOISE]),
                "move": row["worst"],
            }
            for row in worst.to_dict(orient="records")
        ],
    }
