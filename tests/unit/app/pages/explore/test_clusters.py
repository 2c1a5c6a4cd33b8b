"""The panel of the clusters through Dash's own endpoint: edits, and where they are seen."""

import json

import numpy as np
import pytest

from app import clusterings
from app.cluster_edits import use_resolution
from app.pages.explore import paint
from app.sections import cluster_markers, drawings, open_section
from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidParamsError


@pytest.fixture
def do(fire, store, project):
    """Use one element of the panel; return what the callback answers."""

    def act(kind, value, cluster=None, **more):
        given = {
            "project__data": store.ref(project).to_json(),
            "route__data": {"project": project, "page": "explore"},
            **more,
        }
        triggered = [({"type": f"explore-cluster-{kind}", "cluster": cluster}, *value)]
        return fire("explore-edited", triggered, **given)

    return act


@pytest.fixture
def panel(fire, store, project):
    def show():
        scene = {"project": project}
        return fire("explore-clusters.children", ["explore-scene.data"], explore_scene__data=scene)

    return show


def text(value):
    return json.dumps(value, ensure_ascii=False)


def test_the_list_has_sizes_shares_and_the_mean_contribution(panel):
    shown = panel()

    words = text(shown["explore-clusters.children"])
    assert '"72"' in words
    assert '"50 %"' in words
    assert '"0.20"' in words
    assert '"0.80"' in words
    assert shown["explore-grid-box.hidden"] is True  # these clusters kept no other resolutions


def test_without_clusters_there_is_no_panel(fire, plain_project):
    scene = {"project": plain_project}
    shown = fire("explore-clusters.children", ["explore-scene.data"], explore_scene__data=scene)

    assert shown["explore-clusters-box.hidden"] is True


def test_a_name_is_seen_in_legend_spots_markers_and_marker_table(do, server, store, project):
    do("name", ("value", "Cortex"), 1)
    section = open_section(store, project)

    assert paint.paint(section, paint.CLUSTER).legend.names == ("0", "Cortex")
    assert set(cluster_markers(store, project)[keys.CLUSTER]) == {"0", "Cortex"}
    spots = server.server.test_client().get(f"/api/projects/{project}/explore/spots").get_json()
    assert spots["cluster_names"] == ["0", "Cortex"]
    np.testing.assert_array_equal(section.cluster_names[:7], ["", "0", "0", "0", "0", "0", "1"])


def test_the_eye_hides_and_shows_again(do, store, project):
    for hidden in ((0,), ()):
        do("eye", ("n_clicks", 1), 0)

        assert paint.paint(open_section(store, project), paint.CLUSTER).legend.hidden == hidden


def test_a_list_that_was_just_drawn_changes_nothing(do, store, project):
    assert do("name", ("value", "1"), 1) is None
    assert do("eye", ("n_clicks", 0), 1) is None
    assert store.history(project, "drawings").events() == []


def test_a_color_that_is_none_is_refused(do):
    with pytest.raises(InvalidParamsError, match="six digits"):
        do("color", ("value", "blue"), 1)


def test_edits_are_undone_by_the_button_of_the_top_bar(do, fire, store, project):
    do("color", ("value", "#112233"), 0)
    given = {
        "project__data": store.ref(project).to_json(),
        "route__data": {"project": project, "page": "explore"},
        "undo__n_clicks": 1,
    }

    assert open_section(store, project).look.colors[0] == "#112233"
    answer = fire("explore-handled", ["undo.n_clicks"], **given)
    assert answer["explore-handled.data"]["at"] > 0
    assert open_section(store, project).look.colors[0] != "#112233"
    assert drawings(store, project) == ([], [])


def test_the_addresses_of_colorings_change_with_the_edits(do, fire, store, project):
    def scene():
        given = {
            "project__data": store.ref(project).to_json(),
            "route__data": {"project": project, "page": "explore"},
        }
        return fire("explore-scene", ["route.data"], **given)["explore-scene.data"]

    before = scene()
    do("name", ("value", "Cortex"), 1)
    after = scene()

    assert before["paint"] != after["paint"]
    assert (before["map"], before["umap"]) == (after["map"], after["umap"])
    assert [label["text"] for label in after["labels"]] == ["0", "Cortex"]


