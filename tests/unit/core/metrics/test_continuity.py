import numpy as np
import pytest
from scipy.spatial import distance_matrix
from sklearn.preprocessing import StandardScaler

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.metrics import chaos, pas


@pytest.fixture
def square():
    x, y = np.meshgrid(np.arange(14.0), np.arange(12.0))
    return np.column_stack([x.ravel(), y.ravel()])


def test_chaos_is_the_mean_distance_within_clusters(square):
    labels = np.random.default_rng(1).integers(0, 4, len(square))
    place = StandardScaler().fit_transform(square)
    nearest = []
    for one in range(4):
        gap = distance_matrix(place[labels == one], place[labels == one])
        np.fill_diagonal(gap, np.inf)
        nearest.extend(gap.min(axis=1))

    assert chaos(labels, square) == pytest.approx(np.mean(nearest))


def test_coherent_clusters_have_less_chaos_and_fewer_odd_spots_than_shuffled_ones(square):
    halves = (square[:, 0] > 6).astype(int)
    shuffled = np.random.default_rng(0).permutation(halves)

    assert chaos(halves, square) < chaos(shuffled, square)
    assert pas(halves, square) == 0.0
    assert pas(shuffled, square) > 0.3


def test_chaos_does_not_depend_on_the_unit(square):
    halves = square[:, 0] > 6

    assert chaos(halves, square * 37 + 5) == pytest.approx(chaos(halves, square))


def test_one_stray_spot_is_the_only_odd_one(square):
    labels = np.zeros(len(square), int)
    labels[5 * 14 + 7] = 1

    assert pas(labels, square) == pytest.approx(1 / len(square))


def test_an_even_split_is_not_most():
    xy = np.column_stack([np.arange(8.0), np.zeros(8)])
    xy[:, 1] = [0, 1, 0, 1, 0, 1, 0, 1]

    assert pas(np.array([0, 0, 0, 0, 1, 1, 1, 1]), xy, n_neighbors=2) == 0.0


def test_neither_depends_on_the_order_of_the_spots(square):
    labels = np.random.default_rng(2).integers(0, 3, len(square))
    order = np.random.default_rng(3).permutation(len(square))

    assert pas(labels[order], square[order]) == pas(labels, square)
    assert chaos(labels[order], square[order]) == pytest.approx(chaos(labels, square))


def test_samples_on_top_of_each_other_do_not_touch(square):
    halves = (square[:, 0] > 6).astype(int)
    twice, sample = np.vstack([square, square]), np.repeat(["a", "b"], len(square))
    labels = np.concatenate([halves, 1 - halves])

    assert pas(labels, twice, sample) == 0.0
    assert chaos(labels, twice, sample) == pytest.approx(chaos(halves, square))
    assert pas(labels, twice) > 0.0


def test_clusters_too_small_for_a_shape_do_not_count(square):
    labels = np.zeros(len(square), int)
    labels[[0, 100]] = 1

    assert chaos(labels, square) < 0.25
    assert np.isnan(chaos([0, 1], np.array([[0.0, 0.0], [1.0, 1.0]])))


def test_labels_and_positions_must_agree(square):
    with pytest.raises(InvalidDataError, match="expected one for each of 168 spots"):
        chaos(np.zeros(3), square)
