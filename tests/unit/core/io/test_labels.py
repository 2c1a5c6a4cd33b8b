import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatialmeta_core.io.labels import make_unique, parse_mz, position_columns, sample_name


def test_repeats_get_numbers_that_nobody_has():
    assert make_unique(["A", "A", "A-1", "A"]) == ["A", "A-2", "A-1", "A-3"]


@given(st.lists(st.sampled_from(["a", "a-1", "a-1-1", "b", "a-2"]), max_size=12))
def test_unique_names_are_unique_and_first_ones_keep_theirs(names):
    result = make_unique(names)

    assert len(set(result)) == len(names)
    assert all(made == name for i, (made, name) in enumerate(zip(result, names, strict=True))
               if name not in names[:i])  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "pair"),
    [
        (["x", "y", "100.1"], ("x", "y")),
        (["y_location", "x_location"], ("x_location", "y_location")),
        (["spot_id", "X (µm)", "Y (µm)"], ("X (µm)", "Y (µm)")),
        (
            ["pxl_row_in_fullres", "pxl_col_in_fullres"],
            ("pxl_col_in_fullres", "pxl_row_in_fullres"),
        ),
        (["imagerow", "imagecol"], ("imagecol", "imagerow")),
        (["ion_image_pixel_y", "ion_image_pixel_x"], ("ion_image_pixel_x", "ion_image_pixel_y")),
        (["x_centroid", "y_centroid", "x", "y"], ("x", "y")),
        (["coord.x", "coord.y"], ("coord.x", "coord.y")),
        (["x_um", "y_px"], None),
        (["X100.2", "Y100.2"], None),
        (["max", "say", "array_row", "array_col"], None),
        ([], None),
    ],
)
def test_position_columns_are_found_by_name(labels, pair):
    assert position_columns(labels) == pair


@pytest.mark.parametrize(
    ("label", "mz"),
    [
        ("101.2345", 101.2345),
        ("mz-101.2345", 101.2345),
        ("mz_101.2", 101.2),
        ("m/z 100,02", 100.02),
        ("X885.55", 885.55),
        (" 72 ", 72.0),
        ("426.92 m/z", 426.92),
        ("PC 34:1", None),
        ("x", None),
        ("0", None),
        ("C10H12", None),
        ("-101.2", None),
        ("1e999", None),
    ],
)
def test_an_mz_is_read_from_its_label(label, mz):
    assert parse_mz(label) == mz


@given(st.floats(min_value=1, max_value=5000), st.sampled_from(["", "mz", "mz-", "mz_", "m/z "]))
def test_any_mz_survives_its_prefix(mz, prefix):
    assert parse_mz(f"{prefix}{mz:.6f}") == float(f"{mz:.6f}")


def test_samples_are_named_after_their_files(tmp_path):
    assert sample_name(tmp_path / "Y7_outs.tar.gz") == "Y7"
    assert sample_name(tmp_path / "mouse3_brain_msi.csv.gz") == "mouse3_brain_msi"
    assert sample_name(tmp_path / "S15" / "outs") == "S15"
    assert sample_name(tmp_path / "x.zip", "T/N") == "T-N"
    assert sample_name(tmp_path / "outs.zip") == "sample"
