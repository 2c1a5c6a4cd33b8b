"""Edits of clusters as events: what they make of a clustering, and their way back."""

import numpy as np
import pytest

from app import cluster_edits, clusterings
from app.cluster_edits import digest, edit, look_of
from app.store import ProjectStore
from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidParamsError

LABELS = np.array([0, 0, 0, 1, 1, 2, 3, -1])
OF = digest(LABELS)


def look(*events, labels=LABELS, of=OF):
    return look_of(events, of, labels, 4)


def replay(*steps):
    """Do one edit after the other, each on what the earlier ones made."""
    events = []
    for what, value, cluster in steps:
        events.append(edit(look(*events), what, value, cluster=cluster))
    return look(*events)


def test_without_edits_clusters_have_their_numbers():
    found = look()

    assert found.names == ("0", "1", "2", "3")
    np.testing.assert_array_equal(found.labels, LABELS)
    assert found.sizes() == [3, 2, 1, 1]
    assert len(set(found.colors)) == 4


def test_a_merge_keeps_the_lowest_number_and_moves_no_other_color():
    found = replay(("merge", [3, 1], -1))

    assert found.names == ("0", "1 + 3", "2")
    assert found.numbers == (0, 1, 2)
    assert found.colors == (look().colors[0], look().colors[1], look().colors[2])
    np.testing.assert_array_equal(found.labels, [0, 0, 0, 1, 1, 2, 1, -1])


def test_merged_clusters_can_be_merged_again_named_and_taken_apart():
    merged = replay(("merge", [1, 3], -1), ("merge", [1, 2], -1), ("rename", " Tumor  core ", 1))
    apart = replay(("merge", [1, 3], -1), ("rename", "Tumor", 1), ("separate", None, 1))

    assert merged.names == ("0", "Tumor core")
    assert merged.members == ((0,), (1, 2, 3))
    assert apart.names == ("0", "1", "2", "3")
    np.testing.assert_array_equal(apart.labels, LABELS)


def test_colors_and_hidden_clusters():
    found = replay(("color", "#123456", 2), ("hide", None, 0), ("hide", None, 3), ("show", None, 3))

    assert found.colors[2] == "#123456"
    assert found.hidden == {0}


def test_edits_of_other_clusters_are_counted_but_not_applied():
    other = np.array([0, 1, 0, 1, 2, 2, 3, -1])
    event = edit(look(), "rename", "Tumor", cluster=0)

    found = look_of([event], digest(other), other, 4)

    assert found.names[0] == "0"
    assert found.n_elsewhere == 1
    assert look(event).n_elsewhere == 0


def test_the_stamp_changes_with_every_edit_and_comes_back_with_undo():
    first = edit(look(), "hide", cluster=1)

    assert look(first).stamp != look().stamp
    assert look(first).stamp == look({**first, "time": 1.0}).stamp


@pytest.mark.parametrize(
    ("what", "value", "cluster", "said"),
    [
        ("merge", [1], -1, "Tick two or more"),
        ("merge", [0, 1, 2, 3], -1, "Leave out at least one"),
        ("rename", "  ", 1, "needs a name"),
        ("rename", "2", 1, "another cluster called '2'"),
        ("color", "red", 1, "six digits"),
        ("hide", None, 9, "not there any more"),
        ("explode", None, 1, "cannot be done"),
    ],
)
def test_what_cannot_be_done_is_said(what, value, cluster, said):
    with pytest.raises(InvalidParamsError, match=said):
        edit(look(), what, value, cluster=cluster)


def test_what_is_in_force_already_is_no_change():
    now = replay(("rename", "Tumor", 1), ("hide", None, 2))

    assert not cluster_edits.changes(now, edit(now, "rename", "Tumor", cluster=1))
    assert not cluster_edits.changes(now, edit(now, "hide", cluster=2))
    assert cluster_edits.changes(now, edit(now, "show", cluster=2))
    assert not cluster_edits.changes(now, edit(now, "separate", cluster=0))


# with a store


@pytest.fixture
def store(tmp_path):
    return ProjectStore(tmp_path / "projects")


@pytest.fixture
def project(store):
    """Clusters at the second of two resolutions tried."""
    project = store.create("Toy")
    for name in ("st", "sm", "alignment", "joint", "features", "integration"):
        store.commit(project, name, lambda folder: None)
    values = {
        "obs_names": np.array([f"spot{k}" for k in range(8)]),
        keys.CLUSTER: LABELS,
        "tried_resolution": np.array([0.2, 0.5]),
        "tried_stability": np.array([1.0, 0.9]),
        "tried_n_clusters": np.array([2, 4]),
        "tried_labels": np.array([[0, 0, 0, 0, 1, 1, 1, -1], LABELS]),
    }
    store.commit(
        project,
        "clusters",
        lambda folder: np.savez(folder / clusterings.FILE, **values),
        params={"cluster": {"resolution": 0.5}},
        summary={"resolution": 0.5, "suggestion": {"resolution": 0.5}},
    )
    return project


def now(store, project):
    stored = clusterings.arrays(store, project)
    return cluster_edits.open_look(store, project, stored, stored[keys.CLUSTER])


def test_another_resolution_is_taken_undone_and_redone_and_names_come_back_with_it(store, project):
    history = store.history(project, "drawings")
    history.append(edit(now(store, project), "rename", "Tumor", cluster=3))

    assert cluster_edits.use_resolution(store, project, 0)
    coarse = now(store, project)
    assert (coarse.names, coarse.n_elsewhere) == (("0", "1"), 1)
    assert not cluster_edits.use_resolution(store, project, 0)

    assert cluster_edits.step(store, project, back=True)
    assert now(store, project).names == ("0", "1", "2", "Tumor")
    assert cluster_edits.step(store, project, back=False)
    assert now(store, project).names == ("0", "1")
    assert not cluster_edits.step(store, project, back=False)


def test_undoing_a_resolution_of_another_run_leaves_the_clusters_alone(store, project):
    cluster_edits.use_resolution(store, project, 0)
    other = {**clusterings.arrays(store, project)}
    other["tried_labels"] = other["tried_labels"][:, ::-1].copy()
    store.commit(
        project,
        "clusters",
        lambda folder: np.savez(folder / clusterings.FILE, **other),
        params={"cluster": {"resolution": 0.2}},
        summary={"resolution": 0.2, "suggestion": {"resolution": 0.5}},
    )
    revision = store.record(project, "clusters")["revision"]

    assert cluster_edits.step(store, project, back=True)
    assert store.record(project, "clusters")["revision"] == revision
