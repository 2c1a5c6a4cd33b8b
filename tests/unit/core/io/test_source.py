import gzip
import pickle

import pytest

from spatialmeta_core.errors import InvalidDataError, NotFoundError
from spatialmeta_core.io.source import kind_of, open_bytes, read_bytes


def test_a_file_is_known_by_its_content(tmp_path):
    for content, kind in [
        (b"\x89HDF\r\n\x1a\n" + b"0" * 20, "hdf5"),
        (b"PK\x03\x04rest", "zip"),
        (gzip.compress(b"x,y\n1,2\n"), "gzip"),
        (gzip.compress(b"a" * 257 + b"ustar" + b"0" * 300), "tar"),
        (b"x,y\n", "text"),
    ]:
        path = tmp_path / "file.dat"
        path.write_bytes(content)
        assert kind_of(path) == kind
    assert kind_of(tmp_path) == "folder"


@pytest.mark.parametrize("name", ["a.pkl", "a.dat", "a.h5ad"])
def test_a_pickle_is_refused_under_any_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(pickle.dumps({"a": 1}))

    with pytest.raises(InvalidDataError, match="Python pickle"):
        kind_of(path)


def test_an_empty_file_is_named(tmp_path):
    path = tmp_path / "brain.csv"
    path.touch()

    with pytest.raises(InvalidDataError, match=r"brain\.csv is empty"):
        kind_of(path)


def test_a_missing_file_is_named_without_its_folder(tmp_path):
    with pytest.raises(NotFoundError, match=r"^gone\.csv was not found") as caught:
        kind_of(tmp_path / "gone.csv")
    assert str(tmp_path) not in str(caught.value)


def test_a_large_file_is_refused_with_both_sizes(tmp_path):
    path = tmp_path / "brain.csv"
    path.write_bytes(b"0" * 3000)

    with pytest.raises(InvalidDataError, match=r"2\.93 kB; the limit here is 1 kB") as caught:
        kind_of(path, max_bytes=1024)
    assert caught.value.code == "E-15"


def test_a_packed_file_may_not_unpack_past_the_limit(tmp_path):
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 100_000))

    with pytest.raises(InvalidDataError) as caught:
        read_bytes(path, max_bytes=50_000)
    assert caught.value.code == "E-15"


def test_a_cut_gzip_file_is_called_damaged(tmp_path):
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(bytes(range(256)) * 50)[:-20])

    with pytest.raises(InvalidDataError, match=r"cut\.csv\.gz is a damaged or cut gzip"):
        read_bytes(path)


def test_bytes_come_out_as_they_went_in(tmp_path):
    content = bytes(range(256)) * 1000
    plain, packed = tmp_path / "a", tmp_path / "b.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))

    assert read_bytes(plain) == read_bytes(packed) == content
    with open_bytes(packed) as stream:
        assert stream.readline() == content[: content.index(b"\n") + 1]
