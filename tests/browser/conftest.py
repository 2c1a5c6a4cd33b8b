"""The real server in a process of its own, and Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse

import pytest
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
FAILED = pytest.StashKey[bool]()
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

expect.set_options(timeout=60_000)  # an effect is waited for, however slow the machine


@dataclass
class Server:
    """A running server and its data folder; it can be killed and started again."""

    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.data / "server.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, command: str = "serve") -> None:
        environment = {**os.environ, "SPATIALMETA_DATA": str(self.data), "OMP_NUM_THREADS": "1"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", command, "--port", str(self.port)],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=2).read()
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.2)
            else:
                return

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)
            self.process = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def find_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path, free_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def ready_to_train(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with one small project, placed and reassigned; copy it, do not use it.

    A folder made once saves every test the minutes of getting there through the screens, which
    ``test_main_job.py`` drives.
    """
    from app import headless, placement
    from app.settings import Settings
    from app.store import ProjectStore
    from spatialmeta_core import simulate

    folder = tmp_path_factory.mktemp("prepared")
    settings = Settings(data_dir=folder / "data")
    store = ProjectStore(settings.projects_dir)
    project = store.create("Small section", simulated=True)
    section = simulate.paired_section(0, n_spots=500, n_genes=200, n_metabolites=60)
    run = headless.runner(store, project, settings, quiet=True)
    for slot, table in (("st", section.st), ("sm", section.sm)):
        table.write_h5ad(folder / f"{slot}.h5ad")
        run(f"import_{slot}", {"path": str(folder / f"{slot}.h5ad")})
        store.amend(project, slot, confirmed=True)
    sm_xy, st_xy = (table.obsm["spatial"] for table in (section.sm, section.st))
    placement.commit(
        store,
        project,
        "alignment",
        placement.by_hand(section.truth.pose, sm_xy, st_xy),
        made_from=store.input_revisions(project, "alignment"),
        params={},
    )
    run("reassign", {})
    run("features", {})
    return settings.data_dir


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.fail("Chromium is not installed; run: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """What a page asked for and complained about."""

    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)


def open_page(browser: Browser, watched: Watched, *, width: int = 1440, height: int = 900) -> Page:
    """Open a tab that records every host it asks and every error it logs."""
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("request", lambda request: watched.hosts.add(urlparse(request.url).hostname or ""))
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on(
        "console",
        lambda message: watched.errors.append(message.text) if message.type == "error" else None,
    )
    return page


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def page(chromium: Browser, watched: Watched, request: pytest.FixtureRequest) -> Iterator[Page]:
    tab = open_page(chromium, watched)
    yield tab
    if request.node.stash.get(FAILED, False):
        tab.screenshot(path=ROOT / "test-results" / f"{request.node.name}.png")
    tab.context.close()
    assert watched.hosts <= {"127.0.0.1", ""}, "the page asked another host"
