"""The side panes, what others may hook into, the marks beside the pose, and the cost of a frame."""

import statistics

import numpy as np
import pytest
from overlay import START, Overlay, as_matrix

pytestmark = pytest.mark.browser

N_PIXELS = 10_000
FRAME_MS = 8  # of script, leaving half of a 60th of a second for painting

TIME_FRAMES = """
() => {
  window.frames = [];
  const native = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) => native((now) => {
    const start = performance.now();
    callback(now);
    window.frames.push(performance.now() - start);
  });
}
"""
GROW = """
(n) => {
  const side = Math.sqrt(n);
  const xy = Float32Array.from({length: 2 * n}, (_, i) => {
    const k = Math.floor(i / 2);
    return i % 2 ? Math.floor(k / side) : k % side;
  });
  const color = Uint8Array.from({length: 3 * n}, (_, i) => (i * 7919) % 251);
  mountHarness({smXY: xy, smColor: color, matrix: [40, 0, 900, 0, 40, 700]});
}
"""


@pytest.fixture
def overlay(page):
    page.set_viewport_size({"width": 940, "height": 1000})
    found = Overlay(page)
    page.evaluate("mountPanes()")
    found.settle()
    return found


def at(overlay, pane, xy):
    """Where a pane shows a point, px of the page."""
    x, y = overlay.page.evaluate("([pane, xy]) => panes[pane].toScreen(xy)", [pane, list(xy)])
    stage = overlay.page.locator(f"#{pane} .sm-align-stage").bounding_box()
    return np.array([stage["x"] + x, stage["y"] + y])


def zoom_of(overlay, pane, frame):
    return overlay.page.evaluate("([p, f]) => panes[p].matrix(f)[0]", [pane, frame])


@pytest.mark.parametrize(("pane", "xy"), [("msi", [41, 30]), ("he", [3000, 2500])])
def test_a_click_in_a_pane_is_told_in_its_own_coordinates_and_a_drag_is_not(overlay, pane, xy):
    overlay.page.evaluate(
        "pane => { window.clicks = []; panes[pane].onClick(at => clicks.push(at)); }", pane
    )
    place = at(overlay, pane, xy)
    overlay.page.mouse.click(*place)
    overlay.drag(place, place + np.array([30, 0]))
    ((x, y),) = overlay.page.evaluate("clicks")
    scale = zoom_of(overlay, pane, {"msi": "sm", "he": "st"}[pane])
    assert np.hypot(x - xy[0], y - xy[1]) < 1 / scale  # within a pixel of the screen


def test_the_overlay_tells_a_click_in_image_pixels(overlay):
    overlay.page.evaluate(
        "() => { window.clicks = []; handle.pane.onClick(at => clicks.push(at)); }"
    )
    overlay.page.mouse.click(*overlay.on_screen([2800, 3100]))
    np.testing.assert_allclose(
        overlay.page.evaluate("clicks"), [[2800, 3100]], atol=1 / overlay.zoom()
    )
    assert overlay.changes == []


def test_a_layer_is_drawn_again_when_the_pose_or_the_view_changes(overlay):
    overlay.page.evaluate(
        "window.drawn = []; window.layer = handle.pane.addLayer("
        "(svg, pane) => drawn.push(pane.matrix('sm')));"
    )
    overlay.page.evaluate("handle.nudge({moveX: 100})")
    overlay.settle()
    drawn = overlay.page.evaluate("drawn")
    assert drawn[-1][2] - drawn[0][2] == pytest.approx(100 * overlay.zoom())
    overlay.page.evaluate("layer.remove(); drawn.length = 0; handle.fit()")
    overlay.settle()
    assert overlay.page.evaluate("drawn") == []


