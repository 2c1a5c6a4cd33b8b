import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from spatialmeta_core import joint, keys
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry import apply_pose, invert, make_pose
from spatialmeta_core.params import ReassignParams
from spatialmeta_core.reassign import sides
from spatialmeta_core.stability import (
    noise_correlations,
    perturbations,
    shift_correlations,
    stability,
)
from spatialmeta_core.types import Alignment

PARAMS = ReassignParams()


def grid(n: int, step: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(n), np.arange(n))
    return np.column_stack([x.ravel(), y.ravel()]) * step


@pytest.fixture
def st() -> ad.AnnData:
    rng = np.random.default_rng(0)
    xy = grid(14, 100.0) + 200.0
    smooth = rng.poisson(20 * (1 + np.sin(xy[:, :1] / 300)))
    noise = rng.poisson(2.0, (196, 2))
    return ad.AnnData(
        X=csr_matrix(np.hstack([smooth, noise]).astype(np.float32)),
        var=pd.DataFrame(index=["wave", "noise1", "noise2"]),
        obsm={keys.SPATIAL: xy},
    )


@pytest.fixture
def sm() -> ad.AnnData:
    """A smooth pattern, noise, stripes as narrow as one spot, one constant and one other."""
    rng = np.random.default_rng(1)
    xy = grid(35, 50.0) + 3.17
    wide = 500 * (1 + np.sin(xy[:, 0] / 400) * np.cos(xy[:, 1] / 500))
    narrow = 500.0 * (np.floor(xy[:, 0] / 100) % 2)
    noise = rng.gamma(1.0, 500.0, len(xy))
    rest = np.full(len(xy), 5e5)  # most of the total, so that totals hardly vary
    values = np.column_stack([wide, noise, narrow, np.zeros(len(xy)), rest])
    return ad.AnnData(
        X=values.astype(np.float32),
        var=pd.DataFrame(index=["wide", "noise", "narrow", "nothing", "rest"]),
        obsm={keys.SPATIAL: xy},
    )


def test_wide_patterns_hold_and_noise_does_not(st, sm) -> None:
    table = stability(st, sm).set_index("feature")

    assert tuple(table.reset_index().columns) == keys.STABILITY_COLUMNS
    assert table.index.tolist() == ["wide", "noise", "narrow", "nothing", "rest"]
    assert table[keys.HOLDS].tolist()[:4] == [True, False, False, False]
    assert table.loc["wide", keys.SHIFT_R] > 0.9
    assert abs(table.loc["noise", "r_mean"]) < 0.5
    assert set(table["type"]) == {keys.SM}


def test_stripes_of_one_spot_turn_round_when_moved_across_and_not_along(st, sm) -> None:
    table = stability(st, sm).set_index("feature")
    where = sides(st.obsm[keys.SPATIAL], sm.obsm[keys.SPATIAL])
    moves = perturbations(where.target_xy, shift=100.0)
    found = shift_correlations(sm.X, where, PARAMS, list(moves.values()))
    by_move = dict(zip(moves, found[:, 2], strict=True))

    assert table.loc["narrow", keys.SHIFT_R] < -0.5
    assert "right" in table.loc["narrow", "worst"] or "left" in table.loc["narrow", "worst"]
    assert by_move["1 spot down"] == pytest.approx(by_move["1 spot up"]) == pytest.approx(1.0)


def test_a_feature_that_is_nowhere_has_no_correlation(st, sm) -> None:
    row = stability(st, sm).set_index("feature").loc["nothing"]

    assert np.isnan(row[keys.SHIFT_R])
    assert np.isnan(row["r_mean"])
    assert row["worst"] == ""


