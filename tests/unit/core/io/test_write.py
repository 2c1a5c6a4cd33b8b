import json
import warnings

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from spatialmeta_core.io import read_sm, read_st, write_h5ad


@pytest.fixture
def awkward():
    """Everything that older readers stumble over, in one object."""
    adata = ad.AnnData(sp.random(6, 4, 0.5, format="csr", random_state=0, dtype=np.float32))
    adata.obs_names = pd.Index([f"s{i}" for i in range(6)], dtype="string")
    adata.obs["a/b"] = pd.array([1, None, 3, 4, 5, 6], dtype="Int64")
    adata.obs["whole"] = pd.array([1, 2, 3, 4, 5, 6], dtype="Int32")
    adata.obs["yes"] = pd.array([True, False] * 3, dtype="boolean")
    adata.obs["maybe"] = pd.array([True, None] * 3, dtype="boolean")
    adata.obs["text"] = pd.array(["x", None] * 3, dtype="string")
    adata.obs["mixed"] = [1, "two", None, 4.0, (5,), b"6"]
    adata.obs["cluster"] = pd.Categorical([1, 2, None] * 2)
    adata.obs["float"] = np.linspace(0, 1, 6)
    adata.obsm["spatial"] = np.arange(12.0).reshape(6, 2)
    adata.layers["normalized"] = adata.X.copy()
    adata.raw = adata[:, :3].copy()
    adata.uns["spatialmeta"] = {
        "none": None,
        "notes": ["one", "two"],
        "empty": [],
        "pair": (1, 2.5),
        "records": [{"a": None}],
        "deep": {"k/1": {"x": None, "flag": True}},
        3: np.array(["a", 1], dtype=object),
    }
    return adata


def encodings(path):
    found = set()
    with h5py.File(path) as file:
        file.visititems(lambda _, item: found.add(item.attrs.get("encoding-type")))
    return found


def test_only_plain_encodings_are_written(awkward, tmp_path):
    write_h5ad(awkward, tmp_path / "a.h5ad")

    assert encodings(tmp_path / "a.h5ad") <= {
        None, "anndata", "array", "csr_matrix", "dataframe", "dict", "raw", "string",
        "string-array", "categorical", "numeric-scalar",
    }  # fmt: skip


def test_values_survive_the_round_trip(awkward, tmp_path):
    before = awkward.copy()

    write_h5ad(awkward, tmp_path / "a.h5ad")
    back = ad.read_h5ad(tmp_path / "a.h5ad")

    np.testing.assert_array_equal(back.X.toarray(), awkward.X.toarray())
    np.testing.assert_array_equal(back.layers["normalized"].toarray(), awkward.X.toarray())
    np.testing.assert_array_equal(back.raw.X.toarray(), awkward.raw.X.toarray())
    np.testing.assert_array_equal(back.obs["a-b"], [1, np.nan, 3, 4, 5, 6])
    assert back.obs["whole"].tolist() == [1, 2, 3, 4, 5, 6]
    assert back.obs["yes"].tolist() == [True, False] * 3
    assert back.obs["text"].tolist() == ["x", ""] * 3
    assert back.obs["cluster"].astype(object).fillna("-").tolist() == ["1", "2", "-"] * 2
    ours = back.uns["spatialmeta"]
    assert list(ours["notes"]) == ["one", "two"]
    assert ours["pair"].tolist() == [1, 2.5]
    assert json.loads(ours["records"]) == [{"a": None}]
    assert ours["deep"] == {"k-1": {"flag": True}}
    assert "none" not in ours
    assert awkward.obs.equals(before.obs)  # the input is as it was
    assert awkward.uns["spatialmeta"]["none"] is None


def test_a_failed_write_leaves_the_old_file_and_nothing_else(awkward, tmp_path, monkeypatch):
    path = tmp_path / "a.h5ad"
    path.write_text("old")

    def fail(self, target, **_):
        target.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(ad.AnnData, "write_h5ad", fail)
    with pytest.raises(OSError, match="disk full"):
        write_h5ad(awkward, path)

    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5ad"]


def test_what_is_read_can_be_written_and_read_again(make_outs, tmp_path):
    outs = make_outs()
    first = read_st(outs.folder)
    write_h5ad(first, tmp_path / "st.h5ad")

    again = read_st(tmp_path / "st.h5ad")

    np.testing.assert_array_equal(again.X.toarray(), first.X.toarray())
    np.testing.assert_array_equal(again.obsm["spatial"], first.obsm["spatial"])
    pd.testing.assert_frame_equal(again.var, first.var)
    pd.testing.assert_frame_equal(again.obs, first.obs)
    assert again.uns["spatialmeta"]["um_per_px"] == first.uns["spatialmeta"]["um_per_px"]
    for picture in (a.uns["spatial"]["Y7"]["images"]["hires"] for a in (again, first)):
        assert picture.dtype == np.uint8


def test_metabolites_survive_too(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,104.1070\n1,1,0.125\n2,1,3\n1,2,4\n")
    first = read_sm(tmp_path / "a.csv", polarity="positive")
    write_h5ad(first, tmp_path / "sm.h5ad")

    again = read_sm(tmp_path / "sm.h5ad")

    np.testing.assert_array_equal(again.X, first.X)
    pd.testing.assert_frame_equal(again.var, first.var)
    assert again.uns["spatialmeta"]["polarity"] == "positive"


def test_a_view_is_written_as_the_spots_it_shows(awkward, tmp_path):
    write_h5ad(awkward[2:4], tmp_path / "a.h5ad")

    assert ad.read_h5ad(tmp_path / "a.h5ad").obs_names.tolist() == ["s2", "s3"]


@pytest.mark.slow
def test_scanpy_and_squidpy_open_the_file(make_outs, tmp_path):
    write_h5ad(read_st(make_outs().folder), tmp_path / "st.h5ad")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their imports warn about their own dependencies
        import scanpy as sc
        import squidpy as sq

        adata = sc.read_h5ad(tmp_path / "st.h5ad")
        sq.gr.spatial_neighbors(adata, coord_type="grid", n_neighs=6)

    degree = adata.obsp["spatial_connectivities"].sum(axis=1)
    assert degree.max() == 6


def test_nothing_is_printed_and_repeated_text_becomes_categories(tmp_path, capsys, caplog):
    adata = ad.AnnData(np.ones((4, 2), np.float32))
    adata.obs["kind"] = ["a", "b", "a", "b"]
    adata.obs["name"] = list("wxyz")
    adata.var["type"] = ["ST", "ST"]
    adata.raw = adata

    write_h5ad(adata, tmp_path / "a.h5ad")

    printed = capsys.readouterr()
    assert (printed.out, printed.err, caplog.text) == ("", "", "")
    back = ad.read_h5ad(tmp_path / "a.h5ad")
    assert [str(c.dtype) for c in (back.obs["kind"], back.var["type"])] == ["category"] * 2
    assert back.obs["kind"].tolist() == ["a", "b", "a", "b"]
    assert back.obs["name"].tolist() == list("wxyz")
