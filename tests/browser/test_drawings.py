"""Regions and trajectories as a user draws, edits, exchanges and follows them: mouse and keys.

The project is placed and reassigned beforehand, with clusters made up, so that nothing is trained.
"""

from __future__ import annotations

import json
import math
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import Server, free_port
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

LONG = 120_000  # ms; a shared machine computes p-values slowly
REGIONS = "#explore-regions li"
PATHS = "#explore-paths li"


@pytest.fixture
def prepared(ready_to_train: Path, tmp_path: Path) -> Iterator[tuple[Server, str]]:
    """A server on a copy of the small project with three clusters side by side."""
    from app.settings import Settings
    from app.store import ProjectStore
    from spatialmeta_core import keys

    data = tmp_path / "data"
    shutil.copytree(ready_to_train, data)
    store = ProjectStore(Settings(data_dir=data).projects_dir)
    (project,) = (each.name for each in (data / "projects").iterdir() if len(each.name) == 16)
    from app.placement import open_adata

    joint = open_adata(store, project, "joint")
    x = np.asarray(joint.obsm[keys.SPATIAL])[:, 0]
    labels = np.searchsorted(np.quantile(x, [1 / 3, 2 / 3]), x)
    balance = 0.2 + 0.3 * labels
    arrays = {
        "obs_names": joint.obs_names.to_numpy().astype(str),
        keys.CLUSTER: labels,
        keys.UMAP: np.column_stack([labels, x]).astype(float),
        keys.CONTRIBUTION: balance,
        keys.THETA_ST: balance,
        keys.THETA_SM: balance,
    }
    store.commit(project, "integration", lambda folder: None)
    store.commit(project, "clusters", lambda folder: np.savez(folder / "clusters.npz", **arrays))
    running = Server(data, free_port())
    running.start()
    yield running, project
    running.stop()


@pytest.fixture
def at(page: Page) -> Callable[[float, float], tuple[float, float]]:
    """Turn shares of the canvas into places on the screen."""

    def place(x: float, y: float) -> tuple[float, float]:
        box = page.locator("#explore-canvas").bounding_box()
        assert box
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    return place


def go(page: Page, server: Server, project: str, step: str) -> None:
    page.goto(f"{server.url}/p/{project}/{step}")
    page.wait_for_function(
        "() => window.SpatialMetaExplore?.state.paint && document.querySelector("
        "'#explore-tissue .js-plotly-plot')?._fullData?.some(trace => trace._length > 50)"
    )


def drag(page: Page, places: list[tuple[float, float]]) -> None:
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()


def middle_of(page: Page, handle: str) -> tuple[float, float]:
    """Where a handle of the editor is; asked in one step, as handles are redrawn at any time."""
    x, y = page.evaluate(
        "name => { const box = document.querySelector(`[data-edit-handle='${name}']`)"
        ".getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }",
        handle,
    )
    return x, y


def n_spots(page: Page, row: int) -> int:
    text = page.locator(REGIONS).nth(row).locator(".explore-sub").inner_text()
    return int(text.split(" spots")[0].replace(",", ""))


def wait_for_change(page: Page, row: int, before: int) -> int:
    where = page.locator(REGIONS).nth(row).locator(".explore-sub")
    expect(where).not_to_contain_text(f"{before:,} spots")
    return n_spots(page, row)


def download(page: Page, button: str) -> str:
    with page.expect_download(timeout=LONG) as started:
        page.click(button)
    path = started.value.path()
    return path.read_text("utf-8")


