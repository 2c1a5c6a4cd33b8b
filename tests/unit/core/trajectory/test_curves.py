import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse
from scipy import stats as scipy_stats

from spatialmeta_core import keys, trajectory
from spatialmeta_core.errors import InvalidDataError, NotFoundError, NotReadyError
from spatialmeta_core.params import GradientParams
from spatialmeta_core.types import Trajectory


@pytest.fixture
def joint() -> AnnData:
    """A 40 x 5 strip, 0.5 um per pixel; two genes, and two metabolites missing at the start."""
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(np.arange(40.0), np.arange(5.0))
    xy = np.column_stack([x.ravel(), y.ravel()])
    rise = xy[:, 0] / 10 + rng.normal(0, 0.2, 200) + 5
    peak = 5 * np.exp(-(((xy[:, 0] - 25) / 5) ** 2)) + rng.normal(0, 0.1, 200) + 5
    missing = np.where(xy[:, 0] < 4, np.nan, 1.0)
    values = np.column_stack([rise, np.full(200, 3.0), peak * missing, -rise * missing])
    joint = AnnData(
        sparse.csr_matrix(values),
        var=pd.DataFrame(
            {"type": ["ST", "ST", "SM", "SM"]}, index=["rise", "flat", "peak", "fall"]
        ),
        obsm={"spatial": xy},
        uns={keys.OURS: {keys.UM_PER_PX: 0.5}},
    )
    joint.layers["normalized"] = joint.X
    return joint


def path(points=((0.0, 2.0), (39.0, 2.0)), width: float = 3.0, sample: str = "") -> Trajectory:
    return Trajectory("t", "my path", sample, np.array(points), width)


