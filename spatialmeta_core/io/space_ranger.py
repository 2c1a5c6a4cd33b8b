"""The output folder of Space Ranger, in the shapes that people pass it on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from os.path import commonpath
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.counts import CountMatrix, read_count_h5, read_count_mtx
from spatialmeta_core.io.image import read_picture, read_scale_factors, visium_image
from spatialmeta_core.io.positions import read_positions
from spatialmeta_core.io.record import Findings, Section

if TYPE_CHECKING:
    from spatialmeta_core.io.archive import Entry

_NAME: Final = r"(?P<folder>(?:.*/)?)(?P<prefix>[^/]*?)"
_MATRIX_H5 = re.compile(
    _NAME + r"(?P<kind>filtered|raw)_(feature|gene)_bc_matri(x|ces)(_h5)?\.h5(\.gz)?", re.IGNORECASE
)
_MATRIX_MTX = re.compile(_NAME + r"matrix\.mtx(\.gz)?", re.IGNORECASE)
_POSITIONS = re.compile(
    _NAME + r"tissue_positions(_list)?\.(csv|tsv|txt|parquet)(\.gz)?", re.IGNORECASE
)
_FACTORS = re.compile(_NAME + r"scalefactors_json\.json(\.gz)?", re.IGNORECASE)
_PICTURES: Final = {
    name: re.compile(_NAME + rf"tissue_{name}_image\.(png|jpe?g|tiff?)(\.gz)?", re.IGNORECASE)
    for name in ("hires", "lowres")
}
_BIN = re.compile(r"square_(\d+)um")
_BINS_BY_CHOICE: Final = (8, 16)  # um; 2 um bins are refused
_FINEST_BIN_UM: Final = 2
_FEWEST_MATCHES: Final = 0.5
_PLUMBING = re.compile(
    r"(outs|spatial|binned_outputs|square_\d+um|.*_(feature|gene)_bc_matri(x|ces).*)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _MatrixFiles:
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


def read_outs(
    entries: list[Entry], sample: str | None, fallback: str, findings: Findings
) -> Section:
    """Read one section from the files of an ``outs`` folder.

    Parameters
    ----------
    entries
        Files of the folder; ``outs`` may be nested anywhere, names may have a GEO prefix.
    sample
        Name to give; also picks one of several samples if it is part of their names.
    fallback
        Name where the files do not suggest one.

    Raises
    ------
    InvalidDataError
        E-06 without positions, E-07 if they belong to other spots, E-17 for 2 um bins alone;
        without a matrix, with several samples, or with damaged files.
    """
    matrix = _choose_matrix(entries, sample)
    name = sample or _sample_of(matrix) or fallback
    position_file = _partner(entries, _POSITIONS, matrix)
    if position_file is None:
        raise no_positions()
    content, n_other = _read_matrix(matrix).only_genes()
    if n_other:
        findings.warnings.append(
            f"{n_other:,} features that are not gene expression were left out."
        )
    rows, places = _place(content, read_positions(position_file), findings)
    if matrix.is_raw:
        findings.notes.append("The raw matrix was used, filtered by the in-tissue spots.")
    if matrix.bin_um:
        findings.notes.append(f"Visium HD: bins of {matrix.bin_um} um were used.")

    factor_file = _partner(entries, _FACTORS, matrix)
    factors = read_scale_factors(factor_file) if factor_file else {}
    if factors.get("bin_size_um") == _FINEST_BIN_UM:
        raise _too_fine()
    if not factors:
        findings.warnings.append("Scale factors not found: scalefactors_json.json is missing.")
    found = {key: _partner(entries, pattern, matrix) for key, pattern in _PICTURES.items()}
    if found["hires"] and "tissue_hires_scalef" in factors:
        found["lowres"] = None
    pictures = {key: read_picture(entry) for key, entry in found.items() if entry}
    return Section(
        matrix=content.counts[rows],
        obs=places[["in_tissue", "array_row", "array_col"]],
        var=content.genes[[keys.GENE_ID]],
        xy=places[["x", "y"]].to_numpy(),
        sample=name,
        image=visium_image(pictures, factors, findings),
    )


def no_positions() -> InvalidDataError:
    """Build E-06."""
    return InvalidDataError(
        "Looked for tissue_positions.csv, tissue_positions_list.csv and tissue_positions.parquet "
        "in spatial. Add the whole spatial folder from Space Ranger.",
        code="E-06",
        title="Spot positions not found.",
    )


def _too_fine() -> InvalidDataError:
    return InvalidDataError(
        "There would be 8.7 million of them. Use the 8 um or 16 um folder from the same run.",
        code="E-17",
        title="2 um bins are too fine for this app.",
    )


def _choose_matrix(entries: list[Entry], sample: str | None) -> _MatrixFiles:
    found = [*_h5_matrices(entries), *_mtx_matrices(entries)]
    if not found:
        raise InvalidDataError(
            "No count matrix found. Looked for filtered_feature_bc_matrix.h5, "
            "raw_feature_bc_matrix.h5 and the folder filtered_feature_bc_matrix. Give the whole "
            "outs folder of Space Ranger, or a zip file of it.",
            title="Count matrix not found.",
        )
    usable = [m for m in found if m.bin_um != _FINEST_BIN_UM]
    if not usable:
        raise _too_fine()
    named = [m for m in usable if sample and sample.lower() in m.files[0].name.lower()]
    usable = named or usable
    best = min(m.rank for m in usable)
    usable = [m for m in usable if m.rank == best]
    if len(usable) > 1:
        raise InvalidDataError(
            f"These files hold {len(usable)} samples: "
            f"{', '.join(sorted(m.prefix or m.folder for m in usable)[:6])}. Give the files of one "
            "sample, or name the sample by a part of its file name."
        )
    return usable[0]


def _h5_matrices(entries: list[Entry]) -> list[_MatrixFiles]:
    found = []
    for entry in entries:
        match = _MATRIX_H5.fullmatch(entry.name)
        if match:
            is_raw = match["kind"].lower() == "raw"
            found.append(
                _MatrixFiles((entry,), match["folder"], match["prefix"], is_raw, _bin(entry.name))
            )
    return found


def _mtx_matrices(entries: list[Entry]) -> list[_MatrixFiles]:
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
            found.append(_MatrixFiles(files, folder, prefix, is_raw, _bin(entry.name)))
    return found


def _bin(name: str) -> int | None:
    match = _BIN.search(name)
    return int(match[1]) if match else None


def _read_matrix(matrix: _MatrixFiles) -> CountMatrix:
    if len(matrix.files) == 1:
        return read_count_h5(matrix.files[0])
    return read_count_mtx(*matrix.files)


def _sample_of(matrix: _MatrixFiles) -> str:
    prefix = re.sub(r"^GSM\d+[_.-]+(?=.)", "", matrix.prefix).strip("_.-")
    folders = [part for part in matrix.folder.split("/") if part and not _PLUMBING.fullmatch(part)]
    return prefix or (folders[-1] if folders else "")


def _partner(entries: list[Entry], pattern: re.Pattern[str], matrix: _MatrixFiles) -> Entry | None:
    """Find the file that belongs to the matrix: by its prefix first, then by the nearest folder."""

    def fit(found: tuple[Entry, re.Match[str]]) -> tuple[bool, int]:
        entry, match = found
        same_prefix = match["prefix"] == matrix.prefix or (
            matrix.prefix != "" and matrix.prefix in entry.name
        )
        return same_prefix, len(PurePosixPath(commonpath([entry.name, matrix.folder])).parts)

    found = [(entry, match) for entry in entries if (match := pattern.fullmatch(entry.name))]
    return max(found, key=fit)[0] if found else None


def _place(
    matrix: CountMatrix, positions: pd.DataFrame, findings: Findings
) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the matrix rows in tissue, and their positions in the same order."""
    barcodes = pd.Index(matrix.barcodes, dtype=object)
    row_of = positions.index.get_indexer(barcodes)
    if not (row_of >= 0).any():  # one of the two files may lack the "-1" at the end
        bare = pd.Index([re.sub(r"-\d+$", "", name) for name in positions.index])
        if bare.is_unique:
            row_of = bare.get_indexer([re.sub(r"-\d+$", "", name) for name in barcodes])
            findings.notes.append("Barcodes were compared without the number at their end.")
    matched = row_of >= 0
    share = float(matched.mean()) if len(matched) else 0.0
    if share < _FEWEST_MATCHES:
        first = barcodes[~matched][0] if len(barcodes) else "none"
        raise InvalidDataError(
            f"Only {share * 100:.0f} % of barcodes match. The matrix and the positions file seem "
            f"to be from different samples. First unmatched: {first}.",
            code="E-07",
            title="The barcodes do not match.",
        )
    text = f"Barcodes matched {np.floor(share * 1000) / 10:g} %."
    (findings.notes if matched.all() else findings.warnings).append(
        text if matched.all() else f"{text} {int((~matched).sum()):,} spots were left out."
    )
    in_tissue = positions["in_tissue"].to_numpy()
    keep = np.flatnonzero(matched & in_tissue[row_of])
    findings.notes.append(
        f"Positions found: {len(positions):,} rows, {int(in_tissue.sum()):,} in tissue; "
        f"{len(keep):,} spots kept."
    )
    if not len(keep):
        raise InvalidDataError(
            "No spot of the matrix is marked as in tissue. Check the tissue detection of the Space "
            "Ranger run."
        )
    places = positions.iloc[row_of[keep]].copy()
    places.index = barcodes[keep]
    return keep, places
