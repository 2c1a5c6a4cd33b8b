"""What plotly reports about drawings, as recorded in the browser."""

import numpy as np
import pytest

from app.pages.explore import events
from spatialmeta_core import geometry
from spatialmeta_core.types import Region, Trajectory

NEW = "0" * 31 + "1"
OLD = "a" * 32
LINE = {"color": "#0b5c8a", "width": 2, "dash": "solid"}

LASSO = {
    "id": NEW,
    "names": [],
    "data": {
        "selections": [
            {
                "xref": "x",
                "yref": "y",
                "line": LINE,
                "type": "path",
                "path": "M5716.29,3253.59L5665.88,3522.46L5212.17,3976.16"
                "L4405.58,2800.5L5716.29,3253.59",
            }
        ]
    },
}
BOX = {
    "id": NEW,
    "names": [],
    "data": {
        "selections": [
            {"type": "rect", "x0": 700.5, "y0": 500.0, "x1": 300.0, "y1": 900.0, "line": LINE}
        ]
    },
}
CLOSED = {
    "id": NEW,
    "names": [OLD],
    "data": {
        "shapes": [
            {"type": "path", "name": OLD, "path": "M0,0L1,0L1,1Z"},
            {"editable": True, "type": "path", "path": "M10,10L20,10L20,30L10,10Z", "line": LINE},
        ]
    },
}
OPEN = {
    "id": NEW,
    "names": [],
    "data": {"shapes": [{"type": "path", "path": "M10.5,10L20,-1.5e1L30,10"}]},
}
EDIT = {
    "id": NEW,
    "names": ["b" * 32, OLD],
    "data": {"shapes[1].path": "M0,0L10,0L10,10L0,10Z"},
}


def square(side=10.0, at=0.0):
    return np.array([[0, 0], [side, 0], [side, side], [0, side]], float) + at


def test_a_lasso_is_a_region_although_plotly_leaves_its_line_open():
    drawn = events.read(LASSO)

    assert (drawn.kind, drawn.id, drawn.edits) == ("region", NEW, None)
    np.testing.assert_allclose(drawn.rings[0][0], [5716.29, 3253.59])
    assert len(drawn.rings[0]) == 4  # the repeated first point is dropped


def test_a_box_is_a_region_with_four_corners_whatever_way_it_was_dragged():
    drawn = events.read(BOX)

    assert drawn.kind == "region"
    assert {tuple(point) for point in drawn.rings[0]} == {
        (300.0, 500.0),
        (300.0, 900.0),
        (700.5, 500.0),
        (700.5, 900.0),
    }


def test_a_closed_freehand_line_is_a_region_and_known_shapes_are_not_new():
    drawn = events.read(CLOSED, known=[OLD])

    assert drawn.kind == "region"
    np.testing.assert_array_equal(drawn.rings[0], [[10, 10], [20, 10], [20, 30]])


def test_an_open_freehand_line_is_a_trajectory():
    drawn = events.read(OPEN)

    assert drawn.kind == "trajectory"
    np.testing.assert_array_equal(drawn.rings[0], [[10.5, 10], [20, -15], [30, 10]])


def test_an_edit_names_the_object_by_the_position_of_its_shape():
    drawn = events.read(EDIT, known=[OLD])

    assert (drawn.kind, drawn.edits) == ("region", OLD)


def test_helper_shapes_belong_to_their_object():
    drawn = events.read({**EDIT, "names": ["b" * 32, f"{OLD}/band"]})

    assert drawn.edits == OLD


@pytest.mark.parametrize(
    "data",
    [
        {"xaxis.range[0]": 1, "xaxis.range[1]": 2},  # a zoom
        {"dragmode": "lasso"},
        {"selections": []},  # cleared
        {"selections": [{"type": "path", "path": "M1,1L1,1L1,1"}]},  # a click
        {"selections": [{"type": "rect", "x0": 1, "x1": 1, "y0": 0, "y1": 9}]},  # no width
        {"shapes": [{"line": LINE}]},  # phantom without a type
        {"shapes": [{"type": "path", "path": "M3,3"}]},
        {"shapes": [{"type": "path", "path": "M0,0L1,1L2,2Z"}]},  # no area
        {"shapes": [{"type": "path", "path": "Mx,yLz"}]},
        {"shapes[7].path": "M0,0L1,0L1,1Z"},  # no such shape
        None,
    ],
)
def test_what_is_no_drawing_gives_none(data):
    assert events.read({"id": NEW, "names": [], "data": data}) is None


