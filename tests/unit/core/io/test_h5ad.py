import gzip

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io import read_sm, read_st, sample_names


@pytest.fixture
def save(tmp_path):
    def save(adata, name="S1.h5ad"):
        adata.write_h5ad(tmp_path / name)
        return tmp_path / name

    return save


def notes(adata):
    return " ".join(adata.uns["spatialmeta"]["notes"])


def warnings_of(adata):
    return " ".join(adata.uns["spatialmeta"]["warnings"])


def test_a_plain_file_becomes_the_common_layout(make_st, save):
    given = make_st()

    adata = read_st(save(given))

    np.testing.assert_array_equal(adata.X.toarray(), given.X)
    np.testing.assert_array_equal(adata.obsm["spatial"], given.obsm["spatial"])
    assert set(adata.obs["sample"]) == {"S1"}
    assert adata.var["gene_ids"].tolist() == given.var_names.tolist()
    assert adata.uns["spatialmeta"]["um_per_px"] == pytest.approx(0.5, rel=0.01)
    assert "spatial" not in adata.uns


@pytest.mark.parametrize("as_csc", [True, False])
def test_counts_are_looked_for_in_the_layer_then_raw_then_x(make_st, save, as_csc):
    counts = make_st().X
    logs = np.log1p(counts)
    stored = sp.csc_matrix(counts) if as_csc else counts

    in_layer = make_st(logs, layers={"counts": stored})
    in_layer.raw = make_st(counts + 1)
    in_raw = make_st(logs, layers={"counts": logs})
    in_raw.raw = make_st(stored)

    for given, where in ((in_layer, "layers['counts']"), (in_raw, "raw.X"), (make_st(stored), "X")):
        adata = read_st(save(given))
        np.testing.assert_array_equal(adata.X.toarray(), counts)
        assert f"taken from {where}." in notes(adata)


def test_raw_may_hold_more_genes(make_st, save):
    full = make_st()
    given = make_st(np.log1p(full.X[:, :3]))
    given.raw = full

    assert read_st(save(given)).var_names.tolist() == full.var_names.tolist()


@pytest.mark.parametrize(
    "change", [np.log1p, lambda c: c - 1.0, lambda c: np.where(c > 3, np.nan, c)]
)
def test_without_counts_the_message_says_where_it_looked(make_st, save, change):
    given = make_st(change(make_st().X), layers={"counts": np.log1p(make_st().X)})

    with pytest.raises(InvalidDataError, match=r"tried: layers\['counts'\], X") as caught:
        read_st(save(given))
    assert caught.value.code == "E-10"


def test_positions_may_be_columns_of_obs(make_st, save):
    given = make_st()
    given.obs["imagerow"], given.obs["imagecol"] = given.obsm["spatial"][:, [1, 0]].T
    xy = given.obsm.pop("spatial")

    adata = read_st(save(given))

    np.testing.assert_array_equal(adata.obsm["spatial"], xy)
    assert "obs columns imagecol and imagerow" in warnings_of(adata)


def test_without_positions_the_columns_are_listed(make_st, save):
    given = make_st()
    del given.obsm["spatial"]

    with pytest.raises(InvalidDataError, match="columns: array_row, array_col") as caught:
        read_st(save(given))
    assert caught.value.code == "E-12"


def test_spots_without_a_position_are_left_out(make_st, save):
    given = make_st()
    given.obsm["spatial"] = given.obsm["spatial"].astype(float)
    given.obsm["spatial"][3] = np.nan

    adata = read_st(save(given))

    assert adata.n_obs == given.n_obs - 1
    assert "Left out, without a position: 1 of 48 spots" in warnings_of(adata)


def test_an_image_and_its_factor_are_kept(make_st, save):
    image = np.full((9, 9, 3), 0.5)
    library = {"images": {"hires": image}, "scalefactors": {"tissue_hires_scalef": 0.01}}
    given = make_st(uns={"spatial": {"Brain": library}})

    adata = read_st(save(given))

    assert adata.uns["spatial"]["Brain"]["images"]["hires"].max() == 128
    assert adata.uns["spatial"]["Brain"]["scalefactors"] == {"tissue_hires_scalef": 0.01}
    assert set(adata.obs["sample"]) == {"Brain"}


def test_ensembl_names_give_way_to_symbols(make_st, save):
    given = make_st()
    given.var["gene_name"] = given.var_names
    given.var_names = [f"ENSMUSG{i:011d}" for i in range(given.n_vars)]

    adata = read_st(save(given))

    assert adata.var_names[0] == "GENE0"
    assert adata.var["gene_ids"].iloc[0] == "ENSMUSG00000000000"


