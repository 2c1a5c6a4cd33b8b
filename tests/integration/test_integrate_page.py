"""Runs and clusters of the integrate screen through Dash's own endpoint, without a browser."""

from __future__ import annotations

import io
import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from app import clusterings, ids, runs
from app.disk import write_json
from app.figures.theme import category_colors
from spatialmeta_core import keys
from spatialmeta_core.io import write_h5ad

N = 40
ROUTE, PROJECT = f"{ids.ROUTE}.data", f"{ids.PROJECT}.data"
GRID = f"{ids.INTEGRATE_GRID}.value"
ACT = json.dumps({"action": ["ALL"], "number": ["ALL"], "type": "run-action"}).replace(" ", "")
QUALITY_ROW = {
    "metric": "markers",
    "part_of": "vertical",
    "kind": "score",
    "name": "Markers",
    "value": 0.6,
    "baseline": 0.4,
    "scaled": 0.6,
    "baseline_scaled": 0.4,
    "better": "higher",
    "needs": "",
    "meaning": "Whether clusters have features that mark them.",
}


def labels(n: int) -> np.ndarray:
    return np.arange(N) % n


@pytest.fixture
def trained(store, project):
    """A project with two runs, of two and three clusters, and two resolutions tried for each."""
    xy = np.column_stack([np.arange(N) % 8, np.arange(N) // 8]).astype(float) * 100
    joint = ad.AnnData(
        np.ones((N, 3), np.float32),
        obs=pd.DataFrame({keys.N_DONORS: 1}, index=[f"spot {i}" for i in range(N)]),
        var=pd.DataFrame({keys.FEATURE_TYPE: ["ST", "ST", "SM"]}, index=["A", "B", "100.0000"]),
        obsm={keys.SPATIAL: xy},
        layers={keys.NORMALIZED: np.ones((N, 3), np.float32)},
    )
    for name in ("st", "sm", "alignment"):
        store.commit(project, name, lambda folder: None)
    store.commit(project, "joint", lambda folder: write_h5ad(joint, folder / "joint.h5ad"))
    for n, latent in ((2, 10), (3, 20)):
        store.commit(
            project,
            "features",
            lambda folder: (folder / "features.csv").write_text("feature\n"),
            summary={"n_genes": 2, "n_metabolites": 1},
        )
        store.commit(
            project,
            "integration",
            lambda folder: None,
            params={"net": {"n_latent": latent}, "train": {"seed": 0}, "weights": {}},
            summary={
                "epochs": 9,
                "best_epoch": 7,
                "best_loss": 12.5,
                "device": "cpu",
                "n_used": N,
                "notes": [f"a note of {n}"],
            },
        )
        commit_clusters(store, project, n)
    return project


def commit_clusters(store, project, n) -> None:
    angle = np.linspace(0, 6, N)
    values = {
        "obs_names": np.array([f"spot {i}" for i in range(N)]),
        keys.CLUSTER: labels(n),
        keys.UMAP: np.column_stack([np.cos(angle), np.sin(angle)]),
        keys.CONTRIBUTION: np.linspace(0, 1, N),
        "tried_labels": np.stack([labels(n), labels(4)]).astype(np.int32),
        "tried_resolution": np.array([0.2, 1.1]),
        "tried_n_clusters": np.array([n, 4]),
        "tried_stability": np.array([0.99, 0.5]),
    }

    def write(folder) -> None:
        np.savez_compressed(folder / clusterings.FILE, **values)
        quality = {"rows": [QUALITY_ROW], "baseline": "components", "notes": [], "n_clusters": n}
        write_json(folder / clusterings.QUALITY, quality)

    store.commit(
        project,
        "clusters",
        write,
        params={"cluster": {"resolution": 0.2}},
        summary={
            "resolution": 0.2,
            "suggested": True,
            "n_clusters": n,
            "suggestion": {"resolution": 0.2, "n_clusters": n, "stability": 0.99},
            "rebuilt": {"ST": 0.3, "SM": 0.5},
            "overall": {"model": 0.64, "pca": 0.6},
        },
    )


@pytest.fixture
def here(store, trained):
    def values(**more):
        shown = {ROUTE: {"project": trained, "page": "integrate"}, GRID: 0}
        return {**shown, PROJECT: store.ref(trained).to_json(), **more}

    return values


def text(shown) -> str:
    return json.dumps(shown, ensure_ascii=False)


def act(fire, here, action, number):
    button = ids.run_action(action, number)
    return fire(f"{ACT}.n_clicks", here(**{f"{ACT}.n_clicks": [(button, 1)]}))


def test_runs_stand_side_by_side_and_say_how_they_differ(fire, here):
    shown = text(fire(PROJECT, here(), output=f"{ids.INTEGRATE_RUNS}.children"))

    for part in ("Run 1", "Run 2", "in use", "r = 0.30", "0.64 (PCA 0.60)", "9, best 7"):
        assert part in shown
    assert "Latent dimensions" in shown
    assert "a note of 3" in shown
    assert "a note of 2" not in shown


def test_another_run_is_used_with_its_clusters(fire, here, store, trained):
    act(fire, here, "use", 1)

    assert runs.current(store.manifest(trained))["number"] == 1
    np.testing.assert_array_equal(clusterings.arrays(store, trained)[keys.CLUSTER], labels(2))


def test_a_deleted_run_is_gone_and_comes_back(fire, here, store, trained):
    note = act(fire, here, "delete", 1)
    assert "Run 1 deleted" in text(note)
    assert [run["number"] for run in runs.runs_of(store.manifest(trained))] == [2]

    act(fire, here, "restore", 1)

    assert [run["number"] for run in runs.runs_of(store.manifest(trained))] == [1, 2]


def test_the_slider_starts_at_the_clusters_in_use_and_knows_what_was_tried(fire, here):
    shown = fire(PROJECT, here(), output=f"{ids.INTEGRATE_CLUSTERS}.hidden")

    slider = shown[ids.INTEGRATE_GRID]
    assert (slider["value"], slider["max"], slider["marks"]) == (0, 1, {"0": "0.2", "1": "1.1"})
    assert "Better than PCA: " in text(shown[ids.INTEGRATE_QUALITY])
    assert "markers (0.60, PCA 0.40)" in text(shown[ids.INTEGRATE_QUALITY])


def test_the_slider_shows_other_clusters_in_words_and_pictures(fire, here):
    shown = fire(GRID, here(**{GRID: 1}), output=f"{ids.INTEGRATE_GRID_WORDS}.children")

    words = text(shown[ids.INTEGRATE_GRID_WORDS])
    assert "4 clusters" in words
    assert "stability 0.50, not repeatable" in words
    assert "position=1" in text(shown[ids.INTEGRATE_MAPS])
    assert shown[ids.INTEGRATE_GRID_USE]["disabled"] is False


def test_other_clusters_become_the_current_ones_and_belong_to_the_run(fire, here, store, trained):
    fire(
        f"{ids.INTEGRATE_GRID_USE}.n_clicks",
        here(**{GRID: 1, f"{ids.INTEGRATE_GRID_USE}.n_clicks": 1}),
    )

    record = store.record(trained, "clusters")
    np.testing.assert_array_equal(clusterings.arrays(store, trained)[keys.CLUSTER], labels(4))
    assert record["params"]["cluster"]["resolution"] == pytest.approx(1.1)
    assert (record["summary"]["n_clusters"], record["summary"]["suggested"]) == (4, False)
    assert runs.current(store.manifest(trained))["clusters"] == record
    quality = fire(PROJECT, here(), output=f"{ids.INTEGRATE_CLUSTERS}.hidden")
    assert "Measured on the 3 clusters" in text(quality)


def test_clusters_on_other_spots_leave_unknown_spots_out(store, trained):
    stored = clusterings.arrays(store, trained)
    names = np.array(["spot 5", "new", "spot 0"])

    found = clusterings.on_spots(stored, names)

    assert found[keys.CLUSTER].tolist() == [2, -1, 0]
    assert found["tried_labels"][:, 1].tolist() == [-1, -1]
    assert np.isnan(found[keys.CONTRIBUTION][1])
    assert stored[keys.CLUSTER][1] == 1  # what is cached stays as it was


# pictures


@pytest.fixture
def picture(dash_app, trained):
    def get(**query):
        client = dash_app.server.test_client()
        return client.get(f"/api/projects/{trained}/integrate/picture", query_string=query)

    return get


@pytest.mark.parametrize("view", ["tissue", "umap"])
def test_a_picture_has_the_colors_of_the_clusters(picture, store, trained, view):
    revision = store.record(trained, "clusters")["revision"]

    answer = picture(clusters=revision, view=view, by="cluster", position=1)

    drawn = np.asarray(Image.open(io.BytesIO(answer.data)).convert("RGBA"))
    opaque = drawn[drawn[..., 3] == 255][:, :3].astype(int)
    for color in category_colors(4):
        wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        assert np.abs(opaque - wanted).max(axis=1).min() < 12  # smooth edges shift small dots
    assert answer.cache_control.max_age


def test_a_picture_of_the_contribution_runs_from_one_color_to_the_other(picture, store, trained):
    revision = store.record(trained, "clusters")["revision"]

    answer = picture(clusters=revision, view="tissue", by="contribution")

    drawn = np.asarray(Image.open(io.BytesIO(answer.data)).convert("RGB")).astype(int)
    assert (drawn[..., 2] - drawn[..., 0]).max() > 30  # purple: metabolites
    assert (drawn[..., 0] - drawn[..., 2]).max() > 60  # orange: genes


@pytest.mark.parametrize(
    "query", [{"clusters": 999, "view": "tissue"}, {"view": "sky"}, {"view": "umap", "position": 9}]
)
def test_a_picture_that_is_not_there_is_said_in_words(picture, store, trained, query):
    revision = store.record(trained, "clusters")["revision"]

    answer = picture(**{"clusters": revision, "by": "cluster", **query})

    assert answer.status_code == 404
    assert "not there any more" in answer.text
