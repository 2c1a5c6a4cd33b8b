"""Take the README's pictures of the demo: ``make screenshots``.

Starts a server of its own, walks the main job on the demo, and saves every screen at two sizes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

import conftest  # noqa: E402  # the tests' own server and browser
import journey  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

HERE = Path(__file__).parent
SIZES = ((1440, 900), (1024, 768))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = conftest.Server(Path(folder), conftest.free_port())
        server.start()
        browser = playwright.chromium.launch(
            executable_path=conftest.find_chromium(), args=conftest.ARGS
        )
        page = conftest.open_page(browser, conftest.Watched())
        try:
            walk(page, server.url)
        finally:
            server.stop()


def walk(page: Page, url: str) -> None:
    project = journey.open_demo(page, url)
    shoot(page, "data")
    journey.go(page, "align")
    page.locator("#align-score table").wait_for()
    journey.automatic(page, scratch=True)
    journey.reassign(page)
    shoot(page, "align")
    journey.train(page, reload=False)
    shoot(page, "integrate")
    journey.go(page, "explore")
    journey.tissue_box(page)
    shoot(page, "explore")
    journey.lasso(page)
    shoot(page, "regions")
    journey.path(page)
    shoot(page, "trajectories")
    journey.go(page, "export")
    page.get_by_text("[placement]").wait_for()
    shoot(page, "export")
    page.goto(url)
    page.get_by_text("Demo section").first.wait_for()
    shoot(page, "home")
    assert project


def shoot(page: Page, name: str) -> None:
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("window.scrollTo(0, 0)")
        page.mouse.move(2, height - 2)  # no hover box in the picture
        page.wait_for_function("() => !document.querySelector('._dash-loading-callback')")
        page.wait_for_timeout(1500)  # plotly redraws after a resize without telling
        page.screenshot(path=HERE / f"{name}-{width}.png")
    page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})


if __name__ == "__main__":
    main()
