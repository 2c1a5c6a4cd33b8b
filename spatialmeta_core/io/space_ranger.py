"""The output folder of Space Ranger, in the shapes that people pass it on."""

from __future__ import annotations

import re
from os.path import commonpath
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.counts import CountMatrix, read_count_h5, read_count_mtx
from spatialmeta_core.io.image import read_picture, read_scale_factors, visium_image
from spatialmeta_core.io.matrix_files import (
    FINEST_BIN_UM,
    NAME,
    PLUMBING,
    MatrixFiles,
    choose_matrix,
    too_fine,
)
from spatialmeta_core.io.positions import read_positions
from spatialmeta_core.io.record import Findings, Section
from spatialmeta_core.io.wording import counted

if TYPE_CHECKING:
    from spatialmeta_core.io.archive import Entry
    from spatialmeta_core.io.samples import Several

_POSITIONS = re.compile(
    NAME + r"tissue_positions(_list)?\.(csv|tsv|txt|parquet)(\.gz)?", re.IGNORECASE
)
_FACTORS = re.compile(NAME + r"scalefactors_json\.json(\.gz)?", re.IGNORECASE)
_PICTURES: Final = {
    name: re.compile(NAME + rf"tissue_{name}_image\.(png|jpe?g|tiff?)(\.gz)?", re.IGNORECASE)
    for name in ("hires", "lowres")
}
_FEWEST_MATCHES: Final = 0.5


def read_outs(
    entries: list[Entry],
    sample: str | None,
    fallback: str,
    findings: Findings,
    *,
    several: Several = "refuse",
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
    findings
        Receives what was decided.
    several
        What to do with several samples of which ``sample`` picks none.

    Raises
    ------
    InvalidDataError
        E-06 without positions, E-07 if they belong to other spots, E-17 for 2 um bins alone;
        without a matrix, with several samples, or with damaged files.
    """
    matrix = choose_matrix(entries, sample, several, findings)
    name = findings.taken or sample or _sample_of(matrix) or fallback
    position_file = _partner(entries, _POSITIONS, matrix)
    if position_file is None:
        raise no_positions()
    content, n_other = _read_matrix(matrix).only_genes()
    if n_other:
        findings.warnings.append(f"Left out, not gene expression: {counted(n_other, 'feature')}.")
    rows, places = _place(content, read_positions(position_file), findings)
    if matrix.is_raw:
        findings.notes.append("The raw matrix was used, filtered by the in-tissue spots.")
    if matrix.bin_um:
        findings.notes.append(f"Visium HD: bins of {matrix.bin_um} µm were used.")

    factor_file = _partner(entries, _FACTORS, matrix)
    factors = read_scale_factors(factor_file) if factor_file else {}
    if factors.get("bin_size_um") == FINEST_BIN_UM:
        raise too_fine()
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


def _read_matrix(matrix: MatrixFiles) -> CountMatrix:
    if len(matrix.files) == 1:
        return read_count_h5(matrix.files[0])
    return read_count_mtx(*matrix.files)


def _sample_of(matrix: MatrixFiles) -> str:
    prefix = re.sub(r"^GSM\d+[_.-]+(?=.)", "", matrix.prefix).strip("_.-")
    folders = [part for part in matrix.folder.split("/") if part and not PLUMBING.fullmatch(part)]
    return prefix or (folders[-1] if folders else "")


def _partner(entries: list[Entry], pattern: re.Pattern[str], matrix: MatrixFiles) -> Entry | None:
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
            f"to be from different samples. First unmatched: {first}. Load the two files of one "
            "Space Ranger run together.",
            code="E-07",
            title="The barcodes do not match.",
        )
    text = f"Barcodes matched {np.floor(share * 1000) / 10:g} %."
    n_left = int((~matched).sum())
    (findings.warnings if n_left else findings.notes).append(
        f"{text} {counted(n_left, 'spot was', 'spots were')} left out." if n_left else text
    )
    in_tissue = positions["in_tissue"].to_numpy()
    keep = np.flatnonzero(matched & in_tissue[row_of])
    findings.notes.append(
        f"Positions found: {counted(len(positions), 'row')}, {int(in_tissue.sum()):,} in tissue; "
        f"{counted(len(keep), 'spot')} kept."
    )
    if not len(keep):
        raise InvalidDataError(
            "No spot of the matrix is marked as in tissue. Check the tissue detection of the Space "
            "Ranger run."
        )
    places = positions.iloc[row_of[keep]].copy()
    places.index = barcodes[keep]
    return keep, places
