"""A small section with two domains and known means, for the tests of this folder."""

import anndata
import numpy as np
import pandas as pd
import pytest

from spatialmeta_core.params import NetParams, TrainParams


@pytest.fixture
def joint():
    """One hundred and twenty spots, 30 genes, then 12 metabolites; two domains of 60 spots."""
    return make_joint()


@pytest.fixture
def truth():
    """Means behind ``joint`` for its genes and metabolites, each one row per spot."""
    return means(np.random.default_rng(7), 120)


@pytest.fixture
def net():
    return NetParams(n_hidden=16, n_latent=3)


@pytest.fixture
def short():
    return TrainParams(max_epochs=3, batch_size=32)


def means(rng, n_spots):
    domain = np.arange(n_spots) % 2
    gene = rng.gamma(2.0, 4.0, (1, 30)) * np.exp(rng.normal(0, 0.7, (2, 30)))[domain]
    metabolite = rng.gamma(2.0, 50.0, (1, 12)) * np.exp(rng.normal(0, 0.7, (2, 12)))[domain]
    return gene, metabolite


def make_joint(n_spots=120):
    rng = np.random.default_rng(7)
    gene, metabolite = means(rng, n_spots)
    counts = rng.poisson(gene)
    intensity = metabolite * np.exp(rng.normal(0, 0.2, metabolite.shape))
    obs = pd.DataFrame(
        {
            "sample": pd.Categorical(np.where(np.arange(n_spots) < n_spots / 2, "a", "b")),
            "slide": np.where(np.arange(n_spots) % 3 == 0, "x", "y"),
            "one": "only",
        },
        index=[f"spot{i}" for i in range(n_spots)],
    )
    names = [f"gene{i}" for i in range(30)] + [f"mz{i}" for i in range(12)]
    var = pd.DataFrame({"type": ["ST"] * 30 + ["SM"] * 12}, index=names)
    return anndata.AnnData(np.hstack([counts, intensity]).astype(np.float32), obs, var)