def test_the_panes_follow_the_zoom_of_the_overlay_until_they_are_zoomed_by_hand(overlay):
    fitted = zoom_of(overlay, "msi", "sm")
    overlay.page.locator("#host [aria-label='Zoom in']").click()
    overlay.settle()
    assert zoom_of(overlay, "msi", "sm") == pytest.approx(1.4 * fitted)
    overlay.page.locator("#msi [aria-label='Zoom in']").click()
    overlay.page.locator("#host [aria-label='Zoom in']").click()
    overlay.settle()
    assert zoom_of(overlay, "msi", "sm") == pytest.approx(1.4 * 1.4 * fitted)
    assert overlay.page.evaluate("panes.he.matrix('st')[0]") > 0
    overlay.page.locator("#msi [aria-label^='Fit in view']").click()
    overlay.settle()
    assert zoom_of(overlay, "msi", "sm") == pytest.approx(fitted)


def test_the_histology_pane_shows_and_hides_the_st_spots(overlay):
    spots = overlay.page.locator("#he .sm-align-spots")
    toggle = overlay.page.locator("#he .sm-align-toggle")
    assert spots.is_visible()  # there is no picture here
    toggle.click()
    assert not spots.is_visible()
    assert toggle.get_attribute("aria-pressed") == "false"


def test_marks_and_pose_share_one_history(overlay):
    overlay.page.evaluate("handle.setMarks({landmarks: [[1, 2, 3, 4]]}, 'landmarks')")
    overlay.page.evaluate("handle.nudge({moveX: 100})")
    overlay.page.evaluate(
        "document.addEventListener('sm-align-marks', e => { window.marks = e.detail.marks; })"
    )
    assert [change["marks"] for change in overlay.changes] == [{"landmarks": [[1, 2, 3, 4]]}] * 2
    overlay.press("Control+z", "Control+z")
    np.testing.assert_array_equal(overlay.matrix, as_matrix(START))
    assert overlay.page.evaluate("[window.marks, handle.getMarks()]") == [{}, {}]
    overlay.press("Control+Shift+z")
    assert overlay.page.evaluate("handle.getMarks()") == {"landmarks": [[1, 2, 3, 4]]}


def test_pose_and_marks_set_together_are_one_step(overlay):
    overlay.page.evaluate(
        "handle.step({matrix: [30, 0, 5, 0, 30, 6], marks: {same_section: true}}, 'both')"
    )
    assert len(overlay.changes) == 1
    overlay.page.evaluate("handle.undo()")
    np.testing.assert_array_equal(overlay.matrix, as_matrix(START))
    assert overlay.page.evaluate("handle.getMarks()") == {}


def test_pixels_left_out_are_drawn_dim_and_a_wrong_mask_is_refused(overlay):
    alpha = """
    () => {
      const canvas = document.querySelector('#msi .sm-align-section');
      const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.reduce((most, value, i) => i % 4 === 3 ? Math.max(most, value) : most, 0);
    }
    """
    assert overlay.page.evaluate(alpha) == 255
    overlay.page.evaluate("panes.msi.section.setDim(new Uint8Array(options.smXY.length / 2))")
    assert overlay.page.evaluate(alpha) < 100
    with pytest.raises(Exception, match="2 marks for"):
        overlay.page.evaluate("panes.msi.section.setDim(new Uint8Array(2))")


def test_a_drag_of_ten_thousand_pixels_leaves_time_to_paint(overlay):
    overlay.page.evaluate("panes.destroy()")
    overlay.page.evaluate(TIME_FRAMES)
    overlay.page.evaluate(GROW, N_PIXELS)
    overlay.page.evaluate("mountPanes()")
    overlay.page.wait_for_timeout(500)  # the first drawing
    start = overlay.on_screen(overlay.center)
    overlay.page.evaluate("frames.length = 0")
    overlay.page.mouse.move(*start)
    overlay.page.mouse.down()
    for step in range(40):
        overlay.page.mouse.move(start[0] + 3 * step, start[1] + step)
    overlay.page.mouse.up()
    overlay.settle()
    frames = overlay.page.evaluate("frames")
    assert len(frames) >= 5
    assert statistics.median(frames) < FRAME_MS
