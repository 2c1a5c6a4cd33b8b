"""The page through Dash's own endpoint, as the browser calls it."""

import json

import numpy as np
import pytest

from app import ids
from app.pages.explore import paint
from app.pages.explore.panels import REST, RING
from app.pages.explore.regions import Comparison
from app.sections import drawings
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError

SQUARE = "M-50,-50L350,-50L350,350L-50,350Z"
LINE = "M0,500L1100,500"


@pytest.fixture
def on_page(store):
    """What the browser's stores hold on one of the page's modes."""

    def values(project, page="explore", **more):
        return {
            "project__data": store.ref(project).to_json(),
            "route__data": {"project": project, "page": page},
            **more,
        }

    return values


@pytest.fixture
def shown(fire, on_page):
    """The scene of a project."""

    def scene(project):
        return fire("explore-scene", ["route.data"], **on_page(project))

    return scene


@pytest.fixture
def draw(fire, on_page, project):
    """Draw paths; return what the callback answers."""

    def save(*paths, first=1, how="", **more):
        reports = [
            {
                "id": f"{first + n:032x}",
                "names": [],
                "how": how,
                "data": {"shapes": [{"type": "path", "path": path}]},
            }
            for n, path in enumerate(paths)
        ]
        given = on_page(project, "regions", explore_reports__data=reports, **more)
        return fire("explore-handled", ["explore-reports.data"], **given)

    return save


@pytest.fixture
def board(fire, on_page, shown, project):
    """The lists and the overlay as they are now."""

    def answer(**more):
        scene = shown(project)["explore-scene.data"]
        given = on_page(project, "regions", explore_scene__data=scene, **more)
        return fire("explore-board", ["explore-scene.data"], **given)

    return answer


def text(value):
    return json.dumps(value, ensure_ascii=False)


# section


def test_the_section_is_shown_with_its_clusters(shown, project):
    answer = shown(project)
    figure = answer["explore-tissue.figure"]

    assert answer["explore-color.data"] == paint.CLUSTER
    assert answer["explore-body.hidden"] is False
    assert figure["layout"]["meta"]["scene"] == answer["explore-scene.data"]["map"]
    assert figure["layout"]["yaxis"]["range"][0] > figure["layout"]["yaxis"]["range"][1]
    assert answer["explore-scene.data"]["spacing"] == 100.0
    assert answer["explore-scene.data"]["diameter"] == pytest.approx(55.0)


def test_the_figure_is_not_sent_again_while_nothing_it_shows_has_changed(
    fire, on_page, shown, project
):
    scene = shown(project)["explore-scene.data"]

    again = fire("explore-scene", ["project.data"], **on_page(project, explore_scene__data=scene))

    assert list(again) == ["explore-messages.children"]


def test_new_clusters_send_a_new_umap_but_not_the_tissue(fire, on_page, shown, cluster_it, project):
    scene = shown(project)["explore-scene.data"]
    cluster_it(project)

    more = {"explore_scene__data": scene, "explore_color__data": "feature/Ldha"}
    again = fire("explore-scene", ["project.data"], **on_page(project, **more))

    assert "explore-tissue.figure" not in again
    assert "explore-umap.figure" in again
    assert again["explore-color.data"] == "feature/Ldha"
    assert again["explore-scene.data"]["map"] == scene["map"]


def test_without_clusters_the_way_to_them_is_shown(shown, plain_project):
    answer = shown(plain_project)

    assert answer["explore-color.data"] == paint.DONORS
    assert answer["explore-umap-box.hidden"] is True
    assert f"/p/{plain_project}/integrate" in text(answer["explore-umap-empty.children"])


def test_an_empty_project_links_to_the_alignment(store, shown):
    project = store.create("Empty")

    answer = shown(project)

    assert answer["explore-body.hidden"] is True
    assert f"/p/{project}/align" in text(answer["explore-empty.children"])


def test_what_is_out_of_date_is_said_with_a_way_to_redo_it(store, shown, project):
    store.commit(project, "alignment", lambda folder: None)

    messages = text(shown(project)["explore-messages.children"])

    assert "E-28" in messages
    assert f"/p/{project}/align" in messages


@pytest.mark.parametrize("page", ["home", "data", "align", "integrate", "export"])
def test_on_other_pages_nothing_is_computed(fire, on_page, project, page):
    assert fire("explore-scene", ["route.data"], **on_page(project, page)) is None


def test_the_search_answers_as_one_types(fire, shown, project):
    scene = shown(project)["explore-scene.data"]

    answer = fire(
        "explore-found",
        ["explore-find.value"],
        explore_find__value="taur",
        explore_scene__data=scene,
    )

    assert "feature/124.0074" in text(answer)


