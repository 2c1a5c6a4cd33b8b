"""Which files of an ``outs`` folder are the count matrix, and of which sample and bin size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.samples import tell_choice

if TYPE_CHECKING:
    from spatialmeta_core.io.archive import Entry
    from spatialmeta_core.io.record import Findings
    from spatialmeta_core.io.samples import Several

NAME: Final = r"(?P<folder>(?:.*/)?)(?P<prefix>[^/]*?)"
_MATRIX_H5 = re.compile(
    NAME + r"(?P<kind>filtered|raw)_(feature|gene)_bc_matri(x|ces)(_h5)?\.h5(\.gz)?", re.IGNORECASE
)
_MATRIX_MTX = re.compile(NAME + r"matrix\.mtx(\.gz)?", re.IGNORECASE)
_BIN = re.compile(r"square_(\d+)um")
_BINS_BY_CHOICE: Final = (8, 16)  # um; 2 um bins are refused
FINEST_BIN_UM: Final = 2
PLUMBING = re.compile(
    r"(outs|spatial|binned_outputs|square_\d+um|.*_(feature|gene)_bc_matri(x|ces).*)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class MatrixFiles:
    """One file of an h5 matrix, or the three of the folder form."""

    files: tuple[Entry, ...]
    folder: str
    prefix: str
    is_raw: bool
    bin_um: int | None

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """Filtered before raw, 8 um bins before 16 um, one file before three."""
        bins = (*_BINS_BY_CHOICE, self.bin_um)
        return self.is_raw, bins.index(self.bin_um) if self.bin_um else 0, len(self.files) > 1


def has_matrix(entries: list[Entry]) -> bool:
    """Whether a count matrix of Space Ranger is among the files."""
    return any(_MATRIX_H5.fullmatch(e.name) or _MATRIX_MTX.fullmatch(e.name) for e in entries)


def too_fine() -> InvalidDataError:
    """Build E-17."""
    return InvalidDataError(
        "There would be 8.7 million of them. Use the 8 µm or 16 µm folder from the same run.",
        code="E-17",
        title="2 µm bins are too fine for this app.",
    )


def choose_matrix(
    entries: list[Entry], sample: str | None, several: Several, findings: Findings
) -> MatrixFiles:
    """Find the count matrix of one sample: filtered before raw, 8 um bins before 16 um.

    Raises
    ------
    InvalidDataError
        If there is none, E-17 if there are 2 um bins alone, or if several samples are there,
        ``sample`` picks none of them, and ``several`` is ``"refuse"``.
    """
    found = [*_h5_matrices(entries), *_mtx_matrices(entries)]
    if not found:
        raise InvalidDataError(
            "No count matrix found. Looked for filtered_feature_bc_matrix.h5, "
            "raw_feature_bc_matrix.h5 and the folder filtered_feature_bc_matrix. Give the whole "
            "outs folder of Space Ranger, or a zip file of it.",
            title="Count matrix not found.",
        )
    usable = [m for m in found if m.bin_um != FINEST_BIN_UM]
    if not usable:
        raise too_fine()
    by_label = _best_by_label(usable)
    if len(by_label) > 1 and sample in by_label:
        tell_choice(findings, dict.fromkeys(by_label, 0), sample, named=True, what="spots")
        return by_label[sample]
    named = [m for m in usable if sample and sample.lower() in m.files[0].name.lower()]
    by_label = _best_by_label(named or usable)
    first = min(by_label)
    if len(by_label) > 1 and several == "first":
        tell_choice(findings, dict.fromkeys(by_label, 0), first, named=False, what="spots")
    elif len(by_label) > 1:
        raise InvalidDataError(
            f"These files hold {len(by_label)} samples: {', '.join(list(by_label)[:6])}. Give the "
            "files of one sample, or name the sample by a part of its file name.",
            title="Several samples in one file.",
            choices={"samples": list(by_label)},
        )
    return by_label[first]


def _best_by_label(matrices: list[MatrixFiles]) -> dict[str, MatrixFiles]:
    """Return the matrices of the best rank by what tells them apart, sorted."""
    best = min(m.rank for m in matrices)
    found = [m for m in matrices if m.rank == best]
    labels = [_label(m) for m in found]
    if len(set(labels)) < len(labels):
        labels = [m.files[0].name for m in found]
    return dict(sorted(zip(labels, found, strict=True), key=lambda pair: pair[0]))


def _label(matrix: MatrixFiles) -> str:
    folders = [part for part in matrix.folder.split("/") if part and not PLUMBING.fullmatch(part)]
    return "/".join([*folders, matrix.prefix]).strip("_.-/") or matrix.files[0].name


def _h5_matrices(entries: list[Entry]) -> list[MatrixFiles]:
    found = []
    for entry in entries:
        match = _MATRIX_H5.fullmatch(entry.name)
        if match:
            is_raw = match["kind"].lower() == "raw"
            found.append(
                MatrixFiles((entry,), match["folder"], match["prefix"], is_raw, _bin(entry.name))
            )
    return found


def _mtx_matrices(entries: list[Entry]) -> list[MatrixFiles]:
    by_name = {entry.name.lower().removesuffix(".gz"): entry for entry in entries}
    found = []
    for entry in entries:
        match = _MATRIX_MTX.fullmatch(entry.name)
        if not match:
            continue
        stem = (match["folder"] + match["prefix"]).lower()
        barcodes = by_name.get(f"{stem}barcodes.tsv")
        features = by_name.get(f"{stem}features.tsv") or by_name.get(f"{stem}genes.tsv")
        if barcodes and features:
            files = (entry, barcodes, features)
            is_raw = "raw_" in entry.name.lower() and "filtered_" not in entry.name.lower()
            folder = re.sub(r"[^/]*_bc_matri(x|ces)[^/]*/$", "", match["folder"])
            prefix = re.sub(r"(filtered|raw)_(feature|gene)_bc_.*", "", match["prefix"])
            found.append(MatrixFiles(files, folder, prefix, is_raw, _bin(entry.name)))
    return found


def _bin(name: str) -> int | None:
    match = _BIN.search(name)
    return int(match[1]) if match else None
