import numpy as np
import pytest
from anndata import AnnData
from scipy import sparse

from spatialmeta_core import graph
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.graph import sparse_forms, statistics


@pytest.fixture
def lattice() -> np.ndarray:
    x, y = np.meshgrid(np.arange(9.0), np.arange(7.0))
    return np.column_stack([x.ravel() + 0.5 * (y.ravel() % 2), y.ravel() * np.sqrt(0.75)])


def test_an_inner_spot_of_a_hexagonal_lattice_has_its_six_neighbors(lattice) -> None:
    weights = graph.spatial_neighbors(lattice, 6)

    center = 3 * 9 + 4
    near = np.flatnonzero(weights[center].toarray())
    assert len(near) == 6
    np.testing.assert_allclose(np.linalg.norm(lattice[near] - lattice[center], axis=1), 1.0)
    np.testing.assert_allclose(weights[center].data, 1 / 6)


def test_weights_of_each_spot_sum_to_one_and_leave_it_out(lattice) -> None:
    weights = graph.spatial_neighbors(lattice, 6)

    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert not weights.diagonal().any()


def test_neighbors_are_those_of_a_full_distance_table() -> None:
    xy = np.random.default_rng(0).uniform(0, 10, (60, 2))
    distance = np.linalg.norm(xy[:, None] - xy, axis=2)
    np.fill_diagonal(distance, np.inf)

    weights = graph.spatial_neighbors(xy, 5).toarray()

    expected = distance <= np.sort(distance, axis=1)[:, [4]]
    np.testing.assert_array_equal(weights > 0, expected)


def test_permuting_spots_permutes_the_graph(lattice) -> None:
    order = np.random.default_rng(0).permutation(len(lattice))

    direct = graph.spatial_neighbors(lattice, 4).toarray()
    permuted = graph.spatial_neighbors(lattice[order], 4).toarray()

    np.testing.assert_allclose(permuted, direct[np.ix_(order, order)])


def test_spots_at_one_place_are_neighbors_but_not_of_themselves() -> None:
    xy = np.array([[0.0, 0.0]] * 4 + [[1.0, 0.0], [2.0, 0.0], [9.0, 0.0]])

    weights = graph.spatial_neighbors(xy, 2).toarray()

    np.testing.assert_allclose(weights[0], [0, 1 / 3, 1 / 3, 1 / 3, 0, 0, 0])
    assert not np.diag(weights).any()


@pytest.mark.parametrize(
    ("xy", "message"),
    [
        (np.zeros((5, 2)), "5 spots cannot each have 6 neighbors"),
        (np.zeros((9, 2)), "share one position"),
        (np.full((9, 2), np.nan), "missing or infinite"),
        (np.zeros((9, 3)), "shape"),
    ],
)
def test_unusable_positions_are_refused(xy, message) -> None:
    with pytest.raises(InvalidDataError, match=message):
        graph.spatial_neighbors(xy, 6)


def test_moran_of_alternating_values_is_minus_one() -> None:
    ring = np.roll(np.eye(6), 1, axis=1) + np.roll(np.eye(6), -1, axis=1)
    values = np.array([1.0, -1.0] * 3)[:, None]

    assert graph.moran(values, sparse.csr_matrix(ring / 2)) == pytest.approx(-1.0)


def test_geary_of_two_equal_halves_of_a_path_is_small() -> None:
    path = sparse.csr_matrix(np.eye(6, k=1) + np.eye(6, k=-1))
    values = np.array([0.0, 0, 0, 1, 1, 1])[:, None]

    expected = 5 * 2.0 / (2 * 10 * 1.5)  # (n - 1) sum w d^2 / (2 S0 sum z^2)
    assert graph.geary(values, path) == pytest.approx(expected)


def test_both_statistics_agree_with_the_double_sum(lattice) -> None:
    rng = np.random.default_rng(0)
    values = rng.poisson(0.5, (len(lattice), 3)).astype(float)
    weights = graph.spatial_neighbors(lattice, 5)
    w, n = weights.toarray(), len(lattice)
    z = values - values.mean(axis=0)
    squares = (z**2).sum(axis=0)
    moran = [n / w.sum() * sum((w * np.outer(c, c)).ravel()) for c in z.T] / squares
    geary = [
        (n - 1) / (2 * w.sum()) * (w * np.subtract.outer(c, c) ** 2).sum() for c in z.T
    ] / squares

    np.testing.assert_allclose(graph.moran(values, weights), moran)
    np.testing.assert_allclose(graph.geary(values, weights), geary)


