"""Zip and tar files from strangers: look first, unpack safely, leave nothing behind (E-16)."""

from __future__ import annotations

import gzip
import os
import re
import stat
import sys
import tarfile
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.source import GZIP_ERRORS, damaged, kind_of, open_bytes, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_JUNK = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_NESTED = re.compile(r"(spatial|feature_bc_matrix|outs)\.(zip|tar\.gz|tgz|tar)$", re.IGNORECASE)
_BLOCK: Final = 2**20
_LONGEST_HEADER: Final = 16 * 2**20  # a tar extension header is a few hundred bytes
_LONGEST_NAME: Final = 255  # bytes in one part, on every common file system
_LONGEST_PATH: Final = 1024


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may hold before it is refused.

    Attributes
    ----------
    members
        Largest number of entries; also of files in a folder that is read.
    total_bytes
        Largest size of everything unpacked.
    ratio
        Largest unpacked size over packed size, checked above ``ratio_free_bytes``.
    ratio_free_bytes
        Unpacked size below which the ratio does not matter.
    """

    members: int = 20_000
    total_bytes: int = 50 * 2**30
    ratio: float = 200.0
    ratio_free_bytes: int = 256 * 2**20


class Entry(NamedTuple):
    """A file: its name as the user knows it, with ``/``, and where it lies now."""

    name: str
    path: Path


def refused(name: str, why: str) -> InvalidDataError:
    """Build E-16."""
    return InvalidDataError(
        f"{name} was refused: {why}. Pack the folder again with the usual tool of your system, "
        "without links.",
        code="E-16",
        title="This archive was refused.",
    )


def safe_name(archive: str, member: str) -> str:
    """Return a member's relative path with ``/``, or raise E-16 if it would leave its folder."""
    text = member.replace("\\", "/")
    if text.startswith("/") or re.match(r"[A-Za-z]:", text) or "\0" in text:
        raise refused(archive, f"it has a file with an absolute name ({member[:80]!r})")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise refused(
            archive, f"it has a file that would be written outside its folder ({member[:80]!r})"
        )
    longest = max((len(part.encode(errors="replace")) for part in parts), default=0)
    if longest > _LONGEST_NAME or len(text) > _LONGEST_PATH:
        raise refused(archive, "it has a file name that is too long")
    return "/".join(parts)


class _Budget:
    """Counts members and bytes against the limits."""

    def __init__(self, archive: Path, limits: ArchiveLimits) -> None:
        self._name = archive.name
        self._limits = limits
        packed = archive.stat().st_size
        self._cap = min(limits.total_bytes, max(limits.ratio_free_bytes, limits.ratio * packed))
        self._n_members = 0
        self.n_bytes = 0

    def spend(self, n_bytes: int, *, members: int = 0) -> None:
        self._n_members += members
        self.n_bytes += n_bytes
        if self._n_members > self._limits.members:
            raise refused(self._name, f"it holds more than {self._limits.members:,} files")
        if self.n_bytes > self._cap:
            raise refused(
                self._name,
                f"it unpacks to more than {size_text(self._cap)}, which its packed size does not "
                "explain or this program does not allow",
            )


def unpack(archive: Path, into: Path, limits: ArchiveLimits = ArchiveLimits()) -> int:
    """Unpack a zip, tar or tar.gz file into an existing folder and return the bytes it declares.

    Names are checked before anything is written; only plain files are taken. After an error the
    folder may hold a part, so hand in one that is thrown away.

    Raises
    ------
    InvalidDataError
        E-16 if a member would leave the folder, is a link, a device or encrypted, or if a limit is
        passed; otherwise if the archive is damaged.
    """
    budget = _Budget(archive, limits)
    try:
        if kind_of(archive, max_bytes=sys.maxsize) == "zip":
            _unpack_zip(archive, into, budget)
        else:
            _unpack_tar(archive, into, budget)
    except (*GZIP_ERRORS, zipfile.BadZipFile, tarfile.TarError, NotImplementedError) as error:
        raise damaged(archive.name, "is not a complete archive") from error
    return budget.n_bytes


def _unpack_zip(archive: Path, into: Path, budget: _Budget) -> None:
    with zipfile.ZipFile(archive) as packed:
        wanted = []
        for member in packed.infolist():
            name = safe_name(archive.name, member.filename)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise refused(archive.name, f"it holds a link or a device ({name[:80]!r})")
            if member.flag_bits & 1:
                raise refused(archive.name, "it is protected by a password")
            budget.spend(member.file_size, members=1)
            if not member.is_dir() and not _JUNK.search(name):
                wanted.append((member, name))
        for member, name in wanted:
            with packed.open(member) as source:
                _write(source, into / name, archive.name)  # zipfile stops at the declared size


