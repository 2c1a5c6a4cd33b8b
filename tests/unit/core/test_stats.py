import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse
from scipy import stats as scipy_stats

from spatialmeta_core import stats
from spatialmeta_core.errors import NotReadyError


def joint_with(sm: np.ndarray) -> AnnData:
    st = np.arange(len(sm), dtype=float)[:, None]
    values = sparse.csr_matrix(np.hstack([st, sm]))
    kinds = ["ST"] + ["SM"] * sm.shape[1]
    names = [f"f{i}" for i in range(values.shape[1])]
    joint = AnnData(values, var=pd.DataFrame({"type": kinds}, index=names))
    joint.layers["normalized"] = values
    return joint


def test_adjusted_p_of_a_worked_example() -> None:
    adjusted = stats.benjamini_hochberg([0.01, 0.04, 0.03, 0.5])

    np.testing.assert_allclose(adjusted, [0.04, 0.16 / 3, 0.16 / 3, 0.5])


def test_adjusted_p_agrees_with_scipy_in_any_order() -> None:
    p = np.random.default_rng(0).random(200) ** 2

    np.testing.assert_allclose(
        stats.benjamini_hochberg(p), scipy_stats.false_discovery_control(p, method="bh")
    )


def test_a_test_that_could_not_be_made_does_not_count() -> None:
    adjusted = stats.benjamini_hochberg([0.01, np.nan, 0.04])

    np.testing.assert_allclose(adjusted, [0.02, np.nan, 0.04])


def test_normal_tails_agree_with_scipy_far_out() -> None:
    z = np.array([-3.0, 0.0, 2.0, 12.0])

    np.testing.assert_allclose(stats.upper_tail(z), scipy_stats.norm.sf(z), rtol=1e-10)
    np.testing.assert_allclose(stats.two_sided_p(z), 2 * scipy_stats.norm.sf(abs(z)), rtol=1e-10)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_sparse_ranks_agree_with_scipy_for_any_sign(kind) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(-3, 4, (40, 6)).astype(float)
    values[:, 0] = 0.0
    values[:, 1] = np.abs(values[:, 1]) + 1.0

    ranks = stats.rank_columns(kind(values))

    dense = ranks.shift.toarray() + ranks.zero_rank
    np.testing.assert_array_equal(dense, scipy_stats.rankdata(values, axis=0))
    ties = [sum(t**3 - t for t in np.unique(c, return_counts=True)[1]) for c in values.T]
    np.testing.assert_array_equal(ranks.tie_sum, ties)


def test_ranking_leaves_stored_zeros_of_the_input_alone() -> None:
    values = sparse.csc_matrix(np.array([[1.0], [2.0], [3.0]]))
    values.data[0] = 0.0

    stats.rank_columns(values)

    assert values.nnz == 3


def test_metabolites_with_the_same_missing_spots_form_one_block() -> None:
    sm = np.ones((5, 3))
    sm[1, :2] = np.nan
    sm[3:, 2] = np.nan

    genes, *metabolites = stats.feature_blocks(joint_with(sm))

    assert genes.kind == "ST"
    assert genes.rows.tolist() == [0, 1, 2, 3, 4]
    found = {tuple(block.columns): block.rows.tolist() for block in metabolites}
    assert found == {(1, 2): [0, 2, 3, 4], (3,): [0, 1, 2]}
    assert all(np.isfinite(block.matrix.data).all() for block in metabolites)


def test_without_missing_values_there_is_one_block_per_modality() -> None:
    blocks = stats.feature_blocks(joint_with(np.ones((4, 2))))

    assert [block.kind for block in blocks] == ["ST", "SM"]


def test_the_linear_scale_undoes_the_logarithm() -> None:
    block = stats.feature_blocks(joint_with(np.log1p([[9.0], [0.0]])))[1]

    np.testing.assert_allclose(block.linear().toarray(), [[9.0], [0.0]])


def test_missing_normalized_values_are_named() -> None:
    joint = joint_with(np.ones((4, 2)))
    del joint.layers["normalized"]

    assert not stats.feature_blocks(joint, require_normalized=False)[0].log_scale
    with pytest.raises(NotReadyError, match="no normalized values"):
        stats.feature_blocks(joint)


def test_features_of_unknown_modality_are_refused() -> None:
    with pytest.raises(NotReadyError, match="ST or SM"):
        stats.feature_blocks(AnnData(np.ones((3, 2))))


def test_fold_changes_do_not_depend_on_the_unit() -> None:
    linear = sparse.csc_matrix(np.random.default_rng(0).gamma(1.0, 5.0, (30, 8)))

    def change(values: sparse.csc_matrix) -> np.ndarray:
        first, rest = (np.asarray(part.mean(axis=0)).ravel() for part in (values[:9], values[9:]))
        return stats.log2_fold_change(first, rest, stats.pseudo_count(values))

    np.testing.assert_allclose(change(linear), change(linear * 1e6))


def test_without_signal_the_pseudo_count_is_one() -> None:
    assert stats.pseudo_count(sparse.csc_matrix((4, 3))) == 1.0


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix])
@pytest.mark.parametrize("by_row", [True, False])
def test_blocks_leave_stored_zeros_of_the_layer_alone(kind, by_row) -> None:
    values = kind(np.ones((4, 3)))
    values.data[2] = 0.0
    joint = AnnData(sparse.csr_matrix((4, 3)))
    joint.var["type"] = "ST"
    joint.layers["normalized"] = values

    (block,) = stats.feature_blocks(joint, by_row=by_row)

    assert block.matrix.nnz == 11
    assert joint.layers["normalized"].nnz == 12
    np.testing.assert_array_equal(block.matrix.toarray(), values.toarray())


def test_blocks_by_row_hold_the_same_values() -> None:
    sm = np.ones((5, 3))
    sm[1, :2] = np.nan

    for plain, by_row in zip(
        stats.feature_blocks(joint_with(sm)),
        stats.feature_blocks(joint_with(sm), by_row=True),
        strict=True,
    ):
        assert by_row.matrix.format == "csr"
        np.testing.assert_array_equal(plain.matrix.toarray(), by_row.matrix.toarray())
        np.testing.assert_array_equal(plain.rows, by_row.rows)


def test_normal_scores_are_quantiles_of_ranks_less_that_of_zero() -> None:
    rng = np.random.default_rng(8)
    values = rng.poisson(0.7, (60, 4)) * rng.normal(1.0, 1.0, (60, 4))
    values[:, 3] = 0.0
    assert (values == 0).any(axis=0).all()

    found = stats.normal_scores(sparse.csr_matrix(values)).toarray()

    for own, column in zip(found.T, values.T, strict=True):
        wanted = scipy_stats.norm.ppf(scipy_stats.rankdata(column) / 61)
        np.testing.assert_allclose(own, wanted - wanted[column == 0][0], atol=1e-5)
