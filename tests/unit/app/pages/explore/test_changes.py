"""What the lists do to regions and trajectories."""

import numpy as np
import pytest

from app.pages.explore import changes, drawings
from app.sections import from_log
from spatialmeta_core import geometry
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.types import Region, Trajectory

SQUARE = np.array([[0.0, 0.0], [400.0, 0.0], [400.0, 400.0], [0.0, 400.0]])


def region(identity="a" * 32, shift=0.0, **more):
    return Region(identity, f"R {identity[0]}", "s", ((SQUARE + shift,),), **more)


def path(**more):
    points = np.array([[0.0, 0.0], [300.0, 300.0], [600.0, 0.0]])
    return Trajectory("c" * 32, "T", "s", points, 200.0, **more)


def board(*items, um_per_px=0.5):
    areas = [item for item in items if isinstance(item, Region)]
    paths = [item for item in items if isinstance(item, Trajectory)]
    return drawings.Board(areas, paths, "s", 100.0, um_per_px)


def done(item, action, value=None, **more):
    """Return the objects after an action, by id."""
    event = changes.change(item, action, value, board=board(item, **more))
    areas, paths = from_log([drawings.put(item), event])
    return {each.id: each for each in (*areas, *paths)}


@pytest.mark.parametrize(
    ("how", "area"), [("union", 7 / 4), ("subtract", 3 / 4), ("intersect", 1 / 4)]
)
def test_a_region_is_combined_with_another(how, area):
    first, second = region(), region("b" * 32, 200.0)

    event = changes.change(first, how, second.id, board=board(first, second))

    ((found,), _) = from_log([event])
    assert found.id == first.id
    assert geometry.polygon_area(found.parts) == pytest.approx(area * 400**2)


def test_a_region_cannot_be_combined_with_itself_or_emptied():
    first, same = region(), region("b" * 32)

    with pytest.raises(InvalidParamsError, match="another region"):
        changes.change(first, "union", first.id, board=board(first, same))
    with pytest.raises(InvalidParamsError, match="Nothing would be left"):
        changes.change(first, "subtract", same.id, board=board(first, same))


def test_a_ring_is_a_region_of_its_own_with_its_width_in_um():
    found = done(region(), "ring", 50.0)

    assert len(found) == 2
    ring = list(found.values())[1]
    assert ring.name == "R a ring 50 µm"
    expected = 4 * 400 * 100 + np.pi * 100**2  # 50 um are 100 px
    assert geometry.polygon_area(ring.parts) == pytest.approx(expected, rel=0.01)


def test_a_copy_lies_beside_the_original_with_a_color_and_a_name_of_its_own():
    first = region(kind="Tumor", locked=True)

    copy = list(done(first, "duplicate").values())[1]

    assert (copy.name, copy.kind, copy.locked) == ("R a copy", "Tumor", False)
    assert copy.color != first.color
    np.testing.assert_array_equal(copy.parts[0][0], SQUARE + 100.0)


def test_a_locked_object_is_not_changed_before_it_is_unlocked():
    locked = done(region(), "lock")["a" * 32]

    assert locked.locked
    for action in ("delete", "rename", "kind", "clusters"):
        with pytest.raises(InvalidParamsError, match="locked"):
            changes.change(locked, action, "x", board=board(locked))
    assert not done(locked, "lock")["a" * 32].locked


def test_hiding_the_class_and_the_clusters_are_kept():
    assert done(region(), "hide")["a" * 32].hidden
    assert done(region(), "kind", "  Tumor  core ")["a" * 32].kind == "Tumor core"
    assert done(region(), "clusters", ["10", "2"])["a" * 32].only_clusters == ("2", "10")
    assert changes.change(region(), "clusters", [], board=board()) is None


def test_a_split_path_is_two_and_one_undo_takes_both_back():
    whole = path()

    event = changes.change(whole, "split", board=board(whole))
    _, halves = from_log([drawings.put(whole), event])

    assert [half.name for half in halves] == ["T", "T b"]
    lengths = [geometry.path_length(half.points) for half in halves]
    assert lengths == pytest.approx([geometry.path_length(whole.points) / 2] * 2)
    assert len(from_log([drawings.put(whole)])[1]) == 1


def test_smoothing_rounds_the_corner_and_keeps_the_ends():
    smooth = done(path(), "smooth")["c" * 32]

    np.testing.assert_allclose(smooth.points[[0, -1]], [[0, 0], [600, 0]], atol=1e-9)
    assert smooth.points[:, 1].max() < 300


def test_a_width_keeps_its_unit_when_the_pixel_size_becomes_known():
    drawn = path(width_unit="px")

    assert drawn.width(None) == 200.0
    assert drawn.width(0.5) == 100.0  # um: the same swath on the tissue
    assert done(drawn, "width", 80.0)["c" * 32].width(0.5) == 80.0
    without = done(drawn, "width", 80.0, um_per_px=None)["c" * 32]
    assert (without.width_um, without.width_unit) == (80.0, "px")


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InvalidParamsError, match="above 0"):
        changes.change(region(), "ring", None, board=board())
    with pytest.raises(InvalidParamsError, match="cannot be done"):
        changes.change(region(), "split", board=board())
    with pytest.raises(InvalidParamsError, match="cannot be done"):
        changes.change(path(), "kind", "x", board=board())
