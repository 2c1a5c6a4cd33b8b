import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from spatialmeta_core import keys, trajectory
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.trajectory.smooth import Smoother, local_lines
from spatialmeta_core.types import Trajectory

PATH = Trajectory("t", "path", "", np.array([[0.0, 5.0], [100.0, 5.0]]), 20.0)


@pytest.fixture
def joint() -> AnnData:
    rng = np.random.default_rng(0)
    xy = rng.uniform([0, 0], [100, 10], (300, 2))
    u = xy[:, 0] / 100
    values = np.column_stack([2 + u, 3 + np.sin(3 * u), np.full(300, 2.0), 4 - u])
    values[:, [0, 1, 3]] += rng.normal(0, 0.1, (300, 3))
    values[u < 0.2, 3] = np.nan
    joint = AnnData(
        sparse.csr_matrix(values),
        var=pd.DataFrame({"type": ["ST", "ST", "ST", "SM"]}, index=["line", "sine", "flat", "m"]),
        obsm={"spatial": xy},
    )
    joint.layers["normalized"] = joint.X
    return joint


def test_curves_are_those_of_lowess_without_robustness() -> None:
    lowess = pytest.importorskip("statsmodels.nonparametric.smoothers_lowess").lowess
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(0, 10, 120))
    y = np.sin(x) + rng.normal(0, 0.2, 120)

    ours = local_lines(x, x, 0.3) @ y

    np.testing.assert_allclose(ours, lowess(y, x, 0.3, it=0, return_sorted=False), atol=1e-3)


def test_a_straight_line_stays_as_it_is() -> None:
    along = np.random.default_rng(2).uniform(-5, 9, 80)
    points = np.linspace(-5, 9, 33)

    weights = local_lines(along, points, 0.2)

    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    np.testing.assert_allclose(weights @ (3 * along - 2), 3 * points - 2, atol=1e-9)
    fitted, left = Smoother(along, points, 0.2).residuals(3 * along[:, None] - 2)
    np.testing.assert_allclose(fitted, 3 * along[:, None] - 2, atol=1e-9)
    np.testing.assert_allclose(left, 0, atol=1e-9)


def test_spots_at_one_place_give_their_mean() -> None:
    weights = local_lines(np.zeros(5), np.array([0.0, 1.0]), 0.5)

    np.testing.assert_allclose(weights, 0.2)


def test_the_band_covers_the_truth_about_nineteen_times_in_twenty(joint) -> None:
    table = trajectory.smooth(joint, PATH)

    assert tuple(table.columns) == keys.GRADIENT_COLUMNS
    line = table[table["feature"] == "line"]
    truth = 2 + line["distance"] / 100
    assert ((line["low"] <= truth) & (truth <= line["high"])).mean() > 0.8
    assert (line["high"] - line["low"]).max() < 0.15


def test_features_keep_their_order_and_missing_spots_do_not_count(joint) -> None:
    table = trajectory.smooth(joint, PATH, ["m", "flat"], n_points=10).set_index("feature")

    assert table.index.unique().tolist() == ["m", "flat"]
    assert (table.loc["m", "n_spots"] == (joint.obsm["spatial"][:, 0] >= 20).sum()).all()
    np.testing.assert_allclose(table.loc["flat", "mean"], 2.0)
    assert table.loc["flat", "z"].isna().all()


def test_spans_out_of_range_are_refused(joint) -> None:
    with pytest.raises(InvalidParamsError, match="span is 0"):
        trajectory.smooth(joint, PATH, span=0.0)
