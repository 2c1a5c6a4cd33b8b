"""What the page says when a worker is killed, the server restarts, and two people work at once."""

from __future__ import annotations

import os
import signal
import sqlite3
from typing import TYPE_CHECKING

import journey
from conftest import Watched, open_page
from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import Server
    from playwright.sync_api import Browser, Page


def ready_to_train(page: Page, url: str) -> str:
    project = journey.open_demo(page, url)
    journey.go(page, "align")
    page.locator("#align-score table").wait_for()
    journey.automatic(page, scratch=True)
    journey.reassign(page)
    return project


def start_training(page: Page) -> None:
    journey.go(page, "integrate")
    page.get_by_text("Quick look").click()
    page.wait_for_function("() => document.getElementById('integrate-epochs').value === '30'")
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
    server: Server, page: Page
) -> None:
    project = ready_to_train(page, server.url)
    start_training(page)
    page.wait_for_function(  # the first checkpoint is written at epoch 5
        "() => Number(/Epoch (\\d+)/.exec(document.getElementById('status').textContent)?.[1]) > 5",
        timeout=journey.LONG,
    )
    os.kill(worker_pid(server, project), signal.SIGKILL)

    card = page.locator(".job-card[data-kind=integrate][data-state=stopped]").first
    expect(card).to_contain_text("stopped unexpectedly", timeout=journey.LONG)
    journey.step_is(page, "align", "done")  # nothing else was lost

    server.stop()
    server.start()
    page.reload()
    card.get_by_role("button", name="Continue").click()
    journey.step_is(page, "integrate", "done")
    epochs = page.locator("#integrate-result").inner_text()
    assert "30, best at" in epochs


def test_a_restarted_server_finds_the_running_training(server: Server, page: Page) -> None:
    ready_to_train(page, server.url)
    start_training(page)
    server.stop()
    server.start()
    page.reload()

    journey.step_is(page, "integrate", "done")
    expect(page.locator("#integrate-result")).to_contain_text("clusters")


def test_two_people_train_two_projects_without_a_mix_up(server: Server, chromium: Browser) -> None:
    people = [open_page(chromium, Watched()) for _ in range(2)]
    projects = [ready_to_train(page, server.url) for page in people]
    for page in people:
        start_training(page)
    for page, project in zip(people, projects, strict=True):
        journey.step_is(page, "integrate", "done")
        assert project in page.url
        jobs = sqlite3.connect(server.data / "jobs.sqlite").execute(
            "select state from jobs where project = ? and kind = 'integrate'", (project,)
        )
        assert [state for (state,) in jobs] == ["done"]
        page.context.close()
    assert len(set(projects)) == 2
