"""Files with something wrong: the sentence on screen, the project unharmed, and the way on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import toy_files
from conftest import FAILED, ROOT, Server, Watched, free_port, open_page
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

LONG = 120_000  # ms


@dataclass
class Screen:
    """The data page of a project in which both sections were read before."""

    page: Page
    manifest_file: Path
    watched: Watched

    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.manifest_file.read_text())
        return found

    def slot(self, slot: str, rest: str) -> Locator:
        return self.page.locator(f"#data-{slot} {rest}")

    def choose(self, slot: str, path: Path) -> None:
        """Choose a file for a slot that has one already."""
        self.page.click(f"#data-{slot}-replace")
        self.page.set_input_files(f"#data-{slot}-drop input[type=file]", path)

    def refuses(self, slot: str, path: Path, code: str, *words: str) -> None:
        """Find why a file was not read; the file that was there must be unharmed."""
        card = self.slot(slot, ".job-card[data-state=failed]").filter(has_text=path.name)
        said = card.locator("[role=alert]")
        expect(said).to_contain_text(code, timeout=LONG)
        for word in words:
            expect(said).to_contain_text(word)
        everything = self.page.inner_text("body")
        assert "Traceback" not in everything
        assert 'File "' not in everything
        kept = self.manifest()["artefacts"][slot]["summary"]["source"]
        expect(self.slot(slot, "")).to_contain_text(f"that was there before is kept: {kept}")
        expect(self.slot(slot, ".facts")).to_contain_text(kept)

    def shows(self, slot: str, source: str, *facts: str) -> None:
        """Wait until a slot shows a file."""
        expect(self.slot(slot, ".facts")).to_contain_text(source, timeout=LONG)
        for fact in facts:
            expect(self.slot(slot, ".facts")).to_contain_text(fact)
        expect(self.slot(slot, ".job-card")).to_have_count(0)

    def confirm(self, slot: str) -> None:
        self.page.click(f"#data-{slot}-confirm")
        expect(self.slot(slot, ".data-head .chip")).to_have_text("looks right")


@pytest.fixture(scope="module")
def screen(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    from app import headless
    from app.settings import Settings
    from app.store import ProjectStore

    folder = tmp_path_factory.mktemp("bad-input")
    settings = Settings(data_dir=folder / "data")
    store = ProjectStore(settings.projects_dir)
    project = store.create("Trying files")
    run = headless.runner(store, project, settings, quiet=True)
    run("import_st", {"path": str(toy_files.outs(folder / "good.zip"))})
    table = toy_files.csv(folder / "good.csv", toy_files.metabolites())
    run("import_sm", {"path": str(table)})

    server, watched = Server(settings.data_dir, free_port()), Watched()
    server.start()
    page = open_page(chromium, watched)
    page.goto(f"{server.url}/p/{project}/data")
    page.locator("#data-st .facts").wait_for()
    page.locator("#data-sm .facts").wait_for()
    yield Screen(page, store.folder(project) / "manifest.json", watched)
    page.context.close()
    server.stop()
    assert watched.hosts <= {"127.0.0.1", ""}, "the page asked another host"
    assert watched.errors == []


@pytest.fixture(autouse=True)
def picture_of_a_failure(screen: Screen, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if request.node.stash.get(FAILED, False):
        screen.page.screenshot(path=ROOT / "test-results" / f"{request.node.name}.png")


def test_files_that_cannot_be_read_say_why_and_harm_nothing(screen: Screen, tmp_path: Path) -> None:
    before = screen.manifest()
    bad = toy_files.outs(tmp_path / "no_positions.zip", positions=False)
    ids = toy_files.with_other_ids(tmp_path / "ids.zip", 7)
    screen.choose("st", bad)
    screen.choose("sm", ids)
    screen.refuses(
        "st",
        bad,
        "E-06",
        "Spot positions not found.",
        "tissue_positions.csv",
        "Add the whole spatial folder",
    )
    screen.refuses(
        "sm",
        ids,
        "E-14",
        "The ids of the two tables do not match.",
        "7 spot_ids are in MSI_intensities.csv but not in MSI_metadata.csv",
        "They must match letter by letter",
    )
    with screen.page.expect_download() as started:
        screen.slot("sm", ".job-card").get_by_text("Download the list").click()
    assert Path(started.value.path()).read_text().split() == [f"s{i}" for i in range(7)]

    bad = toy_files.outs(tmp_path / "other_barcodes.zip", letter="C")
    screen.choose("st", bad)
    screen.refuses(
        "st",
        bad,
        "E-07",
        "Only 0 % of barcodes match.",
        "different samples",
        f"First unmatched: {toy_files.barcodes(1)[0]}",
        "Load the two files of one Space Ranger run",
    )
    assert screen.manifest() == before


def test_a_table_in_another_spelling_is_read_as_the_user_says(
    screen: Screen, tmp_path: Path
) -> None:
    logs = toy_files.without_counts(tmp_path / "logs.h5ad")
    table = toy_files.german(tmp_path / "german.csv")
    screen.choose("st", logs)
    screen.choose("sm", table)
    screen.refuses(
        "st",
        logs,
        "E-10",
        "The matrix holds decimals, not counts.",
        "layers['counts'], raw.X or X",
        "Load the original file",
    )
    screen.refuses(
        "sm",
        table,
        "E-13",
        "Could not find x and y.",
        "Index; Spalte; Zeile; m/z 100,02",
        "separated by “;”, decimals by commas",
        "Choose the two columns",
    )

    newer = toy_files.of_tomorrow(tmp_path / "tomorrow.h5ad")
    screen.choose("st", newer)
    screen.page.select_option("#data-sm-x", "Spalte")
    screen.page.select_option("#data-sm-y", "Zeile")
    screen.slot("sm", "").get_by_role("button", name="Read it that way").click()
    screen.refuses(
        "st",
        newer,
        "E-11",
        "This h5ad was written by a newer program.",
        "obs/_index (string-of-tomorrow 0.2.0)",
        "Save it again with plain text names",
    )
    screen.shows("sm", "german.csv", "81", "4")
    screen.confirm("sm")


def test_an_ambiguous_comma_is_asked_about(screen: Screen, tmp_path: Path) -> None:
    unsafe = toy_files.outs(tmp_path / "unsafe.zip", outside=True)
    table = toy_files.with_ambiguous_commas(tmp_path / "commas.tsv")
    screen.choose("st", unsafe)
    screen.choose("sm", table)
    title = "This archive was refused."
    screen.refuses("st", unsafe, "E-16", title, "unsafe.zip", "outside its folder", "Pack")
    assert not list(screen.manifest_file.parents[1].rglob("outside.txt"))
    title = "Decimal commas or thousands marks?"
    screen.refuses("sm", table, "E-13", title, "numbers such as '1,100'", "Say which it is")
    expect(screen.slot("sm", "#data-sm-x")).to_be_hidden()
    screen.page.select_option("#data-sm-decimal", ",")
    screen.page.click("#data-sm-reread")
    screen.shows("sm", "commas.tsv", "81", "4")
    screen.confirm("sm")


def test_coordinates_are_found_where_the_user_says(screen: Screen, tmp_path: Path) -> None:
    path = toy_files.with_positions_in_obs(tmp_path / "in_obs.h5ad")
    screen.choose("st", path)
    title = "No coordinates in this file."
    screen.refuses("st", path, "E-12", title, "obsm['spatial'] is absent", "Choose the two columns")
    expect(screen.slot("st", "#data-st-decimal")).to_be_hidden()
    screen.page.select_option("#data-st-x", "across")
    screen.page.select_option("#data-st-y", "along")
    screen.page.click("#data-st-reread")

    screen.shows("st", "in_obs.h5ad", "81")
    screen.confirm("st")


def test_a_section_without_histology_is_taken_with_a_warning(
    screen: Screen, tmp_path: Path
) -> None:
    screen.choose("st", toy_files.outs(tmp_path / "no_image.zip", image=False))

    screen.shows("st", "no_image.zip", "none")
    report = screen.slot("st", ".check-list li").filter(has_text="E-08")
    for words in (
        "No tissue image found.",
        "You can go on",
        "Add tissue_hires_image.png to see histology.",
    ):
        expect(report).to_contain_text(words)
    screen.confirm("st")


def test_spots_beside_the_picture_are_shown_there_and_cannot_be_confirmed(
    screen: Screen, tmp_path: Path
) -> None:
    screen.choose("st", toy_files.outs(tmp_path / "factor.zip", factor=0.25))

    screen.shows("st", "factor.zip")
    said = screen.slot("st", ".check-list [role=alert]")
    for words in ("E-09", "Spots fall outside the image.", "(0.25)", "100 × 100", "Load the file"):
        expect(said).to_contain_text(words)
    expect(screen.slot("st", "img[src$='whole.jpg']")).to_be_visible()
    screen.page.wait_for_function(
        "() => document.querySelector(\"#data-st img[src$='whole.jpg']\").naturalWidth > 900"
    )
    expect(screen.slot("st", "#data-st-confirm")).to_be_disabled()


def test_pictures_move_nothing_when_they_arrive(screen: Screen) -> None:
    page, below = screen.page, "#data-st-size-box, #data-sm-size-box"

    def places() -> list[float]:
        page.reload()
        for slot in ("st", "sm"):
            page.locator(f"#data-{slot}-view img").first.wait_for(state="attached")
        page.wait_for_function(
            "() => [...document.querySelectorAll('.data-slot img')].every(i => i.complete)"
        )
        return [box["y"] for each in page.locator(below).all() if (box := each.bounding_box())]

    with_pictures = places()
    strip = toy_files.strip()
    page.route("**/*.{png,jpg}", lambda route: route.fulfill(body=strip, content_type="image/png"))
    without = places()
    page.unroute_all()

    assert len(without) == 2
    assert without == pytest.approx(with_pictures, abs=1)


def test_of_a_file_with_several_samples_one_is_chosen(screen: Screen, tmp_path: Path) -> None:
    screen.choose("st", toy_files.two_samples(tmp_path / "two.h5ad"))

    screen.shows("st", "two.h5ad", "left", "30")
    expect(screen.slot("st", ".check-list").first).to_contain_text(
        "The file holds 2 samples; left was taken (30 of 81 spots)."
    )
    options = screen.slot("st", "#data-st-sample option").all_inner_texts()
    assert [text for text in options if "(" in text] == ["left (30 spots)", "right (51 spots)"]
    assert screen.page.input_value("#data-st-sample") == "left"
    screen.page.select_option("#data-st-sample", "right")
    screen.page.click("#data-st-sample-set")

    screen.shows("st", "two.h5ad", "right", "51")
    expect(screen.slot("st", "img[alt*='51 spots']")).to_be_visible()
    screen.confirm("st")
