import numpy as np
import pytest
from sklearn.decomposition import PCA

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.metrics import ari, clusters_of_number, principal_components


@pytest.fixture
def blocks():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], 80)
    genes = rng.normal(0, 1, (240, 30)) + 3 * rng.normal(0, 1, (3, 30))[group]
    metabolites = 50 * (rng.normal(0, 1, (240, 8)) + 3 * rng.normal(0, 1, (3, 8))[group])
    return genes, metabolites, group


def test_components_are_those_of_sklearn_on_weighted_blocks(blocks):
    *both, _ = blocks
    x = np.hstack([(b - b.mean(0)) / b.std(0) / np.sqrt(b.shape[1]) for b in both])
    theirs = PCA(5, svd_solver="full").fit_transform(x)

    ours = principal_components(both, n_components=5).embedding

    sign = np.sign((ours * theirs).sum(axis=0))
    np.testing.assert_allclose(ours * sign, theirs, atol=2e-3)


def test_all_components_rebuild_the_values(blocks):
    *both, _ = blocks

    found = principal_components(both, n_components=100)

    for block, rebuilt in zip(both, found.denoised, strict=True):
        np.testing.assert_allclose(rebuilt, block, atol=1e-8)


def test_a_feature_with_one_value_keeps_it(blocks):
    genes, metabolites, _ = blocks
    genes[:, 3] = 7.0

    found = principal_components([genes, metabolites], n_components=4)

    np.testing.assert_allclose(found.denoised[0][:, 3], 7.0)
    assert np.isfinite(found.embedding).all()


def test_blocks_must_have_the_same_spots(blocks):
    with pytest.raises(InvalidDataError, match=r"\[240, 3\] spots"):
        principal_components([blocks[0], blocks[1][:3]])


def test_the_wanted_number_of_clusters_is_found(blocks):
    *both, group = blocks
    embedding = principal_components(both, n_components=4).embedding

    found = clusters_of_number(embedding, 3)

    assert found.max() == 2
    assert ari(group, found) > 0.95


def test_a_number_that_no_resolution_gives_is_approached(blocks):
    *both, _ = blocks
    embedding = principal_components(both, n_components=4).embedding

    assert clusters_of_number(embedding, 1).max() == 0
    assert clusters_of_number(embedding, 200).max() > 10
