"""Chunked, resumable uploads.

``POST`` makes one, ``PATCH`` appends, ``GET`` tells how far it is, ``POST done`` ends it. Bodies go
straight to disk in small pieces, so neither the server nor the tab holds a file in memory. On disk
a file has a random name; the user's name is only ever shown.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, jsonify, request

from app.disk import read_json, write_json
from spatialmeta_core.errors import InvalidDataError, NotFoundError, SpatialMetaError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Response
    from flask.typing import ResponseReturnValue

    from app.settings import Settings
    from app.store import ProjectStore

PIECE: Final = 1024 * 1024  # bytes read from the socket at a time
MAX_CHUNK: Final = 64 * 1024 * 1024
KEEP_PARTS_S: Final = 7 * 24 * 3600  # unfinished uploads are dropped after a week
UPLOAD_ID: Final = re.compile(r"[0-9a-f]{16}")
SUFFIXES: Final = {
    "st": (".zip", ".tar.gz", ".tgz", ".h5ad"),
    "sm": (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".zip", ".h5ad"),
}
PURPOSE_NAMES: Final = {"st": "transcriptomics", "sm": "metabolomics"}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that arrived, or is arriving.

    ``path`` is where its bytes are, ``name`` what the user calls it, ``size`` the announced bytes.
    """

    id: str
    path: Path
    name: str
    size: int
    purpose: str
    complete: bool


