"""One function per long step: load, call the core, save. For the worker and the headless twin."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from app import placement, sections
from app.imports import import_sm, import_st, load_demo
from app.state import is_current
from spatialmeta_core import cluster, io, joint, keys
from spatialmeta_core.align import align
from spatialmeta_core.errors import NotFoundError
from spatialmeta_core.features import select_features
from spatialmeta_core.io.alignment import read_alignment
from spatialmeta_core.params import (
    AlignParams,
    ClusterParams,
    FeatureParams,
    LossWeights,
    NetParams,
    ReassignParams,
    TrainParams,
    from_dict,
)
from spatialmeta_core.types import Alignment, EpochReport, Pose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import anndata as ad

    from app.context import StepContext


def run_align(context: StepContext) -> str:
    """Fit the outlines automatically; the result waits for accept or reject."""
    made_from = context.store.input_revisions(context.project, "proposal")
    found = _fit(context)
    placement.commit(
        context.store,
        context.project,
        "proposal",
        found,
        made_from=made_from,
        params=context.params,
    )
    return "Automatic alignment ready to review"


def run_reassign(context: StepContext) -> str:
    """Average SM pixels onto ST spots with the accepted alignment."""
    params = _params(context, "reassign", ReassignParams)
    made_from = context.store.input_revisions(context.project, "joint")
    st, sm = _read(context, "st"), _read(context, "sm")
    alignment = read_alignment(context.store.path(context.project, "alignment", "alignment.json"))
    context.report(0.3, "Averaging metabolite pixels onto spots")
    result = joint.join(st, sm, alignment, params)
    context.report(0.7, "Saving")
    donors = result.obs[keys.N_DONORS].to_numpy()
    covered = int((donors > 0).sum())
    context.store.commit(
        context.project,
        "joint",
        lambda folder: io.write_h5ad(result, folder / "joint.h5ad"),
        made_from=made_from,
        params={"reassign": asdict(params)},
        summary={
            "n_spots": result.n_obs,
            "covered": covered,
            "n_genes": int((result.var[keys.FEATURE_TYPE] == keys.ST).sum()),
            "n_metabolites": int((result.var[keys.FEATURE_TYPE] == keys.SM).sum()),
            "donors": np.bincount(donors, minlength=params.n_neighbors + 1).tolist(),
        },
    )
    return f"{covered:,} of {result.n_obs:,} spots have metabolite values"


def run_features(context: StepContext) -> str:
    """Choose spatially variable features by Moran's I."""
    params = _params(context, "features", FeatureParams)
    made_from = context.store.input_revisions(context.project, "features")
    data = _read(context, "joint")
    context.report(0.2, "Computing Moran's I")
    table = select_features(data, params)
    chosen = table[table[keys.SELECTED]]
    counts = chosen[keys.FEATURE_TYPE].value_counts()
    n_genes, n_metabolites = int(counts.get(keys.ST, 0)), int(counts.get(keys.SM, 0))
    context.store.commit(
        context.project,
        "features",
        lambda folder: table.to_csv(folder / "features.csv"),
        made_from=made_from,
        params={"features": asdict(params)},
        summary={"n_genes": n_genes, "n_metabolites": n_metabolites},
    )
    return f"{n_genes:,} genes and {n_metabolites:,} metabolites chosen"


def run_integrate(context: StepContext) -> str:
    """Train the CVAE, then cluster its embedding."""
    from spatialmeta_core.integrate import integrate  # noqa: PLC0415  # torch: seconds to load

    sets = {
        "net": _params(context, "net", NetParams),
        "train": _params(context, "train", TrainParams),
        "weights": _params(context, "weights", LossWeights),
    }
    if not is_current(context.store.manifest(context.project), "features"):
        run_features(context)
    made_from = context.store.input_revisions(context.project, "integration")
    data = _with_selection(context)
    context.report(0.02, "Loading the model")
    result = integrate(
        data,
        sets["net"],
        sets["train"],
        sets["weights"],
        device=context.params.get("device", "auto"),
        on_epoch=_epoch_writer(context),
        checkpoint=_checkpoint(context),
    )
    context.report(0.9, "Saving the model")
    best = result.losses[result.best_epoch - 1].validation.total
    context.store.commit(
        context.project,
        "integration",
        result.save,
        made_from=made_from,
        params={name: asdict(value) for name, value in sets.items()},
        summary={
            "epochs": len(result.losses),
            "best_epoch": result.best_epoch,
            "best_loss": float(best),
            "device": result.device,
            "n_used": int(result.used.sum()),
            "notes": list(result.notes),
        },
    )
    run_cluster(context)
    return f"Trained {len(result.losses)} epochs, best at {result.best_epoch}"


