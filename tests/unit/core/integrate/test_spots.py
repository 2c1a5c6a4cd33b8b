from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from spatialmeta_core.integrate import integrate, spots
from spatialmeta_core.integrate.data import prepare
from spatialmeta_core.integrate.module import Minibatch
from spatialmeta_core.integrate.spots import LazySpots, in_blocks, memory_budget
from spatialmeta_core.params import TrainParams


@pytest.fixture
def gappy(joint):
    """Sparse, columns mixed, two rows without metabolites and one without counts."""
    values = joint.X.copy()
    values[[3, 50], 30:] = np.nan
    values[7, :30] = 0
    joint.X = sparse.csr_matrix(values)
    return joint[:, np.random.default_rng(0).permutation(42)].copy()


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_matrix.toarray])
def test_taken_spots_are_those_of_the_dense_tensors(gappy, kind) -> None:
    gappy.X = kind(gappy.X)

    lazy, dense = prepare(gappy, dense_bytes=0), prepare(gappy)

    assert isinstance(lazy.spots, LazySpots)
    assert isinstance(dense.spots, Minibatch)
    for rows in (slice(10, 25), torch.tensor([90, 3, 3, 41])):
        taken = (data.spots.take(rows).tensors for data in (lazy, dense))
        for one, other in zip(*taken, strict=True):
            assert torch.equal(one, other)
    assert lazy.notes == dense.notes
    assert lazy.fingerprint() == dense.fingerprint()
    assert lazy.spots.n_spots == dense.spots.n_spots == 117


def test_small_blocks_give_the_same_data(gappy, monkeypatch) -> None:
    whole = prepare(gappy)

    monkeypatch.setattr(spots, "BLOCK_VALUES", 5 * 42)

    blocks = prepare(gappy)
    np.testing.assert_allclose(blocks.scaling.center, whole.scaling.center, rtol=1e-12)
    np.testing.assert_allclose(blocks.scaling.scale, whole.scaling.scale, rtol=1e-10)
    assert torch.equal(blocks.spots.values[0], whole.spots.values[0])
    torch.testing.assert_close(blocks.spots.values[1], whole.spots.values[1])


def test_blocks_cover_all_rows_once() -> None:
    rows = np.arange(10)

    assert np.concatenate([rows[part] for part in in_blocks(10, 10**9)]).tolist() == list(rows)
    assert list(in_blocks(10, 1)) == [slice(0, 10)]
    assert list(in_blocks(0, 5)) == []


def test_training_from_sparse_data_reaches_the_same_numbers(gappy, net, short) -> None:
    dense = integrate(gappy, net, short)
    lazy = integrate(gappy, net, replace(short, memory_gb=0.0))

    assert lazy.losses == dense.losses
    np.testing.assert_array_equal(lazy.embedding.joint, dense.embedding.joint)
    np.testing.assert_array_equal(lazy.denoised, dense.denoised)


def test_the_budget_is_the_users_or_follows_the_free_memory() -> None:
    assert memory_budget(TrainParams(memory_gb=2.5)) == 2.5e9
    assert memory_budget(TrainParams()) > 1e8