def find(store: ProjectStore, project: str, upload_id: str) -> Upload:
    """Return an upload of a project.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    folder = store.folder(project) / "raw"
    about = folder / f"{upload_id}.json"
    if not UPLOAD_ID.fullmatch(upload_id) or not about.exists():
        raise _unknown()
    stored = read_json(about)
    final = folder / stored.pop("file")
    part = final.with_name(f"{final.name}.part")
    # the file's name is the truth: it takes the final one in a single step when it is complete
    path = final if final.exists() else part
    if not path.exists():
        raise _unknown()
    return Upload(id=upload_id, path=path, complete=path == final, **stored)


def _unknown() -> NotFoundError:
    return NotFoundError("This upload is not known here. Choose the file again.")


def suffix_of(name: str, purpose: str) -> str:
    """Return the file ending that decides the reader.

    Raises
    ------
    InvalidDataError
        If files of this kind are not read here.
    """
    if purpose not in SUFFIXES:
        raise InvalidDataError(f"There is no slot called '{purpose}' for files here.")
    allowed = SUFFIXES[purpose]
    matches = [suffix for suffix in allowed if name.lower().endswith(suffix)]
    if not matches:
        raise InvalidDataError(
            f"'{name}' is not a file this slot can read. For {PURPOSE_NAMES[purpose]} choose one "
            f"of: {', '.join(allowed)}.",
            title="This kind of file is not supported here.",
        )
    return max(matches, key=len)


def begin(store: ProjectStore, project: str, about: Any, max_bytes: int) -> Upload:
    """Announce a file: check its name, its size and the free space, and give it an id."""
    name, size, purpose = _announced(about)
    suffix = suffix_of(name, purpose)
    if size <= 0:
        raise InvalidDataError(f"'{name}' is empty. Choose the file again.", title="Empty file.")
    if size > max_bytes:
        raise InvalidDataError(
            f"'{name}' is {_gb(size)}; the limit here is {_gb(max_bytes)}. Make it smaller, or ask "
            "your administrator to raise the limit.",
            code="E-15",
            title="This file is too large.",
        )
    folder = store.folder(project) / "raw"
    _drop_old_parts(folder)
    free = shutil.disk_usage(folder).free
    if size > free * 0.9:
        raise InvalidDataError(
            f"'{name}' needs {_gb(size)} and the server has {_gb(free)} free. "
            "Delete old projects or ask your administrator.",
            code="E-15",
            title="Not enough space on the server.",
        )
    upload_id = secrets.token_hex(8)
    stored = {
        "name": name,
        "size": size,
        "purpose": purpose,
        "file": f"{upload_id}{suffix}",
    }
    (folder / f"{upload_id}{suffix}.part").touch()
    write_json(folder / f"{upload_id}.json", stored)
    return find(store, project, upload_id)


def _announced(about: Any) -> tuple[str, int, str]:
    """Check what the browser says of a file: name, size in bytes, purpose."""
    kinds = {"name": str, "size": int, "purpose": str}
    if not isinstance(about, dict) or not all(
        isinstance(about.get(key), kind) for key, kind in kinds.items()
    ):
        raise InvalidDataError("An upload needs a name, a size in bytes and a purpose.")
    # the end of a long name tells the kind of file
    return about["name"][-255:], about["size"], about["purpose"]


def register(server: Any, store: ProjectStore, settings: Settings) -> None:
    """Attach the upload routes to the Flask server."""
    routes = Blueprint("uploads", __name__, url_prefix="/api/projects/<project>/uploads")

    @routes.errorhandler(SpatialMetaError)
    def expected(error: SpatialMetaError) -> ResponseReturnValue:
        status = 404 if isinstance(error, NotFoundError) else 400
        shown = {"message": str(error), "code": error.code, "title": error.title}
        return jsonify(shown), status

    @routes.post("")
    def create(project: str) -> ResponseReturnValue:
        upload = begin(store, project, request.get_json(silent=True), settings.max_upload_bytes)
        return jsonify({"id": upload.id, "offset": 0}), 201

    @routes.get("/<upload_id>")
    def tell(project: str, upload_id: str) -> Response:
        upload = find(store, project, upload_id)
        offset = upload.path.stat().st_size
        return jsonify({"offset": offset, "size": upload.size, "complete": upload.complete})

    @routes.patch("/<upload_id>")
    def append(project: str, upload_id: str) -> ResponseReturnValue:
        upload = find(store, project, upload_id)
        offset = upload.path.stat().st_size
        if upload.complete or request.headers.get("Upload-Offset", "") != str(offset):
            return jsonify({"offset": offset}), 409
        length = request.content_length or 0
        if length > MAX_CHUNK or offset + length > upload.size:
            raise InvalidDataError("More bytes arrived than were announced. Choose the file again.")
        return jsonify({"offset": _receive(upload, offset, length)})

    @routes.post("/<upload_id>/done")
    def done(project: str, upload_id: str) -> ResponseReturnValue:
        upload = find(store, project, upload_id)
        offset = upload.path.stat().st_size
        if offset != upload.size:
            return jsonify({"offset": offset}), 409
        finish(upload)
        return jsonify({"id": upload.id, "name": upload.name})

    @routes.delete("/<upload_id>")
    def drop(project: str, upload_id: str) -> ResponseReturnValue:
        upload = find(store, project, upload_id)
        _drop(store.folder(project) / "raw", upload.id)
        return "", 204

    server.register_blueprint(routes)


def finish(upload: Upload) -> None:
    """Give a complete file its final name."""
    if not upload.complete:
        upload.path.replace(upload.path.with_suffix(""))


@contextlib.contextmanager
def named(path: Path, name: str) -> Iterator[None]:
    """Let errors about a stored file speak of it by the name its user knows."""
    try:
        yield
    except SpatialMetaError as error:
        text, title = (part.replace(path.name, name) for part in (str(error), error.title))
        raise type(error)(
            text, code=error.code, title=title, choices=error.choices, listing=error.listing
        ) from error


def forget_replaced(store: ProjectStore, project: str, by: Upload) -> None:
    """Drop the complete files of the same purpose that another one has replaced."""
    folder = store.folder(project) / "raw"
    for about in folder.glob("*.json"):
        stored = read_json(about)
        arrived = (folder / stored["file"]).exists()
        if arrived and stored["purpose"] == by.purpose and about.stem != by.id:
            _drop(folder, about.stem)


def _drop(folder: Path, upload_id: str) -> None:
    for path in folder.glob(f"{upload_id}.*"):
        path.unlink(missing_ok=True)


def _receive(upload: Upload, offset: int, length: int) -> int:
    """Append at most ``length`` bytes of the request; a broken connection keeps what arrived."""
    with upload.path.open("r+b") as target:
        target.seek(offset)
        left = length
        while left and (piece := request.stream.read(min(PIECE, left))):
            target.write(piece)
            left -= len(piece)
        return target.tell()


def _drop_old_parts(folder: Path) -> None:
    for part in folder.glob("*.part"):
        if time.time() - part.stat().st_mtime > KEEP_PARTS_S:
            _drop(folder, part.name.split(".")[0])


def _gb(size: int) -> str:
    return f"{size / 1024**3:.1f} GB" if size >= 1024**3 else f"{size / 1024**2:.1f} MB"