def test_an_id_of_another_form_is_refused():
    assert events.read({**LASSO, "id": "../etc"}) is None


def test_a_path_with_several_rings_keeps_them_apart():
    rings, is_closed = events.parse_path("M0,0L4,0L4,4ZM1,1L2,1L2,2Z")

    assert is_closed
    assert [len(ring) for ring in rings] == [3, 3]


def test_a_new_region_drops_wobbles_below_the_detail_but_keeps_its_corners():
    wobbly = np.insert(square(1000.0), 1, [[500.0, 3.0]], axis=0)
    drawn = events.Drawn(NEW, "region", (wobbly,))

    region = events.new_region(drawn, name="A", sample="s", color="#0072b2", spacing=100.0)

    np.testing.assert_array_equal(region.parts[0][0], square(1000.0))
    assert (region.id, region.name, region.sample) == (NEW, "A", "s")


def test_a_tiny_region_is_not_simplified_away():
    drawn = events.Drawn(NEW, "region", (square(5.0),))

    region = events.new_region(drawn, name="A", sample="s", color="#0072b2", spacing=100.0)

    assert len(region.parts[0][0]) == 4


def test_an_edit_keeps_parts_and_holes_together():
    parts = ((square(10.0), square(2.0, 3.0)), (square(5.0, 50.0),))
    region = Region(OLD, "A", "s", parts)
    rings = tuple(ring + 1.0 for part in parts for ring in part)

    after = events.edited(region, events.Drawn(NEW, "region", rings, edits=OLD))

    assert [len(part) for part in after.parts] == [2, 1]
    np.testing.assert_array_equal(after.parts[0][1], square(2.0, 4.0))
    assert after.name == "A"


def test_an_edit_of_a_trajectory_moves_its_points():
    path = Trajectory(OLD, "T", "s", np.array([[0.0, 0.0], [9.0, 9.0]]), 100.0)
    moved = np.array([[1.0, 0.0], [9.0, 9.0]])

    after = events.edited(path, events.Drawn(NEW, "trajectory", (moved,), edits=OLD))

    np.testing.assert_array_equal(after.points, moved)
    assert after.width_um == 100.0


def drawn_with(data, **more):
    return {"id": "0" * 32, "names": [], "data": data, **more}


def test_a_brush_stroke_is_a_region_as_wide_as_the_brush():
    drawn = events.read(drawn_with({"brush": {"path": "M0,0L300,0", "radius": 50.0}}))

    assert drawn.kind == "region"
    area = geometry.polygon_area(events.parts_of(drawn, 100.0))
    assert area == pytest.approx(300 * 100 + np.pi * 50**2, rel=0.01)


@pytest.mark.parametrize(
    "brush", [{"path": "M0,0", "radius": 0}, {"path": "", "radius": 5}, {"radius": "x"}, 3]
)
def test_a_brush_without_a_line_or_a_size_is_nothing(brush):
    assert events.read(drawn_with({"brush": brush})) is None


def test_shift_and_alt_are_kept_for_regions_only():
    closed = {"shapes": [{"type": "path", "path": "M0,0L9,0L9,9Z"}]}
    line = {"shapes": [{"type": "path", "path": "M0,0L9,0"}]}

    assert events.read(drawn_with(closed, how="add")).how == "add"
    assert events.read(drawn_with(closed, how="subtract")).how == "subtract"
    assert events.read(drawn_with(closed, how="delete everything")).how == ""
    assert events.read(drawn_with(line, how="add")).how == ""


def test_moves_and_widths_are_read_and_nonsense_is_not():
    moved = events.read_move(drawn_with({"move": {"item": "a", "by": [3, -4]}}))
    wider = events.read_move(drawn_with({"width": {"item": "a", "px": 120.0}}))

    assert (moved.item, moved.by, moved.width) == ("a", (3.0, -4.0), None)
    assert wider.width == 120.0
    for data in ({"move": {"by": ["x", 1]}}, {"move": {}}, {"width": {"px": -1}}, {"width": {}}):
        assert events.read_move(drawn_with(data)) is None


def test_a_lasso_that_crosses_itself_is_sorted_out_with_its_area_unchanged():
    wings = events.Drawn("0" * 32, "region", (np.array([[0.0, 0], [90, 90], [90, 0], [0, 80]]),))
    parts = events.parts_of(wings, 1.0)

    assert len(parts) == 2
    assert (geometry.contains(parts, np.array([[80.0, 45.0], [10.0, 40.0], [45, 5]]))).tolist() == [
        True,
        True,
        False,
    ]
