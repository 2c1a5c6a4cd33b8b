"""The explore screen: clusters edited and undone, color scale, blend, pinned spot, figure."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from conftest import Server, free_port
from playwright.sync_api import expect

from app import clusterings
from app.placement import open_adata
from app.store import ProjectStore
from spatialmeta_core import keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Watched
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def clustered(ready_to_train: Path, tmp_path: Path) -> Iterator[tuple[Server, str]]:
    """A server whose project has four clusters, and their two halves as a coarser choice."""
    data = shutil.copytree(ready_to_train, tmp_path / "data")
    store = ProjectStore(data / "projects")
    project = store.projects()[0]["id"]
    joint = open_adata(store, project, "joint")
    xy = np.asarray(joint.obsm[keys.SPATIAL])
    half = xy > np.median(xy, axis=0)
    fine = (2 * half[:, 1] + half[:, 0]).astype(np.int32)
    values = {
        "obs_names": joint.obs_names.to_numpy().astype(str),
        keys.CLUSTER: fine,
        keys.UMAP: xy / 1000 + 3 * half,
        keys.CONTRIBUTION: half[:, 0] * 0.5 + 0.25,
        "tried_resolution": np.array([0.2, 0.5]),
        "tried_stability": np.array([1.0, 0.9]),
        "tried_n_clusters": np.array([2, 4]),
        "tried_labels": np.array([half[:, 1].astype(np.int32), fine]),
    }
    store.commit(project, "integration", lambda folder: None)
    store.commit(
        project,
        "clusters",
        lambda folder: np.savez(folder / clusterings.FILE, **values),
        params={"cluster": {"resolution": 0.5, "n_neighbors": 15}},
        summary={
            "resolution": 0.5,
            "n_clusters": 4,
            "suggested": True,
            "suggestion": {"resolution": 0.5, "n_clusters": 4, "stability": 0.9},
        },
    )
    server = Server(data, free_port())
    server.start()
    yield server, project
    server.stop()


@pytest.fixture
def explore(clustered: tuple[Server, str], page: Page) -> Page:
    """The screen with its map and its markers drawn."""
    server, project = clustered
    page.goto(f"{server.url}/p/{project}/explore")
    expect(page.locator(".cluster-row")).to_have_count(4)
    expect(page.locator("#explore-top")).to_contain_text("Fold change")
    return page


def test_clusters_are_named_merged_made_coarser_undone_and_kept(
    explore: Page, watched: Watched
) -> None:
    page = explore
    rows = page.locator(".cluster-row")
    legend = page.locator("#explore-legend")

    # name, merge, and back
    name = rows.nth(1).locator("input[type=text]")
    name.fill("Cortex")
    name.press("Enter")
    expect(legend).to_contain_text("Cortex")
    for k in (0, 3):
        rows.nth(k).locator("input[type=checkbox]").check()
    page.get_by_role("button", name="Merge ticked").click()
    expect(legend).to_contain_text("0 + 3")
    expect(rows).to_have_count(3)
    page.locator("#undo").click()
    expect(rows).to_have_count(4)

    # coarser clusters, and back: the name is in force again
    page.locator("#explore-grid [role=slider]").focus()
    page.keyboard.press("ArrowLeft")
    expect(rows).to_have_count(2)
    expect(page.locator("#explore-clusters")).to_contain_text("Some edits are of other clusters")
    page.locator("#undo").click()
    expect(rows).to_have_count(4)
    expect(legend).to_contain_text("Cortex")

    # one cluster after the other by keyboard
    rows.nth(0).focus()
    page.keyboard.press("ArrowDown")
    expect(legend.locator(".legend-category[aria-pressed=true]")).to_contain_text("Cortex")
    page.reload()
    expect(legend).to_contain_text("Cortex")
    assert watched.errors == []


def test_a_scale_is_set_by_hand_and_two_features_are_blended_and_saved(
    explore: Page, watched: Watched
) -> None:
    page = explore
    page.locator("#explore-top-table .explore-feature").first.click()
    expect(page.locator(".legend-grip")).to_have_count(2)
    top = page.get_by_label("Highest value of the scale")
    top.fill("20")
    top.press("Enter")
    grip = page.get_by_role("slider", name="Upper end of the color scale")
    expect(grip).to_have_attribute("aria-valuetext", "20")
    expect(page.get_by_role("button", name="1–99 %")).to_have_attribute("aria-pressed", "false")
    page.get_by_text("Blend with").click()
    page.locator("#explore-with").fill("G")
    page.locator("#explore-with-found .find-option").first.click()
    expect(page.locator(".blend-square")).to_be_visible()
    page.locator("#explore-tissue .nsewdrag").click()
    page.evaluate("() => window.SpatialMetaExplore.pin.toggle(0)")
    expect(page.locator(".explore-pin")).to_be_visible()

    page.locator("summary", has_text="Figure").click()
    with page.expect_download() as download:
        page.locator("#explore-pdf").click()
    assert download.value.path().read_bytes()[:5] == b"%PDF-"
    assert watched.errors == []
