"""One section of an AnnData file: which sample, which picture, which record."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.h5ad import element, has_part, opened_h5ad, read_matrix, table
from spatialmeta_core.io.h5ad_xy import read_xy
from spatialmeta_core.io.image import as_rgb, checked_factors, visium_image
from spatialmeta_core.io.labels import sample_name
from spatialmeta_core.io.record import Findings, Section
from spatialmeta_core.io.samples import Several, choose_sample, sample_counts
from spatialmeta_core.io.wording import counted

_ENSEMBL = re.compile(r"ENS[A-Z]*G\d{6,}(\.\d+)?")
_SYMBOL_COLUMNS: Final = (
    *("gene_symbols", "gene_symbol", "feature_name", "gene_name"),
    *("SYMBOL", "symbol", "name"),
)
_GENE_EXPRESSION: Final = "Gene Expression"


def sample_names(path: str | Path) -> tuple[str, ...]:
    """List the samples that an ``.h5ad`` file tells apart in ``obs``; empty if it does not.

    They are told apart by the column ``sample``, ``sample_id``, ``library_id`` or ``list_ID``, or
    by any column that holds the names of the pictures in ``uns["spatial"]``.

    Raises
    ------
    InvalidDataError
        If the file cannot be read.
    """
    with opened_h5ad(Path(path)) as file:
        return tuple(sample_counts(table(file, "obs"), _libraries(file)))


def read_section(
    path: Path,
    feature_type: str,
    sample: str | None,
    findings: Findings,
    *,
    several: Several = "refuse",
    columns: tuple[str | None, str | None] = (None, None),
) -> Section:
    """Read the wanted modality of one sample.

    Parameters
    ----------
    path
        An ``.h5ad`` file.
    feature_type
        ``keys.ST`` or ``keys.SM``.
    sample
        Name to give. Of a file with several samples, the one to take.
    findings
        Receives what was decided.
    several
        What to do with several samples of which ``sample`` is none, see ``choose_sample``.
    columns
        Labels of the ``obs`` columns of x and y; None to find the positions.

    Raises
    ------
    InvalidDataError
        E-10, E-11, E-12; several samples of which none is named; a damaged file.
    """
    with opened_h5ad(path) as file:
        obs = table(file, "obs")
        values, var = read_matrix(file, feature_type, len(obs), findings)
        xy = read_xy(file, obs, findings, columns)
        rows, found_name = choose_sample(
            obs,
            sample,
            findings,
            several=several,
            libraries=_libraries(file),
            what="spots" if feature_type == keys.ST else "pixels",
        )
        name = sample_name(path, findings.taken or sample or found_name or _only_library(file))
        record = _old_record(file, findings)
        image = _image(file, name, findings) if feature_type == keys.ST else None
    if not rows.all():
        values, obs, xy = values[rows], obs.loc[rows], xy[rows]
    if feature_type == keys.ST:
        values, var = _genes(sp.csr_matrix(values), var, findings)
        values, obs, xy = _in_tissue(values, obs, xy, findings)
    return Section(values, obs, var, xy, name, image, record)


def _libraries(file: h5py.File) -> list[str]:
    group = file.get(f"uns/{keys.IMAGE}")
    if not isinstance(group, h5py.Group):
        return []
    return [name for name in group if isinstance(group[name], h5py.Group)]


def _only_library(file: h5py.File) -> str | None:
    libraries = _libraries(file)
    return libraries[0] if len(libraries) == 1 else None


def _image(file: h5py.File, sample: str, findings: Findings) -> dict[str, dict[str, Any]] | None:
    libraries = _libraries(file)
    if sample not in libraries and len(libraries) > 1:
        findings.warnings.append(
            f"The file has images of {', '.join(libraries[:6])}, none of them named {sample}; they "
            "were left out."
        )
        return None
    library = sample if sample in libraries else next(iter(libraries), None)
    pictures: dict[str, np.ndarray] = {}
    factors: dict[str, float] = {}
    if library is not None:
        base = f"uns/{keys.IMAGE}/{library}"
        if has_part(file, f"{base}/scalefactors"):
            items = {k: np.asarray(v) for k, v in element(file, f"{base}/scalefactors").items()}
            plain = (
                (k, v.item()) for k, v in items.items() if v.size == 1 and v.dtype.kind in "fiu"
            )
            factors = checked_factors(plain, "scalefactors")
        pictures = _pictures(file, f"{base}/images", findings)
    return visium_image(pictures, factors, findings)


def _pictures(file: h5py.File, base: str, findings: Findings) -> dict[str, np.ndarray]:
    pictures = {}
    for name in ("hires", "lowres"):
        if not has_part(file, f"{base}/{name}"):
            continue
        rgb = as_rgb(np.asarray(element(file, f"{base}/{name}")))
        if rgb is None:
            findings.warnings.append(f"The {name} image in the file is not a picture; left out.")
        else:
            pictures[name] = rgb
    return pictures


def _old_record(file: h5py.File, findings: Findings) -> dict[str, Any]:
    """Keep what this program wrote into the file before: pixel size, simulated flag, notes."""
    if not has_part(file, f"uns/{keys.OURS}"):
        return {}
    record: dict[str, Any] = {}
    for key in (keys.UM_PER_PX, keys.SIMULATED, keys.NOTES, keys.POLARITY):
        part = f"uns/{keys.OURS}/{key}"
        if has_part(file, part):
            record[key] = element(file, part)
    earlier = [str(note) for note in np.atleast_1d(record.pop(keys.NOTES, []))]
    findings.notes[:0] = [note for note in dict.fromkeys(earlier) if note not in findings.notes]
    if keys.SIMULATED in record:
        record[keys.SIMULATED] = bool(record[keys.SIMULATED])
    if keys.UM_PER_PX in record:
        record[keys.UM_PER_PX] = _positive(record[keys.UM_PER_PX])
    return record


def _positive(value: Any) -> float:
    number = float(value) if np.isreal(value) else np.nan
    if not (np.isfinite(number) and number > 0):
        raise InvalidDataError(
            f"uns['{keys.OURS}']['{keys.UM_PER_PX}'] is {value}; it must be a positive number of "
            "µm per pixel. Correct or remove it."
        )
    return number


def _genes(
    counts: sp.csr_matrix, var: pd.DataFrame, findings: Findings
) -> tuple[sp.csr_matrix, pd.DataFrame]:
    """Name genes by symbol, keep their ids, and leave protein panels out."""
    if "feature_types" in var and (var["feature_types"].astype(str) == _GENE_EXPRESSION).any():
        keep = (var["feature_types"].astype(str) == _GENE_EXPRESSION).to_numpy()
        if not keep.all():
            findings.warnings.append(
                f"Left out, not gene expression: {counted(int((~keep).sum()), 'feature')}."
            )
            counts, var = counts[:, keep], var.loc[keep]
    var = var.copy()
    names = var.index.to_series()
    is_id = names.str.fullmatch(_ENSEMBL.pattern)
    if keys.GENE_ID not in var:
        var[keys.GENE_ID] = names.to_numpy()
    var[keys.GENE_ID] = var[keys.GENE_ID].astype(str)
    column = next((c for c in _SYMBOL_COLUMNS if c in var), None)
    if column is not None and len(var) and is_id.mean() > 0.5:  # noqa: PLR2004  # most names are ids
        symbols = var[column].astype(object).where(var[column].notna(), names)
        var.index = pd.Index([str(s) for s in symbols], dtype=object)
        findings.notes.append(f"Gene symbols were taken from the var column {column}.")
    return counts, var


def _in_tissue(
    counts: sp.csr_matrix, obs: pd.DataFrame, xy: np.ndarray, findings: Findings
) -> tuple[sp.csr_matrix, pd.DataFrame, np.ndarray]:
    if "in_tissue" not in obs:
        return counts, obs, xy
    keep = (pd.to_numeric(obs["in_tissue"].astype(object), errors="coerce") == 1).to_numpy()
    if keep.all() or not keep.any():
        return counts, obs, xy
    findings.notes.append(
        f"{int(keep.sum()):,} of {len(keep):,} spots are in tissue and were kept."
    )
    return counts[keep], obs.loc[keep], xy[keep]
