"""Names, colors, merges and hidden clusters that a user gave to a clustering; undoable events.

An event of the ``drawings`` history belongs to one clustering, told by a digest of its labels, so
that it is never applied to other clusters, and is in force again when the same ones come back::

    {"op": "clusters", "of": "9f0c...", "edit": "rename", "cluster": 3, "value": "Tumor"}
    {"op": "clusters", "of": "9f0c...", "edit": "merge", "clusters": [1, 4]}
    {"op": "resolution", "of": "41aa...", "from": 3, "to": 5}

Clusters are named by their number before any merge; a merged one by its lowest.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app import clusterings
from app.figures.theme import category_colors
from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidParamsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.store import ProjectStore
    from spatialmeta_core.types import IntArray

CLUSTERS: Final = "clusters"
RESOLUTION: Final = "resolution"
OPS: Final = (CLUSTERS, RESOLUTION)
COLOR: Final = re.compile(r"#[0-9a-f]{6}")
LONGEST_NAME: Final = 60
FEWEST_MERGED: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class ClusterLook:
    """A clustering as the user left it.

    Attributes
    ----------
    labels
        Position in the tuples below of each spot's cluster, -1 where left out, ``(n_spots,)``.
    members
        Numbers, before any merge, of the clusters behind each one, ascending.
    names, colors
        One per cluster.
    hidden
        Positions of the clusters that are not drawn.
    of
        Digest of the clustering.
    stamp
        Changes when any of this does.
    n_elsewhere
        Number of edits that belong to other clusterings and so are not in force.
    """

    labels: IntArray
    members: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    colors: tuple[str, ...]
    hidden: frozenset[int]
    of: str
    stamp: str
    n_elsewhere: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """The number by which events name each cluster: its lowest member."""
        return tuple(members[0] for members in self.members)

    def sizes(self) -> list[int]:
        """Return the number of spots of each cluster."""
        known = self.labels[self.labels >= 0]
        return [int(n) for n in np.bincount(known, minlength=len(self.names))]


@dataclass(slots=True)
class _State:
    """What the events replayed so far have made."""

    parent: dict[int, int]
    names: dict[int, str]
    colors: dict[int, str]
    hidden: set[int]

    def take(self, event: Mapping[str, Any]) -> None:
        edit = event["edit"]
        if edit == "merge":
            self._merge([int(number) for number in event["clusters"]])
            return
        number = int(event["cluster"])
        if edit == "rename":
            self.names[number] = str(event["value"])
        elif edit == "color":
            self.colors[number] = str(event["value"])
        elif edit == "separate":
            self.parent = {n: n if p == number else p for n, p in self.parent.items()}
            self.names.pop(number, None)
        elif edit == "hide":
            self.hidden.add(number)
        elif edit == "show":
            self.hidden.discard(number)

    def _merge(self, numbers: Sequence[int]) -> None:
        lowest = min(numbers)
        self.parent = {n: lowest if p in numbers else p for n, p in self.parent.items()}
        self.hidden -= set(numbers)


def digest(labels: IntArray) -> str:
    """Return what tells a clustering from every other one of these spots."""
    data = np.ascontiguousarray(labels, "<i4").tobytes()
    return hashlib.sha256(data).hexdigest()[:16]


def look_of(
    events: Iterable[Mapping[str, Any]], of: str, labels: IntArray, n_clusters: int
) -> ClusterLook:
    """Replay the edits of a clustering.

    Parameters
    ----------
    events
        Of the history, oldest first; those of other clusterings and other kinds are passed over.
    of
        Digest of the clustering.
    labels
        Its clusters on the spots shown, -1 for none, shape ``(n_spots,)``.
    n_clusters
        How many clusters it has, on all its spots.
    """
    edits = [event for event in events if event["op"] == CLUSTERS]
    mine = [event for event in edits if event["of"] == of]
    state = _State({n: n for n in range(n_clusters)}, {}, {}, set())
    for event in mine:
        state.take(event)
    groups: dict[int, list[int]] = {}
    for number, parent in state.parent.items():
        groups.setdefault(parent, []).append(number)
    numbers = sorted(groups)
    members = tuple(tuple(sorted(groups[number])) for number in numbers)
    usual = category_colors(n_clusters)
    place = np.full(n_clusters + 1, -1)
    for position, group in enumerate(members):
        place[list(group)] = position
    said = json.dumps([[e[k] for k in sorted(e) if k != "time"] for e in mine])
    return ClusterLook(
        labels=place[np.where(labels < 0, n_clusters, labels)],
        members=members,
        names=tuple(
            state.names.get(n) or " + ".join(map(str, group))
            for n, group in zip(numbers, members, strict=True)
        ),
        colors=tuple(state.colors.get(n, usual[n]) for n in numbers),
        hidden=frozenset(k for k, n in enumerate(numbers) if n in state.hidden),
        of=of,
        stamp=hashlib.sha256((of + said).encode()).hexdigest()[:12],
        n_elsewhere=len(edits) - len(mine),
    )


def open_look(
    store: ProjectStore, project: str, stored: Mapping[str, Any], labels: IntArray
) -> ClusterLook:
    """Return the current clusters of a project as the user left them.

    Parameters
    ----------
    stored
        What ``clusterings.arrays`` returns.
    labels
        The clusters on the spots of the section, shape ``(n_spots,)``.
    """
    own = np.asarray(stored[keys.CLUSTER])
    events = store.history(project, "drawings").events()
    return look_of(events, digest(own), labels, int(own.max()) + 1)


def edit(look: ClusterLook, what: str, value: Any = None, *, cluster: int = -1) -> dict[str, Any]:
    """Return the event of one edit.

    Parameters
    ----------
    look
        The clusters as they are.
    what
        ``rename``, ``color`` (``value``: text, ``#rrggbb``), ``hide``, ``show``, ``separate``, or
        ``merge`` (``value``: numbers of the clusters).
    cluster
        Number of the cluster, see ``ClusterLook.numbers``.

    Raises
    ------
    InvalidParamsError
        If this cannot be done to these clusters.
    """
    event = {"op": CLUSTERS, "of": look.of, "edit": what}
    if what == "merge":
        chosen = sorted({int(number) for number in value or ()} & set(look.numbers))
        if len(chosen) < FEWEST_MERGED:
            raise InvalidParamsError("Tick two or more clusters to merge them.")
        if len(chosen) == len(look.numbers):
            raise InvalidParamsError(
                "Merging all clusters would leave one. Leave out at least one."
            )
        return {**event, "clusters": chosen}
    if cluster not in look.numbers:
        raise InvalidParamsError("This cluster is not there any more. Reload the page.")
    if what in ("rename", "color"):
        event["value"] = _value(what, value)
        others = [
            n for number, n in zip(look.numbers, look.names, strict=True) if number != cluster
        ]
        if what == "rename" and event["value"] in others:
            raise InvalidParamsError(
                f"There is another cluster called '{event['value']}'. Choose another name, or tick "
                "both and merge them."
            )
    elif what not in ("hide", "show", "separate"):
        raise InvalidParamsError(f"'{what}' cannot be done to a cluster.")
    return {**event, "cluster": cluster}


def changes(look: ClusterLook, event: Mapping[str, Any]) -> bool:
    """Whether an event would change anything."""
    if event["edit"] == "merge":
        return True
    place = look.numbers.index(event["cluster"])
    now = {
        "rename": look.names[place] != event.get("value"),
        "color": look.colors[place] != event.get("value"),
        "hide": place not in look.hidden,
        "show": place in look.hidden,
        "separate": len(look.members[place]) > 1,
    }
    return now[event["edit"]]


def _value(what: str, value: Any) -> str:
    text = " ".join(str(value or "").split())
    if what == "color" and not COLOR.fullmatch(text):
        raise InvalidParamsError("A color is written as # and six digits of 0-9 and a-f.")
    if not text:
        raise InvalidParamsError("A cluster needs a name.")
    return text[:LONGEST_NAME]


def use_resolution(store: ProjectStore, project: str, position: int) -> bool:
    """Take the clusters of another resolution that was tried, undoably; tell if that is a change.

    Raises
    ------
    NotFoundError
        If there is no such position.
    """
    stored = clusterings.arrays(store, project)
    now = _position(store, project, stored)
    if position == now:
        return False
    clusterings.use(store, project, position)
    event = {"op": RESOLUTION, "of": _grid(stored), "from": now, "to": position}
    store.history(project, "drawings").append(event)
    return True


def step(store: ProjectStore, project: str, *, back: bool) -> bool:
    """Undo or redo one event of the drawings and clusters; tell whether anything changed."""
    history = store.history(project, "drawings")
    events, cursor = history.timeline()
    moved = history.undo() if back else history.redo()
    if moved:
        _follow(store, project, events[cursor - 1 if back else cursor], back=back)
    return moved


def _follow(store: ProjectStore, project: str, event: Mapping[str, Any], *, back: bool) -> None:
    """Take the clusters that an event of the resolution led from or to, if they are there."""
    if event["op"] != RESOLUTION or CLUSTERS not in store.manifest(project)["artefacts"]:
        return
    wanted = event["from" if back else "to"]
    if wanted is not None and _grid(clusterings.arrays(store, project)) == event["of"]:
        clusterings.use(store, project, int(wanted))


def _grid(stored: Mapping[str, Any]) -> str:
    return digest(clusterings.tried(stored).labels)


def _position(store: ProjectStore, project: str, stored: Mapping[str, Any]) -> int | None:
    resolution = float(store.record(project, CLUSTERS)["summary"]["resolution"])
    return clusterings.tried(stored).at(resolution)
