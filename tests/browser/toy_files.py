"""Small files as users bring them: good ones, and each with one thing wrong."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 9  # spots per row and column
N_GENES = 12
STEP_PX = 100.0
HIRES = 0.1


def spots(side: int = SIDE) -> np.ndarray:
    """Return positions of a square lattice, full-resolution px."""
    row, column = np.divmod(np.arange(side * side), side)
    return np.column_stack([column + 1.0, row + 1.0]) * STEP_PX


def barcodes(n: int, letter: str = "A") -> list[str]:
    return [f"{letter * 12}{i:04d}-1" for i in range(n)]


def counts(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(4, (n, N_GENES)).astype(np.float32)


def outs(
    path: Path,
    *,
    positions: bool = True,
    image: bool = True,
    factor: float = HIRES,
    letter: str = "A",
    outside: bool = False,
) -> Path:
    """Write a zip of Space Ranger's ``outs``; ``letter`` makes the barcodes of the positions."""
    xy = spots()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("outs/filtered_feature_bc_matrix.h5", _matrix_h5(len(xy)))
        if positions:
            archive.writestr("outs/spatial/tissue_positions.csv", _positions(xy, letter))
        factors = {"tissue_hires_scalef": factor, "spot_diameter_fullres": 55.0}
        archive.writestr("outs/spatial/scalefactors_json.json", json.dumps(factors))
        if image:
            archive.writestr("outs/spatial/tissue_hires_image.png", _picture((230, 215, 225)))
        if outside:
            archive.writestr("../outside.txt", "not here")
    return path


def _matrix_h5(n: int) -> bytes:
    stream, matrix = io.BytesIO(), sp.csr_matrix(counts(n).astype(np.int32))
    with h5py.File(stream, "w") as file:
        group = file.create_group("matrix")
        group["data"], group["indices"] = matrix.data, matrix.indices
        group["indptr"], group["shape"] = matrix.indptr, np.array(matrix.shape[::-1])
        group["barcodes"] = np.array(barcodes(n), "S")
        features = group.create_group("features")
        features["id"] = np.array([f"ENSMUSG{i:011d}" for i in range(N_GENES)], "S")
        features["name"] = np.array([f"Gene{i}" for i in range(N_GENES)], "S")
        features["feature_type"] = np.array(["Gene Expression"] * N_GENES, "S")
    return stream.getvalue()


def _positions(xy: np.ndarray, letter: str) -> str:
    table = pd.DataFrame({"barcode": barcodes(len(xy), letter), "in_tissue": 1})
    table["array_row"], table["array_col"] = np.divmod(np.arange(len(xy)), SIDE)
    table["pxl_row_in_fullres"], table["pxl_col_in_fullres"] = xy[:, 1], xy[:, 0]
    return table.to_csv(index=False)


def _picture(color: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(_pixels(color)).save(stream, "PNG")
    return stream.getvalue()


def strip() -> bytes:
    """Return a picture of other proportions than any of ours."""
    stream = io.BytesIO()
    Image.new("RGB", (9, 1)).save(stream, "PNG")
    return stream.getvalue()


def _pixels(color: tuple[int, int, int]) -> np.ndarray:
    size = round((SIDE + 1) * STEP_PX * HIRES)
    return np.broadcast_to(np.array(color, np.uint8), (size, size, 3)).copy()


def section() -> ad.AnnData:
    """Build a good ST table."""
    xy = spots()
    adata = ad.AnnData(counts(len(xy)), obsm={"spatial": xy})
    adata.obs_names, adata.var_names = barcodes(len(xy)), [f"Gene{i}" for i in range(N_GENES)]
    return adata


def h5ad(path: Path, adata: ad.AnnData) -> Path:
    adata.write_h5ad(path)
    return path


def without_counts(path: Path) -> Path:
    adata = section()
    adata.X = np.log1p(adata.X)
    return h5ad(path, adata)


def of_tomorrow(path: Path) -> Path:
    """Write an encoding that does not exist yet."""
    h5ad(path, section())
    with h5py.File(path, "r+") as file:
        file["obs/_index"].attrs["encoding-type"] = "string-of-tomorrow"
    return path


def with_positions_in_obs(path: Path) -> Path:
    adata = section()
    adata.obs["across"], adata.obs["along"] = adata.obsm.pop("spatial").T
    adata.obs["batch"] = "one"
    return h5ad(path, adata)


def two_samples(path: Path) -> Path:
    """Write two sections of 30 and 51 spots, each with a picture of its own."""
    adata = section()
    adata.obs["slide"] = pd.Categorical(["left"] * 30 + ["right"] * (adata.n_obs - 30))
    factors = {"tissue_hires_scalef": HIRES, "spot_diameter_fullres": 55.0}
    adata.uns["spatial"] = {
        name: {"images": {"hires": _pixels(color)}, "scalefactors": factors}
        for name, color in (("left", (240, 200, 210)), ("right", (200, 210, 240)))
    }
    return h5ad(path, adata)


def _intensities(n: int) -> np.ndarray:
    return np.random.default_rng(1).gamma(2, 10, (n, 4)).round(3)


def metabolites() -> pd.DataFrame:
    """Build a good SM table: x, y and four m/z."""
    xy = spots() / STEP_PX
    values = _intensities(len(xy))
    table = pd.DataFrame({"x": xy[:, 0].astype(int), "y": xy[:, 1].astype(int)})
    return table.assign(**{f"{100 + i}.02": values[:, i] for i in range(values.shape[1])})


def csv(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, index=False)
    return path


def german(path: Path) -> Path:
    """Write semicolons, decimal commas, and positions under names nobody can guess."""
    table = metabolites().rename(columns={"x": "Spalte", "y": "Zeile"})
    table.columns = [
        f"m/z {name.replace('.', ',')}" if name[0].isdigit() else name for name in table
    ]
    table.insert(0, "Index", range(len(table)))
    table.to_csv(path, sep=";", decimal=",", index=False)
    return path


def with_ambiguous_commas(path: Path) -> Path:
    """Write whole numbers such as 1,234, which are thousands to some and decimals to others."""
    table = metabolites()
    mz = {name: f"m{i}" for i, name in enumerate(table.columns[2:])}
    table = table.rename(columns=mz)
    for name in mz.values():
        table[name] = [f"{1 + i % 9},{100 + i}" for i in range(len(table))]
    table.to_csv(path, sep="\t", index=False)
    return path


def with_other_ids(path: Path, n_lost: int) -> Path:
    """Write an archive of two tables whose ids do not all match."""
    table = metabolites()
    ids = [f"s{i}" for i in range(len(table))]
    values, places = table.iloc[:, 2:].copy(), table[["x", "y"]].copy()
    values.insert(0, "spot_id", ids)
    places.insert(0, "spot_id", [name.upper() for name in ids[:n_lost]] + ids[n_lost:])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("MSI_intensities.csv", values.to_csv(index=False))
        archive.writestr("MSI_metadata.csv", places.to_csv(index=False))
    return path
