import time

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse
from scipy.stats import pearsonr

from spatialmeta_core import keys, trajectory
from spatialmeta_core.errors import InvalidDataError, NotReadyError
from spatialmeta_core.params import GradientParams
from spatialmeta_core.trajectory.screen import patterns
from spatialmeta_core.types import Region, Trajectory

PATH = Trajectory("t", "path", "", np.array([[600.0, 1300.0], [2400.0, 1300.0]]), 500.0)
SHAPES = ("rise", "fall", "peak", "valley", "step")


def hexagons(side: int) -> np.ndarray:
    row, column = np.divmod(np.arange(side**2), side)
    return np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2]) * 100.0


@pytest.fixture
def joint() -> AnnData:
    """Five shapes along the path and 20 features of noise; two of the shapes are metabolites."""
    rng = np.random.default_rng(0)
    xy = hexagons(32)
    place = trajectory.assign(PATH, xy)
    u = np.clip(place.along / place.length, 0, 1)
    fade = np.exp(-((np.maximum(np.abs(place.across) - 250, 0) / 200) ** 2))
    bump = np.exp(-((u - 0.35) ** 2) / (2 * 0.1**2))
    signal = np.column_stack([u - 0.5, 0.5 - u, 2 * bump, -2 * bump, (u > 0.7) - 0.5])
    values = 6.0 + rng.normal(0, 0.35, (len(xy), 25))
    values[:, :5] += 1.5 * signal * fade[:, None]
    names = [*SHAPES, *(f"noise {k}" for k in range(20))]
    kinds = ["ST", "ST", "SM", "SM", "ST"] + ["ST"] * 20
    joint = AnnData(
        sparse.csr_matrix(values.astype(np.float32)),
        var=pd.DataFrame({"type": kinds}, index=names),
        obsm={"spatial": xy},
        uns={keys.OURS: {keys.UM_PER_PX: 1.0}},
    )
    joint.layers["normalized"] = joint.X
    return joint


def test_each_planted_shape_is_named_and_located(joint) -> None:
    found = trajectory.screen(joint, PATH)

    assert tuple(found.table.columns) == keys.PATTERN_COLUMNS
    table = found.table.set_index("feature")
    assert table.loc[["peak", "valley", "step"], "pattern"].tolist() == ["peak", "valley", "step"]
    assert table.loc["rise", "monotone"] > 0.7
    assert table.loc["fall", "monotone"] < -0.7
    np.testing.assert_allclose(
        table.loc[["peak", "valley", "step"], "position"], [630, 630, 1260], atol=120
    )
    assert set(found.table["feature"].iloc[:5]) == set(SHAPES)
    assert table["p_spatial"].isna().all()


def test_scores_are_correlations_with_the_patterns(joint) -> None:
    params = GradientParams(n_bins=12)
    axis = trajectory.find_axis(joint, PATH)
    number = np.clip((axis.along / axis.stop * 12).astype(int), 0, 11)
    shapes = patterns(12)
    values = joint.layers["normalized"].toarray()[axis.spots]

    table = trajectory.screen(joint, PATH, params=params).table.set_index("feature")

    for name in ("rise", "noise 3"):
        own = values[:, joint.var_names.get_loc(name)]
        r = np.array([pearsonr(shape[number], own)[0] for shape in shapes.shapes])
        assert table.loc[name, "monotone"] == pytest.approx(r[0], abs=1e-5)
        assert table.loc[name, "peak"] == pytest.approx(r[shapes.family == 1].max(), abs=1e-5)
        assert table.loc[name, "valley"] == pytest.approx(r[shapes.family == 2].max(), abs=1e-5)
        steps = r[shapes.family == 3]
        assert table.loc[name, "step"] == pytest.approx(steps[np.abs(steps).argmax()], abs=1e-5)


def test_the_null_finds_what_was_planted_and_little_else(joint) -> None:
    found = trajectory.screen(joint, PATH, n_placements=300, seed=1)

    named = found.table.set_index("feature")["pattern"]
    assert named[["peak", "valley", "step"]].tolist() == ["peak", "valley", "step"]
    p = found.table.set_index("feature")["p_spatial"]
    assert (p[list(SHAPES)] <= 0.01).all()
    assert (p.drop(list(SHAPES)) <= 0.05).mean() <= 0.2
    assert found.n_distinct >= 100
    again = trajectory.screen(joint, PATH, n_placements=300, seed=1).table
    pd.testing.assert_frame_equal(found.table, again)


