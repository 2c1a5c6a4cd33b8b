from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from spatialmeta_core import features, keys
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError, NotReadyError
from spatialmeta_core.params import FeatureParams


def grid(side: int) -> np.ndarray:
    x, y = np.meshgrid(np.arange(float(side)), np.arange(float(side)))
    return np.column_stack([x.ravel(), y.ravel()])


def joint_of(columns: dict[str, np.ndarray], xy: np.ndarray, **obs: list[str]) -> AnnData:
    """Genes unless the name starts with a digit."""
    values = sparse.csr_matrix(np.column_stack(list(columns.values())).astype(float))
    kinds = ["SM" if name[0].isdigit() else "ST" for name in columns]
    joint = AnnData(
        values,
        obs=pd.DataFrame(obs, index=[f"s{i}" for i in range(len(xy))]),
        var=pd.DataFrame({"type": kinds}, index=list(columns)),
        obsm={"spatial": xy},
    )
    joint.layers["normalized"] = values
    return joint


@pytest.fixture
def one_sample() -> AnnData:
    rng = np.random.default_rng(0)
    xy = grid(12)
    rare = np.zeros(len(xy))
    rare[:3] = 1.0
    ion = (xy[:, 1] > 5) + rng.normal(2.0, 0.1, len(xy))
    ion[:20] = np.nan
    columns = {
        "stripe": (xy[:, 0] > 5) + 0.1 * rng.random(len(xy)),
        "slope": xy[:, 0] + rng.normal(0, 6.0, len(xy)) + 40,
        "noise": rng.random(len(xy)),
        "rare": rare,
        "flat": np.full(len(xy), 2.0),
        "100.5": ion,
    }
    return joint_of(columns, xy)


def test_patterns_are_kept_and_every_other_feature_says_why(one_sample) -> None:
    table = features.select_features(one_sample)

    assert table[keys.SELECTED].to_dict() == {
        "stripe": True,
        "slope": True,
        "noise": False,
        "rare": False,
        "flat": False,
        "100.5": True,
    }
    reasons = table[features.DROPPED]
    assert (reasons[table[keys.SELECTED]] == "").all()
    assert reasons["noise"].startswith("not spatially variable (adjusted p = 0.")
    assert reasons["rare"] == "found in too few spots (3 at most; 10 are needed)"
    assert reasons["flat"] == "the same value in every spot"


def test_spots_without_metabolites_are_left_out_of_their_half_only(one_sample) -> None:
    table = features.select_features(one_sample)

    covered = one_sample[20:]
    alone = features.morans_i(covered.layers["normalized"][:, [5]], covered.obsm["spatial"])
    assert table.loc["100.5", keys.MORAN_I] == pytest.approx(alone.loc[0, keys.MORAN_I])


def test_only_the_strongest_are_kept_and_the_input_is_not_written_to(one_sample) -> None:
    before = one_sample.copy()

    table = features.select_features(one_sample, FeatureParams(n_genes=1, n_metabolites=0))

    assert table.index[table[keys.SELECTED]].tolist() == ["stripe"]
    assert table.loc["slope", features.DROPPED] == "not among the 1 with the largest Moran's I"
    assert table.loc["100.5", features.DROPPED].startswith("not among the 0")
    assert one_sample.var.equals(before.var)
    assert (one_sample.layers["normalized"] != before.layers["normalized"]).sum() == 20  # NaN only


def test_without_normalized_values_x_is_used(one_sample) -> None:
    expected = features.select_features(one_sample)
    del one_sample.layers["normalized"]

    table = features.select_features(one_sample)

    np.testing.assert_allclose(table[keys.MORAN_I], expected[keys.MORAN_I])


@pytest.fixture
def three_samples() -> AnnData:
    rng = np.random.default_rng(0)
    xy = np.vstack([grid(9)] * 3)
    sample = np.repeat(["a", "b", "c"], 81)
    stripe = 1.0 * (xy[:, 0] > 4)
    columns = {
        "everywhere": stripe + 0.1 * rng.random(243) + 1,
        "twice": np.where(sample == "c", rng.random(243), stripe + 0.1 * rng.random(243)),
        "once": np.where(sample == "a", stripe + 0.1 * rng.random(243), rng.random(243)),
        "biased": (stripe + 0.1 * rng.random(243) + 1) * np.where(sample == "b", 4.0, 0.3),
        "200.5": stripe + 0.1 * rng.random(243),
    }
    return joint_of(columns, xy, sample=list(sample))


