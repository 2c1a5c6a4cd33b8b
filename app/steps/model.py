"""Choose features, train the model, cluster its embedding."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from app import clusterings
from app.disk import write_json
from app.state import is_current
from app.steps.quality import quality_of
from app.steps.reading import params_of, read
from spatialmeta_core import __version__, cluster, keys
from spatialmeta_core.errors import NotFoundError
from spatialmeta_core.features import select_features
from spatialmeta_core.params import (
    ClusterParams,
    FeatureParams,
    LossWeights,
    NetParams,
    TrainParams,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import anndata as ad

    from app.context import StepContext
    from spatialmeta_core.types import EpochReport


def run_features(context: StepContext) -> str:
    """Choose spatially variable features by Moran's I."""
    params = params_of(context, "features", FeatureParams)
    made_from = context.store.input_revisions(context.project, "features")
    data = read(context, "joint")
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
        "net": params_of(context, "net", NetParams),
        "train": params_of(context, "train", TrainParams),
        "weights": params_of(context, "weights", LossWeights),
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
            "version": __version__,
            "notes": list(result.notes),
        },
    )
    run_cluster(context)
    return f"Trained {len(result.losses)} epochs, best at {result.best_epoch}"


def run_cluster(context: StepContext) -> str:
    """Leiden clusters and UMAP of the current embedding."""
    from spatialmeta_core.integrate.result import Integration  # noqa: PLC0415  # loads torch

    params = params_of(context, "cluster", ClusterParams)
    made_from = context.store.input_revisions(context.project, "clusters")
    result = Integration.load(context.store.path(context.project, "integration"))
    latent = result.embedding.joint
    context.report(0.91, "Trying resolutions")
    tried = cluster.suggest_resolution(
        latent, n_neighbors=params.n_neighbors, seeds=(params.seed, params.seed + 1)
    )
    resolution = tried.resolution if params.resolution is None else params.resolution
    context.report(0.93, "Leiden clusters")
    labels = cluster.leiden(
        latent, resolution=resolution, n_neighbors=params.n_neighbors, seed=params.seed
    )
    context.report(0.94, "UMAP")
    umap = cluster.umap(
        latent, n_neighbors=params.n_neighbors, min_dist=params.umap_min_dist, seed=params.seed
    )
    context.report(0.96, "Measuring the quality")
    data = read(context, "joint")
    quality = quality_of(data, result, labels)
    contribution = result.contribution
    values: dict[str, Any] = {
        "obs_names": data.obs_names.to_numpy().astype(str),
        keys.CLUSTER: labels,
        keys.UMAP: umap,
        keys.CONTRIBUTION: contribution.balance,
        keys.THETA_ST: contribution.theta_st,
        keys.THETA_SM: contribution.theta_sm,
        "tried_labels": tried.labels.astype(np.int32),
        **{f"tried_{name}": tried.table[name].to_numpy() for name in tried.table},
    }

    def write(folder: Path) -> None:
        np.savez_compressed(folder / clusterings.FILE, **values)
        write_json(folder / clusterings.QUALITY, quality)

    context.store.commit(
        context.project,
        "clusters",
        write,
        made_from=made_from,
        params={"cluster": asdict(params) | {"resolution": resolution}},
        summary={
            "rebuilt": quality.get("rebuilt", {}),
            "overall": _overall(quality),
            "resolution": resolution,
            "suggested": params.resolution is None,
            "suggestion": {
                "resolution": tried.resolution,
                "n_clusters": tried.n_clusters,
                "stability": tried.stability,
            },
            "n_clusters": int(labels.max()) + 1,
            "sizes": np.bincount(labels[labels >= 0]).tolist(),
        },
    )
    return f"{labels.max() + 1} clusters"


def _overall(quality: dict[str, Any]) -> dict[str, float | None]:
    """Return the overall score of the run and of its baseline, where they could be measured."""
    for row in quality.get("rows", []):
        if row["metric"] == "overall":
            return {"model": row["value"], "pca": row["baseline"]}
    return {}


def _with_selection(context: StepContext) -> ad.AnnData:
    data = read(context, "joint")
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