def test_spots_without_metabolites_do_not_count(joint) -> None:
    values = joint.layers["normalized"].toarray()
    gone = joint.obsm["spatial"][:, 0] < 900
    values[np.ix_(gone, [2, 3])] = np.nan
    joint.layers["normalized"] = sparse.csr_matrix(values)
    part = joint[~gone].copy()

    found = trajectory.screen(joint, PATH, n_placements=150).table.set_index("feature")

    swath = trajectory.find_axis(joint, PATH).spots
    assert found.loc["peak", "n_spots"] == (~gone[swath]).sum()
    assert found.loc["rise", "n_spots"] == len(swath)
    assert found.loc["peak", "p_spatial"] <= 0.05
    scores = trajectory.screen(joint, PATH).table.set_index("feature")
    alone = trajectory.screen(part, PATH).table.set_index("feature")
    assert scores.loc["peak", "peak"] == pytest.approx(alone.loc["peak", "peak"], abs=0.03)


def test_the_other_way_around_turns_the_signs_and_mirrors_the_places(joint) -> None:
    back = Trajectory("t", "path", "", PATH.points[::-1], PATH.width_um)

    there = trajectory.screen(joint, PATH).table.set_index("feature")
    again = trajectory.screen(joint, back).table.set_index("feature").loc[there.index]

    np.testing.assert_allclose(again["monotone"], -there["monotone"], atol=0.02)
    np.testing.assert_allclose(again["peak"], there["peak"], atol=0.1)
    assert again.loc["peak", "position"] == pytest.approx(
        1800 - there.loc["peak", "position"], abs=60
    )


def test_a_constant_feature_has_no_pattern(joint) -> None:
    values = joint.layers["normalized"].toarray()
    values[:, 7] = 0.0
    values[:, 8] = 3.0
    joint.layers["normalized"] = sparse.csr_matrix(values)

    table = trajectory.screen(joint, PATH, n_placements=120).table.set_index("feature")

    for name in ("noise 2", "noise 3"):
        row = table.loc[name]
        assert row["pattern"] == ""
        assert row[["monotone", "peak", "valley", "step", "position", "p_spatial"]].isna().all()


def test_a_path_across_the_whole_tissue_gets_scores_but_no_p(joint) -> None:
    path = Trajectory("t", "long", "", np.array([[0.0, 0.0], [3100.0, 2600.0]]), 1500.0)

    found = trajectory.screen(joint, path, n_placements=100)

    assert found.table["p_spatial"].isna().all()
    assert "100 are needed" in found.note
    assert found.table["monotone"].notna().all()


def test_the_distance_from_a_region_is_an_axis_too(joint) -> None:
    middle = joint.obsm["spatial"].mean(axis=0)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = middle + 500 * np.column_stack([np.cos(angle), np.sin(angle)])
    edge = trajectory.EdgeDistance(Region("r", "core", "", ((circle,),)), 400.0)
    away = np.hypot(*(joint.obsm["spatial"] - middle).T) - 500
    values = joint.layers["normalized"].toarray()
    values[:, 10] += 2.0 * (away < 0)
    joint.layers["normalized"] = sparse.csr_matrix(values)

    axis = trajectory.find_axis(joint, edge)
    row = trajectory.screen(joint, edge).table.set_index("feature").loc["noise 5"]
    curve = trajectory.gradient(joint, edge, ["noise 5"])

    assert -400 <= axis.start < -300
    assert 300 < axis.stop <= 400
    np.testing.assert_allclose(axis.along, away[axis.spots], atol=5)
    assert row["step"] < -0.8
    assert row["position"] == pytest.approx(0, abs=70)
    inside = curve["distance"] < -50
    assert curve.loc[inside, "z"].min() > curve.loc[curve["distance"] > 50, "z"].max()
    with pytest.raises(InvalidDataError, match='edge of the region "core"'):
        trajectory.find_axis(joint, trajectory.EdgeDistance(edge.region, 1.0))


def test_normalized_values_and_types_are_required(joint) -> None:
    without = joint.copy()
    del without.layers["normalized"]
    with pytest.raises(NotReadyError):
        trajectory.screen(without, PATH)
    del joint.var["type"]
    with pytest.raises(NotReadyError):
        trajectory.screen(joint, PATH)


def test_all_genes_take_a_fraction_of_a_second() -> None:
    rng = np.random.default_rng(0)
    matrix = sparse.random(4000, 5000, 0.1, "csr", np.float32, rng=rng)
    joint = AnnData(matrix, obsm={"spatial": rng.uniform(0, 6000, (4000, 2))})
    joint.var["type"] = "ST"
    joint.layers["normalized"] = matrix
    path = Trajectory("t", "path", "", np.array([[0.0, 3000.0], [6000.0, 3000.0]]), 2000.0)

    def once() -> float:
        start = time.process_time()
        trajectory.screen(joint, path)
        return time.process_time() - start

    assert min(once() for _ in range(3)) < 0.5  # 0.03 s on an idle core
