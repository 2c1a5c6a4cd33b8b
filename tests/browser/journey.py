"""The main job as a user does it: one function per screen, real inputs and gestures."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

LONG = 300_000  # ms; a shared machine trains slowly


def new_project(page: Page, url: str, name: str) -> str:
    page.goto(url)
    page.fill("#home-new-name", name)
    page.click("#home-new")
    page.wait_for_url(re.compile("/p/[0-9a-f]{16}/data"))
    return page.url.split("/p/")[1].split("/")[0]


def open_demo(page: Page, url: str) -> str:
    page.goto(url)
    page.click("#home-demo")
    page.wait_for_url(re.compile("/p/[0-9a-f]{16}/data"))
    step_is(page, "data", "done")
    return page.url.split("/p/")[1].split("/")[0]


def upload(page: Page, slot: str, path: Path) -> None:
    """Choose a file in a slot, wait for its check report, and say that it looks right."""
    page.set_input_files(f"#data-{slot}-drop input[type=file]", path)
    confirm = page.locator(f"#data-{slot}-confirm")
    expect(confirm).to_be_visible(timeout=LONG)
    expect(page.locator(f"#data-{slot} .check-list li").first).to_be_attached()
    confirm.click()
    expect(confirm).to_be_hidden()


def go(page: Page, step: str) -> None:
    page.click(f"a.rail-step[href$='/{step}']")
    page.wait_for_function("step => document.body.dataset.page === step", arg=step)


def step_is(page: Page, step: str, state: str) -> None:
    """Wait until the rail says that a step has a state."""
    where = page.locator(f"a.rail-step[href$='/{step}'] .rail-state")
    expect(where).to_have_text(state, timeout=LONG)


def value(page: Page, box: str) -> float:
    return float(page.input_value(f"#{box}"))


def align(page: Page) -> None:
    """Drag, turn by key, undo, fit automatically, accept, reassign."""
    go(page, "align")
    overlay = page.locator("#align-overlay")
    expect(overlay.locator("svg").first).to_be_visible()
    expect(page.locator("#align-score")).to_contain_text("Overlap")
    before = value(page, "align-shift-x"), value(page, "align-angle")

    box = overlay.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + 20, y + 20)
    page.mouse.down()
    page.mouse.move(x + 50, y + 35, steps=6)
    page.mouse.up()
    page.wait_for_function(
        "v => Math.abs(document.getElementById('align-shift-x').value - v) > 1", arg=before[0]
    )
    moved = value(page, "align-shift-x")
    page.keyboard.press("e")
    page.wait_for_function(
        "v => Math.abs(document.getElementById('align-angle').value - v - 1) < 0.01",
        arg=before[1],
    )
    page.keyboard.press("Control+z")
    page.wait_for_function(
        "v => Math.abs(document.getElementById('align-angle').value - v) < 0.01", arg=before[1]
    )
    page.keyboard.press("Control+z")
    page.wait_for_function(
        "v => Math.abs(document.getElementById('align-shift-x').value - v) < 0.5", arg=before[0]
    )
    page.keyboard.press("Control+Shift+z")
    page.wait_for_function(
        "v => Math.abs(document.getElementById('align-shift-x').value - v) < 0.5", arg=moved
    )


def automatic(page: Page, *, scratch: bool) -> None:
    page.click("#align-step-automatic")
    page.click("#align-scratch" if scratch else "#align-auto")
    accept = page.locator("#align-accept")
    expect(accept).to_be_visible(timeout=LONG)
    expect(page.locator("#align-review-body")).to_contain_text("Overlap")
    accept.click()
    expect(accept).to_be_hidden(timeout=LONG)


def reassign(page: Page) -> None:
    expect(page.locator("#reassign-run")).to_be_enabled()
    page.click("#reassign-run")
    step_is(page, "align", "done")


def train(page: Page, *, reload: bool) -> None:
    """Train with the quick preset; reload while it runs and find it again."""
    go(page, "integrate")
    page.get_by_text("Quick look").click()
    page.wait_for_function("() => document.getElementById('integrate-epochs').value === '30'")
    if reload:  # long enough to be still running after a reload
        page.get_by_text("Details", exact=True).click()
        page.fill("#integrate-epochs", "90")
        page.fill("#integrate-patience", "90")
        page.keyboard.press("Tab")
    expect(page.locator("#integrate-train")).to_be_enabled()
    page.click("#integrate-train")
    expect(page.locator("#integrate-loss-graph .scatterlayer").first).to_be_visible(timeout=LONG)
    if reload:
        page.reload()
        expect(page.locator(".job-card[data-kind=integrate]").first).to_be_attached(timeout=60_000)
    step_is(page, "integrate", "done")
    expect(page.locator("#integrate-grid-words")).to_contain_text("clusters at resolution")


def tissue_box(page: Page) -> dict[str, float]:
    plot = page.locator("#explore-tissue .nsewdrag").first
    plot.wait_for(timeout=LONG)
    page.wait_for_function(
        "() => (document.querySelector('#explore-tissue .js-plotly-plot')?._fullData || [])"
        ".some(trace => trace._length > 50)",
        timeout=LONG,
    )
    box = plot.bounding_box()
    assert box
    return box


def color_by(page: Page, feature: str) -> None:
    page.fill("#explore-find", feature)
    page.locator("#explore-found .find-option", has_text=feature).first.click()
    expect(page.locator("#explore-legend")).to_contain_text(feature)


def lasso(page: Page, radius: float = 0.12) -> None:
    """Draw a round lasso in the middle of the tissue and wait for the marker table."""
    go(page, "regions")
    page.click("#explore-tool-lasso")
    box = tissue_box(page)
    x, y = box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.42
    r = radius * box["width"]
    page.mouse.move(x + r, y)
    page.mouse.down()
    for step in range(1, 25):
        angle = 2 * math.pi * step / 24
        page.mouse.move(x + r * math.cos(angle), y + r * math.sin(angle))
    page.mouse.up()
    expect(page.locator("#explore-markers tbody tr").first).to_be_visible(timeout=LONG)
    expect(page.locator("#explore-regions li")).to_have_count(1)


def path(page: Page) -> None:
    """Draw a trajectory across the tissue and wait for its gradient chart."""
    go(page, "trajectories")
    page.click("#explore-tool-path")
    box = tissue_box(page)
    x, y = box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.42
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 16):
        page.mouse.move(x + step * box["width"] * 0.02, y + step * 2)
    page.mouse.up()
    expect(page.locator("#explore-paths li")).to_have_count(1, timeout=LONG)
    expect(page.locator("#explore-gradient .scatterlayer .trace").first).to_be_visible(timeout=LONG)


def export(page: Page, folder: Path) -> Path:
    go(page, "export")
    expect(page.locator("#export-code")).to_contain_text("[placement]")
    page.click("#export-start")
    link = page.locator("#export-link")
    expect(link).to_be_visible(timeout=LONG)
    with page.expect_download(timeout=LONG) as started:
        link.click()
    target = folder / "export.zip"
    started.value.save_as(target)
    return target
