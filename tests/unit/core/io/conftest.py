"""A small Visium section on disk, in the shapes that people pass it on."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
from PIL import Image

UM_PER_PX = 0.5
HIRES = 0.1
N_GENES = 7


class Outs:
    """What ``make_outs`` wrote: the folder, and the truth."""

    def __init__(self, folder: Path, *, barcodes, counts, in_tissue, xy, genes):
        self.folder = folder
        self.barcodes = barcodes
        self.counts = counts
        self.in_tissue = in_tissue
        self.xy = xy
        self.genes = genes


def lattice(n_rows=6, n_columns=8, um_per_px=UM_PER_PX):
    """Array row, array column and pixel position of a Visium lattice."""
    row, column = np.divmod(np.arange(n_rows * n_columns), n_columns)
    array_column = 2 * column + row % 2
    xy = np.column_stack([array_column * 50.0, row * 50.0 * np.sqrt(3)]) / um_per_px + 300
    return row, array_column, np.round(xy).astype(int)


def write_h5(path, counts, barcodes, genes, *, types=None, version=3):
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix" if version == 3 else "GRCh38")
        csr = sp.csr_matrix(counts)
        group["data"], group["indices"], group["indptr"] = csr.data, csr.indices, csr.indptr
        group["shape"] = np.array(counts.shape[::-1], dtype=np.int32)
        group["barcodes"] = np.array(barcodes, dtype="S")
        ids = np.array([f"ENSG{i:08d}" for i in range(len(genes))], dtype="S")
        if version == 3:
            features = group.create_group("features")
            features["id"], features["name"] = ids, np.array(genes, dtype="S")
            kinds = types or ["Gene Expression"] * len(genes)
            features["feature_type"] = np.array(kinds, dtype="S")
        else:
            group["genes"], group["gene_names"] = ids, np.array(genes, dtype="S")


def write_mtx(folder, counts, barcodes, genes):
    folder.mkdir(parents=True)
    with gzip.open(folder / "matrix.mtx.gz", "wb") as file:
        scipy.io.mmwrite(file, sp.coo_matrix(counts.T))
    with gzip.open(folder / "barcodes.tsv.gz", "wt") as file:
        file.write("".join(f"{b}\n" for b in barcodes))
    with gzip.open(folder / "features.tsv.gz", "wt") as file:
        file.write("".join(f"ENSG{i}\t{g}\tGene Expression\n" for i, g in enumerate(genes)))


def positions_text(barcodes, in_tissue, row, column, xy, *, header=True):
    names = "barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres\n"
    lines = [
        f"{b},{int(t)},{r},{c},{y},{x}\n"
        for b, t, r, c, (x, y) in zip(barcodes, in_tissue, row, column, xy, strict=True)
    ]
    return (names if header else "") + "".join(lines)


@pytest.fixture
def make_outs(tmp_path) -> Callable[..., Outs]:
    """Write a section of 48 spots of which 40 are in tissue."""

    def make(where="Y7/outs", *, prefix="", header=True, raw=False, hires=True, seed=0) -> Outs:
        rng = np.random.default_rng(seed)
        row, column, xy = lattice()
        n_spots = len(xy)
        barcodes = ["".join(rng.choice(list("ACGT"), 16)) + "-1" for _ in range(n_spots)]
        in_tissue = np.arange(n_spots) >= 8
        genes = ["GAPDH", "ACTB", "ACTB", *(f"GENE{i}" for i in range(N_GENES - 3))]
        counts = rng.poisson(3, (n_spots, N_GENES)).astype(np.int32)
        folder = tmp_path / where
        spatial = folder if prefix else folder / "spatial"
        spatial.mkdir(parents=True)
        rows = np.arange(n_spots) if raw else np.flatnonzero(in_tissue)[::-1]  # another order
        kind = "raw" if raw else "filtered"
        write_h5(
            folder / f"{prefix}{kind}_feature_bc_matrix.h5",
            counts[rows],
            [barcodes[i] for i in rows],
            genes,
        )
        name = "tissue_positions.csv" if header else "tissue_positions_list.csv"
        text = positions_text(barcodes, in_tissue, row, column, xy, header=header)
        (spatial / f"{prefix}{name}").write_text(text)
        factors = {
            "tissue_hires_scalef": HIRES,
            "tissue_lowres_scalef": HIRES / 2,
            "spot_diameter_fullres": 130.0,
        }
        (spatial / f"{prefix}scalefactors_json.json").write_text(json.dumps(factors))
        size = np.ceil(xy.max(axis=0) * HIRES + 10).astype(int)
        image = np.full((size[1], size[0], 3), 200, np.uint8)
        if hires:
            Image.fromarray(image).save(spatial / f"{prefix}tissue_hires_image.png")
        Image.fromarray(image[::2, ::2]).save(spatial / f"{prefix}tissue_lowres_image.png")
        return Outs(
            folder,
            barcodes=barcodes,
            counts=counts,
            in_tissue=in_tissue,
            xy=xy,
            genes=genes,
        )

    return make


@pytest.fixture
def write_mtx_folder() -> Callable[..., None]:
    return write_mtx


@pytest.fixture
def write_count_h5() -> Callable[..., None]:
    return write_h5


@pytest.fixture
def make_st() -> Callable[..., ad.AnnData]:
    """Build an AnnData file's content like those of other programs."""

    def make(counts=None, **slots) -> ad.AnnData:
        row, column, xy = lattice()
        rng = np.random.default_rng(0)
        if counts is None:
            counts = rng.poisson(2, (len(xy), N_GENES)).astype(np.float32)
        adata = ad.AnnData(counts)
        adata.obs_names = [f"AAAC{i}-1" for i in range(adata.n_obs)]
        adata.var_names = [f"GENE{i}" for i in range(adata.n_vars)]
        adata.obs["array_row"], adata.obs["array_col"] = row, column
        adata.obsm["spatial"] = xy
        for slot, values in slots.items():
            getattr(adata, slot).update(values)
        return adata

    return make