def test_bins_hold_the_plain_means_and_bands(joint) -> None:
    table = trajectory.gradient(joint, path(), ["rise"], params=GradientParams(n_bins=4))

    assert tuple(table.columns) == keys.GRADIENT_COLUMNS
    np.testing.assert_allclose(table["distance"], [2.4375, 7.3125, 12.1875, 17.0625])
    values = joint.layers["normalized"][:, [0]].toarray().ravel()
    bin_of = np.clip(joint.obsm["spatial"][:, 0] // 9.75, 0, 3)
    for place, row in enumerate(table.itertuples()):
        own = values[bin_of == place]
        low, high = scipy_stats.t.interval(0.95, len(own) - 1, own.mean(), scipy_stats.sem(own))
        assert (row.mean, row.low, row.high) == pytest.approx((own.mean(), low, high))
        assert row.n_spots == len(own)
        assert row.z == pytest.approx((own.mean() - values.mean()) / values.std(ddof=1))
        assert row.z_low < row.z < row.z_high


def test_features_keep_the_order_asked_for_and_all_is_the_default(joint) -> None:
    chosen = trajectory.gradient(joint, path(), ["peak", "rise"], params=GradientParams(n_bins=3))
    every = trajectory.gradient(joint, path(), params=GradientParams(n_bins=3))

    assert chosen["feature"].tolist() == ["peak"] * 3 + ["rise"] * 3
    assert every["feature"].unique().tolist() == joint.var_names.tolist()
    assert chosen["type"].unique().tolist() == ["SM", "ST"]


def test_spots_without_metabolites_do_not_count(joint) -> None:
    table = trajectory.gradient(joint, path(), params=GradientParams(n_bins=20)).set_index(
        "feature"
    )

    assert table.loc["rise", "n_spots"].iloc[0] == 10
    assert table.loc["peak", "n_spots"].iloc[0] == 0
    assert np.isnan(table.loc["peak", "mean"].iloc[0])
    assert table.loc["peak", "mean"].iloc[2:].notna().all()


def test_a_bin_with_one_spot_has_no_band_and_a_constant_no_z(joint) -> None:
    one_each = GradientParams(n_bins=40, min_spots_per_bin=1)
    narrow = trajectory.gradient(
        joint, path(width=0.4), ["rise", "flat"], params=one_each
    ).set_index("feature")

    assert (narrow["n_spots"] == 1).all()
    assert narrow["mean"].notna().all()
    assert narrow[["low", "high", "z_low"]].isna().all(axis=None)
    assert narrow.loc["flat", "z"].isna().all()


def test_walking_back_reverses_the_curve(joint) -> None:
    params = GradientParams(n_bins=7)
    there = trajectory.gradient(joint, path(((0.0, 2.0), (38.9, 2.0))), ["rise"], params=params)
    back = trajectory.gradient(joint, path(((38.9, 2.0), (0.0, 2.0))), ["rise"], params=params)

    np.testing.assert_allclose(back["z"][::-1], there["z"], atol=1e-9)


def test_without_a_pixel_size_distances_are_pixels(joint) -> None:
    del joint.uns[keys.OURS]

    table = trajectory.gradient(joint, path(width=6.0), ["rise"])

    assert table["distance"].iloc[-1] == pytest.approx(39 * (1 - 0.5 / 20))


def test_only_the_sample_of_the_path_is_used(joint) -> None:
    joint.obs["sample"] = np.where(joint.obsm["spatial"][:, 1] < 2, "a", "b")

    table = trajectory.gradient(joint, path(sample="a"), ["rise"], params=GradientParams(n_bins=2))

    assert table["n_spots"].sum() == 80


def test_the_screen_agrees_with_scipy_and_finds_the_peak(joint) -> None:
    table = trajectory.rank_gradients(joint, path())

    assert tuple(table.columns) == keys.SCREEN_COLUMNS
    found = table.set_index("feature")
    values, along = joint.layers["normalized"].toarray(), joint.obsm["spatial"][:, 0]
    for place, name in enumerate(joint.var_names):
        covered = np.isfinite(values[:, place])
        if name == "flat":
            assert np.isnan(found.loc[name, "rho"])
            continue
        rho, p = scipy_stats.spearmanr(along[covered], values[covered, place])
        assert found.loc[name, "rho"] == pytest.approx(rho)
        assert found.loc[name, "p"] == pytest.approx(p, rel=1e-6, abs=1e-300)
        assert found.loc[name, "n_spots"] == covered.sum()
    assert found.loc["peak", "peak"] == pytest.approx(12.5, abs=1.0)
    assert table["feature"].iloc[-1] == "flat"


def test_the_screen_adjusts_within_each_modality(joint) -> None:
    table = trajectory.rank_gradients(joint, path()).set_index("feature")

    assert table.loc["rise", "p_adj"] == table.loc["rise", "p"]
    np.testing.assert_allclose(
        table.loc[["peak", "fall"], "p_adj"],
        scipy_stats.false_discovery_control(table.loc[["peak", "fall"], "p"]),
    )


def test_a_path_beside_the_tissue_is_refused(joint) -> None:
    with pytest.raises(InvalidDataError, match='"my path" passes no spot within its width of 3 um'):
        trajectory.gradient(joint, path(((0.0, 90.0), (39.0, 90.0))))


def test_a_path_with_few_spots_is_refused(joint) -> None:
    with pytest.raises(InvalidDataError, match="has 3 spots in its swath; at least 10"):
        trajectory.gradient(joint, path(((0.0, 2.0), (2.0, 2.0)), width=0.2))


def test_unknown_features_and_samples_are_named(joint) -> None:
    with pytest.raises(NotFoundError, match='"LDHA"'):
        trajectory.gradient(joint, path(), ["rise", "LDHA"])
    joint.obs["sample"] = "a"
    with pytest.raises(NotFoundError, match='"b"'):
        trajectory.rank_gradients(joint, path(sample="b"))


def test_normalized_values_are_required(joint) -> None:
    del joint.layers["normalized"]

    with pytest.raises(NotReadyError):
        trajectory.gradient(joint, path())


def test_a_swath_without_metabolites_gives_genes_and_nan(joint) -> None:
    values = joint.layers["normalized"].toarray()
    values[:, 2:] = np.nan
    joint.layers["normalized"] = sparse.csr_matrix(values)

    curves = trajectory.gradient(joint, path()).set_index("type")
    screen = trajectory.rank_gradients(joint, path()).set_index("feature")

    assert curves.loc["SM", ["mean", "z"]].isna().all(axis=None)
    assert (curves.loc["SM", "n_spots"] == 0).all()
    assert screen.loc[["peak", "fall"], ["rho", "peak", "p"]].isna().all(axis=None)
    assert screen.loc["rise", "rho"] > 0.9


def test_a_swath_with_few_spots_gets_fewer_bins(joint) -> None:
    table = trajectory.gradient(joint, path(width=0.4), ["rise"])

    assert len(table) == 8
    assert (table["n_spots"] == 5).all()
