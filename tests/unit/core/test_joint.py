import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from spatialmeta_core import joint, keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import apply_pose, invert, make_pose
from spatialmeta_core.params import ReassignParams
from spatialmeta_core.types import Alignment

SHIFT = np.array([3.17, 8.71])  # so that no two pixels are equally near


def lattice(n: int, step: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(n), np.arange(n))
    return np.column_stack([x.ravel(), y.ravel()]) * step


@pytest.fixture
def st() -> ad.AnnData:
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.0, (100, 4)).astype(np.float32)
    counts[7] = 0
    return ad.AnnData(
        X=csr_matrix(counts),
        obs=pd.DataFrame({keys.SAMPLE: "A"}, index=[f"spot{i}" for i in range(100)]),
        var=pd.DataFrame(
            {keys.GENE_ID: ["E1", "E2", "E3", "E4"]}, index=["a", "b", "c", "Taurine"]
        ),
        obsm={keys.SPATIAL: lattice(10, 100.0)},
        uns={
            keys.IMAGE: {"A": {"scalefactors": {"tissue_hires_scalef": 0.1}}},
            keys.OURS: {keys.UM_PER_PX: 0.5, keys.NOTES: ["Read from A."]},
        },
    )


@pytest.fixture
def sm() -> ad.AnnData:
    rng = np.random.default_rng(1)
    return ad.AnnData(
        X=rng.gamma(2.0, 50.0, (400, 3)).astype(np.float32),
        obs=pd.DataFrame(index=[f"pixel{i}" for i in range(400)]),
        var=pd.DataFrame({keys.MZ: [100.1, 124.007, 300.3]}, index=["100.1", "Taurine", "300.3"]),
        obsm={keys.SPATIAL: lattice(20, 45.0) + SHIFT},
        uns={keys.OURS: {keys.SIMULATED: True}},
    )


@pytest.fixture
def half(sm: ad.AnnData) -> ad.AnnData:
    """Metabolites on the left half only."""
    return sm[sm.obsm[keys.SPATIAL][:, 0] < 350].copy()


def test_the_counts_of_st_are_not_touched(st, sm) -> None:
    before = st.X.copy()

    table = joint.join(st, sm)

    assert (table.X[:, :4] != before).nnz == 0
    np.testing.assert_array_equal(table.X[:, :4].toarray(), before.toarray())
    np.testing.assert_array_equal(st.X.toarray(), before.toarray())


def test_a_spot_takes_the_mean_of_its_nearest_pixels(st, sm) -> None:
    table = joint.join(st, sm, params=ReassignParams(n_neighbors=3, distance_factor=1.0))

    distance = np.linalg.norm(sm.obsm[keys.SPATIAL] - st.obsm[keys.SPATIAL][33], axis=1)
    expected = sm.X[np.argsort(distance)[:3]].mean(axis=0)
    np.testing.assert_allclose(table.X[33, 4:].toarray()[0], expected, rtol=1e-6)
    assert table.obs[keys.N_DONORS].iloc[33] == 3


def test_sparse_and_dense_intensities_give_the_same(st, sm) -> None:
    dense = joint.join(st, sm)
    sm.X = csr_matrix(sm.X)

    np.testing.assert_allclose(joint.join(st, sm).X.toarray(), dense.X.toarray(), rtol=1e-6)


def test_the_alignment_carries_pixels_into_the_frame_of_st(st, sm) -> None:
    pose = make_pose(30, 2.0, 1.5, (500.0, -80.0), flipped=True)
    moved = sm.copy()
    moved.obsm[keys.SPATIAL] = apply_pose(invert(pose), sm.obsm[keys.SPATIAL])

    table = joint.join(st, moved, Alignment(pose))

    np.testing.assert_allclose(table.X.toarray(), joint.join(st, sm).X.toarray(), rtol=1e-6)


def test_uncovered_spots_are_missing_and_counted(st, half) -> None:
    table = joint.join(st, half)

    bare = table.obs[keys.N_DONORS].to_numpy() == 0
    assert 0 < bare.sum() < 100
    metabolites = table.X[:, 4:].toarray()
    assert np.isnan(metabolites[bare]).all()
    assert np.isfinite(metabolites[~bare]).all()
    assert np.isfinite(table.X[:, :4].toarray()).all()
    note = table.uns[keys.OURS][keys.NOTES][-1]
    assert note.startswith(f"{bare.sum()} of 100 spots have no metabolite pixel within reach")


def test_normalized_values_follow_the_stated_formulas(st, half) -> None:
    table = joint.join(st, half)

    raw, normalized = table.X.toarray(), table.layers[keys.NORMALIZED].toarray()
    counts, intensity = raw[:, :4], raw[:, 4:]
    total, tic = counts.sum(axis=1, keepdims=True), intensity.sum(axis=1, keepdims=True)
    expected = np.log1p(counts / np.maximum(total, 1) * 1e4)
    np.testing.assert_allclose(normalized[:, :4], expected, rtol=1e-5)
    expected = np.log1p(intensity / tic * np.nanmedian(tic))
    np.testing.assert_allclose(normalized[:, 4:], expected, rtol=1e-5)


