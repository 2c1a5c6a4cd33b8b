"""An automatic result waits for an answer: what can be looked at, and what accepting it means."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app import placement
from app.pages.align.poses import Poses, accepted_alignment, same, section_xy
from app.state import is_current
from spatialmeta_core.align.fit import orientations, score
from spatialmeta_core.errors import NotReadyError
from spatialmeta_core.io.alignment import read_alignment
from spatialmeta_core.types import Alignment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.store import ProjectStore
    from spatialmeta_core.types import FitScore, Pose

PROPOSAL: Final = "proposal"
HAND: Final = "hand"
ORDINALS: Final = ("Best", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth")


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One pose to look at before answering; ``warp``: the result's local warp belongs to it."""

    value: str
    label: str
    pose: Pose
    warp: bool = False


def waiting(store: ProjectStore, project: str) -> Alignment | None:
    """Return the automatic result that waits for an answer, or None."""
    manifest = store.manifest(project)
    if not is_current(manifest, "proposal"):
        return None
    if manifest["artefacts"]["proposal"]["summary"].get("answered", False):
        return None
    return store.load(project, "proposal", "alignment.json", read_alignment)


def views(found: Alignment, revision: int, hand: Pose) -> list[View]:
    """Return what the overlay can show during the review; values begin with the revision."""
    label, warp = f"Result: {_orientation(found.pose)}", found.displacement is not None
    shown = [View(f"{revision}/{PROPOSAL}", label, found.pose, warp=warp)]
    for rank, candidate in enumerate(found.candidates[: len(ORDINALS)]):
        if rank:  # the first is the result itself
            label = f"{ORDINALS[rank]} best: {_orientation(candidate.pose)}"
            shown.append(View(f"{revision}/{rank}", label, candidate.pose))
    return [*shown, View(f"{revision}/{HAND}", "My pose (before)", hand)]


def viewed(store: ProjectStore, project: str, view: str | None) -> Alignment:
    """Return what the overlay shows: a view of the result under review, or the pose in force."""
    found, (revision, _, name) = waiting(store, project), (view or "").partition("/")
    if found is None or name in ("", HAND):
        return Poses(store, project).alignment()
    if revision != str(store.record(project, PROPOSAL)["revision"]) or name == PROPOSAL:
        return found  # a newer result shows itself first
    return Alignment(found.candidates[int(name)].pose)


def accept(store: ProjectStore, project: str, view: str) -> None:
    """Make what is shown the project's alignment.

    Raises
    ------
    NotReadyError
        If no result waits, or the view is not of the one that waits.
    """
    found = waiting(store, project)
    revision, _, name = view.partition("/")
    offered = store.manifest(project)["artefacts"].get(PROPOSAL, {"revision": ""})
    if found is None or revision != str(offered["revision"]) or name == HAND:
        raise NotReadyError(
            "There is no automatic result to accept any more. Run 'Automatic' again, or use "
            "'Use this pose'."
        )
    params: dict[str, Any] = {**offered["params"], "automatic": True}
    if name != PROPOSAL:
        found = _chosen(store, project, found, int(name))
    if name != PROPOSAL or offered["params"].get("automatic") is False:
        params = {"start": found.pose.matrix.tolist(), "automatic": False}
    Poses(store, project).record(found.pose, "accept")
    placement.commit(
        store, project, "alignment", found, made_from=offered["made_from"], params=params
    )
    store.amend(project, "proposal", of_revision=int(revision), answered=True)


def reject(store: ProjectStore, project: str) -> None:
    """Answer no: the hand pose stays."""
    if waiting(store, project) is not None:
        store.amend(project, "proposal", answered=True)


def use_hand(store: ProjectStore, project: str) -> None:
    """Make the pose in force the project's alignment; a waiting result is thereby rejected."""
    pose = Poses(store, project).current()
    made_from = store.input_revisions(project, "alignment")
    sm_xy, st_xy = (section_xy(store, project, name) for name in ("sm", "st"))
    found = placement.by_hand(pose, sm_xy, st_xy)
    params = {"start": pose.matrix.tolist(), "automatic": False}
    placement.commit(store, project, "alignment", found, made_from=made_from, params=params)
    reject(store, project)


def load(store: ProjectStore, project: str, found: Alignment, name: str) -> None:
    """Take an alignment from a file: as the hand pose, or for review if it has a local warp."""
    if found.displacement is None:
        Poses(store, project).record(found.pose, "load")
        return
    loaded = dataclasses.replace(found, candidates=(), notes=(f"Loaded from {name}.", *found.notes))
    _propose(store, project, loaded)


def propose_orientations(store: ProjectStore, project: str) -> None:
    """Offer the pose in force turned by quarter turns, with and without a flip, for review."""
    pose = Poses(store, project).current()
    sm_xy, st_xy = (section_xy(store, project, name) for name in ("sm", "st"))
    found = orientations(sm_xy, st_xy, pose)
    note = "Your pose in eight orientations, the largest overlap with the ST spots first."
    best = placement.by_hand(found[0].pose, sm_xy, st_xy)
    before = live_score(store, project)
    offered = dataclasses.replace(best, candidates=found, score_before=before, notes=(note,))
    _propose(store, project, offered)


def present(store: ProjectStore, project: str) -> Alignment:
    """Return the pose in force as an alignment with its score against the ST spots."""
    found = Poses(store, project).alignment()
    if found.score is not None:
        return found
    sm_xy, st_xy = (section_xy(store, project, name) for name in ("sm", "st"))
    return placement.by_hand(found.pose, sm_xy, st_xy)


def live_score(store: ProjectStore, project: str) -> FitScore:
    """Score the pose in force against the ST spots."""
    found = Poses(store, project).alignment()
    placed = found.apply(section_xy(store, project, "sm"))
    return score(placed, section_xy(store, project, "st"), pose=found.pose)


def state_words(store: ProjectStore, project: str) -> tuple[str, str]:
    """Return a level (``good``, ``warn`` or ``info``) and a sentence on what is accepted."""
    artefacts: Mapping[str, Any] = store.manifest(project)["artefacts"]
    record = artefacts.get("alignment")
    if record is None:
        return "info", "No alignment is accepted yet."
    how = "by hand" if record["params"].get("automatic") is False else "automatic"
    words = f"{how}, {time.strftime('%d %b, %H:%M', time.localtime(record['created']))}"
    accepted = accepted_alignment(store, project)
    if accepted is None:
        return "warn", (
            f"The accepted alignment ({words}) is out of date: a section was imported again."
        )
    if same(Poses(store, project).current(), accepted.pose):
        return "good", f"Accepted: {words}. The pose shown is this one."
    return "warn", f"Accepted: {words}. The pose shown differs from it."


def _propose(store: ProjectStore, project: str, found: Alignment) -> None:
    made_from = store.input_revisions(project, PROPOSAL)
    placement.commit(
        store, project, PROPOSAL, found, made_from=made_from, params={"automatic": False}
    )


def _chosen(store: ProjectStore, project: str, found: Alignment, rank: int) -> Alignment:
    pose = found.candidates[rank].pose
    sm_xy, st_xy = (section_xy(store, project, name) for name in ("sm", "st"))
    note = "Chosen among the other results of the search."
    return dataclasses.replace(placement.by_hand(pose, sm_xy, st_xy), notes=(note,))


def _orientation(pose: Pose) -> str:
    angle = f"{pose.angle_deg:.0f}".replace("-", "−").replace("−0", "0")
    return f"turned {angle}°{', flipped' if pose.flipped else ''}"
