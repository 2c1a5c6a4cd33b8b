"""Start feature choice, training and clustering; show how they go and what they gave."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pandas as pd
from dash import Dash, Input, Output, State, ctx
from dash.exceptions import PreventUpdate

from app import ids
from app.components import job_cards
from app.pages.integrate import estimate, panels, routes
from app.pages.integrate.details import PUBLISHED, value_of
from app.pages.integrate.forecast_panel import device_words, preset_label
from app.pages.integrate.layout import PRESETS
from app.pages.integrate.results import project_here
from app.pages.integrate.results import register as register_results
from app.state import ACTIVE_STATES, is_current
from spatialmeta_core.params import (
    ClusterParams,
    FeatureParams,
    LossWeights,
    NetParams,
    TrainParams,
)

if TYPE_CHECKING:
    from pathlib import Path

    from app.jobs import JobTable
    from app.store import ProjectStore
    from spatialmeta_core.types import EpochReport

TRAINING = ("integrate", "pipeline")
KINDS = ("pipeline", "features", "integrate", "cluster")
FORM = {
    "n_genes": ids.INTEGRATE_N_GENES,
    "n_metabolites": ids.INTEGRATE_N_METABOLITES,
    "moran_neighbors": ids.INTEGRATE_MORAN_NEIGHBORS,
    "epochs": ids.INTEGRATE_EPOCHS,
    "patience": ids.INTEGRATE_PATIENCE,
    "latent": ids.INTEGRATE_LATENT,
    "hidden": ids.INTEGRATE_HIDDEN,
    "batch": ids.INTEGRATE_BATCH,
    "rate": ids.INTEGRATE_RATE,
    "weight_st": ids.INTEGRATE_WEIGHT_ST,
    "weight_sm": ids.INTEGRATE_WEIGHT_SM,
    "weight_kl": ids.INTEGRATE_WEIGHT_KL,
    "weight_mmd": ids.INTEGRATE_WEIGHT_MMD,
    "train_on": ids.INTEGRATE_TRAIN_ON,
    "st_loss": ids.INTEGRATE_ST_LOSS,
    "sm_loss": ids.INTEGRATE_SM_LOSS,
    "normalize": ids.INTEGRATE_NORMALIZE,
    "decoders": ids.INTEGRATE_DECODERS,
    "separate": ids.INTEGRATE_SEPARATE,
    "method": ids.INTEGRATE_METHOD,
    "seed": ids.INTEGRATE_SEED,
    "device": ids.INTEGRATE_DEVICE,
    "resolution": ids.INTEGRATE_RESOLUTION,
    "neighbors": ids.INTEGRATE_NEIGHBORS,
}
STARTS = {
    ids.INTEGRATE_ESTIMATE: "forecast",
    ids.INTEGRATE_FEATURES: "features",
    ids.INTEGRATE_TRAIN: "integrate",
    ids.INTEGRATE_CLUSTER: "cluster",
}


FEATURE_FIELDS = {
    "method": "method",
    "n_genes": "n_genes",
    "n_metabolites": "n_metabolites",
    "n_neighbors": "moran_neighbors",
}
NET_FIELDS = {
    "n_latent": "latent",
    "n_hidden": "hidden",
    "train_on": "train_on",
    "st_loss": "st_loss",
    "sm_loss": "sm_loss",
    "normalize_sm": "normalize",
    "shared_decoders": "decoders",
}
TRAIN_FIELDS = {
    "max_epochs": "epochs",
    "patience": "patience",
    "batch_size": "batch",
    "learning_rate": "rate",
    "seed": "seed",
    "separate": "separate",
}
# one weight per modality on the screen: the joint and the single reconstruction share it
WEIGHT_FIELDS = {
    "st": "weight_st",
    "st_from_st": "weight_st",
    "sm": "weight_sm",
    "sm_from_sm": "weight_sm",
    "kl": "weight_kl",
    "mmd": "weight_mmd",
}
CLUSTER_FIELDS = {"resolution": "resolution", "n_neighbors": "neighbors"}


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    """Attach the integrate page's callbacks to ``app``."""
    _register_form(app, jobs)
    _register_views(app, store, jobs)
    register_results(app, store)
    estimate.register(app, store, jobs)
    routes.register(app.server, store)


def _register_form(app: Dash, jobs: JobTable) -> None:
    @app.callback(
        Output(ids.INTEGRATE_EPOCHS, "value"),
        Output(ids.INTEGRATE_PATIENCE, "value"),
        Input(ids.INTEGRATE_PRESET, "value"),
        prevent_initial_call=True,
    )
    def preset(name: str) -> tuple[int, int]:
        _label, epochs, patience = PRESETS[name]
        return epochs, patience

    @app.callback(
        Output(ids.INTEGRATE_WEIGHT_ST, "value"),
        Output(ids.INTEGRATE_WEIGHT_SM, "value"),
        Output(ids.INTEGRATE_WEIGHT_KL, "value"),
        Output(ids.INTEGRATE_WEIGHT_MMD, "value"),
        Input(ids.INTEGRATE_WEIGHTS, "value"),
        prevent_initial_call=True,
    )
    def weights(name: str) -> tuple[float, ...]:
        chosen = PUBLISHED[name]
        return chosen.st, chosen.sm, chosen.kl, chosen.mmd

    @app.callback(
        Output(ids.launch("integrate"), "data"),
        inputs={
            "clicks": [Input(button, "n_clicks") for button in STARTS],
            "project": State(ids.PROJECT, "data"),
            "form": {name: State(box, "value") for name, box in FORM.items()},
        },
        prevent_initial_call=True,
    )
    def start(clicks: list[int], project: Any, form: dict[str, Any]) -> dict[str, Any]:
        if not project or not any(clicks):
            raise PreventUpdate
        kind = STARTS[str(ctx.triggered_id)]
        job = jobs.start(project["project_id"], kind, parameters(kind, form))
        return {"jobs": [job.id], "at": time.time()}


