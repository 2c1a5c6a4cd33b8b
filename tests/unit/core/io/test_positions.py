import io

import numpy as np
import pandas as pd
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io import positions
from spatialmeta_core.io.archive import Entry
from spatialmeta_core.io.positions import (
    read_positions,
    um_per_px_from_array,
    um_per_px_from_geometry,
)

HEADER = "barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres\n"
ROWS = "AAA-1,1,0,0,10,20\nCCC-1,0,1,1,30,40\n"


def entry(tmp_path, content, name="tissue_positions.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Entry(name, path)


def lattice(um_per_px=0.5, angle=0.0):
    row, column = np.divmod(np.arange(120), 10)
    column = 2 * column + row % 2
    um = np.column_stack([column * 50.0, row * 50.0 * np.sqrt(3)])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return row, column, np.round(um @ turn.T / um_per_px)


@pytest.mark.parametrize("name", ["tissue_positions.csv", "tissue_positions_list.csv"])
@pytest.mark.parametrize(
    "text", [ROWS, HEADER + ROWS, "\ufeff" + HEADER + ROWS, ROWS.replace(",", "\t")]
)
def test_the_header_is_decided_by_content_and_no_spot_is_lost(tmp_path, name, text):
    table = read_positions(entry(tmp_path, text, name))

    assert table.index.tolist() == ["AAA-1", "CCC-1"]
    assert table["in_tissue"].tolist() == [True, False]
    assert table[["x", "y"]].to_numpy().tolist() == [[20, 10], [40, 30]]  # x is the pixel column


def test_columns_are_taken_by_name_in_any_order(tmp_path):
    frame = pd.read_csv(io.StringIO(HEADER + ROWS))[HEADER.strip().split(",")[::-1]]

    table = read_positions(entry(tmp_path, frame.to_csv(index=False)))

    assert table["x"].tolist() == [20, 40]


def test_parquet_gives_the_same_as_text(tmp_path):
    buffer = io.BytesIO()
    pd.read_csv(io.StringIO(HEADER + ROWS)).to_parquet(buffer)

    parquet = read_positions(entry(tmp_path, buffer.getvalue(), "tissue_positions.parquet"))

    pd.testing.assert_frame_equal(parquet, read_positions(entry(tmp_path, HEADER + ROWS)))


def test_without_pyarrow_the_message_says_what_to_install(tmp_path, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(positions, "import_module", absent)
    with pytest.raises(InvalidDataError, match="pyarrow is not installed"):
        read_positions(entry(tmp_path, b"PAR1", "tissue_positions.parquet"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "AAA-1,1,0,0,ten,20\n", "'ten' in row 1, column pxl_row_in_fullres"),
        (HEADER + "AAA-1,1,0,0,10,20\nAAA-1,1,0,0,10,20\n", "lists 1 barcodes twice, first AAA-1"),
        ("AAA-1,1,0\n", "3 columns without names"),
        ("barcode,x,y\nAAA-1,1,0\n", "in_tissue, array_row"),
        ("", "tissue_positions.csv"),
    ],
)
def test_a_broken_positions_file_is_explained(tmp_path, text, message):
    with pytest.raises(InvalidDataError, match=message):
        read_positions(entry(tmp_path, text))


@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 2])
def test_the_lattice_gives_the_pixel_size_at_any_angle(angle):
    row, column, xy = lattice(um_per_px=0.73, angle=angle)

    assert um_per_px_from_array(row, column, xy) == pytest.approx(0.73, rel=0.005)
    assert um_per_px_from_geometry(xy, 65 / 0.73) == pytest.approx(0.73, rel=0.005)
    assert um_per_px_from_geometry(xy, None) == pytest.approx(0.73, rel=0.005)


def test_holes_in_the_lattice_do_not_matter():
    row, column, xy = lattice()
    keep = np.random.default_rng(0).uniform(size=len(xy)) > 0.15

    assert um_per_px_from_geometry(xy[keep], None) == pytest.approx(0.5, rel=0.01)
    assert um_per_px_from_array(row[keep], column[keep], xy[keep]) == pytest.approx(0.5, rel=0.01)


def test_other_arrangements_give_no_pixel_size():
    rng = np.random.default_rng(0)
    row, column, xy = lattice()
    y, x = np.divmod(np.arange(144), 12)
    square = np.column_stack([x, y]) * 100.0

    assert um_per_px_from_geometry(square, None) is None
    assert um_per_px_from_array(y, x, square) is None
    assert um_per_px_from_geometry(rng.uniform(0, 1000, (200, 2)), None) is None
    assert (
        um_per_px_from_geometry(xy, 170.0) is None
    )  # a re-gridded hexagon: the spots are too large
    assert um_per_px_from_array(row, column, xy[rng.permutation(len(xy))]) is None
    assert um_per_px_from_geometry(xy[:5], None) is None
