"""The whole journey: on real input, and on the demo for machines without that folder."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import anndata as ad
import journey
import numpy as np

from spatialmeta_core import keys
from spatialmeta_core.regions import from_geojson

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Server, Watched
    from playwright.sync_api import Page


def zip_folder(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for item in folder.rglob("*"):
            if item.is_file():
                archive.write(item, item.relative_to(folder.parent))
    return target


def check_export(path: Path, folder: Path, *, simulated: bool) -> ad.AnnData:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    names = {item.name for item in folder.rglob("*")}
    assert {"joint.h5ad", "drawings.geojson", "recipe.toml", "methods.txt", "README.txt"} <= names
    assert any(name.startswith("markers_") for name in names)
    assert any(name.startswith("gradient_") for name in names)
    assert any(name.endswith(".svg") for name in names)
    assert ("SIMULATED" in (folder / "README.txt").read_text()) == simulated
    joint = ad.read_h5ad(folder / "joint.h5ad")
    assert {keys.CLUSTER, keys.CONTRIBUTION, keys.N_DONORS} <= set(joint.obs)
    assert {keys.SPATIAL, keys.LATENT, keys.UMAP} <= set(joint.obsm)
    assert {keys.NORMALIZED, keys.DENOISED} <= set(joint.layers)
    regions, trajectories = from_geojson(
        json.loads((folder / "drawings.geojson").read_text()), "section"
    )
    assert (len(regions), len(trajectories)) == (1, 1)
    return joint


def test_the_main_job_on_a_real_section(
    semisim: Path, server: Server, page: Page, watched: Watched, tmp_path: Path
) -> None:
    outs = zip_folder(semisim / "outs", tmp_path / "outs.zip")
    project = journey.new_project(page, server.url, "Mouse brain")
    journey.upload(page, "st", outs)
    journey.upload(page, "sm", semisim / "msi.csv.gz")
    journey.step_is(page, "data", "done")
    journey.align(page)
    journey.automatic(page, scratch=True)
    journey.reassign(page)
    journey.train(page, reload=True)
    journey.go(page, "explore")
    journey.tissue_box(page)
    journey.color_by(page, "Pvalb")
    journey.lasso(page)
    journey.path(page)
    page.reload()
    journey.go(page, "regions")
    page.locator("#explore-regions li").first.wait_for()
    archive = journey.export(page, tmp_path)
    joint = check_export(archive, tmp_path / "export", simulated=False)

    assert joint.n_obs == 624
    with np.load(semisim / "truth.npz") as truth:
        error = placement_error(server, project, semisim, truth)
    assert error < 0.03, f"median alignment error is {error:.3f} of the width"
    assert watched.errors == []


def test_the_main_job_on_the_demo(
    server: Server, page: Page, watched: Watched, tmp_path: Path
) -> None:
    journey.open_demo(page, server.url)
    journey.align(page)
    journey.automatic(page, scratch=True)
    journey.reassign(page)
    journey.train(page, reload=False)
    journey.go(page, "explore")
    journey.tissue_box(page)
    journey.color_by(page, "Plp1")
    journey.lasso(page)
    journey.path(page)
    archive = journey.export(page, tmp_path)

    check_export(archive, tmp_path / "export", simulated=True)
    assert page.locator(".chip-simulated").first.is_visible()
    assert watched.errors == []


def placement_error(server: Server, project: str, semisim: Path, truth) -> float:
    """Median distance of the pixels from their true place, in widths of the ST section."""
    from spatialmeta_core import io
    from spatialmeta_core.io.alignment import read_alignment

    folder = server.data / "projects" / project
    newest = max(folder.glob("alignment-r*"), key=lambda path: path.stat().st_mtime)
    sm = io.read_sm(semisim / "msi.csv.gz")
    placed = read_alignment(newest / "alignment.json").apply(sm.obsm[keys.SPATIAL])
    distance = np.linalg.norm(placed - truth["sm_xy_true"], axis=1)
    return float(np.median(distance) / truth["width"])