def _register_views(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    @app.callback(
        Output(ids.INTEGRATE_STATE, "children"),
        Output(ids.INTEGRATE_FEATURES_SUMMARY, "children"),
        Output(ids.INTEGRATE_TRAIN, "disabled"),
        Output(ids.INTEGRATE_FEATURES, "disabled"),
        Output(ids.INTEGRATE_CLUSTER, "disabled"),
        Output(ids.INTEGRATE_ESTIMATE, "disabled"),
        Output(ids.INTEGRATE_PRESET, "options"),
        Output(ids.INTEGRATE_FORECAST, "children"),
        Input(ids.PROJECT, "data"),
        Input(ids.ROUTE, "data"),
        State(ids.JOBS, "data"),
    )
    def state(project: Any, route: Any, rows: Any) -> tuple[Any, ...]:
        pid = project_here(project, route)
        manifest = store.manifest(pid)
        made = manifest["artefacts"]
        table = (
            store.load(pid, "features", "features.csv", read_table) if "features" in made else None
        )
        waits = "joint" not in made
        return (
            panels.banner(manifest, rows or [], pid),
            panels.features_summary(made.get("features"), table),
            waits,
            waits,
            "integration" not in made,
            waits,
            *_forecast(manifest),
        )

    @app.callback(
        Output(ids.INTEGRATE_JOBS, "children"),
        Output(ids.INTEGRATE_LOSSES, "children"),
        Output(ids.INTEGRATE_LOSSES, "className"),
        Input(ids.JOBS, "data"),
        Input(ids.ROUTE, "data"),
        State(ids.PROJECT, "data"),
    )
    def progress(rows: Any, route: Any, project: Any) -> tuple[Any, Any, str]:
        losses = _losses(store, jobs, project_here(project, route), rows or [])
        cards = job_cards(rows, KINDS)
        live = any(row["kind"] in TRAINING and row["state"] in ACTIVE_STATES for row in rows or [])
        shown = panels.losses_card(losses) or ([] if cards else panels.nothing_yet())
        return cards, shown, "losses live" if live else "losses"


def _forecast(manifest: dict[str, Any]) -> tuple[list[dict[str, str]], str]:
    """Return the presets with their expected times, and where a training would run."""
    summary = None
    if is_current(manifest, "forecast"):
        summary = manifest["artefacts"]["forecast"]["summary"]
    found = summary["presets"] if summary else {}
    options = [
        {"label": preset_label(name, epochs, found.get(key)), "value": key}
        for key, (name, epochs, _patience) in PRESETS.items()
    ]
    return options, device_words(summary)


def _losses(
    store: ProjectStore, jobs: JobTable, project: str, rows: list[dict[str, Any]]
) -> list[EpochReport]:
    """Return the losses of the running training, or of the one whose result is shown."""
    training = [row for row in rows if row["kind"] in TRAINING]
    if training and training[0]["state"] != "done":
        live = panels.read_losses(jobs.folder(jobs.get(training[0]["id"])) / "losses.jsonl")
        if live:
            return live
    if "integration" not in store.manifest(project)["artefacts"]:
        return []
    return store.load(project, "integration", "integration.json", panels.stored_losses)


def parameters(kind: str, form: dict[str, Any]) -> dict[str, Any]:
    """Turn the form into the parameters of a job.

    Raises
    ------
    InvalidParamsError
        If a value is out of range; an empty box keeps the default.
    """
    if kind == "features":
        return {"features": _set(FeatureParams, form, FEATURE_FIELDS)}
    if kind == "cluster":
        return {"cluster": _set(ClusterParams, form, CLUSTER_FIELDS)}
    weights = _set(LossWeights, form, WEIGHT_FIELDS)
    sets = {
        "features": _set(FeatureParams, form, FEATURE_FIELDS),
        "net": _set(NetParams, form, NET_FIELDS),
        "train": _set(TrainParams, form, TRAIN_FIELDS),
        "weights": weights,
        "cluster": _set(ClusterParams, form, CLUSTER_FIELDS),
        "device": form["device"] or "auto",
    }
    return sets | {"presets": estimate.schedules()} if kind == "forecast" else sets


def _set(kind: type[Any], form: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
    values = {name: value_of(form[box]) for name, box in fields.items() if form[box] is not None}
    kind(**values)  # raises for a value out of range
    return values


def read_table(path: Path) -> pd.DataFrame:
    """Read a table of features."""
    return pd.read_csv(path, index_col=0)