class _TarSource:
    """A packed tar seen by ``tarfile``: no single read may be larger than a sane header."""

    def __init__(self, stream: IO[bytes], archive: str) -> None:
        self._stream = stream
        self._archive = archive

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST_HEADER:
            raise refused(self._archive, "one of its headers is larger than 16 MB")
        return self._stream.read(size)

    def seek(self, position: int) -> int:
        return self._stream.seek(position)

    def tell(self) -> int:
        return self._stream.tell()


def _unpack_tar(archive: Path, into: Path, budget: _Budget) -> None:
    with archive.open("rb") as raw:
        is_gzip = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if is_gzip else raw  # type: ignore[assignment]  # GzipFile reads bytes
        source = _TarSource(stream, archive.name)
        with tarfile.open(fileobj=source, mode="r:") as packed:  # type: ignore[call-overload]  # read, seek, tell suffice
            for member in packed:
                name = safe_name(archive.name, member.name)
                budget.spend(member.size, members=1)
                if member.isdir() or (member.isreg() and _JUNK.search(name)):
                    continue
                if not member.isreg() or member.issparse():
                    raise refused(archive.name, f"it holds a link or a device ({name[:80]!r})")
                content = packed.extractfile(member)
                assert content is not None  # a regular file always has content
                with content:
                    _write(content, into / name, archive.name)


def _write(source: IO[bytes], target: Path, archive: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            while block := source.read(_BLOCK):
                file.write(block)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise refused(archive, f"it holds {target.name[:80]!r} twice in one folder") from error


def list_files(folder: Path, limits: ArchiveLimits = ArchiveLimits()) -> list[Entry]:
    """List the files below ``folder``, sorted by name, without the litter of operating systems.

    Raises
    ------
    InvalidDataError
        If there are more than ``limits.members``.
    """
    found = []
    for place, folders, files in os.walk(folder):
        folders.sort()
        for file in files:
            path = Path(place) / file
            name = path.relative_to(folder).as_posix()
            if not _JUNK.search(name):
                found.append(Entry(name, path))
        if len(found) > limits.members:
            raise InvalidDataError(
                f"The folder {folder.name} holds more than {limits.members:,} files. Choose the "
                "folder of one sample."
            )
    return sorted(found)


def _unpack_any(path: Path, into: Path, limits: ArchiveLimits) -> int:
    """Unpack an archive, or one file packed by gzip such as GEO's ``.h5ad.gz``."""
    if kind_of(path, max_bytes=sys.maxsize) != "gzip":
        return unpack(path, into, limits)
    target = into / path.name.removesuffix(".gz")
    try:
        with open_bytes(path, max_bytes=limits.total_bytes) as source:
            _write(source, target, path.name)
    except GZIP_ERRORS as error:
        raise damaged(path.name, "is a damaged or cut gzip file") from error
    return target.stat().st_size


@contextmanager
def opened(
    path: Path,
    *,
    workdir: Path | None = None,
    limits: ArchiveLimits = ArchiveLimits(),
) -> Iterator[list[Entry]]:
    """List the files of a folder or an archive for as long as the context lasts.

    Archives, and the ``spatial`` and matrix archives inside as 10x Genomics and GEO give them, are
    unpacked into a temporary folder that is removed at the end, whatever happens.

    Parameters
    ----------
    path
        A folder; a zip, tar or tar.gz file; or one file packed by gzip.
    workdir
        Where to put the temporary folder; the system's default if None.
    limits
        Caps; the bytes are those of all archives together.
    """
    with tempfile.TemporaryDirectory(dir=workdir, prefix="unpacked-") as place:
        root, left = path, limits
        if not path.is_dir():
            root = Path(place) / "archive"
            root.mkdir()
            n_bytes = _unpack_any(path, root, limits)
            left = replace(limits, total_bytes=limits.total_bytes - n_bytes)
        entries = list_files(root, limits)
        for index, entry in enumerate(list(entries)):
            if _NESTED.search(entry.name):
                inner = Path(place) / f"nested-{index}"
                inner.mkdir()
                spent = unpack(entry.path, inner, left)
                left = replace(left, total_bytes=left.total_bytes - spent)
                entries += [Entry(f"{entry.name}/{n}", p) for n, p in list_files(inner, limits)]
        yield entries
