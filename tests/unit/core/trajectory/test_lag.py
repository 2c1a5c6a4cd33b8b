import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from spatialmeta_core import keys, trajectory
from spatialmeta_core.errors import InvalidParamsError, NotFoundError
from spatialmeta_core.types import Trajectory

PATH = Trajectory("t", "path", "", np.array([[0.0, 2.0], [40.0, 2.0]]), 5.0)


def joint_with(lag: float, seed: int = 0, noise: float = 0.3) -> AnnData:
    """40 x 5 spots 2 um apart; a gene peaks at 36 um, a metabolite ``lag`` later."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(41.0), np.arange(5.0))
    along = x.ravel() * 2.0

    def bump(middle: float) -> np.ndarray:
        return 2 * np.exp(-((along - middle) ** 2) / (2 * 10.0**2))

    ion, step = bump(36.0 + lag), 2.0 * (along > 50)
    values = np.column_stack([bump(36.0), step, np.full(205, 1.0), ion, -ion])
    values += rng.normal(0, noise, values.shape) * (np.arange(5) != 2)
    values[along < 4, 3:] = np.nan
    joint = AnnData(
        sparse.csr_matrix(values + 5.0),
        var=pd.DataFrame(
            {"type": ["ST", "ST", "ST", "SM", "SM"]}, index=["gene", "step", "flat", "ion", "dip"]
        ),
        obsm={"spatial": np.column_stack([x.ravel(), y.ravel()])},
        uns={keys.OURS: {keys.UM_PER_PX: 2.0}},
    )
    joint.layers["normalized"] = joint.X
    return joint


def test_a_planted_lag_is_found_with_an_interval_that_leaves_out_zero() -> None:
    table = trajectory.peak_lags(joint_with(14.0), PATH, ["gene", "flat"], ["ion"])

    assert tuple(table.columns) == keys.LAG_COLUMNS
    row = table.iloc[0]
    assert (row["gene"], row["metabolite"]) == ("gene", "ion")
    assert row["lag"] == pytest.approx(14.0, abs=3.0)
    assert 0 < row["low"] < row["lag"] < row["high"] < 25
    assert row["gene_position"] == pytest.approx(36.0, abs=3.0)
    assert row["lag"] == pytest.approx(row["metabolite_position"] - row["gene_position"])
    assert table.iloc[1][["lag", "low", "high"]].isna().all()


def test_intervals_cover_the_truth_in_most_sections() -> None:
    covered = 0
    for seed in range(20):
        row = trajectory.peak_lags(
            joint_with(8.0, seed), PATH, ["gene"], ["ion"], n_resamples=100, seed=seed
        ).iloc[0]
        covered += row["low"] <= 8.0 <= row["high"]

    assert covered >= 16


def test_valleys_and_changes_have_places_as_well() -> None:
    joint = joint_with(10.0, noise=0.1)

    valley = trajectory.peak_lags(joint, PATH, ["step"], ["dip"], at="valley").iloc[0]
    change = trajectory.peak_lags(joint, PATH, ["step"], ["dip"], at="change").iloc[0]

    assert valley["metabolite_position"] == pytest.approx(46.0, abs=3.0)
    assert change["gene_position"] == pytest.approx(50.0, abs=3.0)


def test_the_same_seed_gives_the_same_interval() -> None:
    tables = [
        trajectory.peak_lags(joint_with(5.0), PATH, ["gene"], ["ion"], seed=s) for s in (1, 1, 2)
    ]

    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert tables[0]["low"][0] != tables[2]["low"][0]


def test_unknown_features_and_few_resamples_are_refused() -> None:
    with pytest.raises(NotFoundError, match='"LDHA"'):
        trajectory.peak_lags(joint_with(5.0), PATH, ["LDHA"], ["ion"])
    with pytest.raises(InvalidParamsError, match="n_resamples is 3"):
        trajectory.peak_lags(joint_with(5.0), PATH, ["gene"], ["ion"], n_resamples=3)
