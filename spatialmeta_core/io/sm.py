"""Spatial metabolomics files into one common layout."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry import spacing
from spatialmeta_core.io.archive import ArchiveLimits, Entry, opened
from spatialmeta_core.io.h5ad_section import read_section
from spatialmeta_core.io.labels import parse_mz, sample_name
from spatialmeta_core.io.msi_table import Pixels, join, n_mz, take_apart
from spatialmeta_core.io.msi_xy import has_positions
from spatialmeta_core.io.record import Findings, Section, to_anndata
from spatialmeta_core.io.samples import choose_sample
from spatialmeta_core.io.source import MAX_FILE_BYTES, kind_of
from spatialmeta_core.io.tables import read_table
from spatialmeta_core.io.wording import counted

if TYPE_CHECKING:
    import anndata as ad

    from spatialmeta_core.io.samples import Several
    from spatialmeta_core.types import BoolArray

_TABLE = re.compile(r".*\.(csv|tsv|tab|txt)(\.gz)?", re.IGNORECASE)
_MZ_COLUMNS: Final = (keys.MZ, "m/z", "mz_value", "observed_mz", "raw_mz")
_POLARITIES: Final = ("positive", "negative", None)


class _Wanted(NamedTuple):
    """What the caller asked for, handed down to the reader of each format."""

    sample: str | None
    several: Several
    columns: tuple[str | None, str | None]
    decimal: Literal[".", ","] | None
    max_bytes: int


def read_sm(
    path: str | Path,
    *,
    sample: str | None = None,
    several: Several = "refuse",
    name: str | None = None,
    x_column: str | None = None,
    y_column: str | None = None,
    decimal: Literal[".", ","] | None = None,
    polarity: str | None = None,
    workdir: Path | None = None,
    max_bytes: int = MAX_FILE_BYTES,
) -> ad.AnnData:
    """Read one section of spatial metabolomics.

    Parameters
    ----------
    path
        A table (CSV, TSV; packed by gzip or not) with x, y and one column per m/z, turned by 90
        degrees or not; a folder or archive with two tables, intensities and positions, that share
        pixel ids; or an ``.h5ad`` file (also ``.h5ad.gz``).
    sample
        Name of the sample; made from the file's name if None. Of files that hold several samples,
        the one to take.
    several
        What to do with several samples of which ``sample`` is none: ``"refuse"`` the file, or take
        the ``"first"`` in alphabetical order and say so.
    name
        Name to give to the sample, whatever it is called in the file.
    x_column, y_column
        Labels of the position columns, of a table or of ``obs``; found by their names if None.
    decimal
        Decimal mark of a table; recognized if None.
    polarity
        ``"positive"``, ``"negative"`` or None if unknown; adducts follow it.
    workdir
        Where archives are unpacked for the duration of the call; the system's default if None.
    max_bytes
        Largest size of the file, and of all that an archive unpacks to.

    Returns
    -------
    ``X``: raw intensities, dense, float32, ``(n_pixels, n_features)``; empty cells are 0. ``var``:
    unique m/z as written or names, ``mz`` (NaN where unknown), ``type``. ``obs``: ``sample``.
    ``obsm["spatial"]``: float64 ``(n_pixels, 2)``, in the unit of the file. ``uns["spatialmeta"]``:
    ``schema``, ``step`` (median distance of neighbors, unit of the file), ``polarity`` (absent if
    unknown), ``notes``, ``warnings`` and, of files with several, ``samples``.

    Raises
    ------
    NotFoundError
        If nothing is at ``path``.
    InvalidParamsError
        If ``polarity`` is another word.
    InvalidDataError
        E-11 to E-16, or a sentence that says what else is wrong.
    """
    if polarity not in _POLARITIES:
        raise InvalidParamsError(
            f"polarity is {polarity!r}; allowed is positive, negative or None."
        )
    path = Path(path)
    findings = Findings()
    kind = kind_of(path, max_bytes=max_bytes)
    wanted = _Wanted(sample, several, (x_column, y_column), decimal, max_bytes)
    if kind == "hdf5":
        section = _from_h5ad(Entry(path.name, path), wanted, findings)
    elif kind in ("text", "gzip") and not path.name.lower().endswith(".h5ad.gz"):
        pixels = _from_tables([Entry(path.name, path)], wanted, findings)
        section = _section(pixels, path, wanted, findings)
    else:
        limits = ArchiveLimits(total_bytes=max_bytes)
        with opened(path, workdir=workdir, limits=limits) as entries:
            h5ads = [entry for entry in entries if entry.name.lower().endswith(".h5ad")]
            if len(h5ads) == 1:
                section = _from_h5ad(h5ads[0], wanted, findings)
            else:
                section = _section(_from_tables(entries, wanted, findings), path, wanted, findings)
    if name is not None:
        section.sample = sample_name(path, name)
    if polarity is not None:
        section.record[keys.POLARITY] = polarity
    section.matrix = _filled(section, findings)
    adata = to_anndata(section, findings, keys.SM)
    adata.uns[keys.OURS][keys.STEP] = _step(adata)
    return adata


def _from_tables(entries: list[Entry], wanted: _Wanted, findings: Findings) -> Pixels:
    files = entries if len(entries) == 1 else [e for e in entries if _TABLE.fullmatch(e.name)]
    if any(entry.name.lower().endswith((".imzml", ".ibd")) for entry in entries):
        raise InvalidDataError(
            "imzML spectra have no common m/z axis yet, so this reader does not take them. Export "
            "a table with x, y and one column per m/z."
        )
    if len(files) not in (1, 2):
        raise InvalidDataError(
            f"Found {counted(len(files), 'table')} among {counted(len(entries), 'file')}. Give one "
            "table with x, y and one column per m/z, or two: intensities and positions, both with "
            "a spot_id."
        )
    tables = [
        read_table(entry.path, decimal=wanted.decimal, max_bytes=wanted.max_bytes)
        for entry in files
    ]
    x_column, y_column = wanted.columns
    if len(tables) == 1:
        return take_apart(tables[0], findings, x_column=x_column, y_column=y_column)
    tables.sort(key=lambda table: (has_positions(table), -n_mz(table)))
    return join(tables[0], tables[1], findings, x_column=x_column, y_column=y_column)


def _section(pixels: Pixels, path: Path, wanted: _Wanted, findings: Findings) -> Section:
    rows, found_name = choose_sample(
        pixels.obs, wanted.sample, findings, several=wanted.several, what="pixels"
    )
    name = sample_name(path, findings.taken or wanted.sample or found_name)
    var = pd.DataFrame({keys.MZ: pixels.mz}, index=pd.Index(pixels.labels, dtype=object))
    return Section(pixels.intensities[rows], pixels.obs.loc[rows], var, pixels.xy[rows], name)


def _from_h5ad(entry: Entry, wanted: _Wanted, findings: Findings) -> Section:
    section = read_section(
        entry.path,
        keys.SM,
        wanted.sample,
        findings,
        several=wanted.several,
        columns=wanted.columns,
    )
    if sp.issparse(section.matrix):
        section.matrix = section.matrix.toarray()
    section.var = _with_mz(section.var, findings)
    return section


def _with_mz(var: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Add the column ``mz`` from the first column that holds it, else from the names."""
    var = var.copy()
    for column in _MZ_COLUMNS:
        if column in var:
            values = pd.to_numeric(var[column].astype(object), errors="coerce").to_numpy(float)
            if np.isfinite(values).any():
                var[keys.MZ] = values
                findings.notes.append(f"m/z values were taken from the var column {column}.")
                return var
    parsed = [parse_mz(str(name)) for name in var.index]
    var[keys.MZ] = [np.nan if mz is None else mz for mz in parsed]
    return var


