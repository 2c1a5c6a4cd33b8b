"""What a given path is, judged by its content, and streams that stop at a size limit."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from typing import IO, TYPE_CHECKING, Final, Literal

from spatialmeta_core.errors import InvalidDataError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["folder", "hdf5", "zip", "tar", "gzip", "text"]

MAX_FILE_BYTES: Final = 20 * 2**30
"""Default limit for one file, and for what a packed table unpacks to."""

GZIP_ERRORS: Final = (EOFError, zlib.error, gzip.BadGzipFile)
"""What a cut or damaged gzip stream raises."""

HDF5_ERRORS: Final = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError)
"""What h5py and anndata raise on damaged files (found by changing bytes at random)."""

_RATIO: Final = 200  # unpacked over packed bytes; sparse counts as text reach about 30
_RATIO_FREE_BYTES: Final = 256 * 2**20  # small files may pack as well as they like
_HDF5 = b"\x89HDF\r\n\x1a\n"
_REFUSED = {
    ".pkl": "a Python pickle",
    ".pickle": "a Python pickle",
    ".pt": "a PyTorch file",
    ".pth": "a PyTorch file",
    ".joblib": "a Python pickle",
    ".npy": "a NumPy file",
    ".npz": "a NumPy file",
    ".rds": "an R object",
    ".rdata": "an R object",
}


def size_text(n_bytes: float) -> str:
    """Write a size the way a file browser does, such as ``"38 GB"``."""
    for unit, size in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes:.0f} bytes"


def too_large(name: str, n_bytes: float, limit: float) -> InvalidDataError:
    """Build E-15 for a file that is, or unpacks to, more than ``limit`` bytes."""
    return InvalidDataError(
        f"{name} is {size_text(n_bytes)}; the limit here is {size_text(limit)}. Put it in the lab "
        "data folder and pick it from there, or bin it first.",
        code="E-15",
        title="This file is too large.",
    )


def damaged(name: str, what: str) -> InvalidDataError:
    """Build the error for a file that ends early or contradicts itself."""
    return InvalidDataError(
        f"{name} {what}. The copy was probably interrupted. Copy it again and compare sizes.",
        title="This file looks damaged.",
    )


def kind_of(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> Kind:
    """Tell what lies at ``path`` from its first bytes; the name only serves to refuse.

    Raises
    ------
    NotFoundError
        If nothing is there.
    InvalidDataError
        If the file is empty, larger than ``max_bytes`` (E-15), or of a kind that is never opened
        because reading it could run code.
    """
    if path.is_dir():
        return "folder"
    if not path.is_file():
        raise NotFoundError(f"{path.name} was not found. Was it moved or renamed?")
    if path.suffix.lower() in _REFUSED:
        raise _refused(path, _REFUSED[path.suffix.lower()])
    size = path.stat().st_size
    if size == 0:
        raise InvalidDataError(f"{path.name} is empty (0 bytes). Copy it again.")
    if size > max_bytes:
        raise too_large(path.name, size, max_bytes)
    with path.open("rb") as file:
        head = file.read(1024)
    return _kind_from_head(path, head)


def _kind_from_head(path: Path, head: bytes) -> Kind:
    if head.startswith(_HDF5) or head[512:520] == _HDF5:
        return "hdf5"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if is_tar(head):
        return "tar"
    if head.startswith(b"\x1f\x8b"):
        return "tar" if _is_packed_tar(path) else "gzip"
    if re.match(rb"\x80[\x02-\x05]", head):
        raise _refused(path, "a Python pickle")
    return "text"


def is_tar(head: bytes) -> bool:
    """Whether the first 512 bytes are a tar header."""
    return head[257:262] == b"ustar"


def _is_packed_tar(path: Path) -> bool:
    if path.name.lower().endswith((".tar.gz", ".tgz")):
        return True
    try:
        with gzip.open(path) as stream:
            return is_tar(stream.read(512))
    except GZIP_ERRORS as error:
        raise damaged(path.name, "is a damaged gzip file") from error


def _refused(path: Path, what: str) -> InvalidDataError:
    return InvalidDataError(
        f"{path.name} is {what}. Files of this kind can run code when opened, so they are never "
        "read. Save the data as .h5ad, or give the original files.",
        title="This kind of file is not accepted.",
    )


class CappedStream(io.RawIOBase):
    """A read-only stream that raises E-15 once more than ``limit`` bytes have come out of it."""

    def __init__(self, stream: IO[bytes], *, name: str, limit: int) -> None:
        super().__init__()
        self._stream = stream
        self._name = name
        self._limit = limit
        self._n_read = 0

    def readable(self) -> bool:
        """Tell ``io`` that reading is possible."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed wants WriteableBuffer
        """Fill ``buffer`` and count."""
        block = self._stream.read(len(buffer))
        self._n_read += len(block)
        if self._n_read > self._limit:
            raise too_large(f"{self._name} unpacks to a size that", self._n_read, self._limit)
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        """Close the stream inside too."""
        self._stream.close()
        super().close()


def open_bytes(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> io.BufferedReader:
    """Open a file for reading, unpacking gzip on the way.

    The stream gives at most ``max_bytes``, and at most 200 times the packed size beyond 256 MB.
    """
    with path.open("rb") as probe:
        is_gzip = probe.read(2) == b"\x1f\x8b"
    if not is_gzip:
        return io.BufferedReader(
            CappedStream(path.open("rb"), name=path.name, limit=max_bytes), buffer_size=2**20
        )
    limit = min(max_bytes, max(_RATIO_FREE_BYTES, _RATIO * path.stat().st_size))
    stream = CappedStream(gzip.GzipFile(path), name=path.name, limit=limit)  # type: ignore[arg-type]  # GzipFile reads bytes
    return io.BufferedReader(stream, buffer_size=2**20)


def read_bytes(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Read a whole small file, unpacking gzip.

    Raises
    ------
    InvalidDataError
        If it is cut short, or too large (E-15).
    """
    try:
        with open_bytes(path, max_bytes=max_bytes) as stream:
            return stream.read()
    except GZIP_ERRORS as error:
        raise damaged(path.name, "is a damaged or cut gzip file") from error
