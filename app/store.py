"""Projects on disk: the one truth.

A project is a folder::

    <id>/project.json      name, when made, whether simulated
    <id>/manifest.json     every artefact's revision and the revisions it was made from
    <id>/<artefact>-r<N>/  one immutable folder per revision
    <id>/poses.json        history of the hand alignment
    <id>/drawings.json     history of regions and trajectories
    <id>/raw/              uploaded files under random names
    <id>/jobs/<job>/       log, losses and checkpoint of each job

A writer fills a temporary folder that is renamed when complete, so a killed process leaves the old state.
What readers get from the cache is shared: treat it as read-only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.state import INPUTS, ProjectRef
from spatialmeta_core.errors import NotFoundError, NotReadyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

T = TypeVar("T")

PROJECT_ID: Final = re.compile(r"^[0-9a-f]{16}$")
KEEP_REVISIONS: Final = 2  # the current result and the one before it; runs are all kept
KEEP_ALL: Final = ("integration",)
HISTORY_LENGTH: Final = 500  # events kept in poses.json and drawings.json


class ProjectStore:
    """Read and write projects below one folder.

    Parameters
    ----------
    root
        Folder that holds one folder per project; made when absent, readable by its owner only.
    cache_items
        How many loaded values (AnnData, tables) to keep in memory.
    """

    def __init__(self, root: Path, *, cache_items: int = 12) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root = root
        self._cache: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._cache_items = cache_items
        self._cache_lock = threading.Lock()

    # projects -------------------------------------------------------------------------------

    def create(self, name: str, *, simulated: bool = False) -> str:
        """Make an empty project and return its id."""
        project = secrets.token_hex(8)
        folder = self.root / project
        for sub in ("raw", "jobs"):
            (folder / sub).mkdir(parents=True)
        about = {"name": name.strip() or "Untitled", "created": time.time(), "simulated": simulated}
        _write_json(folder / "project.json", about)
        _write_json(folder / "manifest.json", {"schema": 1, "revision": 0, "artefacts": {}})
        return project

    def projects(self) -> list[dict[str, Any]]:
        """List the projects, last changed first: id, name, created, changed, simulated."""
        found = []
        for path in self.root.glob("*/project.json"):
            if PROJECT_ID.match(path.parent.name):
                changed = (path.parent / "manifest.json").stat().st_mtime
                found.append({"id": path.parent.name, "changed": changed, **_read_json(path)})
        return sorted(found, key=lambda about: -float(about["changed"]))

    def about(self, project: str) -> dict[str, Any]:
        """Return name, time of creation and whether the data are simulated."""
        about: dict[str, Any] = _read_json(self.folder(project) / "project.json")
        return about

    def rename(self, project: str, name: str) -> None:
        """Give a project another name."""
        _write_json(
            self.folder(project) / "project.json", {**self.about(project), "name": name.strip()}
        )

    def delete(self, project: str) -> None:
        """Move a project to the bin, ``<root>/.bin``; an administrator may empty it."""
        bin_folder = self.root / ".bin"
        bin_folder.mkdir(exist_ok=True)
        self.folder(project).replace(bin_folder / f"{project}-{int(time.time())}")

    def folder(self, project: str) -> Path:
        """Return a project's folder.

        Raises
        ------
        NotFoundError
            If there is no such project.
        """
        folder = self.root / project
        if not PROJECT_ID.match(project) or not (folder / "project.json").exists():
            raise NotFoundError(
                "This project does not exist here. It may have been deleted; open it from Home.",
                code="E-30",
                title="This link has expired or was deleted.",
            )
        return folder

    @contextlib.contextmanager
    def lock(self, project: str) -> Iterator[None]:
        """Hold the project's write lock; the system frees it even when the holder is killed."""
        with (self.folder(project) / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    # artefacts ------------------------------------------------------------------------------

    def manifest(self, project: str) -> dict[str, Any]:
        """Return the manifest: overall revision and one record per artefact."""
        manifest: dict[str, Any] = _read_json(self.folder(project) / "manifest.json")
        return manifest

    def ref(self, project: str) -> ProjectRef:
        """Return the reference the browser keeps."""
        return ProjectRef(project, int(self.manifest(project)["revision"]))

    def record(self, project: str, artefact: str) -> dict[str, Any]:
        """Return one artefact's record: revision, made_from, params, summary, created.

        Raises
        ------
        NotReadyError
            If the artefact has not been made yet.
        """
        artefacts = self.manifest(project)["artefacts"]
        if artefact not in artefacts:
            raise NotReadyError(f"This needs the step that makes '{artefact}' to be run first.")
        record: dict[str, Any] = artefacts[artefact]
        return record

    def path(self, project: str, artefact: str, name: str = "") -> Path:
        """Return the folder of an artefact's current revision, or a file in it."""
        revision = self.record(project, artefact)["revision"]
        return self.folder(project) / f"{artefact}-r{revision}" / name

    def commit(
        self,
        project: str,
        artefact: str,
        write: Callable[[Path], None],
        *,
        made_from: Mapping[str, int] | None = None,
        params: Mapping[str, Any] | None = None,
        summary: Mapping[str, Any] | None = None,
    ) -> int:
        """Write a new revision of an artefact and make it the current one.

        Parameters
        ----------
        write
            Fills the new, empty folder it is given.
        made_from
            Revisions of the inputs that were read; read the manifest once, before the work, with
            ``input_revisions``. By default the current ones.
        params, summary
            What it was made with, and small facts for the screens; JSON values.

        Returns
        -------
        The project's new revision.
        """
        folder = self.folder(project)
        temporary = folder / f".{artefact}-{secrets.token_hex(6)}"
        temporary.mkdir()
        try:
            write(temporary)
            with self.lock(project):
                manifest = self.manifest(project)
                revision = int(manifest["revision"]) + 1
                inputs = (
                    made_from if made_from is not None else self.input_revisions(project, artefact)
                )
                temporary.replace(folder / f"{artefact}-r{revision}")
                manifest["revision"] = revision
                manifest["artefacts"][artefact] = {
                    "revision": revision,
                    "made_from": dict(inputs),
                    "params": dict(params or {}),
                    "summary": dict(summary or {}),
                    "created": time.time(),
                }
                _write_json(folder / "manifest.json", manifest)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        self._forget_old(project, artefact)
        return revision

    def input_revisions(self, project: str, artefact: str) -> dict[str, int]:
        """Return the current revision of everything ``artefact`` is made from.

        Raises
        ------
        NotReadyError
            If one of them does not exist yet.
        """
        return {name: int(self.record(project, name)["revision"]) for name in INPUTS[artefact]}

    def amend(self, project: str, artefact: str, **summary: Any) -> None:
        """Add facts to an artefact's summary without making a new revision of it."""
        with self.lock(project):
            manifest = self.manifest(project)
            manifest["artefacts"][artefact]["summary"].update(summary)
            manifest["revision"] += 1
            _write_json(self.folder(project) / "manifest.json", manifest)

    def _forget_old(self, project: str, artefact: str) -> None:
        if artefact in KEEP_ALL:
            return
        pattern = re.compile(rf"^{artefact}-r(\d+)$")
        found = [(m, p) for p in self.folder(project).iterdir() if (m := pattern.match(p.name))]
        for _, path in sorted(found, key=lambda pair: int(pair[0][1]))[:-KEEP_REVISIONS]:
            shutil.rmtree(path, ignore_errors=True)

    # loaded values --------------------------------------------------------------------------

    def load(self, project: str, artefact: str, name: str, read: Callable[[Path], T]) -> T:
        """Read a file of an artefact's current revision through the cache; do not change the result."""
        path = self.path(project, artefact, name)
        key = (str(path), f"{read.__module__}.{read.__qualname__}")
        with self._cache_lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                cached: T = self._cache[key]
                return cached
        value = read(path)
        with self._cache_lock:
            self._cache[key] = value
            while len(self._cache) > self._cache_items:
                self._cache.popitem(last=False)
        return value

    # histories: hand poses and drawings -----------------------------------------------------

    def history(self, project: str, name: str) -> History:
        """Return an undoable history, ``"poses"`` or ``"drawings"``."""
        return History(self, project, name)


class History:
    """A list of JSON events with a cursor: what lies before the cursor has happened.

    Undo and redo move the cursor; a new event after an undo drops what was undone.
    """

    def __init__(self, store: ProjectStore, project: str, name: str) -> None:
        self._store, self._project = store, project
        self._path = store.folder(project) / f"{name}.json"

    def events(self) -> list[dict[str, Any]]:
        """Return the events that are in force, oldest first."""
        state = self._read()
        events: list[dict[str, Any]] = state["events"][: state["cursor"]]
        return events

    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._read()["cursor"])

    def can_redo(self) -> bool:
        """Whether something was undone and can come back."""
        state = self._read()
        return bool(state["cursor"] < len(state["events"]))

    def append(self, event: Mapping[str, Any]) -> None:
        """Record one more event."""
        with self._store.lock(self._project):
            state = self._read()
            events = [*state["events"][: state["cursor"]], {**event, "time": time.time()}]
            self._write(events[-HISTORY_LENGTH:], len(events[-HISTORY_LENGTH:]))

    def undo(self) -> bool:
        """Step back once; return whether anything changed."""
        return self._move(-1)

    def redo(self) -> bool:
        """Step forward once; return whether anything changed."""
        return self._move(1)

    def _move(self, by: int) -> bool:
        with self._store.lock(self._project):
            state = self._read()
            cursor = state["cursor"] + by
            if not 0 <= cursor <= len(state["events"]):
                return False
            self._write(state["events"], cursor)
            return True

    def _read(self) -> dict[str, Any]:
        if not self._path.exists():
            return {"events": [], "cursor": 0}
        state: dict[str, Any] = _read_json(self._path)
        return state

    def _write(self, events: list[dict[str, Any]], cursor: int) -> None:
        _write_json(self._path, {"events": events, "cursor": cursor})
        manifest_path = self._store.folder(self._project) / "manifest.json"
        manifest = _read_json(manifest_path)
        manifest["revision"] += 1  # other tabs notice
        _write_json(manifest_path, manifest)


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write_json(path: Path, value: Any) -> None:
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    temporary.write_text(json.dumps(value, indent=1), encoding="utf-8")
    temporary.replace(path)
