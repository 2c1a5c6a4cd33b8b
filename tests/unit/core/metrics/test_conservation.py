import numpy as np
import pytest
from sklearn.metrics import (
    adjusted_rand_score,
    normalized_mutual_info_score,
    silhouette_samples,
    silhouette_score,
)

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.metrics import ari, entropy, isolated_asw, label_asw, nmi, silhouettes


@pytest.fixture
def groups():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 700)
    place = rng.normal(0, 1, (700, 5)) + 2 * np.eye(5)[truth]
    labels = np.where(rng.random(700) < 0.8, truth, rng.integers(0, 6, 700))
    return place, truth, labels


def test_agreement_with_sklearn(groups):
    _, truth, labels = groups

    assert ari(truth, labels) == pytest.approx(adjusted_rand_score(truth, labels))
    assert nmi(truth, labels) == pytest.approx(normalized_mutual_info_score(truth, labels))


def test_names_of_groups_do_not_matter(groups):
    _, truth, labels = groups
    named = np.array(["delta", "alpha", "beta", "gamma"])[truth]

    assert ari(named, labels) == pytest.approx(ari(truth, labels))
    assert nmi(named, labels) == pytest.approx(nmi(truth, labels))
    assert ari(named, truth) == nmi(named, truth) == 1.0


def test_one_group_on_both_sides_agrees():
    assert nmi(np.zeros(5), np.ones(5)) == 1.0
    assert entropy(np.zeros(5)) == 0.0


def test_silhouettes_are_those_of_sklearn(groups):
    place, truth, _ = groups
    truth[0] = 17  # alone in its group

    np.testing.assert_allclose(
        silhouettes(place, truth), silhouette_samples(place, truth), atol=1e-10
    )


def test_the_width_of_labels_is_scaled_to_one(groups):
    place, truth, _ = groups

    assert label_asw(place, truth) == pytest.approx((silhouette_score(place, truth) + 1) / 2)


def test_one_group_has_no_width(groups):
    assert np.isnan(label_asw(groups[0], np.zeros(700)))


def test_only_groups_in_the_fewest_batches_are_isolated(groups):
    place, truth, _ = groups
    batch = np.where(truth == 2, 0, np.arange(700) % 3)
    width = silhouette_samples(place, truth)

    expected = (width[truth == 2].mean() + 1) / 2
    assert isolated_asw(place, truth, batch) == pytest.approx(expected)


def test_with_one_batch_every_group_counts_as_much(groups):
    place, truth, _ = groups
    width = silhouette_samples(place, truth)

    expected = np.mean([(width[truth == k].mean() + 1) / 2 for k in range(4)])
    assert isolated_asw(place, truth) == pytest.approx(expected)


def test_spots_must_agree_in_number(groups):
    with pytest.raises(InvalidDataError, match="expected one for each of 700 spots"):
        silhouettes(groups[0], groups[1][:5])