def test_of_several_samples_one_is_taken_by_name(make_st, save):
    given = make_st()
    given.obs["sample"] = ["a"] * 20 + ["b"] * 28
    path = save(given)

    assert sample_names(path) == ("a", "b")
    with pytest.raises(InvalidDataError, match=r"2 samples \(obs column sample\): a, b"):
        read_st(path)
    assert read_st(path, sample="b").n_obs == 28


def test_the_first_of_several_samples_is_taken_on_request(make_st, save):
    given = make_st()
    given.obs["sample"] = ["b"] * 20 + ["a"] * 28
    path = save(given)

    adata = read_st(path, several="first", name="section")

    assert adata.n_obs == 28
    assert set(adata.obs["sample"]) == {"section"}
    record = adata.uns["spatialmeta"]["samples"]
    assert record == {"name": ["a", "b"], "n_spots": [28, 20], "taken": "a"}
    assert "holds 2 samples; a was taken (28 of 48 spots)" in warnings_of(adata)
    assert "samples" not in read_st(save(make_st())).uns["spatialmeta"]


def test_several_pictures_tell_the_samples_apart(make_st, save):
    def library(value):
        image = np.full((9, 9, 3), value, np.uint8)
        return {"images": {"hires": image}, "scalefactors": {"tissue_hires_scalef": 0.01}}

    given = make_st(uns={"spatial": {"L": library(10), "R": library(20)}})
    given.obs["slide"] = ["L"] * 20 + ["R"] * 28
    path = save(given)

    adata = read_st(path, sample="R")

    assert sample_names(path) == ("L", "R")
    assert adata.n_obs == 28
    assert adata.uns["spatial"]["R"]["images"]["hires"].max() == 20


def test_positions_come_from_the_named_columns(make_st, save):
    given = make_st()
    given.obs["across"], given.obs["along"] = given.obsm["spatial"].T
    given.obs["code"] = pd.Categorical(given.obs["along"].astype(int).astype(str))
    given.obs["word"] = "w"
    given.obs["flag"] = True
    xy = given.obsm.pop("spatial")
    path = save(given)

    with pytest.raises(InvalidDataError, match="Choose the two columns") as caught:
        read_st(path)
    offered = caught.value.choices["columns"]
    assert offered == ["array_row", "array_col", "across", "along", "code"]
    for along in ("along", "code"):
        adata = read_st(path, x_column="across", y_column=along)
        np.testing.assert_array_equal(adata.obsm["spatial"], xy)
    np.testing.assert_array_equal(
        read_sm(path, x_column="along", y_column="across").obsm["spatial"], xy[:, ::-1]
    )


def test_named_columns_win_over_obsm_and_must_hold_numbers(make_st, save):
    given = make_st()
    given.obs["word"] = "w"
    path = save(given)

    adata = read_st(path, x_column="array_col", y_column="array_row")
    np.testing.assert_array_equal(adata.obsm["spatial"][:, 1], given.obs["array_row"])
    with pytest.raises(InvalidDataError, match="'word' has no numbers") as caught:
        read_st(path, x_column="word", y_column="array_row")
    assert caught.value.code == "E-12"
    with pytest.raises(InvalidDataError, match="There is no obs column 'left'"):
        read_st(path, x_column="left", y_column="array_row")


@pytest.fixture
def joint(make_st):
    """One object with both modalities, as the authors of the paper publish them."""
    given = make_st()
    intensities = np.random.default_rng(1).gamma(2, 10, (given.n_obs, 3)).astype(np.float32)
    both = ad.AnnData(sp.csr_matrix(np.hstack([given.X, intensities])), obs=given.obs)
    both.var_names = [*given.var_names, "104.1070", "72.5", "885.55"]
    both.var["name"], both.var["type"] = both.var_names, ["ST"] * given.n_vars + ["SM"] * 3
    both.obsm["spatial"] = given.obsm["spatial"]
    return both


def test_each_half_of_a_joint_file_is_found(joint, save):
    path = save(joint)

    st, sm = read_st(path), read_sm(path)

    np.testing.assert_array_equal(st.X.toarray(), joint.X.toarray()[:, :7])
    np.testing.assert_array_equal(sm.X, joint.X.toarray()[:, 7:])
    assert sm.var["mz"].tolist() == [104.107, 72.5, 885.55]
    assert "the ST half was taken (7 of 10 features)" in notes(st)
    with pytest.raises(InvalidDataError, match="holds only ST features"):
        read_sm(save(joint[:, :7].copy()))