# drawings


def test_a_drawing_is_saved_at_once_and_selected(draw, store, project):
    answer = draw(SQUARE, LINE)
    areas, paths = drawings(store, project)

    assert [area.name for area in areas] == ["Region 1"]
    assert [path.name for path in paths] == ["Trajectory 1"]
    assert answer["explore-handled.data"]["ids"] == [f"{1:032x}", f"{2:032x}"]
    assert answer["explore-selected.data"] == {
        "region": areas[0].id,
        "trajectory": paths[0].id,
    }


def test_a_report_that_was_answered_is_not_saved_again_even_after_undo(
    draw, fire, on_page, store, project
):
    handled = draw(SQUARE)["explore-handled.data"]
    store.history(project, "drawings").undo()

    again = draw(SQUARE, explore_handled__data=handled)

    assert again is None
    assert drawings(store, project) == ([], [])


def test_undo_and_redo_step_through_the_drawings(draw, fire, on_page, store, project):
    draw(SQUARE)
    given = on_page(project, "regions")

    fire("explore-handled", ["undo.n_clicks"], undo__n_clicks=1, **given)
    assert drawings(store, project) == ([], [])
    fire("explore-handled", ["redo.n_clicks"], redo__n_clicks=1, **given)
    assert len(drawings(store, project)[0]) == 1


def test_undo_on_the_align_page_leaves_the_drawings_alone(draw, fire, on_page, store, project):
    draw(SQUARE)

    answer = fire(
        "explore-handled", ["undo.n_clicks"], undo__n_clicks=1, **on_page(project, "align")
    )

    assert answer is None
    assert len(drawings(store, project)[0]) == 1


def test_rows_rename_delete_and_edit_and_ask_nothing_when_they_appear(
    draw, fire, on_page, store, project
):
    draw(SQUARE)
    region = drawings(store, project)[0][0]
    given = on_page(project, "regions")
    delete = ids.explore_item("delete", region.id)

    appeared = [(delete, "n_clicks", 0), (ids.explore_name(region.id), "value", "Region 1")]
    assert fire("explore-handled", appeared, **given) is None

    fire("explore-handled", [(ids.explore_name(region.id), "value", "Core")], **given)
    assert drawings(store, project)[0][0].name == "Core"
    edit = ids.explore_item("edit", region.id)
    answer = fire("explore-handled", [(edit, "n_clicks", 1)], **given)
    assert answer["explore-selected.data"] == {"region": region.id, "edit": region.id}
    fire("explore-handled", [(delete, "n_clicks", 1)], **given)
    assert drawings(store, project)[0] == []


def test_the_lists_and_the_overlay_show_what_is_drawn(draw, board, store, project):
    draw(SQUARE, LINE)
    answer = board()
    names = [shape["name"] for shape in answer["explore-overlay.data"]["shapes"]]
    region, path = (found[0].id for found in drawings(store, project))

    assert names == [region, f"{path}/band", f"{path}/ticks", f"{path}/arrow", path]
    assert "16 spots · 0.04 mm²" in text(answer["explore-regions.children"])
    assert "60 spots · 550 µm" in text(answer["explore-paths.children"])
    assert answer["explore-board.data"]["region"] == region


def test_only_the_object_being_edited_can_be_dragged(draw, board, store, project):
    draw(SQUARE, SQUARE.replace("350", "250"))
    first = drawings(store, project)[0][0].id

    shown = board(explore_selected__data={"region": first, "edit": first})["explore-overlay.data"]

    assert shown["edited"]["id"] == first
    assert [len(ring) for ring in shown["edited"]["rings"]] == [4]
    assert not any(shape["editable"] for shape in shown["shapes"])


def test_nothing_is_drawn_again_while_the_drawings_are_the_same(draw, board):
    draw(SQUARE)
    state = board()["explore-board.data"]

    assert board(explore_board__data=state) is None


# regions


def test_a_region_is_compared_with_the_rest(draw, board, fire):
    draw("M-50,-50L550,-50L550,1150L-50,1150Z")  # the left half
    state = board()["explore-board.data"]

    answer = fire("explore-markers.", ["explore-board.data"], explore_board__data=state)
    table = text(answer["explore-markers.children"])

    assert table.index("Ldha") < table.index("Gfap")  # the gene of the left half is on top
    assert "8 of 8 features shown" in table
    assert len(answer["explore-volcano.figure"]["data"]) >= 2


def test_sorting_does_not_send_the_chart_again(draw, board, fire):
    draw(SQUARE)
    state = board()["explore-board.data"]

    answer = fire(
        "explore-markers.",
        ["explore-markers-view.data"],
        explore_board__data=state,
        explore_markers_view__data={"sort": "p", "descending": False},
    )

    assert list(answer) == ["explore-markers.children"]


