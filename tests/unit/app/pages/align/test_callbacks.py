"""The page's callbacks, fired through the server as the browser does."""

import base64
import json

import pytest
from dash import Dash

from app import ids
from app.jobs import JobTable
from app.pages import align
from app.pages.align.poses import Poses, flat, same
from app.settings import Settings
from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError


@pytest.fixture
def jobs(tmp_path):
    return JobTable(Settings(tmp_path))


@pytest.fixture
def fire(store, jobs):
    """Fire the callback that owns an output; values are by component id and property."""
    app = Dash("app", on_error=_fail)
    app.layout = align.layout
    align.register(app, store, jobs)
    app.server.testing = True  # errors come out here instead of as a page
    client = app.server.test_client()
    app._setup_server()

    def call(output, trigger, **values):
        key, found = next(
            (key, entry)
            for key, entry in app.callback_map.items()
            if output in key and _has(entry["inputs"], trigger)
        )
        name, prop = (f"{part}" for part in trigger.rsplit(".", 1))
        body = {
            "output": key,
            "outputs": _outputs(key),
            "changedPropIds": [f"{name}.{prop}"],
            "inputs": [_value(item, values) for item in found["inputs"]],
            "state": [_value(item, values) for item in found["state"]],
        }
        answer = client.post("/_dash-update-component", json=body)
        return answer.status_code, answer.get_json(silent=True)

    return call


def _fail(error):
    raise error


def _has(inputs, trigger):
    return any(f"{item['id']}.{item['property']}" == trigger for item in inputs)


def _outputs(key):
    parts = key.strip(".").split("...")
    found = []
    for part in parts:
        name, prop = part.rsplit(".", 1)
        found.append({"id": json.loads(name) if name.startswith("{") else name, "property": prop})
    return found if key.startswith("..") else found[0]


def _value(item, values):
    return {**item, "value": values.get(item["id"].replace("-", "_"))}


def test_a_pose_from_the_browser_is_recorded_and_acknowledged(fire, store, project):
    pose = geometry.make_pose(12.0, 5.0, 5.0)
    change = {"id": "a", "project": project, "matrix": flat(pose), "reason": "rotate"}
    status, answer = fire(ids.ALIGN_ACK, "align-change.data", align_change=change)
    assert status == 200
    ack = answer["response"]["align-ack"]["data"]
    assert ack == {"id": "a", "revision": store.ref(project).revision}
    assert answer["sideUpdate"]["project"]["data"] == store.ref(project).to_json()
    assert same(Poses(store, project).current(), pose)


def test_a_pose_without_area_is_refused(fire, project):
    change = {"id": "a", "project": project, "matrix": [1, 2, 0, 2, 4, 0], "reason": "x"}
    with pytest.raises(InvalidDataError):
        fire(ids.ALIGN_ACK, "align-change.data", align_change=change)


@pytest.mark.parametrize("output", [ids.ALIGN_SCENE, ids.ALIGN_POSE, ids.REASSIGN_STATE])
def test_a_hidden_page_costs_nothing(fire, store, project, output):
    status, _ = fire(
        output,
        "route.data",
        route={"project": project, "page": "data"},
        project=store.ref(project).to_json(),
    )
    assert status == 204


def test_a_missing_section_is_named_with_a_link(fire, store):
    name = store.create("empty")
    status, answer = fire(
        ids.ALIGN_SCENE,
        "route.data",
        route={"project": name, "page": "align"},
        project=store.ref(name).to_json(),
    )
    assert status == 200
    assert answer["response"]["align-body"]["hidden"] is True
    assert f"/p/{name}/data" in json.dumps(answer)


@pytest.mark.parametrize("button", ["align-auto", "align-scratch"])
def test_the_automatic_fit_starts_from_the_pose_or_from_scratch(fire, jobs, project, button):
    status, _ = fire(
        '"page":"align"',
        f"{button}.n_clicks",
        align_target="spots",
        align_transform="similarity",
        align_warp=[],
        route={"project": project, "page": "align"},
    )
    assert status == 200
    (job,) = jobs.of_project(project)
    assert job.kind == "align"
    assert job.params["align"]["target"] == "spots"
    assert job.params["align"]["nonrigid"] is False
    assert ("start" in job.params) is (button == "align-auto")


def test_reassignment_takes_the_numbers_of_the_boxes(fire, jobs, project):
    fire(
        '"page":"align"',
        "reassign-run.n_clicks",
        reassign_k=3,
        reassign_factor=2.0,
        route={"project": project, "page": "align"},
    )
    (job,) = jobs.of_project(project)
    assert job.params["reassign"]["n_neighbors"] == 3
    assert job.params["reassign"]["distance_factor"] == 2.0


def test_a_saved_pose_can_be_loaded_again(fire, store, project):
    pose = geometry.make_pose(12.0, 5.0, 5.0)
    Poses(store, project).record(pose, "rotate")
    route = {"project": project, "page": "align"}
    _, answer = fire(ids.ALIGN_DOWNLOAD, "align-save.n_clicks", route=route)
    saved = answer["response"]["align-download"]["data"]
    assert saved["filename"] == "alignment.json"
    Poses(store, project).record(geometry.make_pose(50.0), "rotate")
    contents = (
        "data:application/json;base64," + base64.b64encode(saved["content"].encode()).decode()
    )
    fire(
        ids.ALIGN_LOAD,
        "align-load.contents",
        align_load=contents,
        route=route,
    )
    assert same(Poses(store, project).current(), pose)


def test_a_file_that_is_no_pose_is_refused(fire, project):
    contents = "data:application/json;base64," + base64.b64encode(b"{}").decode()
    with pytest.raises(InvalidDataError, match="not an alignment saved by this program"):
        fire(
            ids.ALIGN_LOAD,
            "align-load.contents",
            align_load=contents,
            route={"project": project, "page": "align"},
        )
