import numpy as np
import pytest
from scipy.sparse import csr_array

from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.reassign import reassign

RNG = np.random.default_rng(0)
SOURCE, TARGET = RNG.uniform(0, 10, (300, 2)), RNG.uniform(0, 12, (80, 2))
VALUES = RNG.gamma(1.0, size=(300, 7)) * (RNG.random((300, 7)) < 0.5)


def reassign_slowly(values, source_xy, target_xy, max_distance, n_neighbors):
    means, used = [], []
    for place in target_xy:
        distance = np.linalg.norm(source_xy - place, axis=1)
        nearest = [i for i in np.argsort(distance)[:n_neighbors] if distance[i] <= max_distance]
        used.append(len(nearest))
        means.append(values[nearest].mean(axis=0) if nearest else np.full(values.shape[1], np.nan))
    return np.array(means), np.array(used)


def test_a_target_takes_the_mean_of_its_near_neighbors() -> None:
    source_xy = np.array([[0.0, 0.0], [2.0, 0.0], [50.0, 0.0]])
    values = np.array([[1.0], [3.0], [100.0]])

    result = reassign(values, source_xy, np.array([[1.0, 0.0]]), max_distance=5.0)

    np.testing.assert_allclose(result.values, [[2.0]])
    assert result.n_used.tolist() == [2]


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
@pytest.mark.parametrize(("reach", "k"), [(0.6, 5), (0.25, 3), (np.inf, 4), (2.0, 1)])
def test_it_equals_a_plain_loop(kind, reach, k) -> None:
    means, used = reassign_slowly(VALUES, SOURCE, TARGET, reach, k)

    result = reassign(kind(VALUES), SOURCE, TARGET, max_distance=reach, n_neighbors=k)

    np.testing.assert_allclose(result.values, means)
    np.testing.assert_array_equal(result.n_used, used)


def test_a_constant_field_stays_constant() -> None:
    result = reassign(np.full((300, 3), 7.0), SOURCE, TARGET, max_distance=np.inf)

    np.testing.assert_allclose(result.values, 7.0)


def test_a_neighbor_exactly_at_the_limit_counts() -> None:
    result = reassign(np.array([[4.0]]), np.zeros((1, 2)), np.array([[0.3, 0.0]]), max_distance=0.3)

    assert result.n_used.tolist() == [1]


def test_a_target_out_of_reach_is_missing_and_not_zero() -> None:
    result = reassign(VALUES, SOURCE, TARGET + 1000, max_distance=1.0)

    assert np.isnan(result.values).all()
    assert result.n_used.sum() == 0


def test_small_units_lose_nothing() -> None:
    in_px = reassign(VALUES, SOURCE, TARGET, max_distance=0.5)
    in_mm = reassign(VALUES, SOURCE * 1e-4, TARGET * 1e-4, max_distance=0.5e-4)

    np.testing.assert_array_equal(in_mm.n_used, in_px.n_used)
    np.testing.assert_allclose(in_mm.values, in_px.values)


def test_fewer_pixels_than_neighbors_is_no_error() -> None:
    result = reassign(VALUES[:2], SOURCE[:2], TARGET[:1], max_distance=np.inf, n_neighbors=5)

    np.testing.assert_allclose(result.values[0], VALUES[:2].mean(axis=0))


def test_no_pixels_leave_everything_missing() -> None:
    result = reassign(np.empty((0, 2)), np.empty((0, 2)), TARGET, max_distance=1.0)

    assert np.isnan(result.values).all()
    assert result.values.shape == (80, 2)


def test_the_input_is_not_changed() -> None:
    values, source = VALUES.copy(), SOURCE.copy()

    reassign(values, source, TARGET, max_distance=1.0)

    np.testing.assert_array_equal(values, VALUES)
    np.testing.assert_array_equal(source, SOURCE)


def test_rows_and_positions_must_agree() -> None:
    with pytest.raises(InvalidDataError, match="3 rows of values for 2 source spots"):
        reassign(np.ones((3, 1)), np.zeros((2, 2)), np.zeros((1, 2)), max_distance=1.0)


@pytest.mark.parametrize("bad", [{"max_distance": -1.0}, {"max_distance": np.nan}])
def test_a_cut_off_below_zero_is_refused(bad) -> None:
    with pytest.raises(InvalidParamsError, match="max_distance"):
        reassign(VALUES, SOURCE, TARGET, **bad)
