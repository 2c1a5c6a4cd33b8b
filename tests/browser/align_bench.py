"""The align screen for browser tests: where things are, and what the server knows of them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from playwright.sync_api import expect

from app.pages.align.poses import Poses

if TYPE_CHECKING:
    from conftest import Server
    from playwright.sync_api import Page

    from app.store import ProjectStore
    from spatialmeta_core.simulate.section import PairedSection
    from spatialmeta_core.types import FloatArray

PANES = "window.SpatialMetaAlign.panes"
PAGE = "window.SpatialMetaAlign.page"
STATE = f"JSON.stringify([{PAGE}.handle.getMatrix(), {PAGE}.handle.getMarks()])"


@dataclass
class Bench:
    """A server with one small project of two sections; each test takes a copy of its own."""

    server: Server
    store: ProjectStore
    first: str
    section: PairedSection
    n_copies: int = 0

    def open(self, page: Page) -> str:
        """Open a fresh copy of the project on the align page."""
        self.n_copies += 1
        copy = f"{self.n_copies:016x}"
        folder = self.store.folder(self.first)
        shutil.copytree(folder, folder.with_name(copy))
        page.goto(f"{self.server.url}/p/{copy}/align")
        ready(page)
        return copy

    def hand(self, page: Page, project: str) -> tuple[FloatArray, dict[str, Any]]:
        """Return the pose and the marks that the server knows, once it knows all."""
        page.evaluate(f"{PAGE}.settled()")
        state = Poses(self.store, project).state()
        return state.pose.matrix, state.marks


def ready(page: Page) -> None:
    """Wait until the overlay shows the server's pose."""
    page.wait_for_function(f"() => {PAGE} && {PAGE}.handle && {PAGE}.pose && {PANES}")
    expect(page.locator("#align-score")).to_contain_text("Overlap")


def step(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def on_screen(page: Page, pane: str, frame: str, xy: FloatArray) -> tuple[float, float]:
    """Return where a place of a section is on the page, CSS px."""
    x, y = page.evaluate(
        f"""([pane, frame, xy]) => {{
            const {{ stage, matrix }} = {PANES}[pane];
            const box = stage.getBoundingClientRect();
            const at = window.SpatialMetaAlign.affine.apply(matrix(frame), xy);
            return [box.x + at[0], box.y + at[1]];
        }}""",
        [pane, frame, [float(value) for value in xy]],
    )
    return x, y


def click(page: Page, pane: str, frame: str, xy: FloatArray) -> None:
    page.mouse.click(*on_screen(page, pane, frame, xy))


def focused_pane(page: Page) -> str:
    return str(
        page.evaluate(
            f"Object.values({PANES}).find(p => p.stage === document.activeElement)?.name || ''"
        )
    )


def tab_to(page: Page, pane: str, key: str = "Tab") -> None:
    """Reach a pane with the Tab key alone."""
    for _ in range(60):
        if focused_pane(page) == pane:
            return
        page.keyboard.press(key)
    pytest.fail(f"60 presses of {key} did not lead to the pane {pane}")


def keys(page: Page, key: str, n: int = 1) -> None:
    for _ in range(n):
        page.keyboard.press(key)


def matrix(page: Page) -> FloatArray:
    found = page.evaluate(f"{PAGE}.handle.getMatrix()")
    return np.reshape(found, (2, 3))


def marks(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(f"{PAGE}.handle.getMarks()")
    return found


def landmarks_are(page: Page, n: int) -> None:
    expect(page.locator("#align-landmarks-table tbody tr")).to_have_count(n)


def four_places(section: PairedSection) -> list[tuple[FloatArray, FloatArray]]:
    """Return four places of the tissue far from each other, in both sections."""
    xy = section.truth.sm_xy
    middle = xy.mean(axis=0)
    found = []
    for turn in (45, 135, 225, 315):
        along = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
        aim = middle + 0.3 * np.ptp(xy, axis=0).min() * along
        index = int(np.linalg.norm(xy - aim, axis=1).argmin())
        found.append((section.sm.obsm["spatial"][index], xy[index]))
    return found


def drag(page: Page, start: tuple[float, ...], end: tuple[float, ...]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()


def by_crosshair(page: Page, sm: FloatArray, st: FloatArray) -> None:
    """Mark a pair without the mouse."""
    for pane, frame, xy, key in (("msi", "sm", sm, "Shift+Tab"), ("he", "st", st, "Tab")):
        tab_to(page, pane, key)
        box = page.evaluate(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
            f"({PANES}.{pane}.stage.getBoundingClientRect())"
        )
        gaps = np.array(on_screen(page, pane, frame, xy)) - box
        for gap, back, ahead in zip(
            gaps, ("ArrowLeft", "ArrowUp"), ("ArrowRight", "ArrowDown"), strict=True
        ):
            arrow = ahead if gap > 0 else back
            steps = round(abs(float(gap)) / 2)
            keys(page, f"Shift+{arrow}", steps // 10)
            keys(page, arrow, steps % 10)
        keys(page, "Enter")


def press_ten_times(page: Page, what: str) -> None:
    for _ in range(10):
        before = page.evaluate(STATE)
        page.click(f"#align-{what}")
        page.wait_for_function(f"before => {STATE} !== before", arg=before)
    expect(page.locator(f"#align-{what}")).to_be_disabled()
