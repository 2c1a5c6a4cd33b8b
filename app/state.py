"""What crosses the wire, and the one place that decides what is done or out of date. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Status = Literal["not started", "ready", "running", "needs review", "done", "out of date", "failed"]

# Each artefact and what it is made from. Order is the order of work.
INPUTS: Final[dict[str, tuple[str, ...]]] = {
    "st": (),
    "sm": (),
    "proposal": ("st", "sm"),  # result of the automatic alignment, waiting for accept or reject
    "alignment": ("st", "sm"),
    "joint": ("st", "sm", "alignment"),
    "stability": ("joint",),  # optional; nothing is made from it
    "features": ("joint",),
    "forecast": ("joint",),  # of time and memory; nothing is made from it
    "integration": ("joint", "features"),
    "clusters": ("integration",),
}

# What a job of each kind makes, so that a running job shows on its step.
JOB_MAKES: Final[dict[str, tuple[str, ...]]] = {
    "import_st": ("st",),
    "import_sm": ("sm",),
    "align": ("proposal",),
    "reassign": ("joint",),
    "stability": ("stability",),
    "features": ("features",),
    "forecast": ("forecast",),
    "integrate": ("features", "integration", "clusters"),
    "cluster": ("clusters",),
    "demo": ("st", "sm"),
    "pipeline": ("alignment", "joint", "features", "integration", "clusters"),
    "export": (),
}

# The steps of the left rail, what each stands for, and what must be done before it can begin.
PAGES: Final[dict[str, tuple[str, ...]]] = {
    "data": ("st", "sm"),
    "align": ("alignment", "joint"),
    "integrate": ("features", "integration", "clusters"),
    "explore": (),
    "regions": (),
    "trajectories": (),
    "export": (),
}
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "data": (),
    "align": ("st", "sm"),
    "integrate": ("joint",),
    "explore": ("joint",),
    "regions": ("joint",),
    "trajectories": ("joint",),
    "export": ("joint",),
}

# States that color a whole page when one of its artefacts has them, the most pressing first.
PRESSING: Final[tuple[Status, ...]] = ("running", "failed", "out of date")

# What a user may say of a file beside its bytes, as the readers' arguments are called.
ANSWERS: Final = ("sample", "x_column", "y_column", "decimal")

ACTIVE_STATES: Final = ("created", "queued", "running")


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """The one thing the browser knows about a project: which, and how fresh."""

    project_id: str
    revision: int

    def to_json(self) -> dict[str, Any]:
        """Return the form kept in the browser's store."""
        return {"project_id": self.project_id, "revision": self.revision}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ProjectRef:
        """Read the browser's form back."""
        return cls(str(data["project_id"]), int(data["revision"]))


def is_current(manifest: Mapping[str, Any], artefact: str) -> bool:
    """Whether an artefact exists and everything it was made from is unchanged, all the way up."""
    records = manifest["artefacts"]
    if artefact not in records:
        return False
    made_from = records[artefact]["made_from"]
    return all(
        is_current(manifest, name) and records[name]["revision"] == revision
        for name, revision in made_from.items()
    )


def artefact_status(
    manifest: Mapping[str, Any], artefact: str, jobs: Iterable[Mapping[str, Any]] = ()
) -> Status:
    """Tell the state of one artefact.

    Parameters
    ----------
    manifest
        The project's manifest: ``{"artefacts": {name: {"revision", "made_from", ...}}}``.
    artefact
        A key of ``INPUTS``.
    jobs
        Job rows of the project, newest first, with ``kind`` and ``state``.
    """
    mine = [job for job in jobs if artefact in JOB_MAKES.get(str(job["kind"]), ())]
    if any(_is_making(job, manifest["artefacts"].get(artefact)) for job in mine):
        return "running"
    if is_current(manifest, artefact):
        return "done"
    if artefact in manifest["artefacts"]:
        return "out of date"
    if mine and mine[0]["state"] in ("failed", "stopped"):
        return "failed"
    if all(is_current(manifest, name) for name in INPUTS[artefact]):
        return "ready"
    return "not started"


def _is_making(job: Mapping[str, Any], record: Mapping[str, Any] | None) -> bool:
    """Tell whether a job is still to make an artefact; one that makes several may have made it."""
    if job["state"] not in ACTIVE_STATES:
        return False
    return record is None or record.get("created", 0.0) < job.get("created", 1.0)


def project_status(
    manifest: Mapping[str, Any], jobs: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Status]:
    """Tell the state of every step of the rail, from the manifest and the job rows alone."""
    rows = list(jobs)
    return {page: _page_status(manifest, page, rows) for page in PAGES}


def _page_status(manifest: Mapping[str, Any], page: str, jobs: list[Mapping[str, Any]]) -> Status:
    if not all(is_current(manifest, name) for name in NEEDS[page]):
        stale = any(name in manifest["artefacts"] for name in PAGES[page])
        return "out of date" if stale else "not started"
    states = [artefact_status(manifest, name, jobs) for name in PAGES[page]]
    if page == "align":
        proposal = artefact_status(manifest, "proposal", jobs)
        if proposal == "running" or (proposal == "done" and _is_unanswered(manifest)):
            return "running" if proposal == "running" else "needs review"
    for state in PRESSING:
        if state in states:
            return state
    if not states or any(state != "done" for state in states):
        return "ready"
    return "needs review" if page == "data" and unconfirmed(manifest) else "done"


def _is_unanswered(manifest: Mapping[str, Any]) -> bool:
    """Tell whether an automatic result newer than the accepted alignment waits for the user."""
    records = manifest["artefacts"]
    accepted = records.get("alignment", {"revision": -1})["revision"]
    proposal = records["proposal"]
    return not proposal["summary"].get("answered", False) and proposal["revision"] > accepted


def unconfirmed(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the sections of which nobody has said yet that they look right, absent ones included."""
    records = manifest["artefacts"]
    return tuple(
        name
        for name in PAGES["data"]
        if name not in records or not records[name]["summary"].get("confirmed", False)
    )


def missing_for(manifest: Mapping[str, Any], page: str) -> tuple[str, ...]:
    """Name the artefacts a page still waits for, in order of work."""
    return tuple(name for name in NEEDS[page] if not is_current(manifest, name))
