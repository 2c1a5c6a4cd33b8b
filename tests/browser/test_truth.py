"""What the page says when a worker is killed, the server restarts, and two people work at once."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from typing import TYPE_CHECKING

import journey
import pytest
from conftest import Server, Watched, free_port, open_page
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page


EPOCHS = 80


@pytest.fixture
def prepared(ready_to_train: Path, tmp_path: Path) -> Iterator[Server]:
    """Serve a copy of the small placed project, twice over."""
    shutil.copytree(ready_to_train, tmp_path / "data")
    (first,) = (tmp_path / "data" / "projects").iterdir()
    shutil.copytree(first, first.with_name("0123456789abcdef"))
    running = Server(tmp_path / "data", free_port())
    running.start()
    yield running
    running.stop()


def open_projects(server: Server) -> list[str]:
    return sorted(folder.name for folder in (server.data / "projects").iterdir())


def start_training(page: Page, server: Server, project: str) -> None:
    page.goto(f"{server.url}/p/{project}/integrate")
    page.get_by_text("Details", exact=True).click()
    for box in ("epochs", "patience"):  # so many that it is still running when something happens
        page.fill(f"#integrate-{box}", str(EPOCHS))
    page.keyboard.press("Tab")
    expect(page.locator("#integrate-train")).to_be_enabled()
    page.click("#integrate-train")
    expect(page.locator("#integrate-loss-graph .scatterlayer").first).to_be_visible(
        timeout=journey.LONG
    )


def worker_pid(server: Server, project: str) -> int:
    with sqlite3.connect(server.data / "jobs.sqlite") as table:
        row = table.execute(
            "select pid from jobs where project = ? and kind = 'integrate' and state = 'running'",
            (project,),
        ).fetchone()
    return int(row[0])


def test_a_killed_worker_is_told_and_training_continues_after_a_restart(
    prepared: Server, page: Page
) -> None:
    project = open_projects(prepared)[0]
    start_training(page, prepared, project)
    page.wait_for_function(  # the first checkpoint is written at epoch 5
        "() => Number(/Epoch (\\d+)/.exec(document.getElementById('status').textContent)?.[1]) > 5",
        timeout=journey.LONG,
    )
    os.kill(worker_pid(prepared, project), signal.SIGKILL)

    card = page.locator(".job-card[data-kind=integrate][data-state=stopped]").first
    expect(card).to_contain_text("stopped unexpectedly", timeout=journey.LONG)
    journey.step_is(page, "align", "done")  # nothing else was lost

    prepared.stop()
    prepared.start()
    page.reload()
    card.get_by_role("button", name="Continue").click()
    journey.step_is(page, "integrate", "done")
    expect(page.locator("#integrate-runs")).to_contain_text(f"{EPOCHS}, best")


def test_a_restarted_server_finds_the_running_training(prepared: Server, page: Page) -> None:
    start_training(page, prepared, open_projects(prepared)[0])
    prepared.stop()
    prepared.start()
    page.reload()

    journey.step_is(page, "integrate", "done")
    expect(page.locator("#integrate-grid-words")).to_contain_text("clusters at resolution")


def test_two_people_train_two_projects_without_a_mix_up(
    prepared: Server, chromium: Browser
) -> None:
    projects = open_projects(prepared)
    people = [open_page(chromium, Watched()) for _ in projects]
    for page, project in zip(people, projects, strict=True):
        start_training(page, prepared, project)
    for page, project in zip(people, projects, strict=True):
        journey.step_is(page, "integrate", "done")
        assert project in page.url
        jobs = sqlite3.connect(prepared.data / "jobs.sqlite").execute(
            "select state from jobs where project = ? and kind = 'integrate'", (project,)
        )
        assert [state for (state,) in jobs] == ["done"]
        page.context.close()
    assert len(set(projects)) == 2
