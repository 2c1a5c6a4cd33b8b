"""Reassignment and the stability check as steps of a project, and what the screens make of them."""

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from app import exports, placement, recipe, sections, steps
from app.context import StepContext
from app.pages.explore import summary
from app.pages.explore.facts import facts_card
from app.pages.explore.paint import DONORS, paint
from app.pages.explore.regions import Comparison
from app.settings import Settings
from app.state import is_current
from app.store import ProjectStore
from spatialmeta_core import geometry, io, keys, regions
from spatialmeta_core.errors import NotReadyError
from spatialmeta_core.types import Alignment, Region

POSE = geometry.make_pose(10.0, 5.0, 5.0, shift=(20.0, 10.0))
SQUARE = np.array([[-1.0, -1.0], [70.0, -1.0], [70.0, 200.0], [-1.0, 200.0]])


def lattice(n: int) -> np.ndarray:
    return np.array([[x, y] for y in range(n) for x in range(n)], float)


@pytest.fixture
def store(tmp_path):
    return ProjectStore(tmp_path / "projects")


@pytest.fixture
def project(store):
    """A wave in one gene and one metabolite, and noise in the others; pixels half as wide."""
    name = store.create("toy")
    rng = np.random.default_rng(0)
    st_xy = lattice(14) * 10
    wave = 20 * (1 + np.sin(st_xy[:, :1] / 30))
    counts = np.hstack([rng.poisson(wave), rng.poisson(3.0, (196, 4))]).astype(np.float32)
    st = ad.AnnData(
        counts,
        obs=pd.DataFrame({keys.SAMPLE: "A"}, index=[f"spot{n}" for n in range(196)]),
        var=pd.DataFrame(index=["Wave", "G1", "G2", "G3", "G4"]),
        obsm={keys.SPATIAL: st_xy},
        uns={keys.OURS: {keys.UM_PER_PX: 2.0}},
    )
    sm_xy = lattice(26)
    wide = 500 * (1 + np.sin(geometry.apply_pose(POSE, sm_xy)[:, :1] / 40))
    rest = np.full((676, 1), 5e4)  # most of the total, so that totals hardly vary
    values = np.hstack([wide, rng.gamma(1.0, 100.0, (676, 4)), rest]).astype(np.float32)
    sm = ad.AnnData(
        values,
        obs=pd.DataFrame(index=[f"pixel{n}" for n in range(676)]),
        var=pd.DataFrame(
            {keys.MZ: 100.5 + np.arange(6.0)}, index=[f"{100 + n}.5000" for n in range(6)]
        ),
        obsm={keys.SPATIAL: sm_xy},
    )
    for artefact, adata in (("st", st), ("sm", sm)):
        facts = {"um_per_px": 2.0, "image": None} if artefact == "st" else {}
        store.commit(
            name,
            artefact,
            lambda folder, a=artefact, x=adata: io.write_h5ad(x, folder / f"{a}.h5ad"),
            summary={"n_spots": adata.n_obs, "source": f"{artefact}.h5ad", **facts},
        )
    accept(store, name, POSE)
    return name


def accept(store, project, pose):
    made_from = store.input_revisions(project, "alignment")
    found = Alignment(pose)
    placement.commit(store, project, "alignment", found, made_from=made_from, params={})


@pytest.fixture
def run(store, project, tmp_path):
    def run(kind: str, params: dict | None = None) -> str:
        context = StepContext(
            store=store,
            project=project,
            folder=tmp_path,
            params=params or {},
            report=lambda fraction, message: None,
            keep_best=lambda: False,
            settings=Settings(tmp_path),
        )
        return steps.STEPS[kind](context)

    return run


def settings(**values):
    return {"reassign": values}


def test_spots_get_metabolites_by_default(run, store, project):
    said = run("reassign")

    facts = store.record(project, "joint")["summary"]
    assert said == f"{facts['covered']} of 196 spots have metabolite values"
    assert 0 < facts["covered"] < 196
    assert sum(facts["donors"]) == 196
    section = sections.open_section(store, project)
    assert not section.rows_are_pixels
    assert "with metabolites" in str(facts_card(section))


