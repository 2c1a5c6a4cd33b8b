import numpy as np
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.integrate.contribution import contribution
from spatialmeta_core.types import Embedding


def one_sided(seed=0):
    """Four groups of 120 spots: only ST tells 0 from 1, only SM tells 2 from 3."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(4), 120)
    st_sees, sm_sees = np.array([0, 1, 2, 2])[group], np.array([0, 0, 1, 2])[group]
    st = rng.normal(size=(480, 6)) + 7 * np.eye(6)[st_sees]
    sm = rng.normal(size=(480, 6)) + 7 * np.eye(6)[sm_sees]
    joint = rng.normal(size=(480, 6)) + 9 * np.eye(6)[group]
    return Embedding(joint, st, sm), group


def test_cosines_compare_directions_with_the_joint_embedding() -> None:
    joint = np.array([[1.0, 0.0], [1.0, 0.0]])
    st = np.array([[3.0, 0.0], [0.0, 2.0]])
    sm = np.array([[0.0, 5.0], [-1.0, 0.0]])

    found = contribution(Embedding(joint, st, sm))

    np.testing.assert_allclose(found.theta_st, [1.0, 0.0])
    np.testing.assert_allclose(found.theta_sm, [0.0, -1.0])


def test_the_modality_that_alone_tells_a_group_leads_there() -> None:
    embedding, group = one_sided()

    balance = contribution(embedding).balance

    assert (balance[group < 2] > 0.5).mean() > 0.95
    assert (balance[group > 1] < 0.5).mean() > 0.95
    assert np.median(balance[group < 2]) > 0.6
    assert np.median(balance[group > 1]) < 0.4
    assert balance.min() >= 0
    assert balance.max() <= 1


def test_groups_both_modalities_tell_are_balanced() -> None:
    rng = np.random.default_rng(0)
    means = 8 * np.eye(5)[np.arange(300) % 3]
    parts = [means + rng.normal(size=means.shape) for _ in range(3)]

    balance = contribution(Embedding(*parts)).balance

    assert np.abs(np.median(balance) - 0.5) < 0.05


def test_a_weaker_but_sufficient_modality_still_balances() -> None:
    rng = np.random.default_rng(0)
    means = np.eye(5)[np.arange(300) % 3]
    joint, st, sm = (width * means + rng.normal(size=means.shape) for width in (9, 7, 30))

    assert 0.4 < np.median(contribution(Embedding(joint, st, sm)).balance) < 0.6


def test_scale_and_origin_of_a_modality_do_not_matter_for_the_balance() -> None:
    embedding, _ = one_sided()
    other = Embedding(embedding.joint, 30 * embedding.st + 5, embedding.sm)

    np.testing.assert_allclose(
        contribution(other).balance, contribution(embedding).balance, atol=1e-6
    )


def test_one_group_leaves_the_balance_at_one_half() -> None:
    parts = np.random.default_rng(0).normal(size=(3, 15, 4))

    assert (contribution(Embedding(*parts)).balance == 0.5).all()


def test_groups_are_compared_within_their_batch() -> None:
    embedding, group = one_sided()
    batch = np.arange(480)[:, None] % 2
    shifted = embedding.joint + 40 * batch

    balance = contribution(Embedding(shifted, embedding.st, embedding.sm), batch=batch).balance

    assert (balance[group < 2] > 0.5).mean() > 0.9
    assert np.median(balance[group < 2]) > 0.6


def test_swapping_the_modalities_mirrors_the_balance_at_one_half() -> None:
    embedding, _ = one_sided()

    one = contribution(embedding)
    other = contribution(Embedding(embedding.joint, embedding.sm, embedding.st))

    np.testing.assert_allclose(one.balance - 0.5, 0.5 - other.balance)


def test_rounding_never_leaves_the_range_of_a_cosine() -> None:
    rows = np.random.default_rng(0).normal(size=(5000, 10)).astype(np.float32)

    found = contribution(Embedding(rows, rows * 3, -rows))

    assert found.theta_st.max() <= 1.0
    assert found.theta_sm.min() >= -1.0


def test_spots_left_out_and_vectors_without_length_are_not_numbers() -> None:
    joint = np.array([[np.nan, np.nan], [1.0, 1.0]])
    zero = np.array([[1.0, 1.0], [0.0, 0.0]])

    found = contribution(Embedding(joint, zero, zero))

    assert np.isnan(found.theta_st).all()
    assert np.isnan(found.balance).tolist() == [True, False]


def test_embeddings_of_different_shape_are_refused() -> None:
    with pytest.raises(InvalidDataError, match="different shapes"):
        contribution(Embedding(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 2))))