@pytest.mark.parametrize("method", ["mean", "distance", "area"])
@pytest.mark.parametrize("direction", ["sm_to_st", "st_to_sm"])
def test_it_equals_correlating_two_joint_tables(st, sm, method, direction) -> None:
    """The slow way: move the alignment itself and join again."""
    params = ReassignParams(method=method, direction=direction, distance_factor=3.0)
    carried = [keys.SM, keys.ST][direction == "st_to_sm"]
    here = joint.join(st, sm, None, params)
    columns = (here.var[keys.FEATURE_TYPE] == carried).to_numpy()
    before = here.layers[keys.NORMALIZED][:, columns].toarray()
    moves = perturbations(here.obsm[keys.SPATIAL], shift=100.0)
    expected = []
    for move in moves.values():
        pose = move if direction == "sm_to_st" else invert(move)
        table = joint.join(st, sm, Alignment(pose), params)
        after = table.layers[keys.NORMALIZED][:, columns].toarray()
        both = ~np.isnan(before[:, 0]) & ~np.isnan(after[:, 0])
        pairs = zip(before[both].T, after[both].T, strict=True)
        expected.append(
            [np.corrcoef(a, b)[0, 1] if np.ptp(a) * np.ptp(b) > 0 else np.nan for a, b in pairs]
        )

    table = stability(st, sm, None, params)

    lowest = np.min(expected, axis=0)
    # the tables are float32, and equally near pixels may be taken in another order
    np.testing.assert_allclose(table[keys.SHIFT_R], lowest, atol=5e-3)
    np.testing.assert_allclose(table["r_mean"], np.mean(expected, axis=0), atol=2e-3)


def test_sparse_and_dense_values_give_the_same(st, sm) -> None:
    dense = stability(st, sm)
    sm.X = csr_matrix(sm.X)

    np.testing.assert_allclose(stability(st, sm)["r_mean"], dense["r_mean"], atol=1e-4)


def test_the_perturbations_are_eight_shifts_of_one_spot_and_two_turns() -> None:
    xy = grid(5, 10.0)
    middle = np.array([[20.0, 20.0]])

    moves = perturbations(xy, shift=10.0, angle_deg=2.0)

    assert len(moves) == 10
    shifts = [apply_pose(pose, middle)[0] - middle[0] for pose in moves.values()]
    np.testing.assert_allclose(np.hypot(*np.array(shifts).T), [10.0] * 8 + [0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(np.sum(shifts, axis=0), 0.0, atol=1e-9)
    assert [round(pose.angle_deg, 6) for pose in moves.values()][-2:] == [2.0, -2.0]
    np.testing.assert_allclose(moves["1 spot down"].shift_px, (0.0, 10.0), atol=1e-9)


def test_names_are_those_of_the_joint_table(st, sm) -> None:
    sm.var_names = ["wave", "noise", "narrow", "nothing", "rest"]

    assert stability(st, sm)["feature"].tolist() == joint.join(st, sm).var_names[3:].tolist()


def test_progress_ends_at_one(st, sm) -> None:
    seen: list[float] = []

    stability(st, sm, on_progress=seen.append)

    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_sections_apart_and_bad_thresholds_are_refused(st, sm) -> None:
    with pytest.raises(InvalidDataError, match="0 of 196 positions"):
        stability(st, sm, Alignment(make_pose(shift=(1e6, 0.0))))
    with pytest.raises(InvalidParamsError, match=r"threshold is 1\.5"):
        stability(st, sm, threshold=1.5)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_noise_alone_leaves_the_share_of_variance_that_is_pattern(share) -> None:
    """With known variances of pattern and noise the correlation of two such maps is known."""
    rng = np.random.default_rng(4)
    st_xy, sm_xy = grid(40, 100.0), grid(89, 45.0)
    pattern = np.sin(sm_xy[:, :1] / 900 + rng.uniform(0, 6, 20))
    noise = rng.normal(size=(len(sm_xy), 20))
    # five pixels are averaged, so their noise counts a fifth
    sd = np.sqrt(5 * pattern.var(axis=0) * (1 - share) / share)
    rest = np.full((len(sm_xy), 1), 1e6)
    values = np.hstack([1000 + pattern + noise * sd, rest])

    found = noise_correlations(values, sides(st_xy, sm_xy), PARAMS)[:-1]

    assert found.mean() == pytest.approx(share, abs=0.04)


def test_noise_lowers_what_it_leaves_and_smooth_patterns_lose_nothing(st, sm) -> None:
    table = stability(st, sm).set_index("feature")[keys.R_NOISE]

    assert table["wide"] > 0.97
    assert table["noise"] < 0.5


def test_one_pixel_per_spot_cannot_tell_noise(st, sm) -> None:
    table = stability(st, sm, None, ReassignParams(n_neighbors=1))

    assert table[keys.R_NOISE].isna().all()
    assert table.set_index("feature").loc["wide", keys.HOLDS]


def test_the_same_seed_gives_the_same_table(st, sm) -> None:
    pd.testing.assert_frame_equal(stability(st, sm, seed=3), stability(st, sm, seed=3))
