"""The alignment overlay, driven by real pointer and key events, against plain matrix maths."""

import numpy as np
import pytest
from overlay import ST_PITCH, START, Overlay, about, as_matrix, rotation

from spatialmeta_core.types import Pose

pytestmark = pytest.mark.browser


@pytest.fixture
def overlay(page):
    return Overlay(page)


def test_dragging_inside_moves_by_the_pointer_distance_and_reports_once(overlay):
    start = overlay.on_screen(overlay.center)
    expected = overlay.matrix.copy()
    expected[:2, 2] += np.array([60, -35]) / overlay.zoom()

    overlay.drag(start, start + np.array([60, -35]), release=False)
    assert overlay.changes == []
    overlay.page.mouse.up()

    np.testing.assert_allclose(overlay.matrix, expected, atol=1e-6)
    assert [change["reason"] for change in overlay.changes] == ["move"]
    np.testing.assert_allclose(as_matrix(overlay.changes[0]["matrix"]), expected, atol=1e-6)


@pytest.mark.parametrize("gesture", ["right button", "ring handle"])
def test_rotating_turns_about_the_centroid_of_the_section(overlay, gesture):
    center = overlay.on_screen(overlay.center)
    by_ring = gesture == "ring handle"
    start = overlay.handle_at("ring") if by_ring else center + np.array([0, -90])
    end = center + rotation(33) @ (start - center)
    expected = about(overlay.center, rotation(33)) @ overlay.matrix

    overlay.drag(start, end, button="left" if by_ring else "right")

    np.testing.assert_allclose(overlay.matrix, expected, rtol=1e-6, atol=1e-3)
    assert [change["reason"] for change in overlay.changes] == ["rotate"]


def test_shift_while_rotating_snaps_to_fifteen_degrees(overlay):
    center = overlay.on_screen(overlay.center)
    expected = about(overlay.center, rotation(30)) @ overlay.matrix
    overlay.page.keyboard.down("Shift")
    overlay.drag(center + np.array([100, 0]), center + rotation(33) @ [100, 0], button="right")
    np.testing.assert_allclose(overlay.matrix, expected, rtol=1e-9, atol=1e-6)


def test_a_corner_scales_both_axes_about_the_opposite_corner(overlay):
    anchor, corner = overlay.handle_at("nw"), overlay.handle_at("se")
    before = overlay.matrix
    overlay.drag(corner, corner + 0.25 * (corner - anchor))
    after = overlay.matrix
    np.testing.assert_allclose(after[:2, :2], 1.25 * before[:2, :2], rtol=1e-4)
    np.testing.assert_allclose(overlay.handle_at("nw"), anchor, atol=0.01)


def test_shift_on_a_corner_scales_each_axis_on_its_own(overlay):
    anchor, corner = overlay.handle_at("nw"), overlay.handle_at("se")
    before = overlay.matrix
    overlay.page.keyboard.down("Shift")
    overlay.drag(corner, anchor + (corner - anchor) * [0.8, 1.1])
    np.testing.assert_allclose(
        overlay.matrix[:2, :2], before[:2, :2] @ np.diag([0.8, 1.1]), rtol=1e-4, atol=1e-9
    )


def test_an_edge_handle_of_a_turned_section_stretches_one_source_axis_only(overlay):
    turned = about([3000, 3000], rotation(25)) @ as_matrix(START)
    overlay.mount(matrix=turned[:2].ravel().tolist())
    west, east = overlay.handle_at("w"), overlay.handle_at("e")
    overlay.drag(east, east + 0.3 * (east - west))
    np.testing.assert_allclose(
        overlay.matrix[:2, :2], turned[:2, :2] @ np.diag([1.3, 1]), rtol=1e-4, atol=1e-9
    )
    np.testing.assert_allclose(overlay.handle_at("w"), west, atol=0.01)


def test_dragging_a_handle_past_its_anchor_never_mirrors_the_section(overlay):
    west, east = overlay.handle_at("w"), overlay.handle_at("e")
    overlay.drag(east, west - [80, 0])
    assert np.linalg.det(overlay.matrix[:2, :2]) > 0


