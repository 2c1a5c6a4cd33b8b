import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.regions import (
    coordinate_space,
    from_dict,
    membership,
    position_along,
    record,
    region_area,
    to_dict,
)
from spatialmeta_core.types import Region, Trajectory

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])


def region(name="A", ring=SQUARE, sample="s1", **rest):
    return Region(
        name, name, sample, ((ring, (ring - ring.mean(axis=0)) * 0.4 + ring.mean(axis=0)),), **rest
    )


@pytest.fixture
def adata():
    xy = np.array([[1.0, 1.0], [5.0, 5.0], [20.0, 20.0], [9.0, 9.0]])
    adata = ad.AnnData(np.ones((4, 2), np.float32))
    adata.obsm["spatial"] = xy
    adata.obs["sample"] = pd.Categorical(["s1", "s1", "s1", "s2"])
    adata.obs["cluster"] = pd.Categorical(["0", "1", "0", "1"])
    adata.uns["spatialmeta"] = {"schema": 1, "um_per_px": 2.0}
    return adata


def test_a_hole_is_outside(adata):
    xy = adata.obsm["spatial"]

    assert membership(region(), xy).tolist() == [True, False, False, True]
    assert region_area(region()) == pytest.approx(100 - 16)
    assert region_area(region(), um_per_px=2.0) == pytest.approx(4 * 84)


def test_moving_region_and_spots_together_changes_nothing():
    rng = np.random.default_rng(0)
    xy = rng.uniform(-5, 15, (500, 2))
    shift = np.array([1024.0, -512.0])

    inside = membership(region(), xy)

    np.testing.assert_array_equal(inside, membership(region(ring=SQUARE + 0.0), xy))
    moved = Region("A", "A", "s1", tuple(tuple(r + shift for r in p) for p in region().parts))
    np.testing.assert_array_equal(inside, membership(moved, xy + shift))
    assert 0 < inside.sum() < 500


def test_clusters_restrict_a_region(adata):
    only = region(only_clusters=("1",))
    xy = adata.obsm["spatial"]

    assert membership(only, xy, adata.obs["cluster"]).tolist() == [False, False, False, True]
    assert membership(only, xy, [0, 0, 0, 1]).tolist() == [False, False, False, True]
    with pytest.raises(InvalidDataError, match='"A" takes only some clusters'):
        membership(only, xy)
    with pytest.raises(InvalidDataError, match="2 clusters for 4 spots"):
        membership(only, xy, ["1", "1"])


def test_positions_along_a_path_are_in_um_and_end_with_the_swath():
    path = Trajectory("t", "T", "s1", np.array([[0.0, 0.0], [0.0, 0.0], [10.0, 0.0]]), 4.0)
    xy = np.array([[2.0, 0.9], [2.0, 1.1], [-0.1, 0.0], [10.1, 0.0], [0.0, -1.0], [10.0, 0.0]])

    along = position_along(path, xy, um_per_px=2.0)

    np.testing.assert_array_equal(along, [4.0, np.nan, np.nan, np.nan, 0.0, 20.0])
    np.testing.assert_array_equal(position_along(path, xy)[:2], [2.0, 2.0])


def test_the_swath_is_that_of_the_gradient():
    trajectory = pytest.importorskip("spatialmeta_core.trajectory")
    rng = np.random.default_rng(0)
    xy = rng.uniform(-2, 12, (400, 2))
    path = Trajectory("t", "T", "s1", np.array([[0.0, 0.0], [8.0, 1.0], [6.0, 9.0]]), 5.0)

    along = position_along(path, xy, 1.5)

    other = trajectory.assign(path, xy, 1.5)
    np.testing.assert_array_equal(np.isfinite(along), other.inside)
    np.testing.assert_allclose(along[other.inside], other.along[other.inside])


def test_drawings_are_recorded_in_a_copy(adata):
    path = Trajectory("t", "Rim", "s1", np.array([[0.0, 0.0], [10.0, 10.0]]), 8.0)
    drawn = [region("A"), region("A", SQUARE + 15), region("T/N", sample="s2")]

    result = record(adata, drawn, [path])

    assert result.obs["region: A"].tolist() == [True, False, False, False]  # s2 is another sample
    assert result.obs["region: A 2"].tolist() == [False, False, False, False]
    assert result.obs["region: T-N"].tolist() == [False, False, False, True]
    np.testing.assert_allclose(
        result.obs["trajectory: Rim (um)"], np.array([1, 5, np.nan, np.nan]) * 2 * 2**0.5
    )
    stored = json.loads(result.uns["spatialmeta"]["regions"])
    assert [to_dict(from_dict(v)) for v in stored] == [to_dict(r) for r in drawn]
    assert json.loads(result.uns["spatialmeta"]["trajectories"]) == [to_dict(path)]
    assert list(adata.obs) == ["sample", "cluster"]
    assert "regions" not in adata.uns["spatialmeta"]


def test_recording_again_replaces_the_old_columns(adata):
    result = record(record(adata, [region("A")]), [region("B")])

    assert list(result.obs) == ["sample", "cluster", "region: B"]


def test_without_a_pixel_size_positions_are_in_px(adata):
    del adata.uns["spatialmeta"]
    path = Trajectory("t", "Rim", "s1", np.array([[0.0, 0.0], [10.0, 10.0]]), 8.0)

    assert "trajectory: Rim (px)" in record(adata, [], [path]).obs


def test_the_record_survives_the_disk(adata, tmp_path):
    from spatialmeta_core.io import write_h5ad

    result = record(adata, [region("A")])
    write_h5ad(result, tmp_path / "a.h5ad")
    back = ad.read_h5ad(tmp_path / "a.h5ad")

    assert back.obs["region: A"].dtype == bool
    assert back.uns["spatialmeta"]["regions"] == result.uns["spatialmeta"]["regions"]


@pytest.mark.parametrize(("scale", "space"), [(1.0, "full"), (0.1, "hires"), (37.0, "outside")])
def test_the_space_of_a_drawing_is_known_by_where_it_falls(scale, space):
    xy = np.random.default_rng(0).uniform(2000, 5000, (50, 2))
    ring = (SQUARE * 20 + 3000) * scale

    assert coordinate_space([region(ring=ring)], [], xy, 0.1) == space
    path = Trajectory("t", "T", "s1", ring, 1.0)
    assert coordinate_space([], [path], xy, 0.1) == space
    assert coordinate_space([], [path], xy, None) == ("outside" if space == "hires" else space)


def test_no_drawing_fits_anywhere():
    assert coordinate_space([], [], SQUARE, None) == "full"
