import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.spatial import KDTree

from spatialmeta_core import features, geometry, keys, markers, trajectory
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.params import GradientParams
from spatialmeta_core.resources.masses import ion_mz
from spatialmeta_core.simulate import PairedSection, paired_section

SMALL = {"n_spots": 700, "n_genes": 150, "n_metabolites": 60, "image_px": 320}


@pytest.fixture(scope="module")
def section() -> PairedSection:
    return paired_section(3, **SMALL)


def test_the_same_seed_gives_the_same_section_and_another_does_not(section) -> None:
    again, other = paired_section(3, **SMALL), paired_section(4, **SMALL)

    assert (again.st.X != section.st.X).nnz == 0
    np.testing.assert_array_equal(again.sm.X, section.sm.X)
    np.testing.assert_array_equal(again.sm.obsm["spatial"], section.sm.obsm["spatial"])
    np.testing.assert_array_equal(_image(again), _image(section))
    pd.testing.assert_frame_equal(again.sm.var, section.sm.var)
    assert again.st.obs_names.equals(section.st.obs_names)
    assert (other.st.X != section.st.X).nnz > 0


def _image(section: PairedSection) -> np.ndarray:
    return section.st.uns["spatial"]["demo"]["images"]["hires"]


def test_transcriptomics_look_as_from_a_visium_reader(section) -> None:
    st = section.st

    assert st.shape == (700, 150)
    assert sparse.isspmatrix_csr(st.X)
    assert st.X.dtype == np.float32
    assert (st.X.data == np.round(st.X.data)).all()
    assert st.X.data.min() > 0
    assert st.var_names.is_unique
    assert set(st.var[keys.FEATURE_TYPE]) == {"ST"}
    assert st.obs_names.is_unique
    assert st.obs_names.str.fullmatch(r"[ACGT]{16}-1").all()
    assert set(st.obs[keys.SAMPLE]) == {"demo"}
    ours = st.uns[keys.OURS]
    assert ours[keys.SIMULATED] is True
    assert ours[keys.NOTES] == ["Simulated by spatialmeta_core.simulate, seed 3."]
    pitch_um = geometry.spacing(st.obsm["spatial"]) * ours[keys.UM_PER_PX]
    assert pitch_um == pytest.approx(100.0, rel=0.01)


def test_the_image_shows_tissue_under_the_spots_and_glass_around(section) -> None:
    image, scale = _image(section), section.st.uns["spatial"]["demo"]["scalefactors"]
    assert image.dtype == np.uint8
    assert max(image.shape[:2]) == 320

    x, y = (section.st.obsm["spatial"] * scale["tissue_hires_scalef"]).astype(int).T
    under = image[y, x].astype(float)
    assert np.median(under[:, 0] - under[:, 1]) > 30  # pink: red well above green
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert border.min() > 225


def test_metabolomics_look_as_from_a_reader(section) -> None:
    sm = section.sm

    assert sm.n_vars == 60
    assert isinstance(sm.X, np.ndarray)
    assert sm.X.dtype == np.float32
    assert sm.X.min() == 0
    assert 0.01 < (sm.X == 0).mean() < 0.2
    assert set(sm.var[keys.FEATURE_TYPE]) == {"SM"}
    assert sm.uns[keys.OURS][keys.SIMULATED] is True
    index = sm.obsm["spatial"]
    np.testing.assert_array_equal(index, np.round(index))
    assert index.min(axis=0).tolist() == [1.0, 1.0]
    assert len(np.unique(index, axis=0)) == len(index)


def test_ions_are_named_by_the_mass_of_their_formula(section) -> None:
    for name, row in section.sm.var.iterrows():
        assert row["mz"] == pytest.approx(ion_mz(row["formula"], row["adduct"]))
        assert name == f"{row['mz']:.4f}"
    assert section.sm.var_names.is_unique
    assert section.sm.var["mz"].is_monotonic_increasing


def test_the_map_carries_pixels_to_their_true_places(section) -> None:
    truth = section.truth
    placed = geometry.apply_pose(truth.pose, section.sm.obsm["spatial"])

    moved = placed + truth.displacement.at(placed)

    np.testing.assert_allclose(moved, truth.sm_xy, atol=1e-6)
    longest_um = np.hypot(*truth.displacement.at(placed).T).max() * 0.5
    assert 60.0 < longest_um < 110.0


def test_the_displacement_has_no_affine_part_left(section) -> None:
    xy = section.truth.sm_xy
    vectors = section.truth.displacement.at(xy)
    design = np.column_stack([xy - xy.mean(axis=0), np.full(len(xy), 1000.0)])

    fit, *_ = np.linalg.lstsq(design, vectors, rcond=None)

    assert np.abs(design @ fit).max() < 0.3 * np.hypot(*vectors.T).max()


def test_turn_and_flip_can_be_asked_for() -> None:
    asked = paired_section(0, **SMALL, angle_deg=30.0, flipped=True).truth.pose
    plain = paired_section(0, **SMALL, angle_deg=-170.0, flipped=False).truth.pose

    assert (asked.flipped, plain.flipped) == (True, False)
    assert asked.angle_deg == pytest.approx(30.0)
    assert plain.angle_deg == pytest.approx(-170.0)


def test_most_spots_have_pixels_near_but_an_edge_is_lost() -> None:
    whole, cut = (paired_section(0, **SMALL, lost_share=share) for share in (0.0, 0.25))

    def uncovered(section: PairedSection) -> float:
        distance, _ = KDTree(section.truth.sm_xy).query(section.st.obsm["spatial"])
        return float((distance > 150 / 0.5).mean())

    assert uncovered(whole) == 0.0
    assert 0.02 < uncovered(cut) < 0.4