def test_sparse_dense_and_small_blocks_agree(lattice, monkeypatch) -> None:
    values = np.random.default_rng(0).poisson(0.3, (len(lattice), 11)).astype(np.float32)
    weights = graph.spatial_neighbors(lattice)
    whole = graph.moran(values, weights)

    monkeypatch.setattr(statistics, "BLOCK_COLUMNS", 3)

    blocks = graph.moran(sparse.csr_matrix(values), weights)
    np.testing.assert_allclose(blocks, whole, rtol=1e-12)
    assert graph.moran(values[:, :0], weights).shape == (0,)


@pytest.mark.parametrize("n_neighbors", [1, 4, 6, 11])
def test_features_with_few_values_agree_with_dense_ones(n_neighbors) -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 1, (90, 2))
    values = rng.poisson(0.2, (90, 40)) * rng.gamma(2.0, 1.0, (90, 40))
    values[:, [3, 17]] = 0.0
    weights = graph.spatial_neighbors(xy, n_neighbors) + sparse.diags(rng.random(90))

    found = graph.moran(sparse.csr_matrix(values), weights)

    np.testing.assert_allclose(found, graph.moran(values, weights), rtol=1e-11)
    assert np.flatnonzero(np.isnan(found)).tolist() == [3, 17]


def test_entries_stored_twice_are_added_and_the_input_stays(lattice) -> None:
    row, column = np.array([4, 4, 9, 30]), np.zeros(4, int)
    twice = sparse.csc_matrix((np.ones(4), row, [0, 4]), shape=(len(lattice), 1))
    once = np.zeros((len(lattice), 1))
    np.add.at(once, (row, column), 1.0)
    weights = graph.spatial_neighbors(lattice)

    np.testing.assert_allclose(graph.moran(twice, weights), graph.moran(once, weights))
    assert twice.nnz == 4


def test_each_pair_of_neighbors_is_visited_once(lattice) -> None:
    weights = graph.spatial_neighbors(lattice)
    x = np.random.default_rng(0).normal(size=len(lattice))

    once = sparse_forms.each_pair_once(weights)

    assert once.nnz * 2 == (weights + weights.T).nnz
    assert x @ once @ x == pytest.approx(x @ weights @ x)


def test_shift_and_scale_do_not_change_the_statistics(lattice) -> None:
    values = np.random.default_rng(0).normal(size=(len(lattice), 4))
    weights = graph.spatial_neighbors(lattice)

    moved = 1e4 + 3.0 * values
    np.testing.assert_allclose(graph.moran(moved, weights), graph.moran(values, weights))
    np.testing.assert_allclose(graph.geary(moved, weights), graph.geary(values, weights))


def test_a_constant_feature_has_no_statistic(lattice) -> None:
    values = np.full((len(lattice), 1), 0.1)
    weights = graph.spatial_neighbors(lattice)

    assert np.isnan(graph.moran(values, weights)).all()
    assert np.isnan(graph.geary(values, weights)).all()


def test_moran_geary_and_variance_agree_with_squidpy(lattice) -> None:
    squidpy = pytest.importorskip("squidpy", reason="the reference of this test")
    rng = np.random.default_rng(0)
    values = rng.poisson(1.0, (len(lattice), 5)) + (lattice[:, :1] > 4)
    adata = AnnData(values.astype(float))
    weights = graph.spatial_neighbors(lattice)
    adata.obsp["spatial_connectivities"] = weights
    tables = [
        squidpy.gr.spatial_autocorr(
            adata, mode=mode, n_perms=None, copy=True, show_progress_bar=False
        )
        for mode in ("moran", "geary")
    ]
    moran, geary = (table.loc[adata.var_names] for table in tables)

    np.testing.assert_allclose(graph.moran(values, weights), moran["I"], atol=1e-6)
    np.testing.assert_allclose(graph.geary(values, weights), geary["C"], atol=1e-6)
    _, variance = graph.moran_moments(weights)
    np.testing.assert_allclose(variance, moran["var_norm"], rtol=1e-6)


def test_the_moments_describe_normal_noise(lattice) -> None:
    weights = graph.spatial_neighbors(lattice)
    noise = np.random.default_rng(0).normal(size=(len(lattice), 4000))

    found = graph.moran(noise, weights)

    expected, variance = graph.moran_moments(weights)
    assert found.mean() == pytest.approx(expected, abs=4 * np.sqrt(variance / 4000))
    assert found.var() == pytest.approx(variance, rel=0.1)


def test_rows_must_agree_and_values_be_finite(lattice) -> None:
    weights = graph.spatial_neighbors(lattice)

    with pytest.raises(InvalidDataError, match="5 rows of values for 63 spots"):
        graph.moran(np.ones((5, 1)), weights)
    with pytest.raises(InvalidDataError, match="missing or infinite"):
        graph.geary(np.full((63, 1), np.nan), weights)
    with pytest.raises(InvalidDataError, match="too few"):
        graph.moran_moments(sparse.csr_matrix(np.ones((3, 3))))
