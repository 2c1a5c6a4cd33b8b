import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_samples

from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.metrics import batch_asw, batch_share, clisi, ilisi, lisi, pcr_batch


@pytest.fixture
def batches():
    rng = np.random.default_rng(0)
    batch = np.arange(600) % 3
    group = rng.integers(0, 2, 600)
    mixed = rng.normal(0, 1, (600, 4)) + 6 * group[:, None] * np.eye(4)[0]
    return mixed, mixed + 30 * np.eye(4)[batch], group, batch


def test_mixed_batches_have_a_high_index_and_separated_ones_none(batches):
    mixed, apart, _, batch = batches

    assert ilisi(mixed, batch) > 0.85
    assert ilisi(apart, batch) == pytest.approx(0.0, abs=1e-6)


def test_pure_neighborhoods_keep_groups(batches):
    mixed, _, group, batch = batches

    assert clisi(mixed, group) == pytest.approx(1.0, abs=1e-3)
    assert clisi(mixed, batch) < 0.15


def test_the_index_of_one_spot_by_hand():
    rng = np.random.default_rng(2)
    place, labels = rng.normal(0, 1, (40, 2)), rng.integers(0, 3, 40)
    distance = np.sort(cdist(place[:1], place)[0])[1:15]
    near = np.argsort(cdist(place[:1], place)[0])[1:15]

    def weights(rate):
        w = np.exp(-rate * distance)
        return w / w.sum()

    def excess(rate):
        return -(weights(rate) * np.log(weights(rate))).sum() - np.log(5)

    w = weights(brentq(excess, 1e-6, 100))
    share = [w[labels[near] == k].sum() for k in range(3)]

    assert lisi(place, labels, perplexity=5)[0] == pytest.approx(
        1 / np.square(share).sum(), rel=1e-3
    )


def test_the_index_lies_between_one_and_the_number_of_groups(batches):
    found = lisi(batches[0], batches[3])

    assert found.min() >= 1
    assert found.max() <= 3 + 1e-9


def test_duplicated_places_have_an_index():
    assert np.isfinite(lisi(np.zeros((50, 2)), np.arange(50) % 2)).all()


def test_one_batch_has_nothing_to_mix(batches):
    assert np.isnan(ilisi(batches[0], np.zeros(600)))
    assert np.isnan(pcr_batch(batches[0], batches[0], np.zeros(600)))
    assert np.isnan(batch_asw(batches[0], batches[2], np.zeros(600)))


def test_a_perplexity_of_one_is_refused(batches):
    with pytest.raises(InvalidParamsError, match="perplexity is 1"):
        lisi(batches[0], batches[3], perplexity=1)


def test_the_width_of_batches_within_groups(batches):
    mixed, apart, group, batch = batches
    expected = np.mean(
        [
            1 - np.abs(silhouette_samples(apart[group == k], batch[group == k])).mean()
            for k in range(2)
        ]
    )

    assert batch_asw(apart, group, batch) == pytest.approx(expected)
    assert batch_asw(mixed, group, batch) > 0.9


def test_the_share_between_batches_is_that_of_a_regression_on_components(batches):
    _, apart, _, batch = batches
    components = PCA().fit_transform(apart)
    hot = np.eye(3)[batch]
    fitted = hot @ np.linalg.lstsq(hot, components, rcond=None)[0]
    r2 = (fitted**2).sum(axis=0) / (components**2).sum(axis=0)
    variance = components.var(axis=0)

    assert batch_share(apart, batch) == pytest.approx((r2 * variance).sum() / variance.sum())


def test_removing_the_batches_removes_their_share(batches):
    mixed, apart, _, batch = batches

    assert pcr_batch(apart, mixed, batch) > 0.9
    assert pcr_batch(mixed, apart, batch) == 0.0


def test_an_embedding_without_variance_has_no_share(batches):
    assert batch_share(np.ones((600, 2)), batches[3]) == 0.0
