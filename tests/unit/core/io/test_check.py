import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp

from spatialmeta_core.io import check_sm, check_st, read_st


def texts(report, level):
    return " | ".join(item.text for item in report if item.level == level)


@pytest.fixture
def section():
    y, x = np.divmod(np.arange(100), 10)
    rng = np.random.default_rng(0)

    def make(values=None, **ours):
        values = rng.poisson(900, (100, 4)) if values is None else values
        adata = ad.AnnData(values.astype(np.float32))
        adata.obsm["spatial"] = np.column_stack([x, y]) * 100.0
        adata.var["mz"] = 100.5 + np.arange(adata.n_vars)
        adata.uns["spatialmeta"] = {"schema": 1, "notes": [], "warnings": [], **ours}
        return adata

    return make


def with_image(adata, factor, size=1000):
    image = np.zeros((size, size, 3), np.uint8)
    factors = {"tissue_hires_scalef": factor}
    adata.uns["spatial"] = {"A": {"images": {"hires": image}, "scalefactors": factors}}
    return adata


def test_a_section_from_disk_is_ticked_off_with_its_numbers(make_outs):
    report = check_st(read_st(make_outs().folder))

    ok = texts(report, "ok")
    assert "40 spots × 7 genes, median" in ok
    assert "Barcodes matched 100 %" in ok
    assert "Positions found: 48 rows, 40 in tissue" in ok
    assert "from the array positions of the spots" in ok
    assert "All 40 spots lie on the hires image" in ok
    assert not texts(report, "error")
    assert "Only 7 genes" in texts(report, "warning")
    assert "Only 40 spots" in texts(report, "warning")


def test_sparse_and_dense_give_the_same_report(section):
    adata = section()
    sparse = adata.copy()
    sparse.X = sp.csr_matrix(adata.X)

    assert check_st(adata) == check_st(sparse)
    assert check_sm(adata) == check_sm(sparse)


@pytest.mark.parametrize(("factor", "level"), [(0.5, "ok"), (1.06, "warning"), (2.0, "error")])
def test_spots_outside_the_image_are_counted(section, factor, level):
    adata = with_image(section(), factor)
    adata.obsm["spatial"][0] = [950, 950]

    report = check_st(adata)

    found = [i for i in report if "hires image" in i.text]
    assert [item.level for item in found] == [level]
    if level == "error":
        assert "scale factor (2) does not fit an image of 1000 × 1000" in found[0].text
        assert (found[0].code, found[0].title) == ("E-09", "Spots fall outside the image.")


def test_a_missing_picture_is_a_warning_with_its_number(make_outs):
    outs = make_outs()
    for path in outs.folder.rglob("*.png"):
        path.unlink()

    found = [item for item in check_st(read_st(outs.folder)) if item.code == "E-08"]

    assert [(item.level, item.title) for item in found] == [("warning", "No tissue image found.")]
    assert found[0].text.startswith("You can go on")


def test_texts_write_units_and_counts_as_people_do(make_outs, section):
    values = np.ones((100, 1)) * 900
    values[0] = 0
    shown = [*check_st(read_st(make_outs().folder)), *check_st(section(values))]
    everything = " ".join(item.text for item in shown)

    assert "100 µm apart" in everything
    assert "100 spots × 1 gene," in everything
    assert "1 spot has no counts: training leaves them out." in everything
    assert " um" not in everything
    assert "quality step" not in everything


def test_findings_of_the_reader_are_passed_on(section):
    report = check_sm(section(notes=["A fact."], warnings=["A doubt."], simulated=True))

    assert "A fact." in texts(report, "ok")
    assert "A doubt." in texts(report, "warning")
    assert "simulated" in texts(report, "warning")


def test_empty_and_constant_parts_are_counted(section):
    values = np.ones((100, 4))
    values[:3] = 0
    values[:, 1] = 0

    st, sm = check_st(section(values)), check_sm(section(values))

    assert "3 spots have no counts" in texts(st, "warning")
    assert "The same everywhere (mostly 0): 1 of 4 genes" in texts(st, "ok")
    assert "3 pixels have no intensity" in texts(sm, "warning")
    assert "All spots have no counts" in texts(check_st(section(values * 0)), "error")


def test_a_wide_spread_of_total_intensity_is_a_warning(section):
    values = np.ones((100, 4)) * np.linspace(1, 100, 100)[:, None]

    assert "That is wide" not in texts(check_sm(section()), "warning")
    values[:20] /= 10
    assert "That is wide" in texts(check_sm(section(values)), "warning")


def test_repeated_places_and_lines_are_noticed(section):
    adata = section()
    adata.obsm["spatial"][1] = adata.obsm["spatial"][0]
    line = section()
    line.obsm["spatial"][:, 1] = 7

    assert "1 spot lies exactly on another one" in texts(check_st(adata), "warning")
    assert "on one line" in texts(check_sm(line), "error")


def test_mz_and_raster_are_reported(section):
    adata = section(step=100.0)
    adata.var["mz"] = [100.5, 100.5, 885.55, np.nan]

    report = check_sm(adata)

    assert "m/z from 100.5000 to 885.5500, known for 3 of 4" in texts(report, "ok")
    assert "1 m/z is repeated" in texts(report, "warning")
    assert "Raster step: 100" in texts(report, "ok")
    adata.var["mz"] = np.nan
    assert "No m/z" in texts(check_sm(adata), "warning")


def test_the_report_leaves_its_input_alone(section):
    adata = with_image(section(), 0.5)
    before = adata.copy()

    check_st(adata)
    check_sm(adata)

    np.testing.assert_array_equal(adata.X, before.X)
    assert list(adata.uns["spatialmeta"]) == list(before.uns["spatialmeta"])
