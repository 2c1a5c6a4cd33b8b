"""The same steps without a browser: ``spatialmeta run CONFIG --out DIR``, and the demo project."""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import TYPE_CHECKING, Any

from app import exports, recipe, steps
from app.context import StepContext
from app.state import ANSWERS
from app.store import ProjectStore
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.settings import Settings


def run_config(config: Path, out: Path, settings: Settings) -> None:
    """Run all steps of a recipe and write the export.

    Parameters
    ----------
    config
        TOML file as the app's *Export > Code* gives it; file names in it are relative to it.
    out
        Folder for the results; made when absent. It also receives the project, in ``project/``,
        which the app can open when ``SPATIALMETA_DATA`` points there.

    Raises
    ------
    InvalidDataError
        If ``out`` already holds results, or an input file is absent.
    """
    wanted = recipe.read(config)
    if (out / "joint.h5ad").exists():
        raise InvalidDataError(f"'{out.name}' already holds results. Choose another folder.")
    out.mkdir(parents=True, exist_ok=True)
    own = dataclasses.replace(settings, data_dir=(out / "project").resolve(), database_url="")
    store = ProjectStore(own.projects_dir)
    name = str(wanted.get("project", {}).get("name", config.stem))
    project = store.create(name, simulated="demo_seed" in wanted["input"])
    run = runner(store, project, own)
    for kind, params in _plan(wanted, config.parent):
        run(kind, params)
    _draw(store, project, wanted)
    exports.write_folder(store, project, out)
    _say(f"Results are in {out}")


def make_demo(store: ProjectStore, settings: Settings) -> str:
    """Make the simulated demo project and return its id."""
    project = store.create("Demo section", simulated=True)
    runner(store, project, settings, quiet=True)("demo", {})
    return project


def _plan(wanted: dict[str, Any], folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the steps of a recipe in order: kind and parameters."""
    sources = wanted["input"]
    plan: list[tuple[str, dict[str, Any]]] = []
    if "demo_seed" in sources:
        plan.append(("demo", {"seed": sources["demo_seed"]}))
    else:
        for slot in ("st", "sm"):
            said = {name: sources.get(f"{slot}_{name}") for name in ANSWERS}
            plan.append((f"import_{slot}", {"path": _file(folder, sources[slot]), **said}))
        plan[0][1].update(_some(sources, "um_per_px"))
    sets = {name: wanted.get(name, {}) for name in recipe.PARAMETER_SETS}
    plan.append(("pipeline", {**sets, **wanted.get("placement", {})}))
    return plan


def _file(folder: Path, name: str) -> str:
    path = folder / name
    if not path.exists():
        raise InvalidDataError(
            f"The input file '{name}' is not beside the recipe. Put it there, or correct [input]."
        )
    return str(path)


def _some(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _draw(store: ProjectStore, project: str, wanted: dict[str, Any]) -> None:
    history = store.history(project, "drawings")
    for what in ("region", "trajectory"):
        for item in wanted.get(what, []):
            history.append({"op": "put", "what": what, "object": item})


def runner(
    store: ProjectStore, project: str, settings: Settings, *, quiet: bool = False
) -> Callable[[str, dict[str, Any]], None]:
    """Return a function that runs one step of a project in this process, by its kind."""

    def run(kind: str, params: dict[str, Any]) -> None:
        folder = store.folder(project) / "jobs" / f"headless-{kind}"
        folder.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        last = ""

        def report(progress: float, message: str) -> None:
            nonlocal last
            if not quiet and message != last:
                last = message
                _say(f"{kind:10} {100 * progress:3.0f} %  {message}")

        context = StepContext(
            store=store,
            project=project,
            folder=folder,
            params=params,
            report=report,
            keep_best=lambda: False,
            settings=settings,
        )
        message = steps.STEPS[kind](context)
        if not quiet:
            _say(f"{kind:10} done   {message} ({time.monotonic() - started:.0f} s)")

    return run


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