def test_a_region_that_holds_no_spot_says_so(draw, board, fire):
    draw("M9000,9000L9100,9000L9100,9100Z")
    state = board()["explore-board.data"]

    answer = fire("explore-markers.", ["explore-board.data"], explore_board__data=state)

    assert "holds no spots" in text(answer["explore-markers.children"])


def test_a_reference_inside_the_region_is_refused(draw, board, fire, store, project):
    draw("M-50,-50L150,-50L150,150L-50,150Z", SQUARE)
    inner = drawings(store, project)[0][0].id
    state = board()["explore-board.data"]

    with pytest.raises(InvalidDataError, match="Choose another reference"):
        fire(
            "explore-markers.",
            ["explore-board.data"],
            explore_board__data=state,
            explore_reference__value=inner,
        )


def test_a_heading_sorts_and_one_that_just_appeared_does_not(fire):
    head = ids.explore_sort("markers", "auc")

    assert fire("explore-markers-view", [(head, "n_clicks", 0)], explore_only__value="all") is None
    answer = fire("explore-markers-view", [(head, "n_clicks", 1)], explore_only__value="all")
    assert answer["explore-markers-view.data"]["sort"] == "auc"


# trajectories


@pytest.fixture
def followed(draw, board, fire):
    draw(LINE)
    state = board()["explore-board.data"]

    def answer(**more):
        return fire("explore-gradient.", ["explore-board.data"], explore_board__data=state, **more)

    return answer


def test_a_path_is_followed_by_the_strongest_features_of_both_modalities(followed):
    answer = followed()

    assert answer["explore-gradient-box.hidden"] is False
    assert len(answer["explore-curve-list.children"]) == 4
    assert "(µm)" in text(answer["explore-gradient.figure"]["layout"]["xaxis3"]["title"])
    assert "60" in text(answer["explore-path-summary.children"])


def test_chosen_features_replace_the_strongest(followed):
    answer = followed(explore_curves__data=["Mbp", "281.2480", "gone"])

    names = text(answer["explore-curve-list.children"])
    assert "Mbp" in names
    assert "Oleic acid" in names
    assert "gone" not in names


def test_a_path_beside_the_tissue_says_that_it_has_too_few_spots(draw, board, fire):
    draw("M5000,5000L6000,5000")
    state = board()["explore-board.data"]

    answer = fire("explore-gradient.", ["explore-board.data"], explore_board__data=state)

    assert answer["explore-gradient-box.hidden"] is True
    assert "Too few spots" in text(answer["explore-path-summary.children"])


def test_without_a_pixel_size_the_chart_reads_px(fire, on_page, shown, plain_project):
    report = {
        "id": f"{1:032x}",
        "names": [],
        "data": {"shapes": [{"type": "path", "path": LINE}]},
    }
    given = on_page(plain_project, "trajectories")
    fire("explore-handled", ["explore-reports.data"], explore_reports__data=[report], **given)
    scene = shown(plain_project)["explore-scene.data"]
    state = fire("explore-board", ["explore-scene.data"], explore_scene__data=scene, **given)

    answer = fire(
        "explore-gradient.",
        ["explore-board.data"],
        explore_board__data=state["explore-board.data"],
    )

    assert "(px)" in text(answer["explore-gradient.figure"]["layout"]["xaxis2"]["title"])
    assert f"/p/{plain_project}/data" in text(answer["explore-path-summary.children"])


def test_a_feature_is_put_into_the_chart_and_taken_out(draw, board, fire):
    draw(LINE)
    state = board()["explore-board.data"]

    def toggle(feature, curves):
        return fire(
            "explore-curves",
            ["explore-picked.data"],
            explore_picked__data={"feature": feature, "at": 1},
            explore_curves__data=curves,
            explore_board__data=state,
        )["explore-curves.data"]

    assert toggle("Mbp", ["Ldha"]) == ["Ldha", "Mbp"]
    assert toggle("Mbp", ["Ldha", "Mbp"]) == ["Ldha"]


# files


def test_all_features_of_a_comparison_come_as_csv(draw, board, fire):
    draw(SQUARE)
    state = board()["explore-board.data"]

    answer = fire(
        "explore-download",
        ["explore-markers-csv.n_clicks"],
        explore_markers_csv__n_clicks=1,
        explore_board__data=state,
        explore_reference__value=REST,
    )["explore-download.data"]

    lines = answer["content"].splitlines()
    assert answer["filename"] == "markers-Region-1.csv"
    assert lines[0].startswith("compared_with,feature,type,log2fc,auc")
    assert len(lines) == 1 + 8


