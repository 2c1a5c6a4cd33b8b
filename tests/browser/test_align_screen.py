"""Journeys over the align screen: by hand, by landmarks, automatic, undo, reload."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from align_bench import (
    PAGE,
    STATE,
    Bench,
    by_crosshair,
    click,
    drag,
    four_places,
    keys,
    landmarks_are,
    marks,
    matrix,
    on_screen,
    press_ten_times,
    ready,
    step,
    tab_to,
)
from conftest import Server, free_port
from journey import LONG
from playwright.sync_api import expect

from app import placement
from app.pages.align.poses import Poses
from app.store import ProjectStore
from spatialmeta_core import geometry
from spatialmeta_core.align import align
from spatialmeta_core.io.landmarks import read_landmarks
from spatialmeta_core.params import AlignParams
from spatialmeta_core.types import Pose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from spatialmeta_core.types import FloatArray


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    from app import headless
    from app.settings import Settings
    from spatialmeta_core import simulate

    folder = tmp_path_factory.mktemp("align")
    settings = Settings(data_dir=folder / "data")
    store = ProjectStore(settings.projects_dir)
    project = store.create("Two sections", simulated=True)
    section = simulate.paired_section(0, n_spots=500, n_genes=60, n_metabolites=40)
    run = headless.runner(store, project, settings, quiet=True)
    for slot, table in (("st", section.st), ("sm", section.sm)):
        table.write_h5ad(folder / f"{slot}.h5ad")
        run(f"import_{slot}", {"path": str(folder / f"{slot}.h5ad")})
        store.amend(project, slot, confirmed=True)
    running = Server(settings.data_dir, free_port())
    running.start()
    yield Bench(running, store, project, section)
    running.stop()


def test_mouse_and_keyboard_alone_reach_the_same_pose(bench: Bench, page: Page) -> None:
    pitch = geometry.spacing(bench.section.st.obsm["spatial"])
    center = bench.section.sm.obsm["spatial"].mean(axis=0)
    poses = []
    for way in (by_keys, by_mouse):
        project = bench.open(page)
        before = matrix(page)
        way(page, center, pitch)
        found, _ = bench.hand(page, project)
        np.testing.assert_allclose(found, matrix(page))
        assert np.abs(found - before).max() > pitch
        poses.append(Pose(found))
    first, second = poses
    assert first.angle_deg == pytest.approx(second.angle_deg, abs=1)
    apart = geometry.apply_pose(first, center) - geometry.apply_pose(second, center)
    assert np.linalg.norm(apart) < pitch
    assert first.scale_x == pytest.approx(second.scale_x)


def by_keys(page: Page, _center: FloatArray, _pitch: float) -> None:
    """Six spacings right, three up, twenty degrees clockwise."""
    tab_to(page, "overlay")
    keys(page, "ArrowRight", 6)
    keys(page, "ArrowUp", 3)
    keys(page, "Shift+E")
    keys(page, "e", 5)
    page.wait_for_function(f"() => !{PAGE}.handle.isBusy()")


def by_mouse(page: Page, center: FloatArray, pitch: float) -> None:
    """The same by dragging the section and its round handle."""
    start = geometry.apply_pose(Pose(matrix(page)), center)
    place = [on_screen(page, "overlay", "st", start + shift) for shift in (0.0, pitch * MOVE)]
    drag(page, place[0], place[1])
    box = page.locator("[data-handle=ring]").bounding_box()
    assert box
    handle = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    turned = geometry.apply_pose(geometry.make_pose(20.0, center=place[1]), handle)
    drag(page, tuple(handle), tuple(turned))


MOVE = np.array([6.0, -3.0])


def test_landmarks_by_click_and_by_key_place_the_section_and_guide_the_fit(
    bench: Bench, page: Page
) -> None:
    project = bench.open(page)
    step(page, "Landmarks")
    page.click("#align-landmarks-place")
    say = page.locator("#align-landmarks-say")
    expect(say).to_have_text("Landmark 1: mark a place on the metabolites.")
    places = four_places(bench.section)
    for number, (sm, st) in enumerate(places[:2], start=1):
        click(page, "msi", "sm", sm)
        expect(say).to_have_text(f"Landmark {number}: now mark the same place on the H&E.")
        click(page, "he", "st", st)
        landmarks_are(page, number)
    click(page, "overlay", "sm", places[2][0])  # the metabolites come first
    click(page, "overlay", "st", places[2][1])
    landmarks_are(page, 3)
    by_crosshair(page, *places[3])
    landmarks_are(page, 4)
    page.click("#align-landmarks-place")  # clicks move the section again
    expect(say).to_have_text("4 landmarks.")
    for pane in ("msi", "he"):
        expect(page.locator(f"#align-pane-{pane} .sm-mark")).to_have_count(4)
    expect(page.locator("#align-overlay .sm-mark")).to_have_count(8)

    before = page.evaluate(STATE)
    page.click("#align-landmarks-fit")
    page.wait_for_function(f"before => {STATE} !== before", arg=before)
    found, given = bench.hand(page, project)
    placed = geometry.apply_pose(Pose(found), bench.section.sm.obsm["spatial"])
    apart = np.linalg.norm(placed - bench.section.truth.sm_xy, axis=1)
    assert np.median(apart) < geometry.spacing(bench.section.st.obsm["spatial"])
    distances = page.locator("#align-landmarks-table td.num")
    expect(distances).to_have_text([re.compile("[0-9]+")] * 8)

    step(page, "Automatic")
    page.click("#align-auto")
    accept = page.locator("#align-accept")
    expect(accept).to_be_visible(timeout=LONG)
    accept.click()
    expect(accept).to_be_hidden()
    record = bench.store.record(project, "alignment")
    assert record["params"]["landmarks"] == given["landmarks"]


def test_ten_steps_can_be_undone_and_redone_and_survive_a_reload(bench: Bench, page: Page) -> None:
    project = bench.open(page)
    first = matrix(page), marks(page)
    take_ten_steps(bench, page)
    last = bench.hand(page, project)
    assert last[1]["outline"]["closing"] == pytest.approx(1.3)
    assert last[1]["landmarks"][1][0] == 12.5
    assert len(Poses(bench.store, project).steps()[0]) == 10

    page.reload()
    ready(page)
    np.testing.assert_array_equal(matrix(page), last[0])
    assert marks(page) == last[1]
    expect(page.locator("#align-outline-say")).to_contain_text("pixels")
    press_ten_times(page, "undo")
    np.testing.assert_array_equal(matrix(page), first[0])
    assert marks(page) == first[1]
    start, none = bench.hand(page, project)
    np.testing.assert_array_equal(start, first[0])
    assert none == {}
    landmarks_are(page, 0)
    press_ten_times(page, "redo")
    again = bench.hand(page, project)
    np.testing.assert_array_equal(again[0], last[0])
    assert again[1] == last[1]


def take_ten_steps(bench: Bench, page: Page) -> None:
    """Turn and flip, type an angle, set two landmarks, move one, type another, set the outline."""
    for name in ("left", "flip-x", "right", "flip-y"):
        page.click(f"#align-{name}")
    page.fill("#align-angle", "33")
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => Math.abs({PAGE}.handle.getMatrix()[1]) > 0")
    step(page, "Landmarks")
    page.click("#align-landmarks-place")
    for number, (sm, st) in enumerate(four_places(bench.section)[:2], start=1):
        click(page, "msi", "sm", sm)
        click(page, "he", "st", st)
        landmarks_are(page, number)
    page.locator("#align-pane-he .sm-mark").first.focus()
    before = marks(page)
    keys(page, "ArrowLeft", 3)  # one step
    page.wait_for_function(
        f"before => JSON.stringify({PAGE}.handle.getMarks()) !== JSON.stringify(before)", arg=before
    )
    cell = page.get_by_label("Landmark 2, metabolites x")
    cell.fill("12.5")
    cell.press("Enter")
    step(page, "Rough")
    page.locator("#align-outline-closing [role=slider]").focus()
    keys(page, "ArrowRight", 5)
    page.wait_for_function(f"() => {PAGE}.handle.getMarks().outline?.closing > 1.25")


def test_one_of_eight_orientations_is_taken_by_a_click(bench: Bench, page: Page) -> None:
    project = bench.open(page)
    before = matrix(page)
    page.click("#align-eight")
    choices = page.locator(".align-choice")
    expect(choices).to_have_count(8)
    chosen = choices.nth(5)
    wanted = np.reshape(
        page.evaluate("node => JSON.parse(node.dataset.pose)", chosen.element_handle()), (2, 3)
    )
    chosen.click()
    page.wait_for_function(f"() => {PAGE}.handle.canUndo()")
    found, _ = bench.hand(page, project)
    np.testing.assert_allclose(found, wanted)
    page.click("#align-undo")
    np.testing.assert_allclose(bench.hand(page, project)[0], before)


def test_marks_are_dragged_deleted_and_kept_in_files_and_a_line_of_them_is_refused(
    bench: Bench, page: Page, tmp_path: Path
) -> None:
    project = bench.open(page)
    step(page, "Landmarks")
    file = tmp_path / "line.csv"
    lines = [f"{x},{x},{100 * x},{50 * x}" for x in (10, 20, 30)]
    file.write_text("\n".join(["sm_x,sm_y,st_x,st_y", *lines]))
    page.set_input_files("#align-landmarks-load input[type=file]", file)
    landmarks_are(page, 3)
    before = matrix(page)
    page.click("#align-landmarks-fit")
    alert = page.locator("#alert-text")
    expect(alert).to_contain_text("Three landmarks are on one line.")
    expect(alert).to_contain_text("Add one more away from that line.")
    expect(alert).to_contain_text("E-20")
    np.testing.assert_array_equal(matrix(page), before)

    start = on_screen(page, "msi", "sm", np.array([20.0, 20.0]))
    drag(page, start, (start[0] + 40, start[1]))
    page.wait_for_function(f"() => {PAGE}.handle.getMarks().landmarks[1][0] > 21")
    landmarks = bench.hand(page, project)[1]["landmarks"]
    assert landmarks[1][1] == pytest.approx(20)
    assert landmarks[1][2:] == [2000, 1000]
    page.locator("#align-overlay .sm-mark").first.focus()
    page.keyboard.press("Delete")
    landmarks_are(page, 2)
    with page.expect_download() as saved:
        page.click("#align-landmarks-json")
    kept = read_landmarks(Path(saved.value.path()).rename(tmp_path / "kept.json"))
    assert kept.moving.tolist() == [row[:2] for row in landmarks[1:]]
    page.click("#align-landmarks-clear")
    landmarks_are(page, 0)
    page.click("#align-undo")
    landmarks_are(page, 2)


def test_an_automatic_fit_that_makes_it_worse_keeps_the_pose_and_says_so(
    bench: Bench, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fit that goes wrong, which takes a spoiled one, is saved as the worker saves it."""
    project = bench.open(page)
    sm, truth = bench.section.sm.obsm["spatial"], bench.section.truth.sm_xy
    pose = np.linalg.lstsq(np.column_stack([sm, np.ones(len(sm))]), truth)[0].T
    state = {"matrix": pose.ravel().tolist(), "reason": "test"}
    page.evaluate(f"state => {PAGE}.apply(state)", state)
    bench.hand(page, project)
    spoiled = geometry.compose(geometry.make_pose(40.0), Pose(pose))
    monkeypatch.setattr("spatialmeta_core.align.outcome.pose_of", lambda *_: spoiled)
    found = align(
        sm, bench.section.st.obsm["spatial"], AlignParams(nonrigid=False), start=Pose(pose)
    )
    made_from = bench.store.input_revisions(project, "proposal")
    placement.commit(
        bench.store, project, "proposal", found, made_from=made_from, params={"align": {}}
    )
    review = page.locator("#align-review-body")
    expect(review).to_contain_text("Automatic alignment made it worse (overlap 0.")
    expect(review).to_contain_text("Your pose was kept.")
    expect(review).to_contain_text("E-19")
    np.testing.assert_array_equal(matrix(page), pose)
    page.click("#align-reject")
    expect(page.locator("#align-review")).to_be_hidden()
    np.testing.assert_array_equal(bench.hand(page, project)[0], pose)