def test_regions_are_drawn_edited_compared_and_exchanged(  # noqa: PLR0915  # one journey
    page: Page, prepared: tuple[Server, str], at: Callable[..., tuple[float, float]], tmp_path: Path
) -> None:
    server, project = prepared
    go(page, server, project, "regions")

    # lasso; Alt takes away, Shift adds
    page.click("#explore-tool-lasso")
    turn = [2 * math.pi * step / 24 for step in range(25)]
    drag(page, [at(0.45 + 0.13 * math.cos(a), 0.5 + 0.13 * math.sin(a)) for a in turn])
    expect(page.locator(REGIONS)).to_have_count(1)
    expect(page.locator("#explore-summary")).to_contain_text("Genes (AUC)")
    expect(page.locator("#explore-markers tbody tr").first).to_be_visible()
    whole = n_spots(page, 0)
    page.keyboard.down("Alt")
    drag(page, [at(0.3, 0.5), at(0.3, 0.7), at(0.6, 0.7), at(0.6, 0.5), at(0.3, 0.5)])
    page.keyboard.up("Alt")
    half = wait_for_change(page, 0, whole)
    assert half < whole
    page.keyboard.down("Shift")
    drag(page, [at(0.44, 0.45), at(0.44, 0.6), at(0.47, 0.6), at(0.47, 0.45), at(0.44, 0.45)])
    page.keyboard.up("Shift")
    more = wait_for_change(page, 0, half)
    assert half < more < whole

    # click-polygon, then its corners: move one, add one, take one out
    page.keyboard.press("p")
    for corner in ((0.6, 0.35), (0.72, 0.35), (0.72, 0.55), (0.6, 0.55)):
        page.mouse.click(*at(*corner))
    page.keyboard.press("Enter")
    expect(page.locator(REGIONS)).to_have_count(2)
    square = n_spots(page, 1)
    page.keyboard.press("e")
    expect(page.locator(".edit-corner")).to_have_count(4)
    expect(page.locator("#explore-tool-move")).to_have_attribute("aria-pressed", "true")
    drag(page, [at(0.6, 0.35), at(0.57, 0.3), at(0.54, 0.28)])
    grown = wait_for_change(page, 1, square)
    assert grown > square
    start = middle_of(page, "middle 0 1")
    drag(page, [start, (start[0] + 20, start[1]), (start[0] + 40, start[1])])
    expect(page.locator(".edit-corner")).to_have_count(5)
    wider = wait_for_change(page, 1, grown)
    page.locator("[data-edit-handle='corner 0 2']").focus()
    page.keyboard.press("Delete")
    expect(page.locator(".edit-corner")).to_have_count(4)
    assert wait_for_change(page, 1, wider) == grown

    # take the first away from the second; the other way to the same objects is a file
    page.locator(".explore-item-tools .explore-do-subtract:visible").click()
    saved = json.loads(download(page, "#explore-geojson"))
    assert [each["properties"]["name"] for each in saved["features"]] == ["Region 1", "Region 2"]
    barcodes = download(page, "#explore-barcodes")
    assert barcodes.splitlines()[0] == "barcode,region,class"
    assert download(page, "#explore-loupe").splitlines()[0] == "Barcode,Regions"

    # undo all: subtract, three edits, polygon, add, take away, lasso
    for _ in range(8):
        page.keyboard.press("Control+z")
    expect(page.locator(REGIONS)).to_have_count(0)
    expect(page.locator("#explore-regions")).to_contain_text("No regions yet")
    path = tmp_path / "saved.geojson"
    path.write_text(json.dumps(saved), encoding="utf-8")
    page.set_input_files("#explore-import input[type=file]", path)
    expect(page.locator(REGIONS)).to_have_count(2)
    assert download(page, "#explore-barcodes") == barcodes

    # what is drawn outlives a reload; the spatial p arrives by itself
    page.reload()
    expect(page.locator(REGIONS)).to_have_count(2)
    note = page.locator("#explore-markers .explore-null")
    expect(note).to_contain_text("Region-shift p: ", timeout=LONG)
    page.select_option("#explore-reference", "ring")
    expect(page.locator("#explore-ring-box")).to_be_visible()
    expect(page.locator("#explore-markers")).to_contain_text("the ring of 200")


