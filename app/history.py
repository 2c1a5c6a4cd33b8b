"""Undoable histories: hand poses and drawings."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from app.disk import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path


class History:
    """A list of JSON events with a cursor: what lies before the cursor has happened.

    Undo and redo move the cursor; a new event after an undo drops what was undone.

    Parameters
    ----------
    path
        File that holds it; it need not exist yet.
    lock
        Makes a context in which no one else writes to the project.
    changed
        Called after each change, within the lock.
    length
        How many events to keep, the newest; all when None.
    """

    def __init__(
        self,
        path: Path,
        *,
        lock: Callable[[], AbstractContextManager[None]],
        changed: Callable[[], None],
        length: int | None,
    ) -> None:
        self._path, self._lock, self._changed, self._length = path, lock, changed, length

    def events(self) -> list[dict[str, Any]]:
        """Return the events that are in force, oldest first."""
        state = self._read()
        events: list[dict[str, Any]] = state["events"][: state["cursor"]]
        return events

    def timeline(self) -> tuple[list[dict[str, Any]], int]:
        """Return all events, also those undone, and how many of them are in force."""
        state = self._read()
        return state["events"], int(state["cursor"])

    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._read()["cursor"])

    def can_redo(self) -> bool:
        """Whether something was undone and can come back."""
        state = self._read()
        return bool(state["cursor"] < len(state["events"]))

    def append(self, event: Mapping[str, Any]) -> None:
        """Record one more event."""
        with self._lock():
            state = self._read()
            events = [*state["events"][: state["cursor"]], {**event, "time": time.time()}]
            kept = events if self._length is None else events[-self._length :]
            self._write(kept, len(kept))

    def undo(self) -> bool:
        """Step back once; return whether anything changed."""
        return self._move(-1)

    def redo(self) -> bool:
        """Step forward once; return whether anything changed."""
        return self._move(1)

    def _move(self, by: int) -> bool:
        with self._lock():
            state = self._read()
            cursor = state["cursor"] + by
            if not 0 <= cursor <= len(state["events"]):
                return False
            self._write(state["events"], cursor)
            return True

    def _read(self) -> dict[str, Any]:
        if not self._path.exists():
            return {"events": [], "cursor": 0}
        state: dict[str, Any] = read_json(self._path)
        return state

    def _write(self, events: list[dict[str, Any]], cursor: int) -> None:
        write_json(self._path, {"events": events, "cursor": cursor})
        self._changed()
