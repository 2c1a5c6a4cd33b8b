"""An automatic result waits for an answer: what can be looked at, and what accepting it means."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app import placement
from app.pages.align import outline
from app.pages.align.marks import job_params, with_landmarks
from app.pages.align.poses import Poses, accepted_alignment, same, section_xy
from app.pages.align.thumbs import orientation
from app.state import is_current
from spatialmeta_core.align.hypotheses import MIN_MARGIN
from spatialmeta_core.align.scoring import orientations, score
from spatialmeta_core.errors import NotReadyError
from spatialmeta_core.io.alignment import read_alignment
from spatialmeta_core.types import Alignment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.store import ProjectStore
    from spatialmeta_core.types import Candidate, FitScore, Pose

PROPOSAL: Final = "proposal"
HAND: Final = "hand"
ORDINALS: Final = ("Best", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth")


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One pose to look at before answering.

    Attributes
    ----------
    words
        How well it did, for people; may be empty.
    warp, sd
        Whether the result's local warp, and its uncertainty, belong to it.
    """

    value: str
    label: str
    pose: Pose
    words: str = ""
    warp: bool = False
    sd: bool = False


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
    first = View(
        f"{revision}/{PROPOSAL}",
        f"Result: {orientation(found.pose)}",
        found.pose,
        words="most likely" if found.candidates else "",
        warp=found.displacement is not None,
        sd=found.sd_px is not None,
    )
    rivals = [
        View(
            f"{revision}/{rank}",
            f"{ORDINALS[rank]} best: {orientation(candidate.pose)}",
            candidate.pose,
            words=_behind(candidate, found.candidates[0]),
        )
        for rank, candidate in enumerate(found.candidates[: len(ORDINALS)])
        if rank  # the first is the result itself
    ]
    return [first, *rivals, View(f"{revision}/{HAND}", "My pose (before)", hand)]


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
        params = _hand_params(store, project, found.pose)
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
    found = outline.placed_by_hand(store, project, pose)
    params = _hand_params(store, project, pose)
    placement.commit(store, project, "alignment", found, made_from=made_from, params=params)
    reject(store, project)


def load(store: ProjectStore, project: str, found: Alignment, name: str) -> None:
    """Take an alignment from a file: as the hand pose, or for review if it has a local warp."""
    if found.displacement is None:
        hand = Poses(store, project)
        marks = hand.marks()
        if found.landmarks is not None:
            marks = with_landmarks(marks, found.landmarks)
        hand.record(found.pose, "load", marks)
        return
    loaded = dataclasses.replace(found, candidates=(), notes=(f"Loaded from {name}.", *found.notes))
    _propose(store, project, loaded)


def eight_orientations(store: ProjectStore, project: str) -> tuple[Candidate, ...]:
    """Turn the pose in force by quarter turns, with and without a flip; largest overlap first."""
    pose = Poses(store, project).current()
    sm_xy, st_xy = (section_xy(store, project, name) for name in ("sm", "st"))
    kept = outline.score_options(store, project)["moving_mask"]
    return orientations(sm_xy if kept is None else sm_xy[kept], st_xy, pose)


def aligned_projects(store: ProjectStore, project: str) -> dict[str, str]:
    """Name the other projects whose pose can be taken over, by id, last changed first."""
    return {
        about["id"]: str(about["name"])
        for about in store.projects()
        if about["id"] != project and is_current(store.manifest(about["id"]), "alignment")
    }


def pose_of(store: ProjectStore, project: str) -> Pose:
    """Return the accepted pose of another project.

    Raises
    ------
    NotReadyError
        If that project has none for its present sections.
    """
    found = accepted_alignment(store, project)
    if found is None:
        raise NotReadyError(
            "The other project has no accepted alignment of its present sections. Choose another."
        )
    return found.pose


def present(store: ProjectStore, project: str) -> Alignment:
    """Return the pose in force as an alignment with its score against the ST spots."""
    found = Poses(store, project).alignment()
    if found.score is not None:
        return found
    return outline.placed_by_hand(store, project, found.pose)


def live_score(store: ProjectStore, project: str) -> FitScore:
    """Score the pose in force against the ST spots."""
    found = Poses(store, project).alignment()
    placed = found.apply(section_xy(store, project, "sm"))
    return score(
        placed,
        section_xy(store, project, "st"),
        pose=found.pose,
        **outline.score_options(store, project),
    )


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
    note = "Chosen among the other results of the search."
    return dataclasses.replace(outline.placed_by_hand(store, project, pose), notes=(note,))


def _hand_params(store: ProjectStore, project: str, pose: Pose) -> dict[str, Any]:
    marks = Poses(store, project).marks()
    return {"start": pose.matrix.tolist(), "automatic": False, **job_params(marks)}


def _behind(rival: Candidate, best: Candidate) -> str:
    """Say how much less likely a rival is; costs are in nats."""
    gap = rival.cost - best.cost
    return f"behind by {gap:.1f}{', a tie' if gap < MIN_MARGIN else ''}"