def test_a_spot_without_signal_stays_zero() -> None:
    values = np.array([[0.0, 0.0], [1.0, 3.0], [np.nan, np.nan]])

    normalized = joint.normalized_intensities(values)

    np.testing.assert_allclose(normalized[:2], np.log1p(values[:2]))
    assert np.isnan(normalized[2]).all()


def test_features_say_what_they_are_and_have_names_of_their_own(st, sm) -> None:
    st.var.index = pd.Index(["a", "b", "b", "Taurine"])  # read from a file as it was

    table = joint.join(st, sm)

    assert table.var_names.is_unique
    assert table.var_names.tolist() == [
        "a",
        "b",
        "b-1",
        "Taurine",
        "100.1",
        "Taurine (SM)",
        "300.3",
    ]
    assert table.var[keys.FEATURE_TYPE].tolist() == ["ST"] * 4 + ["SM"] * 3
    np.testing.assert_allclose(table.var[keys.MZ].iloc[4:], [100.1, 124.007, 300.3])
    assert table.var[keys.MZ].iloc[:4].isna().all()
    assert table.var[keys.GENE_ID].tolist() == ["E1", "E2", "E3", "E4", "", "", ""]


def test_the_record_keeps_pixel_size_image_and_origin(st, sm) -> None:
    ours = joint.join(st, sm).uns[keys.OURS]

    assert ours[keys.UM_PER_PX] == 0.5
    assert ours[keys.SIMULATED] is True
    assert ours[keys.PARAMS]["reassign"]["n_neighbors"] == 5
    assert "Read from A." in ours[keys.NOTES]
    assert keys.IMAGE in joint.join(st, sm).uns


def test_the_table_survives_a_file(st, half, tmp_path) -> None:
    table = joint.join(st, half)
    table.write_h5ad(tmp_path / "joint.h5ad")

    again = ad.read_h5ad(tmp_path / "joint.h5ad")

    np.testing.assert_array_equal(again.X.toarray(), table.X.toarray())


def test_splitting_gives_both_halves_back(st, half) -> None:
    table = joint.join(st, half)

    genes, metabolites = joint.split(table)

    np.testing.assert_array_equal(genes.X.toarray(), st.X.toarray())
    assert genes.var_names.tolist() == ["a", "b", "c", "Taurine"]
    np.testing.assert_array_equal(metabolites.X, table.X[:, 4:].toarray())
    np.testing.assert_array_equal(metabolites.obsm[keys.SPATIAL], st.obsm[keys.SPATIAL])
    again = joint.join(genes, metabolites[~np.isnan(metabolites.X[:, 0])].copy())
    assert again.shape == table.shape


def test_sections_apart_are_an_error_and_not_zeros(st, sm) -> None:
    far = Alignment(make_pose(shift=(1e6, 0.0)))

    with pytest.raises(InvalidDataError, match="0 of 100 spots") as caught:
        joint.join(st, sm, far)
    assert caught.value.code == "E-18"


def test_missing_positions_are_named(st, sm) -> None:
    del sm.obsm[keys.SPATIAL]

    with pytest.raises(InvalidDataError, match="SM table has no positions"):
        joint.join(st, sm)


def test_only_a_joint_table_can_be_split(st) -> None:
    with pytest.raises(InvalidDataError, match="features of both types"):
        joint.split(st)


def test_assigned_names_of_metabolites_are_carried_along_and_genes_have_none(st, sm):
    sm.var[keys.METABOLITE] = pd.Categorical(["Taurine", None, "Oleic acid"])

    table = joint.join(st, sm)
    genes, metabolites = joint.split(table)

    assert table.var[keys.METABOLITE].tolist() == ["", "", "", "", "Taurine", "", "Oleic acid"]
    assert keys.METABOLITE not in genes.var
    assert metabolites.var[keys.METABOLITE].tolist() == ["Taurine", "", "Oleic acid"]
    assert keys.ADDUCT not in table.var


TO_PIXELS = ReassignParams(direction="st_to_sm", distance_factor=3.0)


def test_back_to_pixels_the_rows_are_pixels_and_their_values_are_not_touched(st, sm) -> None:
    pose = make_pose(20, 1.1, 0.9, (30.0, -8.0))
    before = sm.X.copy()

    table = joint.join(st, sm, Alignment(pose), TO_PIXELS)

    assert table.obs_names.tolist() == sm.obs_names.tolist()
    np.testing.assert_allclose(table.obsm[keys.SPATIAL], apply_pose(pose, sm.obsm[keys.SPATIAL]))
    np.testing.assert_array_equal(table.X[:, 4:].toarray(), before)
    np.testing.assert_array_equal(sm.X, before)
    assert table.var[keys.FEATURE_TYPE].tolist() == ["ST"] * 4 + ["SM"] * 3
    assert set(table.obs[keys.SAMPLE]) == {"A"}
    assert (table.obs[keys.N_DONORS] == 1).all()
    assert keys.IMAGE in table.uns
    assert table.uns[keys.OURS][keys.UM_PER_PX] == 0.5
    assert table.uns[keys.OURS][keys.PARAMS]["reassign"]["direction"] == "st_to_sm"


