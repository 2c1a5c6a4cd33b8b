"""Count matrices as Space Ranger and Cell Ranger write them: HDF5 and Matrix Market."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.source import GZIP_ERRORS, HDF5_ERRORS, damaged, read_bytes

if TYPE_CHECKING:
    from spatialmeta_core.io.archive import Entry

GENE_EXPRESSION: Final = "Gene Expression"


@dataclass(frozen=True, slots=True, eq=False)
class CountMatrix:
    """Raw counts.

    Attributes
    ----------
    counts
        CSR, shape ``(n_barcodes, n_genes)``.
    barcodes
        One per row.
    genes
        Index: symbols; columns ``gene_ids`` and ``feature_types``.
    """

    counts: sp.csr_matrix
    barcodes: list[str]
    genes: pd.DataFrame

    def only_genes(self) -> tuple[CountMatrix, int]:
        """Drop features that are not gene expression (protein panels ride along); also how many."""
        keep = (self.genes["feature_types"] == GENE_EXPRESSION).to_numpy()
        if keep.all():
            return self, 0
        genes = self.genes.loc[keep]
        return CountMatrix(self.counts[:, keep], self.barcodes, genes), int((~keep).sum())


def read_count_h5(entry: Entry) -> CountMatrix:
    """Read ``*_feature_bc_matrix.h5``, version 3 (``matrix``) or 2 (one group per genome).

    Raises
    ------
    InvalidDataError
        If it is not HDF5, not such a matrix, or contradicts itself.
    """
    source: Any = entry.path
    if entry.path.name.lower().endswith(".gz"):
        source = io.BytesIO(read_bytes(entry.path))
    try:
        with h5py.File(source, "r") as file:
            group = _matrix_group(file, entry)
            arrays = {
                name: group[name][:] for name in ("data", "indices", "indptr", "shape", "barcodes")
            }
            genes, barcodes = _genes_of(group), _texts(arrays["barcodes"])
            n_genes, n_barcodes = (int(n) for n in arrays["shape"])
    except HDF5_ERRORS as error:
        raise damaged(entry.name, "is not a complete count matrix in HDF5 format") from error
    if len(genes) != n_genes or len(barcodes) != n_barcodes:
        raise damaged(entry.name, "states another number of genes or barcodes than it lists")
    try:
        counts = sp.csr_matrix(
            (arrays["data"].astype(np.float32), arrays["indices"], arrays["indptr"]),
            shape=(n_barcodes, n_genes),
        )
        counts.check_format()
    except ValueError as error:
        raise damaged(entry.name, "has counts that point outside the matrix") from error
    return CountMatrix(counts, barcodes, genes)


def _matrix_group(file: h5py.File, entry: Entry) -> h5py.Group:
    if "matrix" in file:
        return file["matrix"]
    genomes = [name for name in file if isinstance(file.get(name), h5py.Group)]
    if len(genomes) != 1 or "barcodes" not in file[genomes[0]]:
        raise InvalidDataError(
            f"{entry.name} is HDF5, but not a Space Ranger count matrix (its parts are "
            f"{', '.join(list(file)[:4]) or 'none'}). Give filtered_feature_bc_matrix.h5."
        )
    return file[genomes[0]]


def _genes_of(group: h5py.Group) -> pd.DataFrame:
    if "features" not in group:  # version 2
        return _gene_table(_texts(group["genes"][:]), _texts(group["gene_names"][:]), None)
    features = group["features"]
    return _gene_table(
        _texts(features["id"][:]), _texts(features["name"][:]), _texts(features["feature_type"][:])
    )


def _gene_table(ids: list[str], names: list[str], types: list[str] | None) -> pd.DataFrame:
    return pd.DataFrame(
        {keys.GENE_ID: ids, "feature_types": types or [GENE_EXPRESSION] * len(ids)},
        index=pd.Index(names, dtype=object),
    )


def _texts(values: Any) -> list[str]:
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values]


def read_count_mtx(matrix: Entry, barcodes: Entry, features: Entry) -> CountMatrix:
    """Read the folder form: matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv).

    Raises
    ------
    InvalidDataError
        If the three files do not fit together or cannot be read.
    """
    from scipy.io import mminfo, mmread  # noqa: PLC0415  # loads a threaded reader h5 files never need

    names = _lines(barcodes)
    rows = [line.split("\t") for line in _lines(features)]
    try:
        with _open(matrix) as stream:
            n_genes, n_barcodes = mminfo(stream)[:2]
        if (n_genes, n_barcodes) != (len(rows), len(names)):
            raise InvalidDataError(
                f"{matrix.name} holds {n_genes:,} genes x {n_barcodes:,} barcodes, but "
                f"{features.name} lists {len(rows):,} and {barcodes.name} {len(names):,}. They "
                "must come from one run."
            )
        with _open(matrix) as stream:
            counts = sp.csr_matrix(mmread(stream).T, dtype=np.float32)
    except (ValueError, OSError, *GZIP_ERRORS) as error:
        raise damaged(matrix.name, "is not a complete Matrix Market file") from error
    has_type = bool(rows) and all(len(row) > 2 for row in rows)  # noqa: PLR2004  # id, name, type
    genes = _gene_table(
        [row[0] for row in rows],
        [row[1] if len(row) > 1 else row[0] for row in rows],
        [row[2] for row in rows] if has_type else None,
    )
    return CountMatrix(counts, names, genes)


def _open(entry: Entry) -> IO[bytes]:
    packed = entry.name.lower().endswith(".gz")
    return gzip.open(entry.path) if packed else entry.path.open("rb")  # type: ignore[return-value]  # GzipFile reads bytes


def _lines(entry: Entry) -> list[str]:
    text = read_bytes(entry.path).decode("utf-8", errors="replace")
    return [line.strip("\r") for line in text.split("\n") if line.strip()]
