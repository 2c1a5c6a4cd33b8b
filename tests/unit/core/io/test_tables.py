import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.tables import is_numeric, numbers, read_table


@pytest.fixture
def write(tmp_path):
    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def values(table):
    return np.column_stack([numbers(table, column) for column in range(len(table.labels))])


@pytest.mark.parametrize(
    "text",
    [
        "x,y,100.5\n1,2,3.5\n4,5,6.25\n",
        "x;y;100,5\n1;2;3,5\n4;5;6,25\n",
        "x\ty\t100.5\n1\t2\t3.5\n4\t5\t6.25\n",
        "\ufeffx,y,100.5\r\n1,2,3.5\r\n\r\n4,5,6.25\r\n",
        "# made by a program\n#x,y\n\nx,y,100.5\n1,2,3.5\n4,5,6.25\n",
        '"x" "y" "100.5"\n1 2 3.5\n4 5 6.25\n',
        "x,y,100.5,\n1,2,3.5,\n4,5,6.25,\n",
        "x,y,100.5\n1,2,3.5,\n4,5,6.25,\n",
    ],
)
def test_one_table_in_many_spellings(write, text):
    table = read_table(write(text))

    assert [label.replace(",", ".") for label in table.labels[:3]] == ["x", "y", "100.5"]
    np.testing.assert_array_equal(values(table)[:, :3], [[1, 2, 3.5], [4, 5, 6.25]])


def test_utf16_and_windows_text_are_recognized(write):
    text = "x (µm);y (µm);100,5\n1;2;3,5\n4;5;6,5\n"

    assert read_table(write(text.encode("utf-16"))).labels == ["x (µm)", "y (µm)", "100,5"]
    table = read_table(write(text.encode("cp1252")))
    assert table.labels[0] == "x (µm)"
    assert any("cp1252" in note for note in table.notes)


def test_a_header_without_the_name_of_the_first_column_is_shifted(write):
    table = read_table(write("x,y,100.1\ns1,1,2,3\ns2,4,5,6\n"))

    assert table.labels == ["", "x", "y", "100.1"]
    assert table.frame[0].tolist() == ["s1", "s2"]


@pytest.mark.parametrize(("first", "ids"), [("spot_id", "sp"), ("pixel", "12")])
def test_a_header_of_a_name_and_numbers_is_a_header(write, first, ids):
    table = read_table(write(f"{first},100.5,200.5\n{ids[0]},1,2\n{ids[1]},4,5\n"))

    assert table.labels == [first, "100.5", "200.5"]
    assert len(table.frame) == 2


def test_labels_keep_their_repeats(write):
    assert read_table(write("x,y,100.1,100.1\n1,2,3,4\n")).labels[2:] == ["100.1", "100.1"]


def test_ids_stay_text(write):
    table = read_table(write("spot_id,v\n007,1\n08,2\n"))

    assert table.frame[0].tolist() == ["007", "08"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('x,y,m\n1,2,"1,234.5"\n3,4,"12,345,678"\n', [1234.5, 12345678]),
        ("x;y;m\n1;2;1.234,5\n3;4;0,5\n", [1234.5, 0.5]),
        ("x\ty\tm\n1\t2\t1,234.5\n3\t4\t0.25\n", [1234.5, 0.25]),
        ("x;y;m\n1;2;1 234,5\n3;4;2'000\n", [1234.5, 2000]),
        ("x,y,m\n1,2,1e3\n3,4,.5\n", [1000, 0.5]),
    ],
)
def test_thousands_marks_are_taken_out(write, text, expected):
    np.testing.assert_array_equal(numbers(read_table(write(text)), 2), expected)


def test_a_lone_mark_before_three_digits_is_not_guessed(write):
    with pytest.raises(InvalidDataError, match="'1,234' could mean"):
        read_table(write("x;y;m\n1;2;1,234\n3;4;5\n"))


def test_missing_is_not_zero(write):
    table = read_table(write("x,y,m\n1,NA,0\n2,,NaN\n"))

    np.testing.assert_array_equal(numbers(table, 1), [np.nan, np.nan])
    np.testing.assert_array_equal(numbers(table, 2), [0, np.nan])
    assert not is_numeric(table, 1)


@pytest.mark.parametrize("cell", ["high", "12a", "1_000", "inf", "TRUE", "0x1F", "1,5", "--1"])
def test_a_cell_that_is_no_number_is_named(write, cell):
    table = read_table(write(f'x,y,100.1\n1,2,3\n4,5,"{cell}"\n'))

    assert not is_numeric(table, 2)
    with pytest.raises(InvalidDataError, match=r"in data row 2, column '100\.1', is not a number"):
        numbers(table, 2)


@pytest.mark.parametrize("line", ["7,8", "7,8,9,10"])
def test_a_row_of_another_length_is_named(write, line):
    rows = "".join(f"{i},2,3\n" for i in range(80))

    with pytest.raises(InvalidDataError, match=r"data row 81 has \d cells instead of 3"):
        read_table(write(f"x,y,m\n{rows}{line}\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x,y,m\n", "no line of data"),
        (b"# only a comment\n", "no line of data"),
        (b"\0\1\2\n\0\1\2\n", "not a text table"),
        (b"one\ntwo\nthree\n", "no separator"),
        (gzip.compress(b"x,y,m\n" + b"1,2,3\n" * 90, mtime=0)[:-9], "cut gzip"),
        (b'x,y,m\n1,2,3\n1,"2,3\n', "t.csv"),
    ],
)
def test_what_is_no_table_is_refused(write, content, message):
    with pytest.raises(InvalidDataError, match=message):
        read_table(write(content))


def test_a_packed_table_may_not_unpack_past_the_limit(write):
    path = write(gzip.compress(b"x,y,m\n" + b"1,2,3\n" * 90_000), "t.csv.gz")

    with pytest.raises(InvalidDataError) as caught:
        read_table(path, max_bytes=200_000)
    assert caught.value.code == "E-15"


cells = st.floats(min_value=0, max_value=1e7).map(lambda v: round(v, 3))


@given(
    data=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=6),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    comma=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=60, deadline=None)
def test_any_numbers_survive_any_spelling(data, separator, comma, end):
    comma = comma and separator != ","
    lines = ["x", "y", "104.1"], *([f"{v:.4f}" for v in row] for row in data)
    text = end.join(separator.join(line) for line in lines)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_text(text.replace(".", ",") if comma else text, newline="")
        table = read_table(path)

    np.testing.assert_allclose(values(table), data, rtol=1e-12)


@given(st.binary(min_size=1, max_size=60) | st.text(alphabet='xy1,;\t\n"# .-', max_size=60))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_give_a_table_or_a_sentence(content):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            table = read_table(path)
        except InvalidDataError as error:
            assert str(error).endswith(".")  # noqa: PT017  # either outcome is fine
        else:
            assert len(table.labels) == table.frame.shape[1]
