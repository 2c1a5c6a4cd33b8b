"""Chunked uploads and downloads, as a browser (or someone worse) would call them."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from flask import Flask

from app import downloads, uploads
from spatialmeta_core.errors import InvalidDataError, NotFoundError

CONTENT = bytes(range(256)) * 20
SIZE = len(CONTENT)


@pytest.fixture
def client(store, settings):
    server = Flask(__name__, static_folder=None)
    uploads.register(server, store, replace(settings, max_upload_bytes=10_000))
    downloads.register(server, store)
    return server.test_client()


@pytest.fixture
def url(project):
    return f"/api/projects/{project}/uploads"


def announce(client, url, name="spots.zip", size=SIZE, purpose="st"):
    return client.post(url, json={"name": name, "size": size, "purpose": purpose})


def send(client, url, upload_id, offset, data):
    return client.patch(f"{url}/{upload_id}", data=data, headers={"Upload-Offset": str(offset)})


def upload(client, url, content=CONTENT, **about):
    upload_id = announce(client, url, size=len(content), **about).json["id"]
    assert send(client, url, upload_id, 0, content).status_code == 200
    assert client.post(f"{url}/{upload_id}/done").status_code == 200
    return upload_id


def raw_files(store, project):
    return sorted(path.name for path in (store.folder(project) / "raw").iterdir())


def test_a_file_in_two_pieces_arrives_whole(client, url, store, project):
    created = announce(client, url, name="my spots.ZIP")
    assert (created.status_code, created.json["offset"]) == (201, 0)
    upload_id = created.json["id"]

    assert send(client, url, upload_id, 0, CONTENT[:3000]).json == {"offset": 3000}
    assert client.get(f"{url}/{upload_id}").json == {
        "offset": 3000,
        "size": len(CONTENT),
        "complete": False,
    }
    assert send(client, url, upload_id, 3000, CONTENT[3000:]).json == {"offset": len(CONTENT)}
    done = client.post(f"{url}/{upload_id}/done")

    assert (done.status_code, done.json["name"]) == (200, "my spots.ZIP")
    found = uploads.find(store, project, upload_id)
    assert found.complete
    assert found.path.read_bytes() == CONTENT
    assert found.path.name == f"{upload_id}.zip"  # nothing of the user's name is on disk


def test_a_piece_at_the_wrong_place_is_told_the_right_one(client, url):
    upload_id = announce(client, url).json["id"]
    send(client, url, upload_id, 0, CONTENT[:1000])

    for offset in (0, 999, 2000, "", "-1", "1e3"):
        answer = send(client, url, upload_id, offset, b"late")
        assert (answer.status_code, answer.json) == (409, {"offset": 1000})


def test_an_upload_goes_on_where_it_stopped(client, url, store, project):
    upload_id = announce(client, url).json["id"]
    send(client, url, upload_id, 0, CONTENT[:1234])

    offset = client.get(f"{url}/{upload_id}").json["offset"]
    send(client, url, upload_id, offset, CONTENT[offset:])
    client.post(f"{url}/{upload_id}/done")

    assert uploads.find(store, project, upload_id).path.read_bytes() == CONTENT


def test_an_upload_cannot_be_ended_early(client, url):
    upload_id = announce(client, url).json["id"]
    send(client, url, upload_id, 0, CONTENT[:10])

    answer = client.post(f"{url}/{upload_id}/done")

    assert (answer.status_code, answer.json) == (409, {"offset": 10})


def test_ending_twice_is_the_same_as_once(client, url):
    upload_id = upload(client, url)

    assert client.post(f"{url}/{upload_id}/done").status_code == 200
    assert send(client, url, upload_id, len(CONTENT), b"more").status_code == 409


def test_a_server_that_stopped_between_renaming_and_answering_knows_it_is_complete(
    client, url, store, project
):
    upload_id = announce(client, url).json["id"]
    send(client, url, upload_id, 0, CONTENT)
    folder = store.folder(project) / "raw"
    (folder / f"{upload_id}.zip.part").rename(folder / f"{upload_id}.zip")

    assert client.get(f"{url}/{upload_id}").json["complete"]
    assert client.post(f"{url}/{upload_id}/done").status_code == 200


def test_a_file_over_the_limit_is_refused_before_it_is_sent(client, url, store, project):
    answer = announce(client, url, size=10_001)

    assert (answer.status_code, answer.json["code"]) == (400, "E-15")
    assert "limit" in answer.json["message"]
    assert raw_files(store, project) == []


def test_a_file_that_does_not_fit_on_the_disk_is_refused(client, url, monkeypatch):
    monkeypatch.setattr(
        "app.uploads.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})()
    )
    answer = announce(client, url)

    assert (answer.status_code, answer.json["code"]) == (400, "E-15")
    assert "space" in answer.json["title"]


def test_more_bytes_than_announced_are_refused_and_not_stored(client, url, store, project):
    upload_id = announce(client, url, size=100).json["id"]

    assert send(client, url, upload_id, 0, CONTENT).status_code == 400
    assert client.get(f"{url}/{upload_id}").json["offset"] == 0


@pytest.mark.parametrize(
    ("name", "purpose"),
    [
        ("spots.exe", "st"),
        ("spots", "st"),
        ("table.csv", "st"),
        ("model.pkl", "sm"),
        ("spots.zip.png", "st"),
        ("../../etc/passwd", "sm"),
        ("table.csv", "nonsense"),
        ("table.csv", ""),
    ],
)
def test_a_file_no_slot_reads_is_refused_by_name(client, url, name, purpose):
    answer = announce(client, url, name=name, purpose=purpose)

    assert answer.status_code == 400
    assert answer.json["message"]


@pytest.mark.parametrize(
    "name", ["../../../evil.h5ad", "/etc/x.h5ad", "a\\..\\b.h5ad", "\x00.h5ad", "Übung 組織.h5ad"]
)
def test_a_name_is_only_ever_shown(client, url, store, project, name):
    upload_id = upload(client, url, name=name)

    assert raw_files(store, project) == [f"{upload_id}.h5ad", f"{upload_id}.json"]
    assert uploads.find(store, project, upload_id).name == name


def test_a_very_long_name_keeps_the_end_that_tells_its_kind(client, url, store, project):
    upload_id = upload(client, url, name="x" * 5000 + ".tar.gz")

    found = uploads.find(store, project, upload_id)
    assert len(found.name) == 255
    assert found.path.suffixes == [".tar", ".gz"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        ["name", "size", "purpose"],
        "text",
        {},
        {"name": "a.zip", "size": "12", "purpose": "st"},
        {"name": "a.zip", "size": 1.5, "purpose": "st"},
        {"name": None, "size": 1, "purpose": "st"},
        {"name": "a.zip", "size": 0, "purpose": "st"},
        {"name": "a.zip", "size": -5, "purpose": "st"},
        {"name": "a.zip", "size": 10**30, "purpose": "st"},
    ],
)
def test_an_announcement_that_makes_no_sense_is_refused(client, url, body):
    answer = client.post(url, json=body)

    assert answer.status_code == 400
    assert answer.json["message"]


def test_an_announcement_that_is_not_json_is_refused(client, url):
    # a page of another site can send such a form without asking first
    answer = client.post(url, data='{"name": "a.zip"}', content_type="text/plain")

    assert answer.status_code == 400


@pytest.mark.parametrize("upload_id", ["0" * 16, "..", "%2e%2e", "0" * 15, "0" * 16 + "%0a"])
def test_an_upload_that_is_not_there_is_not_found(client, url, upload_id):
    assert client.get(f"{url}/{upload_id}").status_code == 404
    assert send(client, url, upload_id, 0, b"x").status_code == 404
    assert client.delete(f"{url}/{upload_id}").status_code == 404


def test_an_upload_belongs_to_its_project(client, url, store):
    upload_id = upload(client, url)
    other = store.create("other")

    assert client.get(f"/api/projects/{other}/uploads/{upload_id}").status_code == 404
    assert client.get(f"/api/projects/{'f' * 16}/uploads/{upload_id}").status_code == 404
    assert announce(client, f"/api/projects/{'f' * 16}/uploads").status_code == 404


def test_a_dropped_upload_is_gone(client, url, store, project):
    upload_id = announce(client, url).json["id"]

    assert client.delete(f"{url}/{upload_id}").status_code == 204
    assert client.get(f"{url}/{upload_id}").status_code == 404
    assert raw_files(store, project) == []


def test_parts_that_nobody_finished_are_dropped_after_a_week(client, url, store, project):
    old, fresh = (announce(client, url).json["id"] for _ in range(2))
    os.utime(store.folder(project) / "raw" / f"{old}.zip.part", (1, 1))

    announce(client, url)

    assert client.get(f"{url}/{old}").status_code == 404
    assert client.get(f"{url}/{fresh}").status_code == 200


def test_a_file_that_was_replaced_is_dropped_but_nothing_else(client, url, store, project):
    replaced, other_slot = upload(client, url), upload(client, url, name="a.csv", purpose="sm")
    arriving = announce(client, url).json["id"]
    new = upload(client, url)

    uploads.forget_replaced(store, project, uploads.find(store, project, new))

    with pytest.raises(NotFoundError):
        uploads.find(store, project, replaced)
    for kept in (other_slot, arriving, new):
        uploads.find(store, project, kept)


def test_errors_speak_of_a_file_by_the_name_its_user_knows(tmp_path):
    path = tmp_path / "0123456789abcdef.csv"

    with (
        pytest.raises(InvalidDataError, match=r"^mine\.csv is cut off") as caught,
        uploads.named(path, "mine.csv"),
    ):
        raise InvalidDataError(f"{path.name} is cut off.", code="E-02", title=f"{path.name} ends.")
    assert (caught.value.code, caught.value.title) == ("E-02", "mine.csv ends.")


# downloads


@pytest.fixture
def pictures(store, project):
    def write(folder):
        for name in ("image.jpg", "st.h5ad"):
            (folder / name).write_bytes(b"bytes")

    return store.commit(project, "st", write)


def test_a_picture_is_sent_and_may_be_kept_by_this_browser_only(client, project, pictures):
    with client.get(downloads.image_url(project, pictures)) as answer:
        data = answer.data

    assert (answer.status_code, data) == (200, b"bytes")
    assert answer.mimetype == "image/jpeg"
    assert answer.cache_control.private
    assert not answer.cache_control.public


@pytest.mark.parametrize(
    "path",
    [
        "st/1/st.h5ad",  # only pictures
        "st/2/image.jpg",  # no such revision
        "st/1/..%2fmanifest.json",
        "st/1/../manifest.json",
        "joint/1/image.jpg",
        "sm/1/map.png",
        "exports/0123456789abcdef",
        "exports/..",
        "exports/%2e%2e",
    ],
)
def test_nothing_else_of_a_project_is_handed_out(client, project, pictures, path):
    assert client.get(f"/api/projects/{project}/{path}").status_code in (404, 308)


def test_an_export_is_named_after_its_project(client, store, project):
    folder = store.folder(project) / "jobs" / ("0" * 16)
    folder.mkdir()
    (folder / "export.zip").write_bytes(b"zip")
    store.rename(project, "Niere / Übung \r\n7")

    with client.get(downloads.export_url(project, "0" * 16)) as answer:
        assert answer.data == b"zip"

    assert answer.headers["Content-Disposition"] == "attachment; filename=Niere-bung-7.zip"