def run_cluster(context: StepContext) -> str:
    """Leiden clusters and UMAP of the current embedding."""
    from spatialmeta_core.integrate.result import Integration  # noqa: PLC0415  # loads torch

    params = _params(context, "cluster", ClusterParams)
    made_from = context.store.input_revisions(context.project, "clusters")
    result = Integration.load(context.store.path(context.project, "integration"))
    latent = result.embedding.joint
    context.report(0.92, "Leiden clusters")
    labels = cluster.leiden(
        latent, resolution=params.resolution, n_neighbors=params.n_neighbors, seed=params.seed
    )
    context.report(0.95, "UMAP")
    umap = cluster.umap(
        latent, n_neighbors=params.n_neighbors, min_dist=params.umap_min_dist, seed=params.seed
    )
    names = sections.open_section(context.store, context.project).spot_names
    contribution = result.contribution
    values: dict[str, Any] = {
        "obs_names": names,
        keys.CLUSTER: labels,
        keys.UMAP: umap,
        keys.CONTRIBUTION: contribution.balance,
        keys.THETA_ST: contribution.theta_st,
        keys.THETA_SM: contribution.theta_sm,
    }
    context.store.commit(
        context.project,
        "clusters",
        lambda folder: np.savez_compressed(folder / "clusters.npz", **values),
        made_from=made_from,
        params={"cluster": asdict(params)},
        summary={
            "n_clusters": int(labels.max()) + 1,
            "sizes": np.bincount(labels[labels >= 0]).tolist(),
        },
    )
    return f"{labels.max() + 1} clusters"


def run_pipeline(context: StepContext) -> str:
    """Run every step from alignment to clusters with the given parameters."""
    made_from = context.store.input_revisions(context.project, "alignment")
    automatic = context.params.get("automatic", True)
    found = _fit(_share(context, 0.0, 0.15)) if automatic else _by_hand(context)
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


STEPS: Final[dict[str, Callable[[StepContext], str]]] = {
    "import_st": import_st,
    "import_sm": import_sm,
    "demo": load_demo,
    "align": run_align,
    "reassign": run_reassign,
    "features": run_features,
    "integrate": run_integrate,
    "cluster": run_cluster,
    "pipeline": run_pipeline,
    "export": run_export,
}


def _params(context: StepContext, name: str, kind: type[Any]) -> Any:
    return from_dict(kind, context.params.get(name) or {})


def _read(context: StepContext, artefact: str) -> ad.AnnData:
    return placement.read_adata(context.store, context.project, artefact)


def _fit(context: StepContext) -> Alignment:
    params = _params(context, "align", AlignParams)
    st, sm = _read(context, "st"), _read(context, "sm")
    start = context.params.get("start")
    return align(
        sm.obsm[keys.SPATIAL],
        st.obsm[keys.SPATIAL],
        params,
        start=None if start is None else Pose(np.asarray(start, float)),
        target_image=placement.tissue_image(st),
        on_progress=lambda fraction, message: context.report(0.05 + 0.9 * fraction, message),
    )


def _by_hand(context: StepContext) -> Alignment:
    pose = Pose(np.asarray(context.params["start"], float))
    st, sm = _read(context, "st"), _read(context, "sm")
    return placement.by_hand(pose, sm.obsm[keys.SPATIAL], st.obsm[keys.SPATIAL])


def _with_selection(context: StepContext) -> ad.AnnData:
    data = _read(context, "joint")
    table = pd.read_csv(
        context.store.path(context.project, "features", "features.csv"), index_col=0
    )
    data.var[keys.SELECTED] = (
        table[keys.SELECTED].reindex(data.var_names).fillna(False).to_numpy(bool)
    )
    return data


def _epoch_writer(context: StepContext) -> Callable[[EpochReport], bool]:
    path = context.folder / "losses.jsonl"
    earlier = _checkpoint(context).with_name("losses.jsonl")
    if earlier != path and earlier.exists():
        shutil.copyfile(earlier, path)

    def on_epoch(report: EpochReport) -> bool:
        with path.open("a", encoding="utf-8") as handle:
            row = {
                "epoch": report.epoch,
                "n_epochs": report.n_epochs,
                "train": report.train._asdict(),
                "validation": report.validation._asdict(),
                "is_best": report.is_best,
            }
            handle.write(json.dumps(row) + "\n")
        done = report.epoch / report.n_epochs
        context.report(0.05 + 0.85 * done, f"Epoch {report.epoch} of at most {report.n_epochs}")
        return context.keep_best()

    return on_epoch


def _checkpoint(context: StepContext) -> Path:
    """Return the training checkpoint: the stopped job's own when this job continues it."""
    earlier = context.params.get("continue_from")
    folder = context.folder if earlier is None else context.folder.parent / _job_name(str(earlier))
    return folder / "checkpoint.pt"


def _job_name(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{16}", text):
        raise NotFoundError("There is no earlier calculation to continue.")
    return text
