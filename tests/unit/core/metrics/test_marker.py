import numpy as np
import pytest
from scipy import sparse
from scipy.stats import ttest_ind
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression

from spatialmeta_core import graph
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.metrics import (
    entropy,
    logistic_accuracy,
    marker_patterns,
    mutual_information,
    specificity,
    top_features,
)
from spatialmeta_core.metrics.logistic import logistic_fit


@pytest.fixture
def section():
    """Two halves of a lattice; features 0 to 2 mark the right one, 3 to 11 are noise."""
    x, y = np.meshgrid(np.arange(16.0), np.arange(12.0))
    xy = np.column_stack([x.ravel(), y.ravel()])
    labels = (xy[:, 0] > 7).astype(int)
    values = np.abs(np.random.default_rng(0).normal(1, 0.5, (len(xy), 12)))
    values[:, :3] += 2 * labels[:, None]
    return values, labels, xy


def test_markers_are_ordered_by_welchs_t(section):
    values, labels, _ = section
    t = [ttest_ind(v[labels == 1], v[labels == 0], equal_var=False).statistic for v in values.T]

    np.testing.assert_array_equal(top_features(values, labels)[1], np.argsort(t)[::-1])


def test_features_with_one_value_are_the_last_markers(section):
    values, labels, _ = section
    values[:, 4] = 1.0

    assert (top_features(values, labels)[:, -1] == 4).all()


def test_patterns_are_medians_over_the_union_of_markers(section):
    values, labels, xy = section
    weights = graph.spatial_neighbors(xy)
    union = np.unique(top_features(values, labels)[:, :3])

    moran, geary = marker_patterns(values, labels, weights, n_top=(3,))

    assert moran == pytest.approx(np.median(graph.moran(values[:, union], weights)))
    assert geary == pytest.approx(np.median(graph.geary(values[:, union], weights)))


def test_shuffled_spots_have_markers_without_pattern(section):
    values, labels, xy = section
    weights = graph.spatial_neighbors(xy)
    order = np.random.default_rng(5).permutation(len(xy))

    moran, geary = marker_patterns(values, labels, weights, n_top=(1, 3))
    lost, rough = marker_patterns(values[order], labels[order], weights, n_top=(1, 3))

    assert moran > 0.3 > abs(lost) + 0.1
    assert geary < 0.7 < rough


def test_one_cluster_has_no_markers(section):
    values, labels, xy = section

    found = marker_patterns(values, labels * 0, graph.spatial_neighbors(xy))

    assert np.isnan(found).all()


def test_specificity_is_the_best_ratio_of_means():
    values = np.array([[4.0, 1.0], [4.0, 1.0], [4.0, 1.0], [4.0, 1.0]] + [[0.0, 1.0]] * 4)
    labels = np.repeat([0, 1], 4)

    assert specificity(values, labels, zero_percent=(100,)) == pytest.approx((2 + 1) / 2)
    assert specificity(values, labels, zero_percent=(100, 40)) == pytest.approx((1.5 + 1) / 2)


def test_specificity_needs_values_of_zero_or_more(section):
    with pytest.raises(InvalidDataError, match="expected 0 or more"):
        specificity(section[0] - 5, section[1])


def test_features_without_any_value_have_no_specificity():
    assert np.isnan(specificity(np.zeros((10, 3)), np.arange(10) % 2))


def test_mutual_information_is_that_of_sklearn_on_continuous_values(section):
    values, _, _ = section
    labels = np.random.default_rng(4).integers(0, 4, len(values))
    labels[0] = 9  # a cluster of one

    np.testing.assert_allclose(
        mutual_information(values, labels),
        mutual_info_classif(values, labels, random_state=0),
        atol=1e-9,
    )


def test_mutual_information_with_many_zeros_is_near_that_of_sklearn(section):
    values, labels, _ = section
    values = np.where(values > 1.2, values, 0.0)

    ours = mutual_information(sparse.csr_matrix(values), labels)
    theirs = mutual_info_classif(values, labels, random_state=1, discrete_features=False)

    # noise decides which of the equal values are neighbors
    np.testing.assert_allclose(ours, theirs, atol=0.1)
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.02)


def test_a_feature_that_is_the_label_holds_all_its_information(section):
    labels = section[1]

    found = mutual_information(labels[:, None].astype(float), labels)

    assert found[0] == pytest.approx(entropy(labels), abs=0.02)


def test_the_regression_is_that_of_sklearn(section):
    values, labels, xy = section
    labels = labels + (xy[:, 1] > 6)
    theirs = LogisticRegression(max_iter=5000, tol=1e-8).fit(values, labels)

    weights, intercept = logistic_fit(values, labels, 3)

    np.testing.assert_allclose(weights, theirs.coef_.T, atol=0.02)
    logit = values @ weights + intercept
    np.testing.assert_array_equal(logit.argmax(axis=1), theirs.predict(values))


def test_marked_clusters_are_told_apart_and_random_ones_are_not(section):
    values, labels, _ = section
    coin = np.random.default_rng(0).integers(0, 2, len(labels))

    assert logistic_accuracy(values, labels) > 0.95
    assert logistic_accuracy(values, coin) < 0.7


def test_the_accuracy_is_the_same_for_a_seed(section):
    values, labels, _ = section

    assert logistic_accuracy(values, labels, seed=3) == logistic_accuracy(values, labels, seed=3)


def test_one_cluster_cannot_be_told_apart(section):
    assert np.isnan(logistic_accuracy(section[0], section[1] * 0))


def test_the_share_held_out_is_checked(section):
    with pytest.raises(InvalidParamsError, match="test_share is 1"):
        logistic_accuracy(section[0], section[1], test_share=1)