def test_each_pair_is_split_by_one_modality_only() -> None:
    """Beside their common border, so that smooth variation within domains hardly counts."""
    section = paired_section(3, **SMALL | {"n_spots": 2000})
    truth = section.truth
    following = set(truth.followers["feature"])

    def change(mean: np.ndarray, names: pd.Index, domain: np.ndarray, xy, pair) -> float:
        sides = [np.flatnonzero(domain == place) for place in pair]
        near = [KDTree(xy[side]) for side in sides[::-1]]
        strips = [
            side[other.query(xy[side])[0] < 300 / 0.5]
            for side, other in zip(sides, near, strict=True)
        ]
        log = np.log(mean[:, ~names.isin(following)])
        first, second = (log[strip].mean(axis=0) for strip in strips)
        return float(np.std(first - second))

    pairs = truth.split_only_by_st, truth.split_only_by_sm
    xy = section.st.obsm["spatial"]
    st = [change(truth.st_mean, section.st.var_names, truth.st_domain, xy, p) for p in pairs]
    sm = [
        change(truth.sm_mean, section.sm.var_names, truth.sm_domain, truth.sm_xy, p) for p in pairs
    ]
    assert st[0] > 3 * st[1]
    assert sm[1] > 3 * sm[0]


@pytest.fixture(scope="module")
def normalized_st(section):
    st = section.st.copy()
    total = np.asarray(st.X.sum(axis=1)).ravel()
    st.layers[keys.NORMALIZED] = sparse.csr_matrix(sparse.diags(1e4 / total) @ st.X).log1p()
    return st


def test_planted_gene_markers_are_found(section, normalized_st) -> None:
    truth = section.truth
    strong = truth.markers.query("type == 'ST' and log2fc > 0.5")
    for place, name in enumerate(truth.domain_names[:4]):
        planted = strong.loc[strong["domain"] == name, "feature"]

        table = markers.rank_markers(normalized_st, truth.st_domain == place).set_index("feature")

        found = table.loc[planted]
        assert (found["auc"] > 0.5).mean() > 0.9
        assert (found["p_adj"] < 0.05).mean() > 0.6


def test_planted_features_are_spatially_variable(section, normalized_st) -> None:
    strong = section.truth.markers.query("type == 'ST' and log2fc > 1.0")["feature"].unique()

    table = features.select_features(normalized_st)

    assert table.loc[strong, keys.SELECTED].mean() > 0.9


def test_planted_genes_follow_the_trajectory(section, normalized_st) -> None:
    planted = section.truth.followers.query("type == 'ST'").set_index("feature")

    table = trajectory.rank_gradients(normalized_st, section.truth.trajectory).set_index("feature")
    curves = trajectory.gradient(
        normalized_st,
        section.truth.trajectory,
        list(planted.index),
        params=GradientParams(n_bins=9),
    )

    rho = table.loc[planted.index, "rho"]
    assert (rho[planted["shape"] == "rise"] > 0.3).all()
    assert (rho[planted["shape"] == "fall"] < -0.3).all()
    peaks = curves[curves["feature"].isin(planted.index[planted["shape"] == "peak"])]
    mean_z = peaks.groupby("distance")["z"].mean().to_numpy()
    assert mean_z[3:6].mean() > mean_z[[0, 1, 7, 8]].mean() + 0.4


def test_metabolites_lag_behind_genes(section) -> None:
    followers = section.truth.followers

    middle = followers.groupby("type")["midpoint_um"].first()
    assert middle["SM"] - middle["ST"] == pytest.approx(200.0)
    assert followers.query("type == 'SM'")["lag_um"].unique().tolist() == [200.0]
    assert set(followers["feature"]) <= {*section.st.var_names, *section.sm.var_names}


def test_more_genes_leave_the_tissue_and_the_raster_alone(section) -> None:
    wider = paired_section(3, **SMALL | {"n_genes": 200})

    np.testing.assert_array_equal(wider.truth.st_domain, section.truth.st_domain)
    np.testing.assert_array_equal(wider.sm.X, section.sm.X)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_spots", 5),
        ("n_genes", 738),
        ("n_metabolites", 5000),
        ("image_px", 1),
        ("lost_share", 0.9),
    ],
)
def test_sizes_out_of_range_are_named(name, value) -> None:
    with pytest.raises(InvalidParamsError, match=name):
        paired_section(**{name: value})


@pytest.mark.parametrize("size", [(60, 20, 12), (80, 737, 450)])
def test_the_smallest_and_the_widest_section_can_be_made(size) -> None:
    n_spots, n_genes, n_metabolites = size

    section = paired_section(
        1, n_spots=n_spots, n_genes=n_genes, n_metabolites=n_metabolites, image_px=64
    )

    assert section.st.shape == (n_spots, n_genes)
    assert section.sm.n_vars == n_metabolites
    assert set(section.truth.followers["type"]) == {"ST", "SM"}


def test_a_disc_keeps_everything_but_the_outline() -> None:
    section = paired_section(3, n_spots=400, image_px=200, contour="disc")
    xy = section.st.obsm[keys.SPATIAL]

    extent = np.ptp(xy, axis=0)
    assert extent[0] / extent[1] == pytest.approx(1, abs=0.06)
    assert section.st.n_obs == 400
    assert set(section.truth.st_domain) == set(range(6))
    rgb = section.st.uns["spatial"]["demo"]["images"]["hires"]
    assert rgb.std() > 10
