import io
import stat
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.archive import ArchiveLimits, list_files, opened, safe_name, unpack

BAD_NAMES = ["../evil.txt", "a/../../evil.txt", "/etc/evil", "C:\\evil.txt", "..\\evil.txt", "c:/x"]


def make_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def make_tar(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def refusal(archive, into, **limits):
    with pytest.raises(InvalidDataError) as caught:
        unpack(archive, into, ArchiveLimits(**limits))
    assert caught.value.code == "E-16"
    assert str(into) not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "deep" / "into"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", BAD_NAMES)
def test_no_member_may_leave_the_folder(tmp_path, into, name):
    archives = [
        make_zip(tmp_path / "a.zip", {"ok.txt": b"1", name: b"2"}),
        make_tar(tmp_path / "a.tar.gz", {name: b"2"}),
    ]
    for archive in archives:
        refusal(archive, into)
        assert not list(tmp_path.rglob("*evil*"))
    assert not list(into.iterdir())


@given(st.text(alphabet="./\\:aC\0 ", max_size=12))
def test_a_safe_name_stays_below_its_folder(member):
    try:
        name = safe_name("a.zip", member)
    except InvalidDataError:
        return
    assert not name.startswith("/")
    assert ".." not in name.split("/")
    assert "\\" not in name


def test_a_link_in_a_zip_is_refused(tmp_path, into):
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")

    assert "link or a device" in refusal(tmp_path / "a.zip", into)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, into, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("thing")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)

    assert "link or a device" in refusal(tmp_path / "a.tar", into)


def test_a_zip_with_a_password_is_refused(tmp_path, into):
    archive = make_zip(tmp_path / "a.zip", {"a.txt": b"secret"})
    raw = bytearray(archive.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(raw)

    assert "password" in refusal(archive, into)


def test_too_many_files_are_refused(tmp_path, into):
    archive = make_zip(tmp_path / "a.zip", {f"{i}.txt": b"" for i in range(11)})

    assert "more than 10 files" in refusal(archive, into, members=10)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_an_archive_may_not_unpack_past_the_limit(tmp_path, into, make):
    archive = make(tmp_path / "a.tar.gz", {"a": bytes(range(256)) * 21})

    assert "unpacks to more than 5 kB" in refusal(archive, into, total_bytes=5120)
    assert not list(into.iterdir())


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_bomb_is_known_by_its_ratio(tmp_path, into, make):
    archive = make(tmp_path / "a.zip", {"zeros": b"\0" * 3_000_000})

    refusal(archive, into, ratio_free_bytes=10_000)
    unpack(archive, into, ArchiveLimits(ratio_free_bytes=4_000_000))


def test_a_tar_header_of_absurd_size_is_refused(tmp_path, into):
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 20 * 2**20
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.addfile(info, io.BytesIO(b"0" * info.size))

    assert "headers is larger" in refusal(tmp_path / "a.tar.gz", into)


def test_the_same_name_twice_is_refused(tmp_path, into):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("a.txt"))

    assert "twice" in refusal(tmp_path / "a.tar", into)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_cut_archive_is_called_damaged(tmp_path, into, make):
    archive = make(tmp_path / "a.tar.gz", {f"{i}": bytes(range(256)) * 9 for i in range(9)})
    archive.write_bytes(archive.read_bytes()[:-60])

    with pytest.raises(InvalidDataError, match="not a complete archive"):
        unpack(archive, into)


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_good_members_arrive_and_litter_does_not(tmp_path, into, make):
    members = {"Probe Ä/x.csv": b"1", "__MACOSX/._x.csv": b"2", "a/.DS_Store": b"3"}

    unpack(make(tmp_path / "a.tar.gz", members), into)

    assert [entry.name for entry in list_files(into)] == ["Probe Ä/x.csv"]
    assert (into / "Probe Ä/x.csv").read_bytes() == b"1"


def test_nothing_is_left_behind(tmp_path):
    workdir = tmp_path / "work"
    workdir.mkdir()
    inner = make_tar(tmp_path / "s_spatial.tar.gz", {"spatial/a.csv": b"1"}).read_bytes()
    good = make_zip(tmp_path / "a.zip", {"s_spatial.tar.gz": inner})
    bad = make_zip(tmp_path / "b.zip", {"ok": b"1", "../evil": b"2"})

    with opened(good, workdir=workdir) as entries:
        names = [entry.name for entry in entries]
        assert all(entry.path.is_file() for entry in entries)
    with pytest.raises(InvalidDataError), opened(bad, workdir=workdir):
        pass

    assert names == ["s_spatial.tar.gz", "s_spatial.tar.gz/spatial/a.csv"]
    assert not list(workdir.iterdir())


def test_archives_inside_share_one_limit(tmp_path):
    inner = make_zip(tmp_path / "spatial.zip", {"a": bytes(range(250)) * 20}).read_bytes()
    outer = make_zip(tmp_path / "a.zip", {"1/spatial.zip": inner, "2/spatial.zip": inner})
    limits = ArchiveLimits(total_bytes=2 * len(inner) + 7_000)

    with pytest.raises(InvalidDataError, match="refused"), opened(outer, limits=limits):
        pass
