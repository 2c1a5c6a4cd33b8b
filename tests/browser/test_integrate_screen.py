"""The integrate screen: forecast, live losses, stop and keep best, runs side by side, clusters."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import journey
import pytest
from conftest import Server, free_port
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Locator, Page

MANY = 5000  # epochs: still running when it is stopped
LOADED = "image => image.complete && image.naturalWidth > 100"


@pytest.fixture
def server(ready_to_train: Path, tmp_path: Path) -> Iterator[Server]:
    """Serve a copy of the small placed project."""
    shutil.copytree(ready_to_train, tmp_path / "data")
    running = Server(tmp_path / "data", free_port())
    running.start()
    yield running
    running.stop()


def test_two_runs_are_trained_stopped_compared_and_cut_into_other_clusters(
    server: Server, page: Page
) -> None:
    (project,) = (folder.name for folder in (server.data / "projects").iterdir())
    page.goto(f"{server.url}/p/{project}/integrate")
    runs = page.locator("#integrate-runs")
    heads = runs.locator("th.run-head")

    forecast_comes_by_itself(page)
    train_and_stop(page)
    expect(runs).to_contain_text("Run 1")
    epochs = runs.locator("tr", has_text="Epochs").first.inner_text()
    assert 0 < int(re.search(r"(\d+), best (\d+)", epochs)[1]) < MANY

    train_again(page)
    expect(heads).to_have_count(2)
    expect(heads.first).to_contain_text("in use")
    expect(runs.locator("tr", has_text="Latent dimensions").locator("td")).to_have_text(["10", "6"])
    all_loaded(page, heads)

    take_other_clusters(page)
    expect(runs.locator("tr", has_text="Clusters").first).to_contain_text("(resolution 3)")
    all_loaded(page, page.locator("#integrate-maps"))
    expect(page.locator("#integrate-violin .scatterlayer").first).to_be_visible()
    expect(page.locator("#integrate-quality")).to_contain_text("PCA")

    page.get_by_role("button", name="Use", exact=True).click()
    expect(heads.nth(1)).to_contain_text("in use")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(heads).to_have_count(1)
    page.locator("#integrate-runs-note").get_by_role("button", name="Undo").click()
    expect(heads).to_have_count(2)
    page.reload()
    expect(heads.nth(1)).to_contain_text("in use")


def forecast_comes_by_itself(page: Page) -> None:
    expect(page.locator("#integrate-forecast")).to_contain_text(
        re.compile(r"For 500 spots.*GB"), timeout=journey.LONG
    )
    standard = page.locator("#integrate-preset label", has_text="Standard")
    expect(standard).to_contain_text(re.compile(r"about \d+ (s|min)"))


def train_and_stop(page: Page) -> None:
    """See losses while it trains, then keep the best state."""
    page.get_by_text("Details", exact=True).click()
    for box in ("epochs", "patience"):
        page.fill(f"#integrate-{box}", str(MANY))
    page.fill("#integrate-latent", "6")
    page.keyboard.press("Tab")
    page.click("#integrate-train")
    expect(page.locator("#integrate-loss-graph .scatterlayer").first).to_be_visible(
        timeout=journey.LONG
    )
    page.locator("#integrate-jobs").get_by_role("button", name="Stop and keep best").click()
    journey.step_is(page, "integrate", "done")


def train_again(page: Page) -> None:
    page.fill("#integrate-epochs", "12")
    page.fill("#integrate-latent", "10")
    page.keyboard.press("Tab")
    page.click("#integrate-train")
    expect(page.locator("#integrate-runs")).to_contain_text("Run 2", timeout=journey.LONG)
    journey.step_is(page, "integrate", "done")


def take_other_clusters(page: Page) -> None:
    """Move the slider by keyboard and use what it shows."""
    words = page.locator("#integrate-grid-words")
    page.locator("#integrate-clusters [role=slider]").focus()
    page.keyboard.press("End")
    expect(words).to_contain_text("resolution 3;")
    page.click("#integrate-grid-use")
    expect(words).to_contain_text("in use")


def all_loaded(page: Page, where: Locator) -> None:
    for picture in where.locator("img").all():
        page.wait_for_function(LOADED, arg=picture.element_handle())
