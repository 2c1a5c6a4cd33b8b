import numpy as np
import pytest
from anndata import AnnData
from scipy import sparse

from spatialmeta_core.features import dispersion


def test_the_score_is_that_of_scanpy() -> None:
    scanpy = pytest.importorskip("scanpy", reason="the reference of this test")
    rng = np.random.default_rng(0)
    linear = rng.negative_binomial(2, 0.4, (80, 300)) * rng.gamma(0.5, 1.0, 300)
    linear[:, 7] = 0.0

    found = dispersion(sparse.csc_matrix(linear))

    adata = AnnData(np.log1p(linear))
    table = scanpy.pp.highly_variable_genes(adata, flavor="seurat", inplace=False, n_bins=20)
    expected = table["dispersions_norm"].to_numpy()
    kept = np.arange(300) != 7
    np.testing.assert_allclose(found[kept], expected[kept], rtol=1e-3, atol=1e-3)
    assert np.isnan(found[7])


def test_the_feature_with_more_spread_than_its_peers_scores_highest() -> None:
    rng = np.random.default_rng(1)
    linear = rng.poisson(4.0, (200, 50)).astype(float)
    linear[:, 3] = np.where(np.arange(200) % 2, 8.0, 0.0)

    assert dispersion(sparse.csc_matrix(linear)).argmax() == 3


def test_without_any_value_there_is_no_score() -> None:
    assert np.isnan(dispersion(sparse.csc_matrix((5, 3)))).all()
