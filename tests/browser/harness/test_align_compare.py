"""Swipe, blink, checkerboard and opacity: they hide parts of the section and nothing else."""

import re

import numpy as np
import pytest
from overlay import START, Overlay, as_matrix

pytestmark = pytest.mark.browser


@pytest.fixture
def overlay(page):
    return Overlay(page)


def press_button(overlay, name):
    overlay.page.get_by_role("button", name=re.compile(f"^{name}")).click()


def shown_share(overlay):
    """Percent of the width, from the left, that shows the section."""
    clip = overlay.page.evaluate("document.querySelector('.sm-align-mask').style.clipPath")
    return 100 - float(clip.split()[1].rstrip("%"))


def is_blinked_away(overlay):
    return not overlay.page.locator(".sm-align-section").is_visible()


def test_the_swipe_bar_follows_pointer_keys_and_number(overlay):
    press_button(overlay, "Swipe")
    bar = overlay.page.get_by_role("slider", name="Swipe bar")
    assert shown_share(overlay) == 50
    box = bar.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 200
    overlay.drag([x, y], [x + 90, y])
    width = overlay.page.locator(".sm-align").bounding_box()["width"]
    assert shown_share(overlay) == pytest.approx(50 + 100 * 90 / width, abs=0.5)
    overlay.page.keyboard.press("End")
    overlay.page.keyboard.press("ArrowLeft")
    assert bar.get_attribute("aria-valuenow") == "98"
    overlay.page.get_by_label("Place of the swipe bar, percent").fill("25")
    overlay.page.keyboard.press("Enter")
    assert shown_share(overlay) == 25
    assert overlay.changes == []
    np.testing.assert_array_equal(overlay.matrix, as_matrix(START))


def test_swipe_and_checkerboard_replace_each_other_and_go_off_again(overlay):
    mask = "document.querySelector('.sm-align-mask').style"
    press_button(overlay, "Swipe")
    press_button(overlay, "Checker")
    assert overlay.page.evaluate(f"{mask}.clipPath") == ""
    assert "conic-gradient" in overlay.page.evaluate(f"{mask}.mask")
    assert not overlay.page.get_by_role("slider", name="Swipe bar").is_visible()
    overlay.page.get_by_label("Side of a square, pixels").fill("9999")
    overlay.page.keyboard.press("Enter")
    assert "480px" in overlay.page.evaluate(f"{mask}.mask")
    press_button(overlay, "Checker")
    assert overlay.page.evaluate(f"{mask}.mask") == ""


def test_the_section_is_away_as_long_as_c_is_held(overlay):
    overlay.page.locator(".sm-align-stage").focus()
    overlay.page.keyboard.down("c")
    assert is_blinked_away(overlay)
    overlay.page.keyboard.up("c")
    assert not is_blinked_away(overlay)


def test_the_blink_button_blinks_until_it_is_pressed_again(overlay):
    press_button(overlay, "Blink")
    section = "document.querySelector('.sm-align-stage').classList.contains('sm-align-blink')"
    for expected in ("true", "false"):
        overlay.page.wait_for_function(f"{section} === {expected}", timeout=5000)
    press_button(overlay, "Blink")
    assert not is_blinked_away(overlay)


def test_where_motion_is_not_wanted_the_blink_button_hides_and_shows(overlay):
    overlay.page.emulate_media(reduced_motion="reduce")
    press_button(overlay, "Blink")
    overlay.page.wait_for_timeout(1600)
    assert is_blinked_away(overlay)
    press_button(overlay, "Blink")
    assert not is_blinked_away(overlay)


def test_comma_and_period_change_the_opacity_and_say_so(overlay):
    overlay.page.evaluate(
        "document.addEventListener('sm-align-view', e => { window.opacity = e.detail.opacity; })"
    )
    overlay.press(",", ",", ".")
    assert overlay.page.evaluate("window.opacity") == pytest.approx(0.55)
    style = "document.querySelector('.sm-align-section').style.opacity"
    assert float(overlay.page.evaluate(style)) == pytest.approx(0.55)


def test_every_button_and_slider_has_a_name(overlay):
    overlay.page.evaluate("mountPanes()")
    press_button(overlay, "Swipe")
    nameless = overlay.page.evaluate(
        "[...document.querySelectorAll('button, [role=slider], input, [role=application]')]"
        ".filter(e => !(e.getAttribute('aria-label') || e.textContent.trim()))"
        ".map(e => e.outerHTML)"
    )
    assert nameless == []
