"""Spatial transcriptomics files into one common layout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.archive import ArchiveLimits, Entry, opened
from spatialmeta_core.io.h5ad_section import read_section
from spatialmeta_core.io.labels import sample_name
from spatialmeta_core.io.matrix_files import has_matrix
from spatialmeta_core.io.positions import um_per_px_from_array, um_per_px_from_geometry
from spatialmeta_core.io.record import Findings, Section, to_anndata
from spatialmeta_core.io.source import MAX_FILE_BYTES, kind_of
from spatialmeta_core.io.space_ranger import no_positions, read_outs

if TYPE_CHECKING:
    import anndata as ad

    from spatialmeta_core.io.samples import Several


class _Wanted(NamedTuple):
    """What the caller asked for, handed down to the reader of each format."""

    sample: str | None
    several: Several
    columns: tuple[str | None, str | None]


def read_st(
    path: str | Path,
    *,
    sample: str | None = None,
    several: Several = "refuse",
    name: str | None = None,
    x_column: str | None = None,
    y_column: str | None = None,
    workdir: Path | None = None,
    max_bytes: int = MAX_FILE_BYTES,
) -> ad.AnnData:
    """Read one section of spatial transcriptomics.

    Parameters
    ----------
    path
        A Space Ranger ``outs`` folder (nested anywhere, with or without GEO prefixes), a zip, tar
        or tar.gz file of it, or an ``.h5ad`` file (also ``.h5ad.gz``).
    sample
        Name of the sample; made from the file's names if None. Of files that hold several samples,
        the one to take.
    several
        What to do with several samples of which ``sample`` is none: ``"refuse"`` the file, or take
        the ``"first"`` in alphabetical order and say so.
    name
        Name to give to the sample, whatever it is called in the file.
    x_column, y_column
        Labels of the ``obs`` columns that hold the positions, for an ``.h5ad`` file; found if None.
    workdir
        Where archives are unpacked for the duration of the call; the system's default if None.
    max_bytes
        Largest size of the file, and of all that an archive unpacks to.

    Returns
    -------
    ``X``: raw counts, CSR, float32, ``(n_spots, n_genes)``. ``var``: unique symbols, ``gene_ids``,
    ``type``. ``obs``: unique barcodes, ``sample``. ``obsm["spatial"]``: float64 ``(n_spots, 2)``, x
    and y in pixels of the full-resolution image. ``uns["spatial"][sample]``: picture and scale
    factors in Visium style. ``uns["spatialmeta"]``: ``schema``, ``um_per_px`` (absent if unknown),
    ``notes``, ``warnings`` and, of files with several, ``samples``.

    Raises
    ------
    NotFoundError
        If nothing is at ``path``.
    InvalidDataError
        E-06, E-07, E-09 to E-12, E-15 to E-17, or a sentence that says what else is wrong.
    """
    path = Path(path)
    findings = Findings()
    wanted = _Wanted(sample, several, (x_column, y_column))
    kind = kind_of(path, max_bytes=max_bytes)
    if kind == "hdf5":
        section = _from_hdf5(Entry(path.name, path), wanted, findings)
    elif kind == "text":
        raise InvalidDataError(
            f"{path.name} is not a format for transcriptomics. Give the outs folder of Space "
            "Ranger, a zip file of it, or an .h5ad file."
        )
    else:
        limits = ArchiveLimits(total_bytes=max_bytes)
        with opened(path, workdir=workdir, limits=limits) as entries:
            section = _from_files(entries, wanted, sample_name(path), findings)
    if name is not None:
        section.sample = sample_name(path, name)
    _find_pixel_size(section, findings)
    return to_anndata(section, findings, keys.ST)


def _from_files(
    entries: list[Entry], wanted: _Wanted, fallback: str, findings: Findings
) -> Section:
    h5ads = [entry for entry in entries if entry.name.lower().endswith(".h5ad")]
    if len(h5ads) == 1 and not has_matrix(entries):
        return _from_hdf5(h5ads[0], wanted, findings)
    return read_outs(entries, wanted.sample, fallback, findings, several=wanted.several)


def _from_hdf5(entry: Entry, wanted: _Wanted, findings: Findings) -> Section:
    if has_matrix([entry]):
        raise no_positions()
    return read_section(
        entry.path,
        keys.ST,
        wanted.sample,
        findings,
        several=wanted.several,
        columns=wanted.columns,
    )


def _find_pixel_size(section: Section, findings: Findings) -> None:
    """Write ``um_per_px`` into the record, from the best source there is, and say which."""
    factors = section.image["scalefactors"] if section.image else {}
    if keys.UM_PER_PX in section.record:
        size, source = section.record[keys.UM_PER_PX], "stored in the file"
    elif "microns_per_pixel" in factors:
        size, source = factors["microns_per_pixel"], "microns_per_pixel of the scale factors"
    else:
        size, source = _from_lattice(section, factors)
    if size is None:
        findings.warnings.append(
            "The pixel size is unknown: the spots do not form the lattice of Visium. Enter it to "
            "have distances in µm."
        )
        return
    section.record[keys.UM_PER_PX] = float(size)
    findings.notes.append(f"Pixel size {size:.4g} µm, from {source}.")


def _from_lattice(section: Section, factors: dict[str, float]) -> tuple[float | None, str]:
    placed = np.isfinite(section.xy).all(axis=1)
    if {"array_row", "array_col"} <= set(section.obs):
        array = section.obs[["array_row", "array_col"]].apply(pd.to_numeric, errors="coerce")
        known = placed & array.notna().all(axis=1).to_numpy()
        rows, columns = array.to_numpy(dtype=float)[known].T
        size = um_per_px_from_array(rows, columns, section.xy[known])
        if size is not None:
            return size, "the array positions of the spots (100 µm apart on Visium)"
    size = um_per_px_from_geometry(section.xy[placed], factors.get("spot_diameter_fullres"))
    return size, "the hexagonal lattice of the spots (100 µm apart on Visium)"
