"""The work by hand on a project: its history on disk is the truth, the browser only shows it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app import sections
from app.placement import open_adata
from app.state import is_current
from spatialmeta_core import geometry, keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.types import Alignment, Pose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.store import ProjectStore
    from spatialmeta_core.types import FloatArray, Outline


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One state of the work by hand.

    Attributes
    ----------
    pose
        Where the SM section lies.
    marks
        What else was set by hand, as JSON values by name: landmarks, outline settings, whether
        both sections are the same. Empty where nothing was.
    """

    pose: Pose
    marks: dict[str, Any]


class Poses:
    """Work by hand on one project's present pair of sections: poses, and the marks beside them.

    Poses set for an earlier upload of either section stay in the file but do not count: their
    coordinates mean something else.
    """

    def __init__(self, store: ProjectStore, project: str) -> None:
        self._store, self._project = store, project
        self._inputs = store.input_revisions(project, "alignment")
        self._history = store.history(project, "poses")

    def steps(self) -> tuple[list[Step], int]:
        """Return the states, oldest first, also those undone, and how many are in force."""
        events, cursor = self._history.timeline()
        mine = [event.get("inputs") == self._inputs for event in events]
        steps = [
            Step(_pose(event["matrix"]), event.get("marks", {}))
            for event, own in zip(events, mine, strict=True)
            if own
        ]
        return steps, sum(mine[:cursor])

    def origin(self) -> Pose:
        """Return the pose before the first one set by hand: the accepted one, or a first guess."""
        events, _ = self._history.timeline()
        for event in events:
            if event.get("inputs") == self._inputs and "before" in event:
                return _pose(event["before"])
        accepted = accepted_alignment(self._store, self._project)
        return start_pose(self._store, self._project) if accepted is None else accepted.pose

    def state(self) -> Step:
        """Return the state in force."""
        steps, cursor = self.steps()
        return steps[cursor - 1] if cursor else Step(self.origin(), {})

    def current(self) -> Pose:
        """Return the pose in force."""
        return self.state().pose

    def marks(self) -> dict[str, Any]:
        """Return the marks in force."""
        return self.state().marks

    def alignment(self) -> Alignment:
        """Return the pose in force, with the local warp if it is the accepted alignment."""
        pose, accepted = self.current(), accepted_alignment(self._store, self._project)
        if accepted is not None and same(pose, accepted.pose):
            return accepted
        return Alignment(pose=pose)

    def record(self, pose: Pose, reason: str, marks: dict[str, Any] | None = None) -> None:
        """Take a new state; ``"undo"`` and ``"redo"`` move along the history when they fit it.

        Parameters
        ----------
        reason
            What was done.
        marks
            All marks of the new state; None keeps those in force.
        """
        steps, cursor = self.steps()
        states = [Step(self.origin(), {}), *steps]
        new = Step(pose, states[cursor].marks if marks is None else marks)
        if marks is None and reason in ("undo", "redo"):  # what comes back brings its own marks
            by = -1 if reason == "undo" else 1
            new = Step(pose, states[min(max(cursor + by, 0), len(steps))].marks)
        if reason == "undo" and cursor and _same_state(new, states[cursor - 1]):
            self._history.undo()
        elif reason == "redo" and cursor < len(steps) and _same_state(new, states[cursor + 1]):
            self._history.redo()
        elif not _same_state(new, states[cursor]):
            event = {"matrix": pose.matrix.tolist(), "reason": reason, "inputs": self._inputs}
            if new.marks:
                event["marks"] = new.marks
            if not cursor:  # what was there first changes when an alignment is accepted
                event["before"] = states[0].pose.matrix.tolist()
            self._history.append(event)


def _same_state(first: Step, second: Step) -> bool:
    return same(first.pose, second.pose) and first.marks == second.marks


def same(first: Pose, second: Pose) -> bool:
    """Whether two poses are equal but for rounding."""
    return bool(np.allclose(first.matrix, second.matrix, rtol=1e-9, atol=1e-9))


def flat(pose: Pose) -> list[float]:
    """Return the six numbers of a pose in the browser's order, row by row."""
    return [float(value) for value in pose.matrix.ravel()]


def from_flat(values: Sequence[Any]) -> Pose:
    """Read the browser's six numbers.

    Raises
    ------
    InvalidDataError
        If they are not six finite numbers with a nonzero area.
    """
    numbers = [float(value) for value in values]
    if len(numbers) != 6:  # noqa: PLR2004  # a 2 x 3 matrix
        raise InvalidDataError(f"A pose has 6 numbers; {len(numbers)} were sent. Reload the page.")
    return _pose(np.reshape(numbers, (2, 3)))


def _pose(matrix: Any) -> Pose:
    pose = Pose(np.asarray(matrix, float))
    geometry.invert(pose)  # raises if nothing would be left of the section
    return pose


def section_xy(store: ProjectStore, project: str, artefact: str) -> FloatArray:
    """Return positions of the ``st`` spots or ``sm`` pixels, shape ``(n, 2)``, own units."""
    return np.asarray(open_adata(store, project, artefact).obsm[keys.SPATIAL], float)


def accepted_alignment(store: ProjectStore, project: str) -> Alignment | None:
    """Return the accepted alignment of the present sections, or None."""
    if not is_current(store.manifest(project), "alignment"):
        return None
    return sections.accepted_alignment(store, project)


def start_pose(store: ProjectStore, project: str) -> Pose:
    """Return a first guess for a pair of sections: centers and areas matched, no turn, no flip."""
    sm_xy, st_xy = (section_xy(store, project, name) for name in ("sm", "st"))
    areas = [enclosed(outlines(store, project, name)) for name in ("sm", "st")]
    if min(areas) <= 0:  # spots too scattered for an outline
        areas = [float(np.prod(np.ptp(xy, axis=0))) for xy in (sm_xy, st_xy)]
    return matched(sm_xy, st_xy, math.sqrt(areas[1] / areas[0]))


def matched(moving: FloatArray, target: FloatArray, scale: float) -> Pose:
    """Return the pose that scales evenly and puts one center on the other."""
    center = moving.mean(axis=0)
    shift = target.mean(axis=0) - center
    return geometry.make_pose(
        scale_x=scale,
        scale_y=scale,
        shift=(float(shift[0]), float(shift[1])),
        center=(float(center[0]), float(center[1])),
    )


def outlines(store: ProjectStore, project: str, artefact: str) -> tuple[Outline, ...]:
    """Return the alpha-shape outlines of the ``st`` or ``sm`` section, largest first; cached."""
    reader = _Outlines(section_xy(store, project, artefact))
    found: tuple[Outline, ...] = store.load(project, artefact, f"{artefact}.h5ad", reader)
    return found


def enclosed(rings: Sequence[Outline]) -> float:
    """Return the area inside outlines; outer rings and holes run in opposite directions."""
    return abs(sum(geometry.signed_area(ring.xy) for ring in rings))


class _Outlines:
    """Reader of a section's outlines; a class so that the cache can name it."""

    def __init__(self, xy: FloatArray) -> None:
        self._xy = xy
        self.__qualname__ = "outlines"

    def __call__(self, _path: object) -> tuple[Outline, ...]:
        return geometry.alpha_outline(self._xy)
