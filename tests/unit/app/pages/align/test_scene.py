import base64

import flask
import numpy as np
import pytest

from app import placement
from app.pages.align import scene
from app.pages.align.poses import Poses, from_flat, same, section_xy
from spatialmeta_core import geometry
from spatialmeta_core.types import Alignment, Displacement


@pytest.fixture
def client(store):
    server = flask.Flask("test")
    scene.register(server, store)
    return server.test_client()


def unpacked(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype)


def test_the_scene_holds_both_sections_and_the_start(client, store, project):
    found = client.get(f"/api/projects/{project}/align/scene").json
    st_xy, sm_xy = (section_xy(store, project, name) for name in ("st", "sm"))
    np.testing.assert_allclose(unpacked(found["st_xy"], "<f4").reshape(-1, 2), st_xy, rtol=1e-5)
    np.testing.assert_allclose(unpacked(found["sm_xy"], "<f4").reshape(-1, 2), sm_xy, rtol=1e-4)
    assert len(unpacked(found["tint"]["rgb"], "u1")) == 3 * len(sm_xy)
    assert (found["um_per_px"], found["st_pitch"]) == (2.0, 10.0)
    assert found["image"] is None
    assert found["target"] == "spots"
    assert "no tissue image" in found["target_reason"]
    assert same(from_flat(found["start"]), Poses(store, project).current())


def test_the_scene_brings_the_history_of_poses(client, store, project):
    hand = Poses(store, project)
    for degrees in (10, 20):
        hand.record(geometry.make_pose(degrees), "rotate")
    hand.record(geometry.make_pose(10), "undo")
    found = client.get(f"/api/projects/{project}/align/scene").json
    assert (len(found["poses"]), found["cursor"]) == (2, 1)


@pytest.mark.parametrize("by", ["total", "pc1", "rgb", "mz:101.5000"])
def test_every_color_choice_has_a_color_for_every_pixel(client, store, project, by):
    found = client.get(f"/api/projects/{project}/align/tint", query_string={"by": by}).json
    assert len(unpacked(found["rgb"], "u1")) == 3 * len(section_xy(store, project, "sm"))
    assert found["label"]


def test_an_unknown_color_choice_is_explained(client, project):
    answer = client.get(f"/api/projects/{project}/align/tint?by=mz:nothing")
    assert answer.status_code == 404
    assert "no m/z called 'nothing'" in answer.json["message"]


def test_an_unknown_project_is_explained(client):
    answer = client.get("/api/projects/0123456789abcdef/align/scene")
    assert (answer.status_code, answer.json["code"]) == (404, "E-30")


def test_warped_pixels_lie_where_the_alignment_puts_them(client, store, project, truth):
    warp = Displacement(np.full((4, 4, 2), 3.0), (-20.0, -20.0), 60.0)
    made_from = store.input_revisions(project, "alignment")
    found = Alignment(truth, warp)
    placement.commit(store, project, "alignment", found, made_from=made_from, params={})
    answer = client.get(f"/api/projects/{project}/align/warped/alignment").json
    drawn = geometry.apply_pose(truth, unpacked(answer["sm_xy"], "<f4").reshape(-1, 2))
    np.testing.assert_allclose(drawn, found.apply(section_xy(store, project, "sm")), atol=1e-3)
    assert len(answer["outline"]) == 1


@pytest.mark.parametrize("name", ["joint", "proposal"])
def test_only_existing_alignments_have_warped_pixels(client, project, name):
    assert client.get(f"/api/projects/{project}/align/warped/{name}").status_code == 404


def test_the_key_changes_with_the_sections_and_the_pixel_size(store, project):
    before = scene.scene_key(store.manifest(project))
    store.amend(project, "st", um_per_px=1.0)
    assert scene.scene_key(store.manifest(project)) != before
    assert scene.scene_key(store.manifest(store.create("empty"))) == ""


def test_grid_and_uncertainty_are_of_an_alignment_that_has_them(client, store, project, truth):
    n_pixels = len(section_xy(store, project, "sm"))
    warp = Displacement(np.full((4, 4, 2), 3.0), (-20.0, -20.0), 60.0)
    found = Alignment(truth, warp, sd_px=np.linspace(1, 9, n_pixels))
    made_from = store.input_revisions(project, "alignment")
    placement.commit(store, project, "alignment", found, made_from=made_from, params={})
    base = f"/api/projects/{project}/align"
    assert len(client.get(f"{base}/grid/alignment").json["lines"]) > 10
    colors = client.get(f"{base}/uncertainty/alignment").json
    assert len(unpacked(colors["rgb"], "u1")) == 3 * n_pixels
    assert "typical 10 µm" in colors["label"]
    bare = Alignment(truth)
    placement.commit(store, project, "alignment", bare, made_from=made_from, params={})
    answer = client.get(f"{base}/uncertainty/alignment")
    assert (answer.status_code, "by hand" in answer.json["message"]) == (404, True)
