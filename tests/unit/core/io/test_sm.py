import gzip
import zipfile

import numpy as np
import pandas as pd
import pytest

from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.io import read_sm

XY = [[1, 1], [2, 1], [1, 2], [2, 2]]
VALUES = [[10.5, 0], [20, 1], [0, 2.5], [30, 3]]
MZ = ["104.1070", "885.55"]


@pytest.fixture
def write(tmp_path):
    def write(rows, name="Y7.csv", separator=","):
        text = "\n".join(separator.join(map(str, row)) for row in rows) + "\n"
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


def body():
    return [[*xy, *values] for xy, values in zip(XY, VALUES, strict=True)]


def expect(adata):
    assert adata.obsm["spatial"].tolist() == XY
    np.testing.assert_array_equal(adata.X, np.array(VALUES, dtype=np.float32))
    assert adata.var_names.tolist() == MZ
    assert adata.var["mz"].tolist() == [104.107, 885.55]


def notes(adata):
    return " ".join([*adata.uns["spatialmeta"]["notes"], *adata.uns["spatialmeta"]["warnings"]])


@pytest.mark.parametrize("name", ["Y7.csv", "Y7.csv.gz", "Y7.txt"])
def test_a_row_per_pixel_becomes_the_common_layout(write, name):
    adata = read_sm(write([["x_location", "y_location", *MZ], *body()], name))

    expect(adata)
    assert isinstance(adata.X, np.ndarray)
    assert adata.X.dtype == np.float32
    assert set(adata.var["type"]) == {"SM"}
    assert set(adata.obs["sample"]) == {"Y7"}
    assert adata.obs_names.is_unique
    assert adata.uns["spatialmeta"] == {"schema": 1, "notes": [], "warnings": [], "step": 1.0}


@pytest.mark.parametrize("prefix", ["mz-", "mz_", "mz", "m/z ", "X"])
def test_prefixes_of_mz_are_taken_off(write, prefix):
    expect(read_sm(write([["x", "y", *(prefix + m for m in MZ)], *body()])))


def test_semicolons_and_decimal_commas_are_read(write):
    rows = [[str(cell).replace(".", ",") for cell in row] for row in [["x", "y", *MZ], *body()]]

    adata = read_sm(write(rows, separator=";"))

    expect(adata)
    assert "decimals by commas" in notes(adata)


def test_a_table_with_x_and_y_as_rows_is_turned(write):
    columns = [["x", "y", *MZ], *body()]
    bare = [list(row) for row in zip(*columns, strict=True)]
    named = [["pixel", "p1", "p2", "p3", "p4"], *bare]

    for rows in (bare, named):
        adata = read_sm(write(rows))
        expect(adata)
        assert "one column per pixel" in notes(adata)


def test_a_table_with_positions_in_its_column_names_is_turned(write):
    header = ["mol_formula", "mz", *(f"x{x}_y{y}" for x, y in XY)]
    rows = [[f"C{i}H8", mz, *(v[i] for v in VALUES)] for i, mz in enumerate(MZ)]

    expect(read_sm(write([header, *rows])))


def test_two_tables_are_joined_by_their_ids(write, tmp_path):
    ids = ["s04", "s1", "s2", "s3"]
    intensities = [
        ["spot_id", *(f"mz-{m}" for m in MZ)],
        *([i, *v] for i, v in zip(ids, VALUES, strict=True)),
    ]
    places = [["spot_id", "x", "y", "area"], *([i, *p, 9] for i, p in zip(ids, XY, strict=True))]
    first = write(intensities, "MSI_intensities.csv")
    second = write([places[0], *places[:0:-1]], "MSI_metadata.csv")
    archive = tmp_path / "Y7.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(first, "a/MSI_intensities.csv")
        packed.write(second, "a/MSI_metadata.csv")

    adata = read_sm(archive)

    expect(adata)
    assert adata.obs_names.tolist() == ids
    assert set(adata.obs["sample"]) == {"Y7"}
    archive.unlink()
    expect(read_sm(tmp_path))

    write([places[0], ["S04", 1, 1, 9], *places[2:]], "MSI_metadata.csv")
    with pytest.raises(InvalidDataError, match=r"1 spot_id is in MSI_intensities\.csv") as caught:
        read_sm(tmp_path)
    assert caught.value.code == "E-14"
    assert "'s04'" in str(caught.value)
    assert caught.value.listing == ("s04",)


