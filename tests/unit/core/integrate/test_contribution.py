import numpy as np
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.integrate.contribution import contribution
from spatialmeta_core.types import Embedding


def test_the_modality_that_points_along_the_joint_embedding_leads() -> None:
    joint = np.array([[1.0, 0.0], [1.0, 0.0]])
    st = np.array([[3.0, 0.0], [0.0, 2.0]])
    sm = np.array([[0.0, 5.0], [-1.0, 0.0]])

    found = contribution(Embedding(joint, st, sm))

    np.testing.assert_allclose(found.theta_st, [1.0, 0.0])
    np.testing.assert_allclose(found.theta_sm, [0.0, -1.0])
    np.testing.assert_allclose(found.balance, [1.5, 1.5])


def test_swapping_the_modalities_mirrors_the_balance_at_one_half() -> None:
    joint, st, sm = np.random.default_rng(0).normal(size=(3, 50, 4))

    one, other = contribution(Embedding(joint, st, sm)), contribution(Embedding(joint, sm, st))

    np.testing.assert_allclose(one.balance - 0.5, 0.5 - other.balance)


def test_rounding_never_leaves_the_range_of_a_cosine() -> None:
    rows = np.random.default_rng(0).normal(size=(5000, 10)).astype(np.float32)

    found = contribution(Embedding(rows, rows * 3, -rows))

    assert found.theta_st.max() <= 1.0
    assert found.theta_sm.min() >= -1.0


def test_spots_left_out_and_vectors_without_length_are_not_numbers() -> None:
    joint = np.array([[np.nan, np.nan], [1.0, 1.0]])
    zero = np.array([[1.0, 1.0], [0.0, 0.0]])

    assert np.isnan(contribution(Embedding(joint, zero, zero)).balance).all()


def test_embeddings_of_different_shape_are_refused() -> None:
    with pytest.raises(InvalidDataError, match="different shapes"):
        contribution(Embedding(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 2))))
