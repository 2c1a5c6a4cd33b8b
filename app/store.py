"""Projects on disk: the one truth.

A project is a folder::

    <id>/project.json      name, when made, whether simulated
    <id>/manifest.json     every artefact's revision and the revisions it was made from
    <id>/<artefact>-r<N>/  one immutable folder per revision
    <id>/poses.json        history of the hand alignment
    <id>/drawings.json     history of regions and trajectories
    <id>/raw/              uploaded files under random names
    <id>/jobs/<job>/       log, losses and checkpoint of each job

A writer fills a temporary folder that is renamed when complete, and the manifest names it only
then: a killed process leaves the old state, and at most a folder that nothing refers to.
What readers get from the cache is shared: treat it as read-only.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import secrets
import shutil
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app import runs
from app.cache import ReadCache
from app.disk import drop_revisions, read_json, write_json
from app.history import History
from app.state import INPUTS, ProjectRef
from spatialmeta_core.errors import NotFoundError, NotReadyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

T = TypeVar("T")

PROJECT_ID: Final = re.compile(r"[0-9a-f]{16}")
KEEP_REVISIONS: Final = 2  # the current result and the one before it; those of runs are all kept
# Events kept of a history. Only the last pose matters, but the first drawing may still be in force.
HISTORY_LENGTH: Final = {"poses": 500}


class ProjectStore:
    """Read and write projects below one folder.

    ``root`` holds one folder per project; it is made when absent, readable by its owner only.
    ``cache_items`` loaded values (AnnData, tables) are kept in memory.
    """

    def __init__(self, root: Path, *, cache_items: int = 12) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root = root
        self._cache = ReadCache(cache_items)

    def create(self, name: str, *, simulated: bool = False) -> str:
        """Make an empty project and return its id."""
        project = secrets.token_hex(8)
        folder = self.root / project
        for sub in ("raw", "jobs"):
            (folder / sub).mkdir(parents=True)
        about = {"name": name.strip() or "Untitled", "created": time.time(), "simulated": simulated}
        write_json(folder / "manifest.json", {"schema": 1, "revision": 0, "artefacts": {}})
        write_json(folder / "project.json", about)  # last: from here on the project exists
        return project

    def projects(self) -> list[dict[str, Any]]:
        """List the projects, last changed first: id, name, created, changed, simulated."""
        found = []
        for path in self.root.glob("*/project.json"):
            if not PROJECT_ID.fullmatch(path.parent.name):
                continue
            with contextlib.suppress(FileNotFoundError):  # deleted while we look
                changed = (path.parent / "manifest.json").stat().st_mtime
                found.append({"id": path.parent.name, "changed": changed, **read_json(path)})
        return sorted(found, key=lambda about: -float(about["changed"]))

    def about(self, project: str) -> dict[str, Any]:
        """Return name, time of creation and whether the data are simulated."""
        about: dict[str, Any] = read_json(self.folder(project) / "project.json")
        return about

    def rename(self, project: str, name: str) -> None:
        """Give a project another name; an empty one keeps the old."""
        with self.lock(project):
            about = self.about(project)
            about["name"] = name.strip() or about["name"]
            write_json(self.folder(project) / "project.json", about)
            self._touch(project)

    def delete(self, project: str) -> None:
        """Move a project to the bin, ``<root>/.bin``; ``restore`` brings it back."""
        bin_folder = self.root / ".bin"
        bin_folder.mkdir(exist_ok=True, mode=0o700)
        with self.lock(project):
            self.folder(project).replace(bin_folder / project)

    def restore(self, project: str) -> None:
        """Bring a project back from the bin.

        Raises
        ------
        NotFoundError
            If it is not there (any more).
        """
        binned = self.root / ".bin" / project
        if not PROJECT_ID.fullmatch(project) or not binned.exists():
            raise NotFoundError("This project is not in the bin any more.")
        binned.replace(self.root / project)

    def folder(self, project: str) -> Path:
        """Return a project's folder.

        Raises
        ------
        NotFoundError
            If there is no such project.
        """
        folder = self.root / project
        if not PROJECT_ID.fullmatch(project) or not (folder / "project.json").exists():
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
            self.folder(project)  # raises if it was deleted while we waited
            yield

    def manifest(self, project: str) -> dict[str, Any]:
        """Return the manifest: overall revision and one record per artefact."""
        manifest: dict[str, Any] = read_json(self.folder(project) / "manifest.json")
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

    def path(
        self, project: str, artefact: str, name: str = "", *, revision: int | None = None
    ) -> Path:
        """Return the folder of an artefact's current or given revision, or a file in it."""
        if revision is None:
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
        record: dict[str, Any] = {"params": dict(params or {}), "summary": dict(summary or {})}
        temporary = self.folder(project) / f".{artefact}-{secrets.token_hex(6)}"
        temporary.mkdir()
        try:
            write(temporary)
            with self.lock(project):
                inputs = (
                    made_from if made_from is not None else self.input_revisions(project, artefact)
                )
                record |= {"made_from": dict(inputs), "created": time.time()}
                revision = self._publish(project, artefact, temporary, record)
                self._forget_old(project, artefact)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return revision

    def _publish(self, project: str, artefact: str, temporary: Path, record: dict[str, Any]) -> int:
        """Rename a complete folder and name it in the manifest; the caller holds the lock."""
        folder, manifest = self.folder(project), self.manifest(project)
        revision = int(manifest["revision"]) + 1
        final = folder / f"{artefact}-r{revision}"
        if final.exists():  # of a writer killed between its renaming and the manifest
            shutil.rmtree(final)
        temporary.replace(final)
        manifest["revision"] = revision
        manifest["artefacts"][artefact] = {"revision": revision, **record}
        runs.remember(manifest, artefact)
        write_json(folder / "manifest.json", manifest)
        return revision

    def input_revisions(self, project: str, artefact: str) -> dict[str, int]:
        """Return the current revision of everything ``artefact`` is made from.

        Raises
        ------
        NotReadyError
            If one of them does not exist yet.
        """
        return {name: int(self.record(project, name)["revision"]) for name in INPUTS[artefact]}

    def amend(
        self, project: str, artefact: str, *, of_revision: int | None = None, **summary: Any
    ) -> None:
        """Add facts to an artefact's summary without making a new revision of it.

        Parameters
        ----------
        of_revision
            The revision the facts are about; nothing is said of another one.

        Raises
        ------
        NotReadyError
            If the artefact has not been made yet, or was replaced by another revision.
        """
        with self.lock(project):
            found = int(self.record(project, artefact)["revision"])
            if of_revision is not None and found != of_revision:
                raise NotReadyError(
                    "This was replaced by something newer meanwhile. Look at the new one first."
                )
            self._touch(project, lambda m: m["artefacts"][artefact]["summary"].update(summary))

    def edit(self, project: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change what the manifest says without making anything new, as which run is shown."""
        with self.lock(project):
            self._touch(project, change)

    def _touch(self, project: str, change: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Raise the overall revision, so that other tabs notice; the caller holds the lock."""
        manifest = self.manifest(project)
        if change is not None:
            change(manifest)
        manifest["revision"] += 1
        write_json(self.folder(project) / "manifest.json", manifest)

    def _forget_old(self, project: str, artefact: str) -> None:
        kept = runs.kept_revisions(self.manifest(project), artefact)
        drop_revisions(self.folder(project), artefact, newest=KEEP_REVISIONS, kept=kept)

    def load(
        self,
        project: str,
        artefact: str,
        name: str,
        read: Callable[[Path], T],
        *,
        revision: int | None = None,
    ) -> T:
        """Read a file of an artefact's current or given revision, cached; read-only."""
        path = self.path(project, artefact, name, revision=revision)
        key = (str(path), f"{read.__module__}.{read.__qualname__}")
        return self._cache.get(key, lambda: read(path))

    def history(self, project: str, name: str) -> History:
        """Return an undoable history, ``"poses"`` or ``"drawings"``."""
        return History(
            self.folder(project) / f"{name}.json",
            lock=partial(self.lock, project),
            changed=partial(self._touch, project),
            length=HISTORY_LENGTH.get(name),
        )