def test_other_columns_are_kept_as_information(write):
    header = ["spot_id", "x", "y", "cluster", *MZ]
    rows = [[f"s{i}", *r[:2], "a", *r[2:]] for i, r in enumerate(body())]

    adata = read_sm(write([header, *rows]))

    expect(adata)
    assert adata.obs["cluster"].tolist() == ["a"] * 4
    assert adata.obs_names.tolist() == ["s0", "s1", "s2", "s3"]


def test_named_metabolites_are_features_without_mz(write):
    adata = read_sm(write([["x", "y", "choline", "PC 34:1"], *body()]))

    assert adata.var_names.tolist() == ["choline", "PC 34:1"]
    assert adata.var["mz"].isna().all()


def test_repeated_mz_are_both_kept_and_said(write):
    adata = read_sm(write([["x", "y", "104.1", "104.1"], *body()]))

    assert adata.var_names.tolist() == ["104.1", "104.1-1"]
    assert adata.var["mz"].tolist() == [104.1, 104.1]
    assert "1 feature name is repeated" in notes(adata)


def test_empty_cells_are_zero_and_empty_pixels_left_out(write):
    rows = body()
    rows[0][3] = ""
    rows[2][2:] = ["NA", ""]

    adata = read_sm(write([["x", "y", *MZ], *rows]))

    assert adata.obsm["spatial"].tolist() == [XY[0], XY[1], XY[3]]
    assert adata.X[0].tolist() == [10.5, 0]
    assert "1 pixel has no intensity at all" in notes(adata)
    assert "1 empty cell was read as 0, not detected (12.50% of the table)" in notes(adata)


def test_negative_intensities_are_refused_and_placed(write):
    rows = body()
    rows[2][3] = -0.5

    with pytest.raises(
        InvalidDataError, match=r"1 .* negative, first -0\.5 in data row 3, column '885"
    ):
        read_sm(write([["x", "y", *MZ], *rows]))


def test_a_cell_that_is_no_number_is_placed(write):
    rows = body()
    rows[1][2] = "n.d."

    with pytest.raises(InvalidDataError, match=r"'n\.d\.' in data row 2, column '104\.1070'"):
        read_sm(write([["x", "y", *MZ], *rows]))


def test_without_x_and_y_the_columns_are_shown(write):
    path = write([["Row", "Col", *MZ], *body()])

    with pytest.raises(InvalidDataError, match="Row; Col; 104") as caught:
        read_sm(path)
    assert caught.value.code == "E-13"
    expect(read_sm(path, x_column="Row", y_column="Col"))
    with pytest.raises(InvalidDataError, match="no column 'Line'"):
        read_sm(path, x_column="Row", y_column="Line")


def test_what_is_offered_as_x_and_y_are_the_columns_of_numbers(write):
    path = write([["id", "Row", "Col", "note", *MZ], *([i, *r[:2], "a", *r[2:]] for i, r in
                 enumerate(body()))])  # fmt: skip

    with pytest.raises(InvalidDataError) as caught:
        read_sm(path)
    assert caught.value.choices == {"columns": ["Row", "Col"]}
    only_mz = write([["n", "104.1", "205.2"], ["a", 2, 3], ["b", 5, 6]], "only_mz.csv")
    with pytest.raises(InvalidDataError) as caught:
        read_sm(only_mz)
    assert caught.value.choices == {}  # its first line could as well be data: no names
    only_mz = write([["id", "104.1", "205.2"], ["a", 2, 3], ["b", 5, 6]], "only_mz.csv")
    with pytest.raises(InvalidDataError) as caught:
        read_sm(only_mz)
    assert caught.value.choices == {"columns": ["104.1", "205.2"]}