@pytest.mark.parametrize(
    ("key", "step"),
    [
        ("ArrowRight", [1, 0]),
        ("ArrowUp", [0, -1]),
        ("Shift+ArrowLeft", [-10, 0]),
        ("Alt+ArrowDown", [0, 0.1]),
    ],
)
def test_arrows_move_by_the_pitch_of_the_st_spots(overlay, key, step):
    expected = overlay.matrix
    expected[:2, 2] += ST_PITCH * np.array(step)
    overlay.press(key)
    np.testing.assert_allclose(overlay.matrix, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("key", "degrees"), [("q", -1), ("e", 1), ("Shift+E", 15), ("Alt+q", -0.1)]
)
def test_q_and_e_turn_about_the_centroid(overlay, key, degrees):
    expected = about(overlay.center, rotation(degrees)) @ overlay.matrix
    overlay.press(key)
    np.testing.assert_allclose(overlay.matrix, expected, atol=1e-8)


@pytest.mark.parametrize(
    ("key", "linear"),
    [
        ("+", np.diag([1.01, 1.01])),
        ("-", np.diag([1 / 1.01, 1 / 1.01])),
        ("x", np.diag([-1, 1])),
        ("y", np.diag([1, -1])),
    ],
)
def test_scaling_and_flipping_keys_keep_the_centroid(overlay, key, linear):
    expected = about(overlay.center, linear) @ overlay.matrix
    overlay.press(key)
    np.testing.assert_allclose(overlay.matrix, expected, atol=1e-8)


def test_a_burst_of_one_key_is_one_undo_step_and_one_report(overlay):
    before = overlay.matrix
    overlay.press(*["ArrowRight"] * 5)
    overlay.wait_for_changes(1)
    assert len(overlay.changes) == 1
    overlay.press("Control+z")
    np.testing.assert_allclose(overlay.matrix, before)
    assert [change["reason"] for change in overlay.changes] == ["move", "undo"]


def test_ten_steps_are_undone_and_redone_exactly(overlay):
    overlay.press("x", "e", "ArrowRight", "q", "+", "ArrowDown", "y", "-", "Shift+E", "ArrowLeft")
    overlay.wait_for_changes(10)
    last = overlay.matrix
    overlay.press(*["Control+z"] * 10)
    np.testing.assert_array_equal(overlay.matrix, as_matrix(START))
    assert not overlay.page.evaluate("handle.canUndo()")
    overlay.press(*["Control+Shift+z"] * 10)
    np.testing.assert_array_equal(overlay.matrix, last)


def test_the_history_keeps_one_hundred_steps(overlay):
    overlay.page.evaluate("for (let i = 0; i < 120; i += 1) handle.nudge({moveX: 1})")
    overlay.page.evaluate("while (handle.canUndo()) handle.undo()")
    np.testing.assert_allclose(overlay.matrix[0, 2], START[2] + 20)


def test_wheel_and_space_drag_change_the_view_and_leave_the_pose(overlay):
    before, zoom = overlay.matrix, overlay.zoom()
    pointer = np.array([450.0, 330.0])
    full = np.array([3000, 3000]) + (pointer - overlay.on_screen([3000, 3000])) / zoom
    overlay.page.mouse.move(*pointer)
    overlay.page.mouse.wheel(0, -400)
    overlay.settle()
    assert overlay.zoom() > 1.5 * zoom
    np.testing.assert_allclose(overlay.on_screen(full), pointer, atol=0.01)

    overlay.page.locator(".sm-align-stage").focus()
    overlay.page.keyboard.down("Space")
    overlay.drag(pointer, pointer + np.array([50, 20]))
    overlay.page.keyboard.up("Space")
    np.testing.assert_allclose(overlay.on_screen(full), pointer + np.array([50, 20]), atol=0.01)
    np.testing.assert_array_equal(overlay.matrix, before)
    assert overlay.changes == []

    overlay.press("z")
    assert overlay.zoom() == pytest.approx(zoom)


def test_the_rotate_handle_stays_in_view_when_the_section_does_not_fit(overlay):
    for _ in range(6):
        overlay.page.locator("[aria-label='Zoom in']").click()
    overlay.settle()
    x, y = overlay.handle_at("ring")
    assert 20 <= x <= 920
    assert 20 <= y <= 660


def test_escape_during_a_drag_restores_the_pose(overlay):
    start = overlay.on_screen(overlay.center)
    overlay.drag(start, start + np.array([80, 10]), release=False)
    overlay.page.keyboard.press("Escape")
    overlay.page.mouse.up()
    np.testing.assert_array_equal(overlay.matrix, as_matrix(START))
    assert overlay.changes == []


def test_a_click_without_movement_is_no_change(overlay):
    overlay.page.mouse.click(*overlay.on_screen(overlay.center))
    assert overlay.changes == []
    assert overlay.page.evaluate("document.activeElement.className") == "sm-align-stage"


