import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import invert, make_pose
from spatialmeta_core.joint import join, split
from spatialmeta_core.params import ReassignParams
from spatialmeta_core.types import Alignment

POSE = make_pose(30, 2.0, 2.0, (5.0, 7.0), flipped=True)


@pytest.fixture
def st() -> ad.AnnData:
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(np.arange(8.0) * 10, np.arange(8.0) * 10)
    adata = ad.AnnData(
        sp.csr_matrix(rng.poisson(2, (64, 5)).astype(np.float32)),
        obs=pd.DataFrame({"sample": "s"}, index=[f"spot{i}" for i in range(64)]),
        var=pd.DataFrame({"gene_ids": list("abcde")}, index=["A", "B", "C", "D", "100.5"]),
    )
    adata.obsm[keys.SPATIAL] = np.column_stack([x.ravel(), y.ravel()])
    adata.uns[keys.OURS] = {"um_per_px": 10.0, "simulated": True}
    adata.uns[keys.IMAGE] = {"s": {"images": {}, "scalefactors": {}}}
    return adata


@pytest.fixture
def sm() -> ad.AnnData:
    """A finer raster over the upper half of the section, in units of its own."""
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.arange(0, 75, 4.0), np.arange(0, 35, 4.0))
    xy = np.column_stack([x.ravel(), y.ravel()])
    adata = ad.AnnData(
        rng.gamma(2, 100, (len(xy), 3)).astype(np.float32),
        obs=pd.DataFrame(index=[f"p{i}" for i in range(len(xy))]),
        var=pd.DataFrame({"mz": [100.5, 200.5, 300.5]}, index=["100.5", "200.5", "300.5"]),
    )
    back = invert(POSE).matrix
    adata.obsm[keys.SPATIAL] = xy @ back[:, :2].T + back[:, 2]
    return adata


@pytest.fixture
def joint(st: ad.AnnData, sm: ad.AnnData) -> ad.AnnData:
    return join(st, sm, Alignment(pose=POSE))


def test_genes_are_untouched(st, joint) -> None:
    genes, _ = split(joint)

    assert (genes.X != st.X).nnz == 0
    np.testing.assert_array_equal(genes.obsm[keys.SPATIAL], st.obsm[keys.SPATIAL])


def test_spots_without_pixels_have_nan_and_no_donors(joint) -> None:
    _, metabolites = split(joint)
    missing = np.isnan(metabolites.X.toarray()).all(axis=1)

    assert 0 < missing.sum() < joint.n_obs
    np.testing.assert_array_equal(missing, joint.obs[keys.N_DONORS] == 0)
    assert joint.uns[keys.OURS][keys.NOTES] == [
        f"{(~missing).sum()} of 64 spots have metabolite pixels within reach."
    ]


def test_metabolites_are_the_means_of_the_pixels_in_reach(st, sm, joint) -> None:
    placed = Alignment(pose=POSE).apply(sm.obsm[keys.SPATIAL])
    spot = 9
    distance = np.linalg.norm(placed - st.obsm[keys.SPATIAL][spot], axis=1)
    nearest = np.argsort(distance)[:5]
    expected = sm.X[nearest[distance[nearest] <= 15.0]].mean(axis=0)

    _, metabolites = split(joint)

    np.testing.assert_allclose(metabolites.X[[spot]].toarray()[0], expected, rtol=1e-5)


def test_a_metabolite_named_like_a_gene_keeps_both(joint) -> None:
    assert list(joint.var_names) == ["A", "B", "C", "D", "100.5", "100.5 (SM)", "200.5", "300.5"]
    assert joint.var[keys.FEATURE_TYPE].tolist() == ["ST"] * 5 + ["SM"] * 3


def test_each_modality_is_normalized_by_its_own_total(joint) -> None:
    layer = np.expm1(joint.layers[keys.NORMALIZED].toarray())
    st_columns = (joint.var[keys.FEATURE_TYPE] == keys.ST).to_numpy()

    np.testing.assert_allclose(layer[:, st_columns].sum(axis=1), 1e4, rtol=1e-4)
    covered = joint.obs[keys.N_DONORS].to_numpy() > 0
    np.testing.assert_allclose(layer[covered][:, ~st_columns].sum(axis=1), 1e4, rtol=1e-4)


def test_without_an_alignment_positions_are_taken_as_they_are(st, sm) -> None:
    sm.obsm[keys.SPATIAL] = Alignment(pose=POSE).apply(sm.obsm[keys.SPATIAL])

    assert (join(st, sm).obs[keys.N_DONORS] > 0).sum() > 0


def test_the_inputs_are_not_changed(st, sm) -> None:
    before = st.copy(), sm.copy()
    join(st, sm, Alignment(pose=POSE))

    pd.testing.assert_frame_equal(st.obs, before[0].obs)
    pd.testing.assert_frame_equal(sm.var, before[1].var)


def test_origin_and_pixel_size_are_handed_on(joint) -> None:
    ours = joint.uns[keys.OURS]

    assert ours["simulated"]
    assert ours["um_per_px"] == 10.0
    assert keys.IMAGE in joint.uns


def test_misplaced_sections_are_an_error_and_not_a_table_of_zeros(st, sm) -> None:
    far = Alignment(pose=make_pose(shift=(1e5, 0.0)))

    with pytest.raises(InvalidDataError, match="0 of 64 spots") as caught:
        join(st, sm, far)
    assert caught.value.code == "E-18"


def test_the_reach_follows_the_spacing_of_the_spots(st, sm) -> None:
    near = join(st, sm, Alignment(pose=POSE), ReassignParams(distance_factor=0.3))
    far = join(st, sm, Alignment(pose=POSE), ReassignParams(distance_factor=3.0))

    assert near.obs[keys.N_DONORS].sum() < far.obs[keys.N_DONORS].sum()


def test_a_table_of_one_modality_cannot_be_split(st) -> None:
    st.var[keys.FEATURE_TYPE] = keys.ST
    with pytest.raises(InvalidDataError, match="5 genes and 0 metabolites"):
        split(st)
