import numpy as np
import pytest
import scipy.sparse as sp

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.reassign import donor_weights, reassign


def slow_reassign(values, source_xy, target_xy, max_distance, n_neighbors):
    rows = []
    for target in target_xy:
        distance = np.linalg.norm(source_xy - target, axis=1)
        nearest = np.argsort(distance)[:n_neighbors]
        near = nearest[distance[nearest] <= max_distance]
        rows.append(values[near].mean(axis=0) if len(near) else np.full(values.shape[1], np.nan))
    return np.array(rows)


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    return rng.gamma(2, 3, (300, 7)), rng.uniform(0, 10, (300, 2)), rng.uniform(-2, 12, (60, 2))


def test_a_target_takes_the_mean_of_its_near_neighbors() -> None:
    source_xy = np.array([[0.0, 0.0], [2.0, 0.0], [50.0, 0.0]])
    values = np.array([[1.0], [3.0], [100.0]])

    result = reassign(values, source_xy, np.array([[1.0, 0.0]]), max_distance=5.0)

    np.testing.assert_allclose(result.values, [[2.0]])
    assert result.n_used.tolist() == [2]


def test_a_constant_field_stays_constant(scene) -> None:
    _, source_xy, target_xy = scene

    result = reassign(np.full((300, 3), 7.0), source_xy, target_xy, max_distance=np.inf)

    np.testing.assert_allclose(result.values, 7.0)


@pytest.mark.parametrize("k", [1, 5])
def test_it_agrees_with_a_plain_loop_dense_and_sparse(scene, k: int) -> None:
    values, source_xy, target_xy = scene
    expected = slow_reassign(values, source_xy, target_xy, 0.8, k)

    for given in (values, sp.csr_matrix(values), sp.csr_array(values)):
        result = reassign(given, source_xy, target_xy, max_distance=0.8, n_neighbors=k)
        np.testing.assert_allclose(result.values, expected)
    assert (result.n_used == 0).any(), "the scene must hold targets out of reach"


def test_a_target_out_of_reach_gets_nan_and_not_zero() -> None:
    result = reassign(np.ones((1, 2)), np.zeros((1, 2)), np.array([[9.0, 9.0]]), max_distance=1)

    assert np.isnan(result.values).all()
    assert result.n_used.tolist() == [0]


def test_fewer_sources_than_neighbors_are_all_used() -> None:
    result = reassign(
        np.array([[2.0], [4.0]]), np.zeros((2, 2)), np.zeros((1, 2)), max_distance=1, n_neighbors=5
    )

    assert result.values.tolist() == [[3.0]]


def test_permuting_sources_changes_nothing(scene) -> None:
    values, source_xy, target_xy = scene
    order = np.random.default_rng(1).permutation(len(values))

    one = reassign(values, source_xy, target_xy, max_distance=2)
    two = reassign(values[order], source_xy[order], target_xy, max_distance=2)

    np.testing.assert_allclose(one.values, two.values)


def test_weights_of_a_target_sum_to_one(scene) -> None:
    _, source_xy, target_xy = scene

    total = donor_weights(source_xy, target_xy, max_distance=1).sum(axis=1)

    assert set(np.round(total, 12)) == {0.0, 1.0}


def test_rows_and_positions_must_agree() -> None:
    with pytest.raises(InvalidDataError, match="3 rows of values for 2 source spots"):
        reassign(np.ones((3, 1)), np.zeros((2, 2)), np.zeros((1, 2)), max_distance=1.0)


def test_no_sources_and_a_reach_of_zero_are_refused() -> None:
    with pytest.raises(InvalidDataError, match="no source spots"):
        reassign(np.ones((0, 1)), np.zeros((0, 2)), np.zeros((1, 2)), max_distance=1.0)
    with pytest.raises(InvalidDataError, match="largest distance"):
        reassign(np.ones((1, 1)), np.zeros((1, 2)), np.zeros((1, 2)), max_distance=0.0)