def test_the_spelling_of_a_table_is_said_when_x_and_y_are_not_found(write):
    rows = [["Spalte", "Zeile", "104,1"], [1, 2, "3,5"], [2, 2, "4,5"]]

    with pytest.raises(InvalidDataError, match="separated by “;”, decimals by commas"):
        read_sm(write(rows, separator=";"))


@pytest.mark.parametrize(("decimal", "value"), [(",", 1.234), (".", 1234)])
def test_an_ambiguous_comma_is_read_as_the_user_says(write, decimal, value):
    path = write([["x", "y", "choline"], [1, 1, "1,234"], [2, 1, "2,345"]], separator="\t")

    with pytest.raises(InvalidDataError, match="decimal comma or a thousands mark") as caught:
        read_sm(path)
    assert (caught.value.code, caught.value.choices) == ("E-13", {"decimal": [",", "."]})
    assert read_sm(path, decimal=decimal).X[0, 0] == pytest.approx(value)


def test_positions_in_a_second_table_may_be_named_too(write, tmp_path):
    (tmp_path / "pair").mkdir()
    write([["spot_id", *MZ], ["a", 1, 2], ["b", 3, 4]], "pair/values.csv")
    write([["spot_id", "Row", "Col"], ["a", 5, 6], ["b", 7, 8]], "pair/places.csv")

    adata = read_sm(tmp_path / "pair", x_column="Row", y_column="Col")

    assert adata.obsm["spatial"].tolist() == [[5, 6], [7, 8]]


def test_the_polarity_is_recorded(write):
    path = write([["x", "y", *MZ], *body()])

    assert read_sm(path, polarity="negative").uns["spatialmeta"]["polarity"] == "negative"
    with pytest.raises(InvalidParamsError, match="polarity is 'plus'"):
        read_sm(path, polarity="plus")


def test_files_of_other_kinds_are_explained(write, tmp_path):
    (tmp_path / "a.imzML").write_text("<mzML>\n</mzML>\n")
    with pytest.raises(InvalidDataError, match="imzML"):
        read_sm(tmp_path / "a.imzML")
    with pytest.raises(InvalidDataError, match="no intensities"):
        read_sm(write([["x", "y", "note"], [1, 1, "a"], [2, 1, "b"]]))
    (tmp_path / "many").mkdir()
    for i in range(3):
        write([["x", "y", *MZ], *body()], f"many/{i}.csv")
    with pytest.raises(InvalidDataError, match="Found 3 tables among 3 files"):
        read_sm(tmp_path / "many")


def test_of_several_samples_in_a_table_one_is_taken_by_name(write):
    rows = [[*row, "ab"[i // 2]] for i, row in enumerate(body())]
    path = write([["x", "y", *MZ, "sample"], *rows])

    with pytest.raises(InvalidDataError, match="holds 2 samples"):
        read_sm(path)
    adata = read_sm(path, sample="b")
    assert adata.obsm["spatial"].tolist() == XY[2:]
    assert set(adata.obs["sample"]) == {"b"}


def test_a_frame_written_by_pandas_is_read_back(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        rng.gamma(1, 100, (30, 5)), columns=[f"{m:.4f}" for m in rng.uniform(70, 900, 5)]
    )
    frame.insert(0, "y", np.repeat(np.arange(5), 6) * 50.0)
    frame.insert(0, "x", np.tile(np.arange(6), 5) * 50.0)
    frame.to_csv(tmp_path / "s.csv")  # with its index, an unnamed first column

    adata = read_sm(tmp_path / "s.csv")

    np.testing.assert_allclose(adata.X, frame.iloc[:, 2:], rtol=1e-6)
    assert adata.uns["spatialmeta"]["step"] == 50
