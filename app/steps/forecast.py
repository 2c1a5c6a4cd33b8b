"""Estimate what a training will take on this machine, before it starts."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from app.state import is_current
from app.steps.reading import params_of, read
from spatialmeta_core import keys
from spatialmeta_core.params import FeatureParams, LossWeights, NetParams, TrainParams

if TYPE_CHECKING:
    from app.context import StepContext


def run_forecast(context: StepContext) -> str:
    """Time a few training steps and reckon time and memory for each preset of the screen."""
    import torch  # noqa: PLC0415  # seconds to load

    from spatialmeta_core.integrate import forecast  # noqa: PLC0415

    net = params_of(context, "net", NetParams)
    train = params_of(context, "train", TrainParams)
    weights = params_of(context, "weights", LossWeights)
    made_from = context.store.input_revisions(context.project, "forecast")
    shape = _shape(context)
    found: dict[str, Any] = {}
    presets: dict[str, dict[str, int]] = context.params.get("presets") or {"standard": {}}
    for k, (name, schedule) in enumerate(presets.items()):
        context.report(0.2 + 0.7 * k / len(presets), "Timing a few steps")
        expected = forecast(
            *shape,
            net,
            replace(train, **schedule),
            weights=weights,
            device=context.params.get("device", "auto"),
        )
        found[name] = asdict(expected)
    on_gpu = any(one["device_bytes"] for one in found.values())
    summary = {
        "presets": found,
        "shape": list(shape),
        "gpu": _gpu(torch) if on_gpu else None,
    }
    context.store.commit(
        context.project,
        "forecast",
        lambda _folder: None,
        made_from=made_from,
        params={"net": asdict(net), "train": asdict(train)},
        summary=summary,
    )
    return "Time and memory estimated"


def _shape(context: StepContext) -> tuple[int, int, int]:
    """Return spots, genes and metabolites that would be trained on."""
    data = read(context, "joint")
    kind = data.var[keys.FEATURE_TYPE].astype(str)
    measured = [int((kind == name).sum()) for name in (keys.ST, keys.SM)]
    manifest = context.store.manifest(context.project)
    if is_current(manifest, "features"):
        chosen = manifest["artefacts"]["features"]["summary"]
        return data.n_obs, int(chosen["n_genes"]), int(chosen["n_metabolites"])
    asked = params_of(context, "features", FeatureParams)
    n_genes, n_metabolites = (
        min(limit, n)
        for limit, n in zip((asked.n_genes, asked.n_metabolites), measured, strict=True)
    )
    return data.n_obs, n_genes, n_metabolites


def _gpu(torch: Any) -> dict[str, Any]:
    free, total = torch.cuda.mem_get_info()
    return {"name": torch.cuda.get_device_name(), "free": int(free), "total": int(total)}
