"""The page's callbacks, fired through the server as the browser does."""

import base64
import json
import re
from dataclasses import asdict

import pytest
from dash import Dash

from app import ids
from app.jobs import JobTable
from app.pages import align
from app.pages.align import review
from app.pages.align.poses import Poses, flat, same
from app.settings import Settings
from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.params import ReassignParams


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


def test_reassignment_takes_the_settings_on_the_screen(fire, jobs, project):
    fire(
        '"page":"reassign"',
        "reassign-run.n_clicks",
        reassign_k=3,
        reassign_factor=2.0,
        reassign_method="distance",
        reassign_direction="st_to_sm",
        route={"project": project, "page": "align"},
    )
    (job,) = jobs.of_project(project)
    assert job.kind == "reassign"
    assert job.params["reassign"] == {
        **asdict(ReassignParams()),
        "n_neighbors": 3,
        "distance_factor": 2.0,
        "method": "distance",
        "direction": "st_to_sm",
    }


def test_the_stability_check_is_a_job_of_its_own(fire, jobs, project):
    route = {"project": project, "page": "align"}
    fire('"page":"reassign"', "stability-run.n_clicks", route=route)

    (job,) = jobs.of_project(project)
    assert (job.kind, job.params) == ("stability", {})


@pytest.mark.parametrize(
    ("settings", "map_title", "kept", "x_title"),
    [
        (("sm_to_st", "mean"), "Metabolite pixels per ST spot", "spots", "Distance (µm)"),
        (
            ("sm_to_st", "area"),
            "Share of each ST spot that is covered",
            "spots",
            "Footprint covered (%)",
        ),
        (("st_to_sm", "distance"), "ST spots per metabolite pixel", "pixels", "Distance (µm)"),
        (
            ("st_to_sm", "area"),
            "Share of each metabolite pixel that is covered",
            "pixels",
            "Footprint covered (%)",
        ),
    ],
)
def test_the_preview_shows_the_method_chosen(fire, project, settings, map_title, kept, x_title):  # noqa: PLR0917 (a table of cases)
    shown = {"project": project, "key": "a", "accepted": False, "views": []}
    status, answer = fire(
        ids.REASSIGN_MAP,
        "reassign-method.value",
        align_pose=shown,
        reassign_direction=settings[0],
        reassign_method=settings[1],
    )

    assert status == 200
    found = answer["response"]
    assert found["reassign-map-title"]["children"] == map_title
    assert re.search(rf"\d+ of \d+ {kept}", json.dumps(found["reassign-preview"]))
    histogram = found["reassign-distances"]["figure"]["layout"]
    assert histogram["xaxis"]["title"]["text"] == x_title
    assert histogram["yaxis"]["title"]["text"].endswith(kept)


def test_boxes_that_do_not_matter_are_hidden(fire):
    def hidden(direction, method):
        values = {"reassign_direction": direction, "reassign_method": method}
        _, answer = fire(ids.REASSIGN_HELP, "reassign-method.value", **values)
        return [answer["response"][name]["hidden"] for name in ("reassign-near", "reassign-area")]

    assert hidden("sm_to_st", "mean") == [False, True]
    assert hidden("sm_to_st", "area") == [True, False]
    assert hidden("st_to_sm", "area") == [True, True]


def test_the_settings_of_what_was_made_are_shown_again(fire, store, project):
    params = asdict(ReassignParams(method="area", direction="st_to_sm", n_neighbors=7))
    revisions = {"st": 1, "sm": 2, "alignment": 3}
    made = {"made_from": revisions, "params": {"reassign": params}}
    store.commit(project, "joint", lambda folder: None, **made)

    route = {"project": project, "page": "align"}
    _, answer = fire("reassign-k.value", "route.data", route=route)

    shown = answer["response"]
    assert shown["reassign-k"]["value"] == 7
    assert shown["reassign-method"]["value"] == "area"
    assert shown["reassign-direction"]["value"] == "st_to_sm"


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


def test_eight_orientations_come_as_thumbnails_and_go_with_the_sections(fire, project):
    shown = {"project": project, "key": "1"}
    route = {"project": project, "page": "align"}
    _, answer = fire(ids.ALIGN_ORIENTATIONS, "align-eight.n_clicks", align_scene=shown, route=route)
    assert json.dumps(answer).count('"type": "Button"') == 8
    _, answer = fire(ids.ALIGN_ORIENTATIONS, "align-scene.data", align_scene=shown, route=route)
    assert answer["response"][ids.ALIGN_ORIENTATIONS]["children"] == []


def test_the_pose_of_another_project_arrives_for_this_one(fire, store, project, truth):
    Poses(store, project).record(truth, "move")
    review.use_hand(store, project)
    route = {"project": "0123456789abcdef", "page": "align"}
    _, answer = fire(ids.ALIGN_BORROWED, "align-other.value", align_other=project, route=route)
    found = answer["response"][ids.ALIGN_BORROWED]["data"]
    assert (found["project"], found["matrix"]) == (route["project"], flat(truth))
    assert answer["response"][ids.ALIGN_OTHER]["value"] is None


def test_steps_are_marked_as_they_are_done(fire, store, project):
    def done():
        _, answer = fire("align-step-rough", "align-pose.data", align_pose={"project": project})
        return [answer["response"][ids.align_step(n)]["data-done"] for n in ids.ALIGN_STEPS]

    assert done() == ["false"] * 4
    hand = Poses(store, project)
    hand.record(hand.current(), "landmarks", {"landmarks": [[1.0, 2.0, 3.0, 4.0]]})
    assert done() == ["true", "true", "false", "false"]


def test_a_same_section_is_fitted_rigidly(fire, jobs, store, project):
    hand = Poses(store, project)
    hand.record(hand.current(), "same section", {"same_section": True})
    fire(
        '"page":"align"',
        "align-fine.n_clicks",
        align_transform="affine",
        align_warp=["nonrigid"],
        route={"project": project, "page": "align"},
    )
    (job,) = jobs.of_project(project)
    assert job.params["align"]["transform"] == "rigid"
    assert "start" in job.params