def test_the_distance_column_of_a_gradient_names_its_unit(draw, board, fire):
    draw(LINE)
    state = board()["explore-board.data"]

    answer = fire(
        "explore-download",
        ["explore-gradient-csv.n_clicks"],
        explore_gradient_csv__n_clicks=1,
        explore_board__data=state,
    )["explore-download.data"]

    assert "distance_um" in answer["content"].splitlines()[0]


@pytest.mark.parametrize(
    "painted",
    [
        {"key": paint.CLUSTER, "limits": [0, 1], "log": True, "scale": "viridis", "shown": [1]},
        {
            "key": "feature/281.2480",
            "limits": [0, 20],
            "log": False,
            "scale": "magma",
            "shown": None,
        },
    ],
)
def test_the_canvas_comes_as_a_vector_figure(fire, shown, project, painted):
    order = {
        "kind": "svg",
        "project": project,
        "diameter": 55.0,
        "view": {"x": [0, 1000], "y": [1000, 0]},
        "painted": painted,
        "style": {"size": 1.4, "opacity": 0.9, "image_opacity": 0},
    }

    answer = fire("explore-download", ["explore-picture.data"], explore_picture__data=order)

    assert answer["explore-download.data"]["filename"].endswith(".svg")


# routes


def test_colors_and_spots_are_served_and_cached_by_revision(server, shown, project):
    client = server.server.test_client()
    scene = shown(project)["explore-scene.data"]

    colors = client.get(scene["paint"] + "feature/Ldha")
    spots = client.get(scene["spots"])

    assert colors.status_code == 200
    assert colors.cache_control.max_age
    assert len(spots.json["names"]) == 144
    assert spots.json["clusters"][0] == -1


def test_an_address_of_another_revision_is_not_cached(server, shown, project):
    client = server.server.test_client()
    scene = shown(project)["explore-scene.data"]

    answer = client.get(scene["paint"].replace("joint=", "joint=9") + "feature/Ldha")

    assert answer.status_code == 200
    assert answer.cache_control.no_store


@pytest.mark.parametrize(
    "address",
    [
        "/api/projects/{project}/explore/paint?by=feature/Nope",
        "/api/projects/0000000000000000/explore/spots",
    ],
)
def test_what_does_not_exist_is_not_found(server, project, address):
    answer = server.server.test_client().get(address.format(project=project))

    assert answer.status_code == 404
    assert not np.any([word in answer.text for word in ("Traceback", "/tmp", "/work")])


# ring, spatial p, edge axis


@pytest.fixture
def asked(draw, project, store):
    """A comparison of a drawn region."""
    draw(SQUARE)
    region = drawings(store, project)[0][0]
    return lambda reference, ring=None: Comparison(store, project, region.id, reference, ring)


def test_a_region_is_compared_with_the_ring_around_it(asked):
    found = asked(RING, 60.0)  # um; 120 px around a square of 4 x 4 spots

    assert found.against == "the ring of 60 µm around it"
    assert found.reference.sum() == 9
    with pytest.raises(InvalidDataError, match="wider ring"):
        asked(RING, 1.0)


def test_the_spatial_p_is_computed_once_and_too_few_places_are_said(asked):
    first = asked(REST)

    found = first.spatial()

    assert found is not None
    assert first.key == asked(REST).key != asked(RING, 60.0).key
    assert np.isnan(found.table["p_spatial"]).all() == (found.n_distinct < 100)
    assert bool(found.note) == (found.n_distinct < 100)


def test_the_distance_from_a_regions_edge_is_an_axis(  # noqa: PLR0917  # fixtures
    draw, fire, on_page, shown, project, store
):
    draw(SQUARE)
    region = drawings(store, project)[0][0].id
    scene = shown(project)["explore-scene.data"]
    given = on_page(project, "trajectories", explore_scene__data=scene)
    state = fire("explore-board", ["explore-scene.data"], **given)

    answer = fire(
        "explore-gradient.",
        ["explore-board.data"],
        explore_board__data=state["explore-board.data"],
        explore_axis__value=region,
        explore_reach__value=200,
    )

    assert answer["explore-gradient-box.hidden"] is False
    figure = answer["explore-gradient.figure"]["layout"]
    assert "the edge, inside negative" in figure["xaxis3"]["title"]["text"]
    assert "computed" in text(answer["explore-screen.children"])


def test_a_refused_drawing_changes_nothing(draw, store, project):
    draw(SQUARE)

    with pytest.raises(InvalidParamsError, match="Nothing would be left"):
        draw("M-99,-99L900,-99L900,900L-99,900Z", first=7, how="subtract")
    assert len(drawings(store, project)[0]) == 1
