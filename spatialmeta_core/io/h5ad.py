"""AnnData files from other programs: read part by part, never trusting links or encodings."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata.io import read_elem

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.source import HDF5_ERRORS, MAX_FILE_BYTES, damaged, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from spatialmeta_core.io.record import Findings
    from spatialmeta_core.types import BoolArray

_READABLE: Final = frozenset(  # what anndata 0.12 reads, of what tables and matrices may use
    (
        *((name, "0.2.0", "Dataset") for name in ("array", "string", "bytes", "numeric-scalar")),
        *((name, "0.2.0", "Dataset") for name in ("string-array", "rec-array")),
        *((name, "0.1.0", "Group") for name in ("csr_matrix", "csc_matrix", "dict", "raw")),
        *((f"nullable-{kind}", "0.1.0", "Group") for kind in ("integer", "boolean")),
        *(("dataframe", version, "Group") for version in ("0.1.0", "0.2.0")),
        ("nullable-string-array", "0.1.0", "Group"),
        ("categorical", "0.2.0", "Group"),
        ("null", "0.1.0", "Dataset"),
    )
)


class _Matrix(NamedTuple):
    """Where a matrix may be, how to call it, and the table of its columns."""

    path: str
    label: str
    var: str


_MATRICES: Final = (
    _Matrix("layers/counts", "layers['counts']", "var"),
    _Matrix("raw/X", "raw.X", "raw/var"),
    _Matrix("X", "X", "var"),
)


@contextmanager
def opened_h5ad(path: Path) -> Iterator[h5py.File]:
    """Open an AnnData file that holds everything it refers to.

    Raises
    ------
    InvalidDataError
        If it is damaged, is no AnnData file, or points to other files.
    """
    with _damage_as_error(path.name):
        file = h5py.File(path, "r")
    with file:
        with _damage_as_error(path.name):
            _refuse_outside_data(file, path.name)
            parts = list(file)
            kinds = {name: type(file.get(name)) for name in ("obs", "var")}
        if kinds["obs"] is h5py.Dataset:
            raise InvalidDataError(
                f"{path.name} was written by anndata before 0.7 (2019). Open and save it with a "
                "newer scanpy.",
                code="E-11",
                title="This h5ad was written by an old program.",
            )
        if set(kinds.values()) != {h5py.Group}:
            raise InvalidDataError(
                f"{path.name} is HDF5, but not an AnnData file (its parts are "
                f"{', '.join(parts[:5]) or 'none'}; obs and var are needed)."
            )
        yield file


@contextmanager
def _damage_as_error(name: str) -> Iterator[None]:
    try:
        yield
    except HDF5_ERRORS as error:
        raise damaged(name, "is not a complete HDF5 file") from error


def _refuse_outside_data(file: h5py.File, name: str) -> None:
    """Refuse links and storage outside the file: they would show files of the server."""
    waiting: list[h5py.Group] = [file]
    seen = set()
    while waiting:
        group = waiting.pop()
        for key in group:
            link = group.get(key, getlink=True)
            item = group.get(key) if isinstance(link, h5py.HardLink) else None
            outside = isinstance(link, h5py.ExternalLink) or (
                isinstance(item, h5py.Dataset) and (item.external or item.is_virtual)
            )
            if outside:
                raise InvalidDataError(
                    f"{name} refers to data in another file ({group.name.rstrip('/')}/{key}). Save "
                    "it as one complete file.",
                    title="This file was refused.",
                )
            if isinstance(item, h5py.Group):
                address = h5py.h5o.get_info(item.id).addr
                if address not in seen:
                    seen.add(address)
                    waiting.append(item)


def _unreadable(part: str, encoding: str) -> InvalidDataError:
    return InvalidDataError(
        f"Unknown part: {part} ({encoding}). Save it again with plain text names, or ask your "
        "administrator to update anndata.",
        code="E-11",
        title="This h5ad was written by a newer program.",
    )


def has_part(file: h5py.File, name: str) -> bool:
    """Whether the file has this group or array."""
    with _damage_as_error(f"The part {name}"):
        return name in file


def element(file: h5py.File, name: str) -> Any:
    """Read one part, such as ``"obs"`` or ``"layers/counts"``.

    Raises
    ------
    InvalidDataError
        E-11 if its encoding is not known, E-15 if it would need more memory than a file may.
    """
    sizes = [0]

    def check(path: str, item: h5py.Group | h5py.Dataset) -> None:
        encoding = str(item.attrs.get("encoding-type", ""))
        version = str(item.attrs.get("encoding-version", ""))
        if (encoding or version) and (encoding, version, type(item).__name__) not in _READABLE:
            raise _unreadable(f"{name}/{path}".rstrip("/"), f"{encoding} {version}".strip())
        if isinstance(item, h5py.Dataset):
            sizes[0] += item.nbytes

    with _damage_as_error(f"The part {name}"):
        check("", file[name])
        if isinstance(file[name], h5py.Group):
            file[name].visititems(check)
        if sizes[0] > MAX_FILE_BYTES:
            raise too_large(f"The part {name}", sizes[0], MAX_FILE_BYTES)
        return read_elem(file[name])


def table(file: h5py.File, name: str) -> pd.DataFrame:
    """Read ``obs`` or ``var`` with plain text names."""
    frame = pd.DataFrame(element(file, name))
    frame.index = pd.Index([str(label) for label in frame.index], dtype=object)
    return frame


def is_counts(values: Any) -> bool:
    """Whether all stored numbers are whole, finite and not negative."""
    data = values.data if sp.issparse(values) else np.asarray(values)
    return bool(np.all((data >= 0) & (data < np.inf)) and np.array_equal(data, np.rint(data)))


def is_intensity(values: Any) -> bool:
    """Whether no stored number is negative or missing."""
    data = values.data if sp.issparse(values) else np.asarray(values)
    return bool(np.all((data >= 0) & (data < np.inf)))


def read_matrix(
    file: h5py.File, feature_type: str, n_spots: int, findings: Findings
) -> tuple[Any, pd.DataFrame]:
    """Return the raw matrix, one row per spot, and the table of its columns.

    Looks in ``layers['counts']``, ``raw.X`` and ``X`` in this order. Of files that hold both
    modalities (``var['type']``), takes the columns of ``feature_type``.

    Raises
    ------
    InvalidDataError
        E-10 if an ST file has no whole numbers; if an SM file has negative ones only; if it has no
        matrix, or none of the wanted type.
    """
    fits = is_counts if feature_type == keys.ST else is_intensity
    tried = []
    for matrix in _MATRICES:
        if not (has_part(file, matrix.path) and has_part(file, matrix.var)):
            continue
        var = table(file, matrix.var)
        keep = _columns_of(var, feature_type)
        values = element(file, matrix.path)
        with _damage_as_error(f"The part {matrix.path}"):
            values = sp.csr_matrix(values) if sp.issparse(values) else np.asarray(values)
        if values.shape != (n_spots, len(var)):
            raise damaged(
                "The file",
                f"has a matrix of shape {values.shape} for {n_spots:,} spots and {len(var):,} "
                "features",
            )
        if not keep.all():
            values, var = values[:, keep], var.loc[keep]
        if fits(values):
            findings.notes.append(f"Values were taken from {matrix.label}.")
            if not keep.all():
                findings.notes.append(
                    f"The file holds both modalities; the {feature_type} half was taken "
                    f"({int(keep.sum()):,} of {len(keep):,} features)."
                )
            return values, var
        tried.append(matrix.label)
    raise _no_matrix(feature_type, tried)


def _columns_of(var: pd.DataFrame, feature_type: str) -> BoolArray:
    if keys.FEATURE_TYPE not in var:
        return np.ones(len(var), bool)
    types = var[keys.FEATURE_TYPE].astype(str)
    known = types.isin([keys.ST, keys.SM])
    if not known.any():
        return np.ones(len(var), bool)
    keep = (types == feature_type).to_numpy()
    if not keep.any():
        raise InvalidDataError(
            f"This file holds only {types[known].iloc[0]} features. Put it in the other slot of "
            "the sample."
        )
    return np.asarray(keep)


def _no_matrix(feature_type: str, tried: list[str]) -> InvalidDataError:
    if not tried:
        return InvalidDataError(
            "This file has no matrix: X, raw.X and layers['counts'] are absent."
        )
    where = ", ".join(tried)
    if feature_type == keys.SM:
        return InvalidDataError(
            f"Negative or missing intensities in {where}. The model needs raw intensities, 0 or "
            "more. Load the file before any scaling or centering."
        )
    return InvalidDataError(
        "The model needs raw counts. Found none in layers['counts'], raw.X or X (present and "
        f"tried: {where}). Load the original file, or save the counts as layers['counts'].",
        code="E-10",
        title="The matrix holds decimals, not counts.",
    )
