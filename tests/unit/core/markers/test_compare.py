import time

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse
from scipy import stats as scipy_stats

from spatialmeta_core import keys, markers
from spatialmeta_core.errors import InvalidDataError, NotReadyError


def joint_from(normalized: np.ndarray, n_genes: int) -> AnnData:
    kinds = ["ST"] * n_genes + ["SM"] * (normalized.shape[1] - n_genes)
    names = [f"f{i}" for i in range(normalized.shape[1])]
    joint = AnnData(sparse.csr_matrix(normalized), var=pd.DataFrame({"type": kinds}, index=names))
    joint.layers["normalized"] = sparse.csr_matrix(normalized)
    return joint


@pytest.fixture
def joint() -> AnnData:
    """Eight tied, sparse genes and four metabolites over 60 spots; the first 20 spots differ."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.8, (60, 8)).astype(float)
    counts[:20, :3] += rng.poisson(1.5, (20, 3))
    counts[:, 7] = 0.0
    ions = rng.gamma(2.0, 100.0, (60, 4))
    ions[:20, 1] *= 4.0
    return joint_from(np.log1p(np.hstack([counts, ions])), 8)


@pytest.fixture
def mask() -> np.ndarray:
    return np.arange(60) < 20


def by_feature(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("feature").sort_index()


def test_a_small_case_by_hand() -> None:
    normalized = np.log1p(np.array([[3.0, 7.0], [1.0, 7.0], [1.0, 7.0], [0.0, 7.0]]))
    joint = joint_from(normalized, 1)

    table = by_feature(markers.rank_markers(joint, np.array([True, True, False, False])))

    row = table.loc["f0"]
    assert row["auc"] == pytest.approx(3.5 / 4)  # of 4 pairs: three won, one tie
    assert (row["mean_in"], row["mean_out"]) == pytest.approx((2.0, 0.5))
    pseudo = 0.01 * 1.25  # 1 % of the only gene's mean
    assert row["log2fc"] == pytest.approx(np.log2((2.0 + pseudo) / (0.5 + pseudo)))
    assert (row["fraction_in"], row["fraction_out"]) == (1.0, 0.5)
    assert table.loc["f1", "auc"] == 0.5
    assert table.loc["f1", "p"] == 1.0


def test_the_table_has_the_agreed_columns_and_every_feature_once(joint, mask) -> None:
    table = markers.rank_markers(joint, mask)

    assert tuple(table.columns) == keys.MARKER_COLUMNS
    assert sorted(table["feature"]) == sorted(joint.var_names)
    assert set(table["type"]) == {"ST", "SM"}


def test_p_and_auc_agree_with_scipy(joint, mask) -> None:
    table = by_feature(markers.rank_markers(joint, mask))

    dense = joint.layers["normalized"].toarray()
    for place, name in enumerate(joint.var_names):
        if np.ptp(dense[:, place]) == 0:
            continue  # SciPy gives NaN for a constant
        inside, outside = dense[mask, place], dense[~mask, place]
        u, p = scipy_stats.mannwhitneyu(inside, outside, use_continuity=False, method="asymptotic")
        assert table.loc[name, "p"] == pytest.approx(p, rel=1e-10)
        assert table.loc[name, "auc"] == pytest.approx(u / (20 * 40), rel=1e-12)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_p_agrees_with_scanpy_with_tie_correction(joint, mask) -> None:
    scanpy = pytest.importorskip("scanpy")
    genes = joint[:, :7].copy()
    genes.X = genes.layers["normalized"]
    genes.obs["group"] = pd.Categorical(np.where(mask, "in", "out"))
    scanpy.tl.rank_genes_groups(
        genes, "group", groups=["in"], method="wilcoxon", tie_correct=True, use_raw=False
    )
    expected = scanpy.get.rank_genes_groups_df(genes, "in").set_index("names")["pvals"]

    found = by_feature(markers.rank_markers(joint, mask))["p"]

    np.testing.assert_allclose(found[expected.index], expected, rtol=1e-9)


def test_against_a_second_group_only_the_two_count(joint, mask) -> None:
    reference = (np.arange(60) >= 20) & (np.arange(60) < 45)

    table = by_feature(markers.rank_markers(joint, mask, reference))

    alone = by_feature(markers.rank_markers(joint[:45].copy(), mask[:45]))
    pd.testing.assert_frame_equal(table, alone)


def test_exchanging_the_groups_mirrors_the_result(joint, mask) -> None:
    one = by_feature(markers.rank_markers(joint, mask, ~mask))
    other = by_feature(markers.rank_markers(joint, ~mask, mask))

    np.testing.assert_allclose(other["auc"], 1.0 - one["auc"])
    np.testing.assert_allclose(other["log2fc"], -one["log2fc"], atol=1e-12)
    np.testing.assert_allclose(other["p"], one["p"])


def test_permuting_spots_changes_nothing(joint, mask) -> None:
    order = np.random.default_rng(1).permutation(60)

    pd.testing.assert_frame_equal(
        by_feature(markers.rank_markers(joint[order].copy(), mask[order])),
        by_feature(markers.rank_markers(joint, mask)),
    )


def test_the_most_different_come_first_whatever_the_direction(joint, mask) -> None:
    for group in (mask, ~mask):
        distance = (markers.rank_markers(joint, group)["auc"] - 0.5).abs()
        assert distance.is_monotonic_decreasing


def test_p_is_adjusted_within_each_modality(joint, mask) -> None:
    table = markers.rank_markers(joint, mask)

    for _, part in table.groupby("type"):
        expected = scipy_stats.false_discovery_control(part["p"], method="bh")
        np.testing.assert_allclose(part["p_adj"], expected)


def test_spots_without_metabolites_do_not_count_for_metabolites(joint, mask) -> None:
    normalized = joint.layers["normalized"].toarray()
    normalized[[0, 1, 30], 8:] = np.nan
    missing = joint_from(normalized, 8)

    table = by_feature(markers.rank_markers(missing, mask))

    covered = np.isfinite(normalized[:, 8])
    ions = by_feature(markers.rank_markers(joint[covered].copy(), mask[covered]))
    genes = by_feature(markers.rank_markers(joint, mask))
    is_gene = (genes["type"] == "ST").to_numpy()
    pd.testing.assert_frame_equal(table[is_gene], genes[is_gene])
    pd.testing.assert_frame_equal(table[~is_gene], ions[~is_gene])


def test_a_group_without_any_metabolites_gets_genes_and_nan(joint, mask) -> None:
    normalized = joint.layers["normalized"].toarray()
    normalized[:20, 8:] = np.nan

    table = by_feature(markers.rank_markers(joint_from(normalized, 8), mask))

    is_gene = table["type"] == "ST"
    assert table.loc[is_gene, "p"].notna().all()
    assert table.loc[~is_gene, ["p", "p_adj", "auc", "log2fc"]].isna().all(axis=None)


def test_metabolites_that_were_nowhere_measured_are_nan(joint, mask) -> None:
    normalized = joint.layers["normalized"].toarray()
    normalized[:, 8:] = np.nan

    table = by_feature(markers.rank_markers(joint_from(normalized, 8), mask))

    assert table.loc[table["type"] == "SM", "p"].isna().all()
    assert table.loc[table["type"] == "ST", "p"].notna().all()


def test_an_index_answers_the_same_for_any_group(joint, mask) -> None:
    index = markers.build_index(joint)

    for group in (mask, np.arange(60) % 3 == 0):
        pd.testing.assert_frame_equal(
            markers.rank_markers(joint, group, index=index), markers.rank_markers(joint, group)
        )


def test_each_cluster_is_compared_with_all_others(joint) -> None:
    labels = np.repeat(["b", "a", "c"], 20)

    table = markers.rank_clusters(joint, labels)

    assert tuple(table.columns) == (keys.CLUSTER, *keys.MARKER_COLUMNS)
    assert table[keys.CLUSTER].unique().tolist() == ["a", "b", "c"]
    own = table[table[keys.CLUSTER] == "b"].drop(columns=keys.CLUSTER).reset_index(drop=True)
    pd.testing.assert_frame_equal(own, markers.rank_markers(joint, labels == "b"))


def test_spots_without_a_cluster_take_no_part(joint) -> None:
    labels = pd.Series(np.repeat(["a", "b", "c"], 20)).where(np.arange(60) < 40)

    table = markers.rank_clusters(joint, labels)

    part = markers.rank_clusters(joint[:40].copy(), labels[:40])
    pd.testing.assert_frame_equal(table, part)


def test_the_input_is_not_written_to(joint, mask) -> None:
    before = joint.copy()

    markers.rank_markers(joint, mask)

    assert (joint.layers["normalized"] != before.layers["normalized"]).nnz == 0


@pytest.mark.parametrize(
    ("group", "reference", "message"),
    [
        (np.zeros(60, bool), None, "The group holds no spots"),
        (np.ones(60, bool), None, "none are left to compare with"),
        (np.arange(60) < 5, np.zeros(60, bool), "The reference holds no spots"),
        (np.arange(60) < 5, np.arange(60) < 9, "5 spots are in both groups"),
        (np.ones(7, bool), None, r"shape \(7,\).*each of 60 spots"),
        (np.arange(60), None, "array of int64"),
    ],
)
def test_unusable_groups_are_refused(joint, group, reference, message) -> None:
    with pytest.raises(InvalidDataError, match=message):
        markers.rank_markers(joint, group, reference)


def test_clusters_must_fit_and_differ(joint) -> None:
    with pytest.raises(InvalidDataError, match="3 cluster labels for 60 spots"):
        markers.rank_clusters(joint, ["a", "b", "c"])
    with pytest.raises(InvalidDataError, match="Found 1 cluster"):
        markers.rank_clusters(joint, ["a"] * 60)


def test_normalized_values_are_required(joint, mask) -> None:
    del joint.layers["normalized"]

    with pytest.raises(NotReadyError):
        markers.rank_markers(joint, mask)


def test_a_whole_section_takes_less_than_a_second() -> None:
    rng = np.random.default_rng(0)
    genes = sparse.random(2000, 2500, 0.15, "csr", rng=rng, data_rvs=rng.random)
    joint = AnnData(sparse.hstack([genes, sparse.csr_matrix(rng.random((2000, 500)))], "csr"))
    joint.var["type"] = ["ST"] * 2500 + ["SM"] * 500
    joint.layers["normalized"] = joint.X

    def once() -> float:
        start = time.process_time()
        markers.rank_markers(joint, np.arange(2000) < 200)
        return time.process_time() - start

    assert min(once() for _ in range(3)) < 1.0  # 0.25 s on an idle core
