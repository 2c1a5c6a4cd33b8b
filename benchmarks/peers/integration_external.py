"""Peers with packages of their own, run by the interpreter of another environment.

    PYTHON benchmarks/peers/integration_external.py METHOD IN.npz OUT.npz SEED

IN holds ``counts``, ``log_sm``, ``xy``, ``batch``, ``domain`` and ``pca``; OUT gets ``embedding``
and, where the method rebuilds them, ``ST`` (counts) and ``SM`` (log intensities). The environment
has scvi-tools (scvi, scanvi, totalvi), harmonypy (harmony) or SpatialGlue (spatialglue).
"""

from __future__ import annotations

import sys

import numpy as np

LABELED = 0.1  # share of spots whose true domain scANVI is told
LATENT = 10


def main() -> None:
    method, given, out, seed = sys.argv[1:]
    with np.load(given) as data:
        result = METHODS[method]({name: data[name] for name in data.files}, int(seed))
    np.savez(out, **{name: np.asarray(values, np.float32) for name, values in result.items()})


def harmony(data, _seed):
    import harmonypy
    import pandas as pd

    meta = pd.DataFrame({"batch": data["batch"].astype(str)})
    found = np.asarray(harmonypy.run_harmony(data["pca"], meta, ["batch"]).Z_corr)
    return {"embedding": found if len(found) == len(meta) else found.T}


def harmony_scaled(data, seed):
    """With components of unit variance.

    Where batches lie far apart, its soft clusters hold one batch each and nothing is corrected.
    """
    pca = data["pca"]
    return harmony(data | {"pca": (pca - pca.mean(axis=0)) / pca.std(axis=0)}, seed)


def _adata(data, seed):
    import anndata as ad
    import scvi

    scvi.settings.seed = seed
    adata = ad.AnnData(data["counts"].astype(np.float32))
    adata.obs["batch"] = data["batch"].astype(str)
    return adata


def _counts(model, data):
    """Decoded shares times the spot's depth."""
    return np.asarray(model.get_normalized_expression(return_numpy=True)) * data["counts"].sum(
        axis=1, keepdims=True
    )


def scvi(data, seed):
    import scvi as package

    adata = _adata(data, seed)
    package.model.SCVI.setup_anndata(adata, batch_key="batch")
    model = package.model.SCVI(adata, n_latent=LATENT, gene_likelihood="zinb")
    model.train(accelerator="cpu", early_stopping=True, enable_progress_bar=False, max_epochs=200)
    return {"embedding": model.get_latent_representation(), "ST": _counts(model, data)}


def scanvi(data, seed):
    import scvi as package

    adata = _adata(data, seed)
    told = np.random.default_rng(seed).random(adata.n_obs) < LABELED
    adata.obs["label"] = np.where(told, data["domain"].astype(str), "unknown")
    package.model.SCVI.setup_anndata(adata, batch_key="batch")
    first = package.model.SCVI(adata, n_latent=LATENT, gene_likelihood="zinb")
    first.train(accelerator="cpu", early_stopping=True, enable_progress_bar=False, max_epochs=200)
    model = package.model.SCANVI.from_scvi_model(
        first, unlabeled_category="unknown", labels_key="label"
    )
    model.train(accelerator="cpu", enable_progress_bar=False, max_epochs=20)
    return {"embedding": model.get_latent_representation(), "ST": _counts(model, data)}


def totalvi(data, seed):
    """Metabolites are given as proteins: intensity per 10,000, rounded to whole numbers."""
    import scvi as package

    adata = _adata(data, seed)
    adata.obsm["ions"] = np.round(np.expm1(data["log_sm"])).astype(np.float32)
    package.model.TOTALVI.setup_anndata(
        adata, protein_expression_obsm_key="ions", batch_key="batch"
    )
    model = package.model.TOTALVI(adata, latent_distribution="normal", n_latent=LATENT)
    model.train(accelerator="cpu", early_stopping=True, enable_progress_bar=False, max_epochs=200)
    genes, ions = model.get_normalized_expression(
        return_numpy=True, n_samples=10, return_mean=True, include_protein_background=True
    )
    depth = data["counts"].sum(axis=1, keepdims=True)
    return {
        "embedding": model.get_latent_representation(),
        "ST": genes * depth,
        "SM": np.log1p(ions),
    }


def spatialglue(data, seed):
    import anndata as ad
    import torch
    from SpatialGlue.preprocess import construct_neighbor_graph, pca
    from SpatialGlue.SpatialGlue_pyG import Train_SpatialGlue

    both = []
    counts = data["counts"]
    genes = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 1e4)
    for values in (genes, data["log_sm"]):
        one = ad.AnnData(((values - values.mean(0)) / (values.std(0) + 1e-9)).astype(np.float32))
        one.obsm["spatial"] = data["xy"]
        one.obsm["feat"] = pca(one, n_comps=50)
        both.append(one)
    torch.manual_seed(seed)
    graph = construct_neighbor_graph(*both, datatype="SPOTS")
    found = Train_SpatialGlue(
        graph, datatype="SPOTS", device=torch.device("cpu"), random_seed=seed
    ).train()
    return {"embedding": found["SpatialGlue"]}


METHODS = {
    "harmony": harmony,
    "harmony, scaled": harmony_scaled,
    "scvi": scvi,
    "scanvi": scanvi,
    "totalvi": totalvi,
    "spatialglue": spatialglue,
}

if __name__ == "__main__":
    main()
