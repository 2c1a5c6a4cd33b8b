"""The composition root: what it lets in, what it loads, how it speaks of errors."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from dash.development.base_component import Component

from app import ids
from app.pages.data.layout import SLOTS
from app.pages.shell.layout import LAUNCH_PAGES
from app.server import PAGES, create_app

ROOT = Path(__file__).parents[2]


def components(node):
    """Walk a layout: every component in it, also those in lists."""
    if isinstance(node, list | tuple):
        for child in node:
            yield from components(child)
    elif isinstance(node, Component):
        yield node
        yield from components(getattr(node, "children", None))


@pytest.fixture
def layout_ids(dash_app):
    return Counter(
        json.dumps(node.id, sort_keys=True) if isinstance(node.id, dict) else node.id
        for node in components(dash_app.layout)
        if getattr(node, "id", None)
    )


def test_the_web_process_loads_no_torch():
    code = (
        "import sys; from app.server import create_app; create_app(); "
        "print([name for name in ('torch', 'scanpy', 'matplotlib.pyplot') if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_two_apps_live_in_one_process(settings, tmp_path):
    other = dataclasses.replace(settings, data_dir=tmp_path / "other")

    for app in (create_app(settings), create_app(other)):
        client = app.server.test_client()
        assert client.get("/").status_code == 200
        assert client.get("/_dash-layout").status_code == 200
        assert client.get("/_dash-dependencies").status_code == 200


def test_every_id_is_in_exactly_one_place_of_the_layout(layout_ids):
    names = {
        value for name, value in vars(ids).items() if name.isupper() and isinstance(value, str)
    }
    parts = {ids.data_part(slot, part) for slot in SLOTS for part in ids.DATA_PARTS}
    launches = {json.dumps(ids.launch(page), sort_keys=True) for page in LAUNCH_PAGES}

    assert {name: n for name, n in layout_ids.items() if n != 1} == {}
    assert {name for name in names | parts | launches if name not in layout_ids} == set(ids.DRAWN)


def test_every_page_has_a_store_for_its_jobs():
    assert set(PAGES) | {"shell"} <= set(LAUNCH_PAGES)


def test_every_callback_speaks_of_ids_that_exist(dash_app, layout_ids):
    spoken = {
        part["id"]
        for spec in dash_app.callback_map.values()
        for part in (*spec["inputs"], *spec["state"])
        if not part["id"].startswith("{")
    }
    assert {name for name in spoken if layout_ids[name] == 0} == set()


def test_nothing_is_fetched_from_another_host(dash_app):
    client = dash_app.server.test_client()
    pages = [client.get(path).get_data(as_text=True) for path in ("/", "/_dash-layout")]
    for page in pages:
        linked = re.findall(r"""(?:src|href)["']?\s*[=:]\s*["'](https?:)?//[^"']+""", page)
        assert linked == []

    for path in (ROOT / "assets").rglob("*"):
        if path.suffix in (".css", ".js", ".svg") and "vendor" not in path.parts:
            text = path.read_text(encoding="utf-8")
            found = re.findall(
                r"(?:url\(|@import|fetch\(|src=|href=)\s*[\"']?(?:https?:)?//\S+", text
            )
            assert found == [], path.name
    for path in (ROOT / "assets" / "vendor").rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"url\([\"']?(?:https?:)?//[^)]+|@import", text) == [], path.name


def test_all_files_the_page_names_are_there(dash_app):
    client = dash_app.server.test_client()
    page = client.get("/").get_data(as_text=True)

    names = set(re.findall(r"""(?:src|href)="(/[^"]+)""", page))
    assert any("upload.js" in name for name in names)
    for name in names:
        with client.get(name) as answer:
            assert answer.status_code == 200, name


# errors


def test_an_expected_error_becomes_an_alert_with_its_sentence(fire):
    shown = fire(
        f"{ids.ROUTE}.data",
        {f"{ids.ROUTE}.data": {"project": "0" * 16, "page": "data"}},
        output=f"{ids.PROJECT}.data...{ids.JOBS}",
    )

    assert shown[ids.ALERT]["hidden"] is False
    text = json.dumps(shown[ids.ALERT_TEXT])
    assert "This link has expired" in text
    assert "E-30" in text


def test_a_bug_becomes_an_alert_that_shows_nothing_of_the_inside(
    dash_app, fire, monkeypatch, caplog
):
    def burst(*_args, **_kwargs):
        raise KeyError("secret detail")

    monkeypatch.setattr("app.store.ProjectStore.projects", burst)
    shown = fire(
        f"{ids.ROUTE}.data",
        {f"{ids.ROUTE}.data": {"project": "", "page": "home"}},
        output=ids.HOME_LIST,
    )

    assert "not in your data" in json.dumps(shown[ids.ALERT_TEXT])
    assert "secret detail" not in json.dumps(shown)
    assert "secret detail" in caplog.text  # the log tells whoever runs the server


# who may come in


@pytest.fixture
def guarded(settings):
    app = create_app(dataclasses.replace(settings, token="s3cret"))
    return app.server.test_client()


@pytest.mark.parametrize(
    "path", ["/", "/_dash-layout", "/assets/app.css", "/api/projects/0/uploads", "/?token=wrong"]
)
def test_without_the_token_nothing_is_shown(guarded, path):
    answer = guarded.get(path)

    assert answer.status_code == 401
    assert b"access link" in answer.data


def test_the_token_opens_the_door_once_and_a_cookie_keeps_it_open(guarded):
    answer = guarded.get("/p/0123456789abcdef/data?token=s3cret")

    assert (answer.status_code, answer.location) == (302, "/p/0123456789abcdef/data")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert guarded.get("/").status_code == 200


@pytest.mark.parametrize("path", ["//evil.example/", "///evil.example", "//evil.example//x"])
def test_the_door_never_leads_to_another_host(guarded, path):
    answer = guarded.get(f"{path}?token=s3cret", base_url="http://127.0.0.1")

    assert not re.match(r"(https?:)?//(?!127\.0\.0\.1)", answer.location)


def test_a_token_in_any_script_is_compared_not_crashed_on(guarded):
    assert guarded.get("/?token=пароль").status_code == 401
    guarded.set_cookie("spatialmeta_token", "пароль")
    assert guarded.get("/").status_code == 401


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8050", "127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8050", "lab.example"]
)
def test_a_server_on_loopback_answers_under_its_own_names(settings, host):
    named = dataclasses.replace(settings, allowed_hosts=("lab.example",))

    answer = create_app(named).server.test_client().get("/", headers={"Host": host})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8050",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "[::2]",
    ],
)
@pytest.mark.parametrize(
    "path", ["/", "/_dash-layout", "/assets/app.css", "/api/projects/0/uploads"]
)
def test_a_page_that_gave_its_name_our_address_is_turned_away(dash_app, host, path):
    answer = dash_app.server.test_client().get(path, headers={"Host": host})

    assert answer.status_code == 403
    assert b"SPATIALMETA_ALLOWED_HOSTS" in answer.data


def test_a_server_for_other_machines_goes_by_its_token_alone(settings):
    public = dataclasses.replace(settings, host="0.0.0.0", token="s3cret")
    client = create_app(public).server.test_client()

    assert client.get("/", headers={"Host": "lab.example"}).status_code == 401
    assert client.get("/?token=s3cret", headers={"Host": "lab.example"}).status_code == 302


# what it keeps


def test_the_secret_is_made_once_and_is_its_owners_alone(settings):
    first = create_app(settings).server.secret_key
    second = create_app(settings).server.secret_key

    assert first == second
    assert len(first) == 32
    for path in (settings.data_dir / "secret", settings.data_dir, settings.data_dir / "dash-cache"):
        assert path.stat().st_mode & 0o077 == 0


def test_larger_bodies_than_a_piece_are_refused(dash_app):
    client = dash_app.server.test_client()
    body = {"Content-Length": str(10**10), "Content-Type": "application/json"}

    assert client.post("/_dash-update-component", headers=body).status_code in (400, 413)


def test_nothing_is_launched_by_what_launching_changes(dash_app):
    """Dash holds a callback back while its inputs may change: a circle would wait for ever."""
    polled = {ids.PROJECT, ids.JOBS}
    launching = {
        name: {part["id"] for part in spec["inputs"]}
        for name, spec in dash_app.callback_map.items()
        if '"type":"launch"' in name
    }

    assert launching
    assert {name: inputs & polled for name, inputs in launching.items() if inputs & polled} == {}