def test_two_samples_must_agree_and_none_may_be_favored(three_samples) -> None:
    table = features.select_features(three_samples)

    assert table.index[table[keys.SELECTED]].tolist() == ["everywhere", "twice", "200.5"]
    assert table.loc["once", features.DROPPED] == (
        "spatially variable in 1 of 3 samples; 2 are needed"
    )
    reason = table.loc["biased", features.DROPPED]
    assert reason.startswith("biased toward sample b (log2 fold change ")
    assert reason.endswith("against the others, found in 100% of its spots)")
    assert table[features.BIASED_TOWARD].to_dict() == {
        "everywhere": "",
        "twice": "",
        "once": "",
        "biased": "b",
        "200.5": "",
    }
    assert table.loc[["everywhere", "once"], features.N_VARIABLE].tolist() == [3, 1]
    agree = table[keys.MORAN_P_ADJ] <= FeatureParams().max_p_adj
    assert agree.to_dict() == {
        "everywhere": True,
        "twice": True,
        "once": False,
        "biased": True,
        "200.5": True,
    }


def test_samples_do_not_share_neighbors(three_samples) -> None:
    apart = three_samples.copy()
    apart.obsm["spatial"] = (
        apart.obsm["spatial"] + 1000.0 * (apart.obs["sample"] == "c").to_numpy()[:, None]
    )

    pd.testing.assert_frame_equal(
        features.select_features(three_samples), features.select_features(apart)
    )


def test_a_sample_with_too_few_spots_is_named(three_samples) -> None:
    few = three_samples[np.r_[0:81, 81:86]].copy()

    with pytest.raises(InvalidDataError, match='"b" has 5 spots'):
        features.select_features(few)


def test_positions_and_modality_are_required(one_sample) -> None:
    without_type = one_sample.copy()
    del without_type.var["type"]
    with pytest.raises(NotReadyError):
        features.select_features(without_type)
    del one_sample.obsm["spatial"]
    with pytest.raises(InvalidDataError, match="no positions"):
        features.select_features(one_sample)


def test_metabolites_that_were_nowhere_measured_say_so(one_sample) -> None:
    values = one_sample.layers["normalized"].toarray()
    values[:, 5] = np.nan
    one_sample.layers["normalized"] = sparse.csr_matrix(values)

    table = features.select_features(one_sample)

    assert table.loc["100.5", features.DROPPED] == "no spot has a value"
    assert table.loc["stripe", keys.SELECTED]


def test_every_sample_has_its_own_columns(three_samples) -> None:
    table = features.select_features(three_samples)

    for name in "abc":
        mine = three_samples[three_samples.obs["sample"] == name]
        genes = mine.layers["normalized"][:, :4]
        alone = features.morans_i(genes, mine.obsm["spatial"], names=mine.var_names[:4])
        for column in keys.MORAN_COLUMNS:
            np.testing.assert_allclose(
                table[features.of_sample(column, name)].iloc[:4], alone[column]
            )
    in_each = [table[features.of_sample(keys.MORAN_I, name)] for name in "abc"]
    np.testing.assert_allclose(table[keys.MORAN_I], np.mean(in_each, axis=0))


def test_one_sample_has_no_columns_of_its_own(one_sample) -> None:
    assert not [name for name in features.select_features(one_sample) if " in " in name]


def test_a_biased_feature_may_be_kept_and_is_still_marked(three_samples) -> None:
    table = features.select_features(three_samples, FeatureParams(remove_biased=False))

    assert table.loc["biased", keys.SELECTED]
    assert table.loc["biased", features.BIASED_TOWARD] == "b"


def test_highly_variable_features_need_no_pattern() -> None:
    rng, xy = np.random.default_rng(0), grid(12)
    columns = {f"plain{i}": rng.poisson(5.0, len(xy)) for i in range(20)}
    columns["stripe"] = rng.poisson(5.0 + 2.0 * (xy[:, 0] > 5) - 1.0)
    scattered = np.where(rng.random(len(xy)) < 0.5, 10.0, 0.0)
    columns["scattered"] = scattered * columns["plain0"].mean() / scattered.mean()  # same mean
    joint = joint_of(columns, xy)
    joint.layers["normalized"] = joint.X.log1p()
    params = FeatureParams(n_genes=1, n_metabolites=0)

    by_pattern = features.select_features(joint, params)
    by_spread = features.select_features(joint, replace(params, method="highly_variable"))

    assert by_pattern.index[by_pattern[keys.SELECTED]].tolist() == ["stripe"]
    assert by_spread.index[by_spread[keys.SELECTED]].tolist() == ["scattered"]
    assert by_spread.loc["scattered", keys.MORAN_P_ADJ] > 0.05
    assert by_spread.loc["stripe", features.DROPPED] == "not among the 1 most variable"
    assert by_pattern[features.DISPERSION].isna().all()


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InvalidParamsError, match="spatially_variable or highly_variable"):
        FeatureParams(method="seurat")
