"""What was done to a project, as a TOML file that ``spatialmeta run`` repeats."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import tomli_w

from app import sections
from spatialmeta_core import regions
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
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

if TYPE_CHECKING:
    from pathlib import Path

    from app.store import ProjectStore

PARAMETER_SETS: Final = {
    "align": AlignParams,
    "reassign": ReassignParams,
    "features": FeatureParams,
    "net": NetParams,
    "train": TrainParams,
    "weights": LossWeights,
    "cluster": ClusterParams,
}
# Which artefact remembers each parameter set.
REMEMBERED: Final = {
    "align": "alignment",
    "reassign": "joint",
    "features": "features",
    "net": "integration",
    "train": "integration",
    "weights": "integration",
    "cluster": "clusters",
}
HEADER: Final = """\
# What was done to this project. To repeat it without the app, put the input files beside
# this file and run:
#     spatialmeta run {name} --out results
# Positions are pixels of the full-resolution ST image, x to the right, y down.

"""


def of_project(store: ProjectStore, project: str) -> dict[str, Any]:
    """Return the recipe of what has been done so far, as plain values."""
    artefacts = store.manifest(project)["artefacts"]
    recipe: dict[str, Any] = {"project": {"name": store.about(project)["name"]}}
    recipe["input"] = _inputs(artefacts)
    if "alignment" in artefacts:
        params = artefacts["alignment"]["params"]
        recipe["placement"] = {"automatic": params.get("automatic") is not False}
        if params.get("start") is not None:
            recipe["placement"]["start"] = params["start"]
    for name, artefact in REMEMBERED.items():
        stored = artefacts.get(artefact, {}).get("params", {}).get(name) or {}
        recipe[name] = asdict(from_dict(PARAMETER_SETS[name], stored))
    if "joint" in artefacts:
        areas, paths = sections.drawings(store, project)
        recipe["region"] = [regions.to_dict(area) for area in areas]
        recipe["trajectory"] = [regions.to_dict(path) for path in paths]
    return recipe


def to_toml(recipe: dict[str, Any], *, name: str = "recipe.toml") -> str:
    """Write a recipe as TOML with a comment on how to run it."""
    return HEADER.format(name=name) + tomli_w.dumps(recipe)


def read(path: Path) -> dict[str, Any]:
    """Read and check a recipe.

    Raises
    ------
    InvalidDataError
        If the file is absent or is not TOML.
    InvalidParamsError
        If it names an unknown table or setting, or a value is out of range.
    """
    try:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidDataError(f"There is no file '{path.name}' to read.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidDataError(f"'{path.name}' is not a TOML file: {error}.") from error
    known = {"project", "input", "placement", "region", "trajectory", *PARAMETER_SETS}
    unknown = sorted(set(recipe) - known)
    if unknown:
        raise InvalidParamsError(
            f"Unknown table [{unknown[0]}] in '{path.name}'; known are {', '.join(sorted(known))}."
        )
    for name, kind in PARAMETER_SETS.items():
        from_dict(kind, recipe.get(name, {}))
    if not {"st", "sm"} <= set(recipe.get("input", {})) and "demo_seed" not in recipe.get(
        "input", {}
    ):
        raise InvalidParamsError(
            f"'{path.name}' needs a table [input] with 'st' and 'sm' (file names), or 'demo_seed'."
        )
    return recipe


def _inputs(artefacts: dict[str, Any]) -> dict[str, Any]:
    sources = {name: artefacts[name]["summary"] for name in ("st", "sm") if name in artefacts}
    inputs: dict[str, Any] = {}
    for name, summary in sources.items():
        if summary.get("demo_seed") is not None:
            return {"demo_seed": summary["demo_seed"]}
        inputs[name] = summary["source"]
        for column in ("x_column", "y_column"):
            if summary.get(column):
                inputs[column] = summary[column]
    um_per_px = sources.get("st", {}).get("um_per_px_by_hand")
    return inputs if um_per_px is None else {**inputs, "um_per_px": um_per_px}
