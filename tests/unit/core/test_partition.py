import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.partition import (
    adjusted_rand,
    communities,
    complete_rows,
    nearest_neighbors,
    neighbor_graph,
)


@pytest.mark.parametrize("seed", range(5))
def test_agreement_is_that_of_scikit_learn(seed) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 5, 80), rng.integers(0, 3, 80)
    b[:40] = a[:40] % 3

    assert adjusted_rand(a, b) == pytest.approx(adjusted_rand_score(a, b))


def test_agreement_does_not_depend_on_the_names_of_the_labels() -> None:
    a = np.array([0, 0, 1, 1, 2])

    assert adjusted_rand(a, np.array([2, 2, 0, 0, 1])) == 1.0
    assert adjusted_rand(a, np.zeros(5, dtype=int)) == 0.0


@pytest.mark.parametrize("labels", [[0], [0, 0, 0], [0, 1, 2]])
def test_a_partition_without_pairs_to_disagree_on_agrees_with_itself(labels) -> None:
    assert adjusted_rand(np.array(labels), np.array(labels)) == 1.0


def test_communities_of_two_separate_graphs_are_the_graphs() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3)) + np.repeat([[0], [100]], [40, 20], axis=0)
    graph = neighbor_graph(nearest_neighbors(rows, n_neighbors=8)[0])

    found = communities(graph, resolution=0.1, seed=0)

    assert found.tolist() == [0] * 40 + [1] * 20


def test_rows_with_a_gap_are_not_complete() -> None:
    assert complete_rows(np.array([[1.0, np.nan], [1.0, 2.0]])).tolist() == [False, True]
    with pytest.raises(InvalidDataError, match="1 spots have an embedding; expected 2"):
        complete_rows(np.array([[1.0, np.nan], [1.0, 2.0]]), at_least=2)
