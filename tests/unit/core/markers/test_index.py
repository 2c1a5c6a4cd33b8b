import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from spatialmeta_core import markers


@pytest.fixture
def joint() -> AnnData:
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.6, (80, 12)).astype(np.float32)
    joint = AnnData(sparse.csr_matrix(counts))
    joint.var["type"] = ["ST"] * 9 + ["SM"] * 3
    joint.layers["normalized"] = sparse.csr_matrix(np.log1p(counts))
    return joint


def test_sums_of_a_large_group_are_taken_from_the_few_left_out(joint) -> None:
    block = markers.build_index(joint).blocks[0]
    rows = np.arange(80) != 17

    found = block.sums_over(np.flatnonzero(rows))

    np.testing.assert_allclose(found, block._visit(np.flatnonzero(rows)))


def test_groups_that_hold_every_row_add_up_each(joint) -> None:
    block = markers.build_index(joint).blocks[0]
    group = np.random.default_rng(1).integers(0, 4, 80)

    found = block.sums_of_groups(group, 5)

    for number in range(5):
        np.testing.assert_allclose(
            found[number], block._visit(np.flatnonzero(group == number)), atol=1e-9
        )


def test_clusters_with_a_ready_index_give_the_same_table(joint) -> None:
    labels = np.random.default_rng(2).integers(0, 3, 80).astype(str)

    pd.testing.assert_frame_equal(
        markers.rank_clusters(joint, labels, index=markers.build_index(joint)),
        markers.rank_clusters(joint, labels),
    )


def test_ranks_by_column_are_those_of_the_matrix(joint) -> None:
    block = markers.build_index(joint).blocks[0]

    dense = pd.DataFrame(joint.layers["normalized"][:, :9].toarray()).rank().to_numpy()

    np.testing.assert_array_equal(block.shift.toarray() + block.zero_rank, dense)
