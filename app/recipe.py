"""What was done to a project, as a TOML file that ``spatialmeta run`` repeats."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import tomli_w

from app import sections
from app.state import ANSWERS
from spatialmeta_core import regions
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.params import (
    AlignParams,
    ClusterParams,
    FeatureParams,
    LossWeights,
    NetParams,
    OutlineParams,
    ReassignParams,
    TrainParams,
    from_dict,
)

if TYPE_CHECKING:
    from pathlib import Path

    from app.store import ProjectStore

PARAMETER_SETS: Final = {
    "align": AlignParams,
    "outline": OutlineParams,
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
    "outline": "alignment",
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
        for key in ("start", "landmarks"):
            if params.get(key):
                recipe["placement"][key] = params[key]
    for name, artefact in REMEMBERED.items():
        stored = artefacts.get(artefact, {}).get("params", {}).get(name) or {}
        values = asdict(from_dict(PARAMETER_SETS[name], stored))
        # TOML has no null; a setting left out is the one the program chooses itself
        recipe[name] = {key: value for key, value in values.items() if value is not None}
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
    _check_input(recipe.get("input", {}), path.name)
    return recipe


def _check_input(given: dict[str, Any], file: str) -> None:
    if not {"st", "sm"} <= set(given) and "demo_seed" not in given:
        raise InvalidParamsError(
            f"'{file}' needs a table [input] with 'st' and 'sm' (file names), or 'demo_seed'."
        )
    answers = [f"{slot}_{answer}" for slot in ("st", "sm") for answer in ANSWERS]
    known = ("st", "sm", "demo_seed", "um_per_px", *answers)
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InvalidParamsError(
            f"Unknown setting {unknown[0]!r} in [input] of '{file}'; known are {', '.join(known)}."
        )


def _inputs(artefacts: dict[str, Any]) -> dict[str, Any]:
    sources = {name: artefacts[name]["summary"] for name in ("st", "sm") if name in artefacts}
    inputs: dict[str, Any] = {}
    for name, summary in sources.items():
        if summary.get("demo_seed") is not None:
            return {"demo_seed": summary["demo_seed"]}
        inputs[name] = summary["source"]
        for answer in ANSWERS:
            if summary.get(answer):
                inputs[f"{name}_{answer}"] = summary[answer]
    um_per_px = sources.get("st", {}).get("um_per_px_by_hand")
    return inputs if um_per_px is None else {**inputs, "um_per_px": um_per_px}
