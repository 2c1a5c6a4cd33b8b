import numpy as np
import pytest
from scipy import sparse
from scipy.stats import pearsonr
from sklearn.metrics.pairwise import cosine_similarity

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.metrics import cosine, pearson


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    observed = rng.poisson(2.0, (60, 5)).astype(float)
    return observed, observed + rng.normal(0, 1, observed.shape)


def test_correlations_are_those_of_scipy(pair):
    expected = [pearsonr(a, b).statistic for a, b in zip(pair[0].T, pair[1].T, strict=True)]

    np.testing.assert_allclose(pearson(*pair), expected)


def test_cosines_are_those_of_sklearn(pair):
    expected = np.diag(cosine_similarity(pair[0].T, pair[1].T))

    np.testing.assert_allclose(cosine(*pair), expected)


def test_a_shift_changes_the_cosine_but_not_the_correlation(pair):
    moved = pair[1] + 100.0

    np.testing.assert_allclose(pearson(pair[0], moved), pearson(*pair))
    assert (cosine(pair[0] + 100, moved) > 0.999).all()


def test_a_feature_with_one_value_has_no_correlation():
    values = np.column_stack([np.full(9, 0.1), np.arange(9.0)])

    found = pearson(values, values)

    assert np.isnan(found[0])
    assert found[1] == pytest.approx(1.0)


def test_a_feature_of_zeros_has_no_cosine():
    assert np.isnan(cosine(np.zeros((4, 1)), np.ones((4, 1)))).all()


def test_sparse_values_give_the_same(pair):
    np.testing.assert_array_equal(pearson(sparse.csr_matrix(pair[0]), pair[1]), pearson(*pair))


def test_shapes_must_agree(pair):
    with pytest.raises(InvalidDataError, match="expected the same spots and features"):
        pearson(pair[0], pair[1][:, :3])


def test_missing_values_are_refused(pair):
    pair[1][0, 0] = np.nan
    with pytest.raises(InvalidDataError, match="missing or infinite"):
        cosine(*pair)