def test_a_file_of_the_metaspace_converter_is_read(tmp_path, save):
    adata = ad.AnnData(np.arange(12, dtype=np.float32).reshape(4, 3))
    adata.obs["ion_image_pixel_x"], adata.obs["ion_image_pixel_y"] = [0, 1, 0, 1], [0, 0, 1, 1]
    adata.var_names = ["C10H12+H", "C10H12+Na", "C9H8+H"]
    adata.var["mz"] = [133.1, 155.08, 117.07]

    sm = read_sm(save(adata))

    assert sm.obsm["spatial"].tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert sm.var["mz"].tolist() == [133.1, 155.08, 117.07]
    assert isinstance(sm.X, np.ndarray)


def test_the_simulated_flag_and_the_pixel_size_survive(make_st, save):
    ours = {"simulated": True, "um_per_px": 0.3, "notes": ["Simulated, seed 0."], "other": 1}

    record = read_st(save(make_st(uns={"spatialmeta": ours}))).uns["spatialmeta"]

    assert record["simulated"] is True
    assert record["um_per_px"] == 0.3
    assert record["notes"][0] == "Simulated, seed 0."


def test_an_unknown_encoding_is_named(make_st, save):
    path = save(make_st())
    with h5py.File(path, "r+") as file:
        file["obs/_index"].attrs["encoding-type"] = "string-of-tomorrow"

    with pytest.raises(
        InvalidDataError, match=r"obs/_index \(string-of-tomorrow 0\.2\.0\)"
    ) as caught:
        read_st(path)
    assert caught.value.code == "E-11"


def test_parts_that_are_not_needed_may_be_unknown(make_st, save):
    path = save(make_st(uns={"neighbors": {"a": 1}}))
    with h5py.File(path, "r+") as file:
        file["uns/neighbors"].attrs["encoding-type"] = "string-of-tomorrow"

    assert read_st(path).n_obs == 48


@pytest.mark.parametrize("trick", ["external link", "external storage", "virtual"])
def test_a_file_may_not_show_other_files(make_st, save, tmp_path, trick):
    path = save(make_st())
    (tmp_path / "secret").write_bytes(b"0" * 8000)
    with h5py.File(path, "r+") as file:
        shape = file["X"].shape
        del file["X"]
        if trick == "external link":
            file["X"] = h5py.ExternalLink(str(tmp_path / "secret"), "X")
        elif trick == "external storage":
            storage = [(str(tmp_path / "secret"), 0, h5py.h5f.UNLIMITED)]
            file.create_dataset("X", shape, "f4", external=storage)
        else:
            layout = h5py.VirtualLayout(shape, "f4")
            layout[:] = h5py.VirtualSource(str(tmp_path / "secret"), "X", shape)
            file.create_virtual_dataset("X", layout)

    with pytest.raises(InvalidDataError, match=r"refers to data in another file \(/X\)"):
        read_st(path)


def test_a_matrix_that_claims_to_be_huge_is_refused(make_st, save):
    path = save(make_st())
    with h5py.File(path, "r+") as file:
        del file["X"]
        file.create_dataset("X", (48, 10**9), "f8", chunks=(1, 1000))

    with pytest.raises(InvalidDataError) as caught:
        read_st(path)
    assert caught.value.code == "E-15"


def test_other_hdf5_files_and_damage_are_told_apart(make_st, save, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["spam"] = 1
    path = save(make_st())
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(InvalidDataError, match="its parts are spam"):
        read_st(tmp_path / "a.h5")
    with pytest.raises(InvalidDataError, match="not a complete HDF5 file"):
        read_st(path)


def test_a_file_packed_by_geo_is_read(make_st, save, tmp_path):
    packed = tmp_path / "GSM1.h5ad.gz"
    packed.write_bytes(gzip.compress(save(make_st()).read_bytes()))

    assert set(read_st(packed).obs["sample"]) == {"GSM1"}


def test_nullable_columns_and_names_are_read(make_st, save):
    given = make_st()
    given.obs["n"] = pd.array([1, None] * 24, dtype="Int64")
    given.obs["in_tissue"] = pd.Categorical(["1"] * 40 + ["0"] * 8)

    adata = read_st(save(given))

    assert adata.n_obs == 40
    assert adata.obs["n"].isna().sum() == 20