def test_pixels_get_counts_when_asked_and_the_screens_say_pixels(run, store, project):
    said = run("reassign", settings(direction="st_to_sm", distance_factor=2.0))

    facts = store.record(project, "joint")["summary"]
    assert said == f"{facts['covered']} of 676 pixels have counts"
    assert facts["covered"] < 676
    section = sections.open_section(store, project)
    assert section.rows_are_pixels
    assert int((section.n_donors > 0).sum()) == facts["covered"]
    shown = str(facts_card(section))
    assert "Pixels" in shown
    assert f"676 ({facts['covered']} with genes)" in shown
    assert paint(section, DONORS).legend.label == "ST spots per pixel"
    area = Region("r", "R", "A", ((SQUARE,),))
    found = summary.summarize(section, area)
    assert (found.rows, found.carried) == ("Pixels", "genes")


def test_the_recipe_carries_every_setting(run, store, project):
    chosen = {"direction": "st_to_sm", "method": "area", "spot_diameter": 0.6, "n_neighbors": 3}
    run("reassign", settings(**chosen))

    written = recipe.of_project(store, project)

    assert chosen.items() <= written["reassign"].items()


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({}, "SM intensities were averaged onto ST spots over the 5 nearest pixels within 1.5 "),
        ({"method": "distance"}, "weighted by inverse distance, within 1.5 times the spot spacing"),
        ({"method": "area"}, "weighted by the area shared with discs of 0.55 times the spot"),
        ({"direction": "st_to_sm"}, "ST counts were summed onto SM pixels over the 5 nearest spo"),
        ({"direction": "st_to_sm", "method": "area"}, "ST counts were averaged onto SM pixels"),
    ],
)
def test_the_methods_paragraph_says_how_values_were_carried(run, store, project, chosen, words):
    run("reassign", settings(**chosen))

    assert words in exports.methods_text(store, project)


def test_stability_is_checked_with_the_settings_of_the_reassignment(run, store, project):
    run("reassign", settings(n_neighbors=3))
    said = run("stability")

    record = store.record(project, "stability")
    assert record["params"]["reassign"]["n_neighbors"] == 3
    facts = record["summary"]
    assert said == f"{facts['n_hold']} of 6 metabolites hold under shift"
    assert facts["n_hold"] >= 1
    assert facts["n_noise"] + facts["n_blind"] <= 6 - facts["n_hold"]
    assert facts["n_blind"] >= 1
    assert len(facts["worst"]) == 5
    table = sections.stability_table(store, project).set_index("feature")
    assert bool(table.loc["100.5000", keys.HOLDS])
    assert not table.loc["103.5000", keys.HOLDS]


def test_stability_needs_a_reassignment_that_fits(run, store, project):
    with pytest.raises(NotReadyError, match="Press 'Reassign' first"):
        run("stability")
    run("reassign")
    run("stability")
    accept(store, project, geometry.make_pose(12.0, 5.0, 5.0, shift=(20.0, 10.0)))

    assert not is_current(store.manifest(project), "stability")
    assert sections.stability_table(store, project) is None
    with pytest.raises(NotReadyError, match="Press 'Reassign' first"):
        run("stability")


def test_later_tables_say_what_holds(run, store, project, tmp_path):
    area = Region("r", "Left", "A", ((SQUARE,),))
    event = {"op": "put", "what": "region", "object": regions.to_dict(area)}
    store.history(project, "drawings").append(event)
    run("reassign")
    before = Comparison(store, project, "r", None, None).table()
    run("stability")

    after = Comparison(store, project, "r", None, None).table()

    assert keys.HOLDS not in before
    by_name = after.set_index("feature")[keys.HOLDS]
    assert by_name["100.5000"] == "yes"
    assert by_name["103.5000"] == "no"
    assert (by_name[["Wave", "G1"]] == "").all()
    folder = tmp_path / "export"
    folder.mkdir()
    exports.write_folder(store, project, folder)
    saved = pd.read_csv(folder / "stability.csv", dtype={"feature": str})
    assert tuple(saved.columns) == keys.STABILITY_COLUMNS
    assert keys.HOLDS in pd.read_csv(folder / "markers_Left.csv")
    joint = ad.read_h5ad(folder / "joint.h5ad")
    assert joint.var.loc["100.5000", keys.HOLDS] == "yes"
    assert joint.var.loc["Wave", keys.HOLDS] == ""
    assert np.isnan(joint.var.loc["Wave", keys.SHIFT_R])
    assert "stability.csv" in (folder / "README.txt").read_text()
    assert json.loads(joint.uns[keys.OURS][keys.PARAMS])["reassign"]["method"] == "mean"
