"""Trainings of a project, all kept: which there are, and which one the screens show. Pure.

A run is the chosen features, the trained model and its clusters, as the records that the manifest
had when they were made. Showing a run again puts its records back, so nothing is trained twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spatialmeta_core.errors import NotFoundError, NotReadyError

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTS: Final = ("features", "integration", "clusters")


def runs_of(manifest: Mapping[str, Any], *, deleted: bool = False) -> list[dict[str, Any]]:
    """Return the runs, oldest first: ``number`` and one record per part that was made."""
    return [run for run in manifest.get("runs", []) if deleted or not run.get("deleted")]


def current(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the run whose model is shown, if any."""
    record = manifest["artefacts"].get("integration")
    if record is None:
        return None
    mine = [
        r for r in manifest.get("runs", []) if _revision(r, "integration") == record["revision"]
    ]
    return mine[0] if mine else None


def remember(manifest: dict[str, Any], artefact: str) -> None:
    """Note in the manifest that an artefact was just made: a new run, or new clusters of one."""
    records = manifest["artefacts"]
    if artefact == "integration":
        drop_deleted(manifest)
        runs = manifest.setdefault("runs", [])
        number = max((run["number"] for run in runs), default=0) + 1
        parts = {name: records[name] for name in PARTS[:2] if name in records}
        runs.append({"number": number, **parts})
    if artefact == "clusters":
        for run in runs_of(manifest, deleted=True):
            if _revision(run, "integration") == records["clusters"]["made_from"].get("integration"):
                run["clusters"] = records["clusters"]


def show(manifest: dict[str, Any], number: int) -> None:
    """Make a run the current one.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    run = find(manifest, number)
    for name in PARTS:
        manifest["artefacts"].pop(name, None)
        if name in run:
            manifest["artefacts"][name] = run[name]


def hide(manifest: dict[str, Any], number: int, *, deleted: bool = True) -> None:
    """Delete a run, or bring it back; its files go when the next run is made.

    Raises
    ------
    NotFoundError
        If there is no such run.
    NotReadyError
        If it is the one shown.
    """
    run, shown = find(manifest, number), current(manifest)
    if deleted and shown is not None and shown["number"] == number:
        raise NotReadyError(f"Run {number} is the one in use. Use another run first, then delete.")
    run["deleted"] = deleted


def drop_deleted(manifest: dict[str, Any]) -> None:
    """Forget the deleted runs for good."""
    if "runs" in manifest:
        manifest["runs"] = runs_of(manifest)


def find(manifest: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the run of that number, also a deleted one.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    for run in runs_of(manifest, deleted=True):
        if run["number"] == number:
            return run
    raise NotFoundError(f"There is no run {number} in this project any more.")


def kept_revisions(manifest: Mapping[str, Any], artefact: str) -> set[int]:
    """Return the revisions of an artefact that runs refer to."""
    found = (_revision(run, artefact) for run in manifest.get("runs", []))
    return {revision for revision in found if revision is not None}


def _revision(run: Mapping[str, Any], artefact: str) -> int | None:
    return int(run[artefact]["revision"]) if artefact in run else None