def test_back_to_pixels_counts_are_sums_of_the_nearest_spots(st, sm) -> None:
    table = joint.join(st, sm, params=ReassignParams(direction="st_to_sm", n_neighbors=3))

    counts = table.X[:, :4].toarray()
    bare = table.obs[keys.N_ST_DONORS].to_numpy() == 0
    assert 0 < bare.sum() < 400
    assert np.isnan(counts[bare]).all()
    assert np.isnan(table.layers[keys.NORMALIZED][:, :4].toarray()[bare]).all()
    np.testing.assert_array_equal(counts[~bare], np.rint(counts[~bare]))
    row = np.flatnonzero(~bare)[50]
    distance = np.linalg.norm(st.obsm[keys.SPATIAL] - sm.obsm[keys.SPATIAL][row], axis=1)
    near = np.argsort(distance)[: table.obs[keys.N_ST_DONORS].iloc[row]]
    np.testing.assert_array_equal(counts[row], st.X[near].toarray().sum(axis=0))
    note = table.uns[keys.OURS][keys.NOTES][-1]
    assert note.startswith(f"{bare.sum()} of 400 pixels have no transcriptomics spot within reach")


def test_normalized_values_of_summed_counts_are_those_of_their_mean(st, sm) -> None:
    table = joint.join(st, sm, params=TO_PIXELS)

    counts = table.X[:, :4].toarray()
    mean = counts / table.obs[keys.N_ST_DONORS].to_numpy()[:, None]
    total = mean.sum(axis=1, keepdims=True)
    expected = np.log1p(mean / total * 1e4)
    found = table.layers[keys.NORMALIZED][:, :4].toarray()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("direction", ["sm_to_st", "st_to_sm"])
@pytest.mark.parametrize("method", ["mean", "distance", "area"])
def test_the_target_is_bit_identical_whatever_the_method(st, sm, method, direction) -> None:
    params = ReassignParams(method=method, direction=direction, distance_factor=3.0)

    table = joint.join(st, sm, params=params)

    own = table.X[:, :4] if direction == "sm_to_st" else table.X[:, 4:]
    target = st.X if direction == "sm_to_st" else csr_matrix(sm.X)
    np.testing.assert_array_equal(own.toarray(), target.toarray())
    carried = table.X[:, 4:] if direction == "sm_to_st" else table.X[:, :4]
    assert np.isfinite(carried.toarray()).all(axis=1).sum() > 90


def test_methods_differ_and_weighted_counts_come_with_a_warning(st, sm) -> None:
    tables = {
        method: joint.join(
            st, sm, params=ReassignParams(method=method, direction="st_to_sm", distance_factor=3.0)
        )
        for method in ("mean", "distance", "area")
    }

    values = [table.layers[keys.NORMALIZED][:, :4].toarray() for table in tables.values()]
    assert not np.allclose(values[0], values[1], equal_nan=True)
    assert not np.allclose(values[1], values[2], equal_nan=True)
    warned = {
        method: any("have decimals" in note for note in table.uns[keys.OURS][keys.NOTES])
        for method, table in tables.items()
    }
    assert warned == {"mean": False, "distance": True, "area": True}


def test_the_size_of_what_is_drawn_follows_the_rows(st, sm) -> None:
    st.uns[keys.IMAGE]["A"]["scalefactors"]["spot_diameter_fullres"] = 65.0

    pixels = joint.join(st, sm, params=TO_PIXELS)
    spots = joint.join(st, sm)

    drawn = [t.uns[keys.IMAGE]["A"]["scalefactors"] for t in (spots, pixels)]
    assert [factors["spot_diameter_fullres"] for factors in drawn] == pytest.approx([65.0, 45.0])
    assert st.uns[keys.IMAGE]["A"]["scalefactors"]["spot_diameter_fullres"] == 65.0


def test_a_table_of_pixels_survives_a_file_and_splitting(st, sm, tmp_path) -> None:
    table = joint.join(st, sm, params=ReassignParams(direction="st_to_sm"))
    table.write_h5ad(tmp_path / "joint.h5ad")

    again = ad.read_h5ad(tmp_path / "joint.h5ad")
    genes, metabolites = joint.split(again)

    np.testing.assert_array_equal(again.X.toarray(), table.X.toarray())
    np.testing.assert_array_equal(metabolites.X, sm.X)
    assert keys.N_ST_DONORS not in genes.obs


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (TO_PIXELS, "0 of 400 pixels have transcriptomics spots within"),
        (ReassignParams(method="area"), "0 of 100 spots have metabolite pixels under them"),
    ],
)
def test_sections_apart_are_an_error_in_every_way(st, sm, params, message) -> None:
    with pytest.raises(InvalidDataError, match=message) as caught:
        joint.join(st, sm, Alignment(make_pose(shift=(1e6, 0.0))), params)
    assert caught.value.code == "E-18"
