import numpy as np
import pytest

from spatialmeta_core.integrate.offsets import batch_offsets

CENTERS = np.random.default_rng(7).normal(0, 12, (6, 5))
SHIFTS = np.array([[1.5, 0, 0, 0, 0.5], [-1.0, 1, 0, 0, 0], [-0.5, -1, 0, 0, -0.5]])  # of mean 0


def cloud(groups_of, *, n=60, seed=0):
    """Batches with the given groups, of unit spread, each moved by its row of SHIFTS."""
    rng = np.random.default_rng(seed)
    rows, batch, group = [], [], []
    for b, groups in enumerate(groups_of):
        for g in groups:
            rows.append(CENTERS[g] + SHIFTS[b] + rng.normal(size=(n, 5)))
            batch += [b] * n
            group += [g] * n
    return np.concatenate(rows), np.array(batch)[:, None], np.array(group)


def test_the_shift_of_batches_that_share_all_groups_is_found() -> None:
    latent, batch, _ = cloud([range(6)] * 3)

    shift, n_pairs = batch_offsets(latent, batch=batch)

    assert n_pairs == 18
    np.testing.assert_allclose(shift, SHIFTS, atol=0.15)


def test_numbers_of_spots_and_groups_of_one_batch_alone_do_not_matter() -> None:
    latent, batch, group = cloud([[0, 1, 2, 3], [1, 2, 3, 4], [0, 2, 3, 5]], n=90)
    kept = ~((batch[:, 0] == 1) & (group == 2) & (np.arange(len(batch)) % 3 > 0))

    shift, n_pairs = batch_offsets(latent[kept], batch=batch[kept])

    assert n_pairs == 8
    np.testing.assert_allclose(shift, SHIFTS, atol=0.25)


def test_a_batch_that_shares_nothing_stays_where_it_is() -> None:
    latent, batch, _ = cloud([[0, 1, 2], [0, 1, 2], [3, 4, 5]])

    shift, n_pairs = batch_offsets(latent, batch=batch)

    assert n_pairs == 3
    np.testing.assert_array_equal(shift[2], 0)
    np.testing.assert_allclose(shift[0] - shift[1], SHIFTS[0] - SHIFTS[1], atol=0.2)


@pytest.mark.parametrize("groups_of", [[range(6)], [[0, 1, 2], [3, 4, 5]]])
def test_nothing_to_compare_is_no_shift(groups_of) -> None:
    latent, batch, _ = cloud(groups_of)

    assert batch_offsets(latent, batch=batch) is None


def test_moved_batches_have_no_shift_left() -> None:
    latent, batch, _ = cloud([range(6)] * 3)
    shift, _ = batch_offsets(latent, batch=batch)

    again, _ = batch_offsets(latent - shift[batch[:, 0]], batch=batch)

    np.testing.assert_allclose(again, 0, atol=1e-9)


def test_the_input_is_not_written_to_and_the_same_seed_gives_the_same() -> None:
    latent, batch, _ = cloud([range(6)] * 3)
    before = latent.copy()

    one, other = (batch_offsets(latent, batch=batch, seed=3)[0] for _ in range(2))

    np.testing.assert_array_equal(latent, before)
    np.testing.assert_array_equal(one, other)
