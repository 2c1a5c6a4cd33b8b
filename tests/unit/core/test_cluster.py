import numpy as np
import pytest
from scipy.spatial.distance import cdist

from spatialmeta_core import keys
from spatialmeta_core.cluster import (
    leiden,
    nearest_neighbors,
    neighbor_graph,
    suggest_resolution,
    umap,
)
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError


@pytest.fixture
def blobs():
    """Three clouds of 80, 60 and 40 spots far from each other, and which is which."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [80, 60, 40])
    centers = np.eye(3, 5) * 30
    return centers[truth] + rng.normal(size=(180, 5)), truth


def test_separate_clouds_become_clusters_numbered_by_size(blobs) -> None:
    latent, truth = blobs

    assert leiden(latent, resolution=0.1).tolist() == truth.tolist()


def test_clusters_do_not_depend_on_the_order_of_the_spots(blobs) -> None:
    latent, truth = blobs
    order = np.random.default_rng(1).permutation(len(latent))

    assert leiden(latent[order], resolution=0.1).tolist() == truth[order].tolist()


def test_the_same_seed_gives_the_same_clusters() -> None:
    latent = np.random.default_rng(0).normal(size=(300, 4))

    assert leiden(latent, seed=3).tolist() == leiden(latent, seed=3).tolist()


def test_a_higher_resolution_gives_more_clusters() -> None:
    latent = np.random.default_rng(0).normal(size=(300, 4))

    assert leiden(latent, resolution=2.0).max() > leiden(latent, resolution=0.3).max()


def test_sizes_never_grow_from_one_label_to_the_next() -> None:
    sizes = np.bincount(leiden(np.random.default_rng(0).normal(size=(300, 4))))

    assert (np.diff(sizes) <= 0).all()


def test_a_spot_without_embedding_is_labeled_minus_one(blobs) -> None:
    latent, truth = blobs
    latent[[0, 100]] = np.nan

    labels = leiden(latent, resolution=0.1)

    assert labels[[0, 100]].tolist() == [-1, -1]
    rest = np.delete(np.arange(180), [0, 100])
    assert labels[rest].tolist() == truth[rest].tolist()


def test_one_spot_is_one_cluster() -> None:
    assert leiden(np.array([[1.0, 2.0], [np.nan, np.nan]])).tolist() == [0, -1]


def test_identical_spots_are_clustered_without_fault() -> None:
    assert leiden(np.zeros((30, 3))).min() == 0


def test_more_neighbors_than_spots_are_cut() -> None:
    assert leiden(np.arange(8.0).reshape(4, 2), n_neighbors=15).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("latent", "message"),
    [
        (np.zeros(4), r"shape \(4,\)"),
        (np.zeros((4, 1)), r"shape \(4, 1\)"),
        (np.full((3, 2), np.nan), "0 spots have an embedding; expected 1"),
    ],
)
def test_an_unusable_embedding_is_refused(latent, message) -> None:
    with pytest.raises(InvalidDataError, match=message):
        leiden(latent)


def test_settings_out_of_range_are_named() -> None:
    with pytest.raises(InvalidParamsError, match="resolution is 0"):
        leiden(np.zeros((4, 2)), resolution=0)
    with pytest.raises(InvalidParamsError, match="n_neighbors is 0"):
        leiden(np.zeros((4, 2)), n_neighbors=0)


def test_neighbors_agree_with_the_full_distance_matrix() -> None:
    latent = np.random.default_rng(0).normal(size=(60, 4))
    full = cdist(latent, latent)
    np.fill_diagonal(full, np.inf)

    index, distance = nearest_neighbors(latent, n_neighbors=5)

    assert (index == np.argsort(full, axis=1)[:, :5]).all()
    np.testing.assert_allclose(distance, np.sort(full, axis=1)[:, :5])


def test_a_spot_is_never_its_own_neighbor_among_copies() -> None:
    index, _ = nearest_neighbors(np.zeros((20, 2)), n_neighbors=4)

    assert (index != np.arange(20)[:, None]).all()


def test_the_graph_links_both_ways_with_weight_one() -> None:
    graph = neighbor_graph(np.array([[1], [2], [1]])).toarray()

    assert graph.tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]


def test_the_layout_keeps_clouds_apart_and_repeats_itself(blobs) -> None:
    latent, truth = blobs
    latent[5] = np.nan

    xy = umap(latent)

    assert xy.shape == (180, 2)
    assert np.isnan(xy[5]).all()
    seen = np.delete(np.arange(180), 5)
    assert np.isfinite(xy[seen]).all()
    nearest = nearest_neighbors(xy[seen], n_neighbors=1)[0][:, 0]
    assert (truth[seen][nearest] == truth[seen]).mean() > 0.95
    np.testing.assert_array_equal(xy, umap(latent))


def test_a_layout_needs_spots_and_a_plane() -> None:
    with pytest.raises(InvalidDataError, match="9 spots have an embedding; expected 10"):
        umap(np.random.default_rng(0).normal(size=(9, 3)))
    with pytest.raises(InvalidDataError, match="fewer than two directions"):
        umap(np.outer(np.arange(20.0), [1, 2, 3]))


def test_layout_settings_out_of_range_are_named() -> None:
    with pytest.raises(InvalidParamsError, match="n_neighbors is 1"):
        umap(np.zeros((20, 3)), n_neighbors=1)
    with pytest.raises(InvalidParamsError, match=r"min_dist is 2\.0"):
        umap(np.zeros((20, 3)), min_dist=2.0)


def test_the_suggestion_finds_the_clouds(blobs) -> None:
    latent, truth = blobs

    found = suggest_resolution(latent)

    assert (found.n_clusters, found.stability) == (3, 1.0)
    row = found.table["resolution"].tolist().index(found.resolution)
    assert found.labels[row].tolist() == truth.tolist()
    assert leiden(latent, resolution=found.resolution).tolist() == truth.tolist()


def test_the_suggestion_lies_inside_its_plateau(blobs) -> None:
    table = suggest_resolution(blobs[0]).table

    assert tuple(table.columns) == keys.RESOLUTION_COLUMNS
    assert table["resolution"].is_monotonic_increasing
    three = table[table["n_clusters"] == 3]
    assert three["plateau"].nunique() == 1
    low, high = three["resolution"].min(), three["resolution"].max()
    assert low < suggest_resolution(blobs[0]).resolution < high


def test_a_division_is_suggested_over_the_coarser_one_it_refines_when_it_holds_longer() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 60)
    centers = np.array([[0, 0, 0], [9, 0, 0], [0, 40, 0], [9, 40, 0]])
    latent = centers[truth] + rng.normal(size=(240, 3))

    assert suggest_resolution(latent).n_clusters == 4


def test_a_cloud_without_parts_is_suggested_to_stay_whole() -> None:
    found = suggest_resolution(np.random.default_rng(0).normal(size=(400, 6)))

    assert found.n_clusters == 1
    divided = found.table[found.table["n_clusters"] > 1]
    assert divided["stability"].max() < 0.5


def test_a_suggestion_is_made_even_where_every_resolution_divides() -> None:
    latent = np.random.default_rng(0).normal(size=(400, 6))

    found = suggest_resolution(latent, resolutions=[2.0, 3.0])

    assert found.n_clusters > 1
    assert found.stability == found.table["stability"].max()


def test_the_same_seeds_give_the_same_suggestion_and_spots_left_out_stay_out(blobs) -> None:
    latent, _ = blobs
    latent[[3, 70]] = np.nan

    one, other = suggest_resolution(latent), suggest_resolution(latent)

    assert one.table.equals(other.table)
    assert (one.labels == other.labels).all()
    assert (one.labels[:, [3, 70]] == -1).all()
    assert (np.delete(one.labels, [3, 70], axis=1) >= 0).all()


def test_a_suggestion_needs_spots_and_something_to_try() -> None:
    with pytest.raises(InvalidDataError, match="1 spots have an embedding; expected 2"):
        suggest_resolution(np.array([[1.0, 2.0], [np.nan, 1.0]]))
    with pytest.raises(InvalidParamsError, match="at least one of each"):
        suggest_resolution(np.zeros((9, 2)), resolutions=[])
    with pytest.raises(InvalidParamsError, match="above 0"):
        suggest_resolution(np.zeros((9, 2)), resolutions=[0.0, 1.0])
