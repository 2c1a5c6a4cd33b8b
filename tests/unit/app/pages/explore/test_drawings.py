from dataclasses import replace

import numpy as np
import pytest

from app.pages.explore import changes, drawings
from app.sections import from_log
from spatialmeta_core.errors import InvalidParamsError, NotFoundError
from spatialmeta_core.geometry import polygon_area
from spatialmeta_core.types import Region, Trajectory


def report(number, path, kind="shapes"):
    return {
        "id": f"{number:032x}",
        "names": [],
        "data": {kind: [{"type": "path", "path": path}]},
    }


SQUARE = "M0,0L500,0L500,500L0,500Z"
LINE = "M0,0L900,0"


def board(regions=(), trajectories=(), um_per_px=0.5):
    return drawings.Board(list(regions), list(trajectories), "s", 100.0, um_per_px)


def after(events):
    regions, paths = from_log(events)
    return board(regions, paths)


def test_drawings_become_numbered_objects_with_colors_of_their_own():
    events = drawings.from_reports(board(), [report(1, SQUARE), report(2, SQUARE), report(3, LINE)])
    found = after(events)

    assert [region.name for region in found.regions] == ["Region 1", "Region 2"]
    assert [path.name for path in found.trajectories] == ["Trajectory 1"]
    assert found.regions[0].color != found.regions[1].color
    assert found.regions[0].sample == "s"


def test_a_report_that_comes_twice_is_saved_once():
    first = after(drawings.from_reports(board(), [report(1, SQUARE)]))

    assert drawings.from_reports(first, [report(1, SQUARE)]) == []
    assert len(drawings.from_reports(board(), [report(1, SQUARE), report(1, SQUARE)])) == 1


def test_a_new_path_is_four_spots_wide_in_the_unit_that_is_known():
    (event,) = drawings.from_reports(board(), [report(1, LINE)])
    assert event["object"]["width_um"] == 200.0

    (event,) = drawings.from_reports(board(um_per_px=None), [report(1, LINE)])
    assert event["object"]["width_um"] == 400.0


def test_an_edit_replaces_the_object_and_an_edit_of_a_deleted_one_does_nothing():
    first = after(drawings.from_reports(board(), [report(1, SQUARE)]))
    region = first.regions[0]
    edit = {
        "id": f"{2:032x}",
        "names": [region.id],
        "data": {"shapes[0].path": "M0,0L900,0L900,900L0,900Z"},
    }

    (event,) = drawings.from_reports(first, [edit])
    assert event["object"]["id"] == region.id
    assert event["object"]["parts"][0][0][1] == [900.0, 0.0]
    assert drawings.from_reports(board(), [edit]) == []


def test_numbers_go_on_after_the_highest_in_use():
    ring = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    known = [Region("r", "Region 7", "s", ((ring,),)), Region("q", "Core", "s", ((ring,),))]

    (event,) = drawings.from_reports(board(known), [report(1, SQUARE)])

    assert event["object"]["name"] == "Region 8"


@pytest.fixture
def path():
    return Trajectory("t", "T", "s", np.array([[0.0, 0.0], [9.0, 0.0]]), 100.0)


def test_reversing_twice_gives_the_same_path(path):
    once = from_log([changes.change(path, "reverse")])[1][0]
    twice = from_log([changes.change(once, "reverse")])[1][0]

    np.testing.assert_array_equal(once.points, [[9, 0], [0, 0]])
    np.testing.assert_array_equal(twice.points, path.points)


def test_a_name_is_trimmed_and_an_empty_one_changes_nothing(path):
    assert changes.change(path, "rename", "  My   path ")["object"]["name"] == "My path"
    assert changes.change(path, "rename", "   ") is None
    assert changes.change(path, "rename", "T") is None


@pytest.mark.parametrize("width", [0, -3, float("nan"), float("inf"), "wide", None])
def test_a_width_must_be_a_positive_number(path, width):
    with pytest.raises(InvalidParamsError, match="above 0"):
        changes.change(path, "width", width)


def test_only_offered_colors_are_taken(path):
    assert (
        changes.change(path, "color", drawings.COLORS[3])["object"]["color"] == (drawings.COLORS[3])
    )
    with pytest.raises(InvalidParamsError):
        changes.change(path, "color", "red; background: url(x)")


def test_deleting_names_the_object(path):
    assert changes.change(path, "delete") == {"op": "delete", "what": "trajectory", "id": "t"}


def test_the_log_keeps_the_place_of_a_changed_object_and_forgets_a_deleted_one():
    events = drawings.from_reports(board(), [report(1, SQUARE), report(2, SQUARE)])
    first, second = after(events).regions
    renamed = changes.change(first, "rename", "Core")

    assert [r.name for r in after([*events, renamed]).regions] == ["Core", "Region 2"]
    assert [r.name for r in after([*events, drawings.delete(first)]).regions] == ["Region 2"]
    assert second.id == f"{2:032x}"


def test_an_object_that_is_gone_is_named_as_such():
    with pytest.raises(NotFoundError, match="deleted"):
        board().get("nothing")


def drawn(data, number=9, **more):
    return {"id": f"{number:032x}", "names": [], "data": data, **more}


def test_shift_adds_to_the_region_looked_at_and_alt_takes_away():
    first = after(drawings.from_reports(board(), [report(1, SQUARE)]))
    target = first.regions[0].id
    beside = {"shapes": [{"type": "path", "path": "M400,0L900,0L900,500L400,500Z"}]}

    for how, area in (("add", 900 * 500), ("subtract", 400 * 500)):
        (event,) = drawings.from_reports(first, [drawn(beside, how=how)], target=target)
        ((found,), _) = from_log([drawings.put(first.regions[0]), event])
        assert found.id == target
        assert polygon_area(found.parts) == pytest.approx(area)

    (event,) = drawings.from_reports(first, [drawn(beside, how="add")])
    assert event["object"]["id"] != target  # nothing to add to: a region of its own


def test_taking_everything_away_and_changing_what_is_locked_are_refused():
    first = after(drawings.from_reports(board(), [report(1, SQUARE)]))
    region = first.regions[0]
    all_of_it = {"shapes": [{"type": "path", "path": "M-9,-9L900,-9L900,900L-9,900Z"}]}

    with pytest.raises(InvalidParamsError, match="Nothing would be left"):
        drawings.from_reports(first, [drawn(all_of_it, how="subtract")], target=region.id)
    locked = board([replace(region, locked=True)])
    move = drawn({"move": {"item": region.id, "by": [1, 1]}})
    with pytest.raises(InvalidParamsError, match="locked"):
        drawings.from_reports(locked, [move])


def test_an_object_is_moved_and_a_swath_widened_in_the_unit_that_is_known():
    first = after(drawings.from_reports(board(), [report(1, SQUARE), report(2, LINE)]))
    region, path = first.regions[0], first.trajectories[0]
    move = drawn({"move": {"item": region.id, "by": [10, -5]}})
    widen = drawn({"width": {"item": path.id, "px": 300.0}})

    moved, wider = drawings.from_reports(first, [move, widen])

    assert moved["object"]["parts"][0][0][0] == [10.0, -5.0]
    assert (wider["object"]["width_um"], wider["object"]["width_unit"]) == (150.0, "um")
    assert drawings.from_reports(board(), [move]) == []  # deleted a moment ago