def test_a_trajectory_is_drawn_reversed_widened_screened_and_exported(  # one journey
    page: Page, prepared: tuple[Server, str], at: Callable[..., tuple[float, float]]
) -> None:
    server, project = prepared
    go(page, server, project, "trajectories")

    page.click("#explore-tool-points")
    for point in ((0.3, 0.5), (0.5, 0.45), (0.7, 0.5)):
        page.mouse.click(*at(*point))
    page.keyboard.press("Enter")
    expect(page.locator(PATHS)).to_have_count(1)
    expect(page.locator("#explore-gradient .scatterlayer .trace").first).to_be_visible()
    first = download(page, "#explore-gradient-csv")
    page.locator(".explore-do-reverse:visible").click()
    expect(page.locator("#explore-paths .explore-saved")).to_contain_text("Saved")
    page.wait_for_function(
        "() => { const [[x0], [x1]] = (p => [p[0], p[p.length - 1]])("
        "window.SpatialMetaExplore.state.model.path.rings[0]); return x0 > x1; }"
    )
    assert download(page, "#explore-gradient-csv") != first

    spots = page.locator(f"{PATHS} .explore-sub")
    before = spots.inner_text()
    page.click("#explore-paths .explore-do-edit")
    handle = page.locator("[data-edit-handle='width']")
    expect(handle).to_be_visible()
    x, y = middle_of(page, "width")
    side = 1 if y > at(0, 0.46)[1] else -1
    drag(page, [(x, y), (x, y + 10 * side), (x, y + 40 * side)])
    expect(spots).not_to_have_text(before)

    note = page.locator("#explore-screen .explore-null")
    expect(note).to_contain_text("Region-shift p: ", timeout=LONG)
    table = download(page, "#explore-screen-csv").splitlines()
    assert "p_spatial" in table[0]
    assert "position_um" in table[0]
    assert len(table) == 1 + 260
    page.click("#explore-lag")
    expect(page.locator("#explore-lags .card-note, #explore-lags .empty").first).to_be_visible()

    # pointing at the chart marks the place on the tissue
    chart = page.locator("#explore-gradient .nsewdrag").first
    chart.scroll_into_view_if_needed()
    chart.hover(position={"x": 90, "y": 60})
    expect(page.locator(".path-mark")).to_have_count(1)

    page.reload()
    expect(page.locator(PATHS)).to_have_count(1)
    page.locator(".explore-do-split:visible").click()
    expect(page.locator(PATHS)).to_have_count(2)
    page.click("#undo")
    expect(page.locator(PATHS)).to_have_count(1)


def test_keys_alone_draw_a_region_and_a_trajectory(
    page: Page, prepared: tuple[Server, str]
) -> None:
    server, project = prepared
    go(page, server, project, "regions")
    hint = page.locator(".explore-hint")

    page.locator("#explore-canvas").focus()
    page.keyboard.press("p")
    for step in ("Shift+ArrowRight", "Shift+ArrowDown", "Shift+ArrowLeft"):
        page.keyboard.press(step)
        expect(hint).to_contain_text("Spot ")
        page.keyboard.press("Enter")
    expect(hint).to_contain_text("3 corners")
    page.keyboard.press("Enter")  # again on the last one
    expect(page.locator(REGIONS)).to_have_count(1)
    drawn = n_spots(page, 0)
    assert drawn > 0

    page.keyboard.press("e")
    expect(page.locator(".edit-corner")).to_have_count(3)
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Escape")
    expect(page.locator(".edit-corner")).to_have_count(0)
    page.keyboard.press("Delete")
    expect(page.locator(REGIONS)).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(page.locator(REGIONS)).to_have_count(1)

    go(page, server, project, "trajectories")
    page.locator("#explore-canvas").focus()
    page.keyboard.press("p")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    expect(hint).to_contain_text("2 points")
    page.keyboard.press("Enter")
    expect(page.locator(PATHS)).to_have_count(1)