def test_another_resolution_is_a_step_of_the_slider(fire, store, project):
    stored = clusterings.arrays(store, project)
    fine = np.where(stored[keys.CLUSTER] < 0, -1, np.arange(144) % 3)
    grid = {
        "tried_resolution": np.array([0.2, 0.5]),
        "tried_stability": np.array([1.0, 0.8]),
        "tried_n_clusters": np.array([2, 3]),
        "tried_labels": np.array([stored[keys.CLUSTER], fine]),
    }
    store.commit(
        project,
        "clusters",
        lambda f: np.savez(f / clusterings.FILE, **{**stored, **grid}),
        params={"cluster": {"resolution": 0.2}},
        summary={"resolution": 0.2, "suggestion": {"resolution": 0.2}},
    )
    given = {
        "project__data": store.ref(project).to_json(),
        "route__data": {"project": project, "page": "explore"},
    }

    shown = fire(
        "explore-clusters.children",
        ["explore-scene.data"],
        explore_scene__data={"project": project},
    )
    assert (shown["explore-grid-box.hidden"], shown["explore-grid.value"]) == (False, 0)
    assert fire("explore-edited", ["explore-grid.value"], explore_grid__value=1, **given)
    assert len(open_section(store, project).look.names) == 3
    assert not use_resolution(store, project, 1)


# markers, contribution


LIMITS = {
    "explore_min_fc__value": 0.25,
    "explore_max_q__value": 0.05,
    "explore_n_genes__value": 5,
    "explore_n_metabolites__value": 3,
}


@pytest.fixture
def on_tab(fire, project):
    def show(output, tab, **more):
        given = {
            "explore_scene__data": {"project": project, "no_denoised": ""},
            "explore_tabs__active_tab": tab,
            "route__data": {"project": project, "page": "explore"},
            **more,
        }
        return fire(output, ["explore-tabs.active_tab"], **given)

    return show


@pytest.mark.parametrize("chart", ["clusters", "dots"])
def test_the_chart_names_the_planted_markers(on_tab, chart):
    shown = on_tab("explore-top.figure", "markers", explore_top_view__value=chart, **LIMITS)

    figure = text(shown["explore-top.figure"])
    assert "Ldha" in figure
    assert "Oleic acid" in figure
    assert "Snap25" not in figure  # the same on both sides, so no marker
    assert shown["explore-top-cluster.value"] == "0"


def test_the_table_holds_both_modalities_of_the_chosen_cluster(on_tab):
    shown = on_tab("explore-top-table", "markers", explore_top_cluster__value="1")

    words = text(shown["explore-top-table.children"])
    assert "Ldha" in words
    assert "Oleic acid" in words
    assert "8 of 8 features" in words


def test_the_tabs_that_are_not_open_cost_nothing(on_tab):
    assert on_tab("explore-top.figure", "layers", **LIMITS) is None
    assert on_tab("explore-violin", "markers") is None
    assert on_tab("explore-small.children", "markers") is None


def test_the_violin_has_the_clusters_names(do, on_tab):
    do("name", ("value", "Cortex"), 1)

    figure = on_tab("explore-violin", "contribution")["explore-violin.figure"]

    assert figure["layout"]["xaxis"]["ticktext"] == ["0", "Cortex"]


def test_the_layers_say_what_is_missing(on_tab):
    nothing = on_tab("explore-agreement", "layers", explore_color__data="spot/cluster")
    untrained = on_tab("explore-agreement", "layers", explore_color__data="feature/Ldha")

    assert "Choose a gene or metabolite" in text(nothing)
    assert "Train the model again" in text(untrained)


# small maps


def test_small_maps_show_both_modalities_and_take_more(on_tab, fire, project):
    shown = text(
        on_tab(
            "explore-small.children",
            "maps",
            explore_scene__data={"project": project, "picture": "/p?by="},
            explore_layer__value="normalized",
            explore_scale__value="viridis",
        )
    )
    assert "/p?by=feature%2FLdha&scale=viridis" in shown
    assert "124.0074" in shown

    added = fire(
        "explore-small-shown",
        ["explore-small-list.data"],
        explore_small_list__data={"add": "feature/Ld", "at": 1},
        explore_scene__data={"project": project},
    )
    assert added["explore-small-shown.data"]["names"][-1] == "Ld"


def test_a_small_map_is_a_picture_and_clusters_have_none(server, project):
    client = server.server.test_client()
    address = f"/api/projects/{project}/explore/picture"

    good = client.get(f"{address}?by=raw/Ldha&scale=magma")
    assert good.mimetype == "image/png"
    assert good.data[:4] == b"\x89PNG"
    assert client.get(f"{address}?by=spot/cluster").status_code == 404
    assert client.get(f"{address}?by=feature/Ldha&scale=jet").status_code == 404