def test_locked_to_similarity_hides_the_edges_and_ignores_shift(overlay):
    overlay.page.evaluate("handle.setLocked(true)")
    overlay.settle()
    assert not overlay.page.locator("[data-handle=e]").is_visible()
    anchor, corner = overlay.handle_at("nw"), overlay.handle_at("se")
    overlay.page.keyboard.down("Shift")
    overlay.drag(corner, anchor + (corner - anchor) * [0.8, 1.3])
    linear = overlay.matrix[:2, :2]
    np.testing.assert_allclose(linear, linear[0, 0] * np.eye(2), rtol=1e-9)


def test_an_animated_pose_is_exact_at_the_end_and_can_be_undone(overlay):
    target = [-30, 40, 3000, 40, 30, 200]
    overlay.page.evaluate("target => handle.setMatrix(target, {animate: true})", target)
    np.testing.assert_array_equal(overlay.matrix, as_matrix(target))
    overlay.page.wait_for_timeout(600)
    placed = overlay.page.evaluate(
        "document.querySelector('.sm-align-outline').getAttribute('transform')"
    )
    zoom = overlay.zoom()
    assert float(placed.split("(")[1].split(",")[0]) == pytest.approx(-30 * zoom, rel=1e-6)
    assert overlay.changes == []
    overlay.press("Control+z")
    np.testing.assert_array_equal(overlay.matrix, as_matrix(START))


@pytest.mark.parametrize(
    "matrix", [[50, -18, 10, 18, 50, -4], [40, 18, 5, 18, -50, 30], [0, -2, 1, 3, 0, 2]]
)
def test_the_readout_agrees_with_the_pose_of_the_core_package(overlay, matrix):
    found = overlay.page.evaluate("m => SpatialMetaAlign.readout(m)", matrix)
    pose = Pose(np.reshape(matrix, (2, 3)).astype(float))
    assert found["angleDeg"] == pytest.approx(pose.angle_deg)
    assert found["scaleX"] == pytest.approx(pose.scale_x)
    assert found["scaleY"] == pytest.approx(pose.scale_y)
    assert (found["shiftX"], found["shiftY"]) == pose.shift_px
    assert found["flipped"] is pose.flipped


def test_a_pose_without_shear_survives_readout_and_back(overlay):
    for flip in (1, -1):
        linear = rotation(-47) @ np.diag([3.2, flip * 2.5])
        matrix = np.column_stack([linear, [7, -9]]).ravel().tolist()
        back = overlay.page.evaluate(
            "m => SpatialMetaAlign.fromReadout(SpatialMetaAlign.readout(m))", matrix
        )
        np.testing.assert_allclose(back, matrix, atol=1e-12)


def test_a_pose_without_area_is_refused(overlay):
    with pytest.raises(Exception, match="nonzero area"):
        overlay.page.evaluate("handle.setMatrix([1, 2, 0, 2, 4, 0])")


def test_a_missing_image_is_named_and_the_spots_take_its_place(overlay):
    overlay.mount(imageUrl="no-such-image.png")
    note = overlay.page.locator(".sm-align-note")
    note.get_by_text("could not be loaded").wait_for()
    assert overlay.page.locator(".sm-align-spots").is_visible()


def test_the_scale_bar_has_the_length_it_names(overlay):
    label = overlay.page.locator(".sm-align-scale-label").inner_text()
    length, unit = label.split()
    micrometers = float(length) * {"µm": 1, "mm": 1000}[unit]
    drawn = overlay.page.locator(".sm-align-scale-line").bounding_box()["width"]
    assert drawn == pytest.approx(micrometers / 0.8 * overlay.zoom(), abs=0.6)


def test_the_section_is_drawn_where_the_pose_says(overlay):
    box = overlay.page.locator(".sm-align-section").bounding_box()
    lattice = overlay.page.evaluate(
        "[sm.filter((_, i) => i % 2 === 0), sm.filter((_, i) => i % 2 === 1)]"
    )
    low = overlay.on_screen([52 * (min(lattice[0]) - 1) + 900, 52 * (min(lattice[1]) - 1) + 700])
    np.testing.assert_allclose([box["x"], box["y"]], low, atol=0.5)


def test_the_pose_is_read_out_for_screen_readers(overlay):
    overlay.press("x")
    overlay.wait_for_changes(1)
    text = overlay.page.locator(".sm-align-live").inner_text()
    assert "flipped" in text
    assert "degrees" in text
    assert overlay.page.locator(".sm-align-stage").get_attribute("role") == "application"


def test_destroy_leaves_nothing_behind(overlay):
    overlay.page.evaluate("handle.destroy()")
    assert overlay.page.evaluate("document.getElementById('host').childElementCount") == 0
