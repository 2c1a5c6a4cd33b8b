"""Small JSON files on disk, written whole or not at all, and the folders of old revisions."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

LEFTOVER_AFTER_S: Final = 24 * 3600  # a folder that a killed writer left is dropped after a day


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file; meanwhile, and after a crash, readers see the old one or the new one."""
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump(value, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())  # on disk before it takes the old one's name
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def drop_revisions(folder: Path, artefact: str, *, newest: int, kept: Container[int]) -> None:
    """Delete old revisions ``<artefact>-r<N>`` below ``folder``, and what killed writers left.

    Parameters
    ----------
    newest
        How many of the newest to keep.
    kept
        Revisions to keep beside them.
    """
    for path in folder.glob(f".{artefact}-*"):
        if time.time() - path.stat().st_mtime > LEFTOVER_AFTER_S:
            shutil.rmtree(path, ignore_errors=True)
    pattern = re.compile(rf"^{artefact}-r(\d+)$")
    found = [(int(m[1]), path) for path in folder.iterdir() if (m := pattern.match(path.name))]
    for revision, path in sorted(found)[:-newest]:
        if revision not in kept:
            shutil.rmtree(path, ignore_errors=True)