def _filled(section: Section, findings: Findings) -> Any:
    """Check that intensities are 0 or more; empty cells become 0, empty pixels are left out.

    Empty pixels lose their position, which makes ``to_anndata`` leave them out.
    """
    values = np.array(section.matrix, dtype=np.float32)
    negative = np.argwhere(values < 0)
    if len(negative):
        row, column = negative[0]
        raise InvalidDataError(
            f"{counted(len(negative), 'intensity is', 'intensities are')} negative, first "
            f"{values[row, column]:g} in data row {row + 1:,}, column "
            f"{str(section.var.index[column])!r}. The model needs raw intensities, 0 or more: "
            "export them without baseline subtraction or centering.",
            title="Negative intensities.",
        )
    missing: BoolArray = np.asarray(np.isnan(values))
    if not missing.any():
        return values
    whole: BoolArray = np.asarray(missing.all(axis=1))
    if whole.all():
        raise InvalidDataError("All intensities are empty. Export the table again with its values.")
    if whole.any():
        findings.warnings.append(
            f"{counted(int(whole.sum()), 'pixel has', 'pixels have')} no intensity at all: not "
            "measured, left out."
        )
        section.xy = np.where(whole[:, None], np.nan, section.xy)
    n_single = int(missing[~whole].sum())
    if n_single:
        findings.warnings.append(
            f"{counted(n_single, 'empty cell was', 'empty cells were')} read as 0, not detected "
            f"({n_single / missing.size:.2%} of the table)."
        )
    values[missing] = 0
    return values


def _step(adata: ad.AnnData) -> float:
    """Return the median distance of neighboring pixels; 0 if there are fewer than two places."""
    xy = adata.obsm[keys.SPATIAL]
    return spacing(xy) if len(np.unique(xy, axis=0)) > 1 else 0.0
