import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse
from scipy import stats as scipy_stats

from spatialmeta_core import markers
from spatialmeta_core.errors import NotReadyError


@pytest.fixture
def joint() -> AnnData:
    """Four samples of 30 spots, the first ten of each are the group; gene 0 is twice as high."""
    rng = np.random.default_rng(0)
    linear = rng.gamma(5.0, 1.0, (120, 6))
    linear[:, 5] = 0.0
    linear[np.arange(120) % 30 < 10, 0] *= 2.0
    joint = AnnData(sparse.csr_matrix(np.log1p(linear)))
    joint.var["type"] = ["ST"] * 3 + ["SM"] * 3
    joint.obs["sample"] = np.repeat(["a", "b", "c", "d"], 30)
    joint.layers["normalized"] = joint.X
    return joint


def averages(joint: AnnData, mask: np.ndarray, feature: int) -> pd.Series:
    linear = pd.Series(np.expm1(joint.layers["normalized"].toarray()[:, feature]))
    return linear[mask].groupby(joint.obs["sample"].to_numpy()[mask]).mean()


def pseudo(joint: AnnData, kind: str) -> float:
    linear = np.expm1(joint.layers["normalized"].toarray()[:, joint.var["type"] == kind])
    mean = linear.mean(axis=0)
    return 0.01 * float(np.median(mean[mean > 0]))


def test_groups_in_every_sample_are_compared_within_samples(joint) -> None:
    mask = np.arange(120) % 30 < 10

    found = markers.pseudobulk(joint, mask)

    assert found.paired
    assert found.note == ""
    table = found.table.set_index("feature")
    c = pseudo(joint, "ST")
    inside, outside = (np.log2(averages(joint, m, 0) + c) for m in (mask, ~mask))
    t, p = scipy_stats.ttest_rel(inside, outside)
    assert table.loc["0", "log2fc"] == pytest.approx((inside - outside).mean())
    assert (table.loc["0", "t"], table.loc["0", "p"]) == pytest.approx((t, p))
    assert table.loc["0", "log2fc"] == pytest.approx(1.0, abs=0.3)
    assert table.loc["5", "p"] == 1.0
    assert found.table["feature"].iloc[0] == "0"
    assert (table[["n_in", "n_out"]] == 4).all(axis=None)


def test_groups_in_different_samples_are_compared_as_two_sides(joint) -> None:
    joint.obs["sample"] = np.tile(np.repeat(["a", "b", "c", "d", "e", "f"], 5), 4)
    one = joint.obs["sample"].isin(["a", "b", "c"]).to_numpy()

    found = markers.pseudobulk(joint, one, ~one)

    assert not found.paired
    c = pseudo(joint, "SM")
    sides = [np.log2(averages(joint, m, 4) + c) for m in (one, ~one)]
    t, p = scipy_stats.ttest_ind(*sides, equal_var=False)
    row = found.table.set_index("feature").loc["4"]
    assert (row["t"], row["p"]) == pytest.approx((t, p))


def test_few_samples_carry_a_warning(joint) -> None:
    part = joint[:60].copy()

    found = markers.pseudobulk(part, np.arange(60) % 30 < 10)
    single = markers.pseudobulk(joint[:30].copy(), np.arange(30) < 10)

    assert "2 and 2 samples" in found.note
    assert "1 and 1 samples" in single.note
    assert single.table["p"].drop(single.table.index[single.table["feature"] == "5"]).isna().all()


def test_spots_without_metabolites_are_left_out(joint) -> None:
    values = joint.layers["normalized"].toarray()
    values[90:, 3:] = np.nan
    joint.layers["normalized"] = sparse.csr_matrix(values)

    table = markers.pseudobulk(joint, np.arange(120) % 30 < 10).table.set_index("type")

    assert (table.loc["SM", "n_in"] == 3).all()
    assert (table.loc["ST", "n_in"] == 4).all()


def test_samples_must_be_named(joint) -> None:
    del joint.obs["sample"]

    with pytest.raises(NotReadyError, match="no sample averages"):
        markers.pseudobulk(joint, np.arange(120) < 10)
