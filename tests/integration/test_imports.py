"""Files become sections: real import steps on toy files, and the pixel size in force everywhere."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from PIL import Image

from app import placement, sections, steps, uploads
from app.context import StepContext
from app.recipe import of_project
from app.store import ProjectStore
from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError, NotReadyError


def st_file(path, *, image=True, um_per_px=0.5):
    """Write a 6 x 6 ST section, spots 100 px apart."""
    rng = np.random.default_rng(0)
    xy = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), axis=-1).reshape(-1, 2) * 100 + 50
    adata = ad.AnnData(
        sp.csr_matrix(rng.poisson(3, (36, 20)).astype(np.float32)),
        obs=pd.DataFrame(index=[f"spot{n}" for n in range(36)]),
        var=pd.DataFrame(index=[f"Gene{n}" for n in range(20)]),
        obsm={keys.SPATIAL: xy},
    )
    if um_per_px is not None:
        adata.uns[keys.OURS] = {keys.UM_PER_PX: um_per_px}
    if image:
        adata.uns[keys.IMAGE] = {
            "section": {
                "images": {"hires": np.full((60, 60, 3), 200, np.uint8)},
                "scalefactors": {"tissue_hires_scalef": 0.1, "spot_diameter_fullres": 55.0},
            }
        }
    adata.write_h5ad(path)
    return path


def sm_file(path):
    rng = np.random.default_rng(1)
    rows = [(x, y, *rng.uniform(0, 9, 5).round(3)) for x in range(1, 9) for y in range(1, 9)]
    mz = [f"{100 + n}.05" for n in range(5)]
    pd.DataFrame(rows, columns=["x", "y", *mz]).to_csv(path, index=False)
    return path


@pytest.fixture
def run(store, project, settings, tmp_path):
    """Run a real step in this process."""
    folder = tmp_path / "job"
    folder.mkdir()

    def step(kind, **params):
        context = StepContext(
            store=store,
            project=project,
            folder=folder,
            params=params,
            report=lambda progress, message: None,
            keep_best=lambda: False,
            settings=settings,
        )
        return steps.STEPS[kind](context)

    return step


@pytest.fixture
def arrived(store, project):
    """Put a file where the upload route would."""

    def arrive(path, purpose, name=""):
        about = {"name": name or path.name, "size": path.stat().st_size, "purpose": purpose}
        upload = uploads.begin(store, project, about, 10**9)
        upload.path.write_bytes(path.read_bytes())
        uploads.finish(upload)
        return upload.id

    return arrive


def test_an_uploaded_section_becomes_a_table_facts_and_pictures(
    run, arrived, store, project, tmp_path
):
    message = run("import_st", upload_id=arrived(st_file(tmp_path / "mine.h5ad"), "st"))

    assert "36 spots" in message
    facts = store.record(project, "st")["summary"]
    assert (facts["source"], facts["n_spots"], facts["n_features"]) == ("mine.h5ad", 36, 20)
    assert (facts["um_per_px"], facts["um_per_px_found"]) == (0.5, 0.5)
    assert facts["image"] == {"width": 60, "height": 60, "scale": 0.1}
    assert facts["area"] == pytest.approx(500 * 500)
    assert facts["confirmed"] is False
    assert facts["simulated"] is False
    folder = store.path(project, "st")
    with Image.open(folder / "image.jpg") as histology, Image.open(folder / "spots.png") as rings:
        assert histology.size == (60, 60)
        assert rings.size[0] == rings.size[1]


def test_without_histology_the_counts_are_the_picture(run, arrived, store, project, tmp_path):
    run("import_st", upload_id=arrived(st_file(tmp_path / "a.h5ad", image=False), "st"))

    names = {path.name for path in store.path(project, "st").iterdir()}
    assert names == {"st.h5ad", "map.png", "thumb.jpg"}


def test_a_metabolite_table_becomes_a_section(run, arrived, store, project, tmp_path):
    run("import_sm", upload_id=arrived(sm_file(tmp_path / "msi.csv"), "sm"))

    facts = store.record(project, "sm")["summary"]
    assert (facts["n_spots"], facts["n_features"], facts["step"]) == (64, 5, 1.0)
    assert facts["area"] == pytest.approx(49)
    assert (store.path(project, "sm") / "map.png").exists()


def test_an_unreadable_file_is_spoken_of_by_its_users_name_and_the_old_one_stays(
    run, arrived, store, project, tmp_path
):
    run("import_sm", upload_id=arrived(sm_file(tmp_path / "good.csv"), "sm"))
    (tmp_path / "stored.csv").write_text("just one line\n")
    upload_id = arrived(tmp_path / "stored.csv", "sm", name="my table.csv")

    with pytest.raises(InvalidDataError, match=r"my table\.csv") as caught:
        run("import_sm", upload_id=upload_id)

    assert upload_id not in str(caught.value)
    assert store.record(project, "sm")["summary"]["source"] == "good.csv"
    uploads.find(store, project, upload_id)  # kept: it can be read again with other columns


def test_named_columns_are_read_and_remembered_for_the_recipe(
    run, arrived, store, project, tmp_path
):
    table = pd.read_csv(sm_file(tmp_path / "msi.csv"))
    renamed = table.rename(columns={"x": "left", "y": "down"})
    renamed.to_csv(tmp_path / "odd.csv", index=False)
    upload_id = arrived(tmp_path / "odd.csv", "sm")

    with pytest.raises(InvalidDataError) as caught:
        run("import_sm", upload_id=upload_id)
    assert caught.value.code == "E-13"
    run("import_sm", upload_id=upload_id, x_column="left", y_column="down")

    facts = store.record(project, "sm")["summary"]
    assert (facts["n_spots"], facts["x_column"], facts["y_column"]) == (64, "left", "down")
    assert of_project(store, project)["input"]["sm_x_column"] == "left"


def several_file(path, labels):
    """Write the ST section of ``st_file`` as samples named by ``labels``."""
    adata = ad.read_h5ad(st_file(path, image=False))
    adata.obs["sample_id"] = labels
    adata.write_h5ad(path)
    return path


def test_of_several_samples_the_first_is_read_until_another_is_chosen(
    run, arrived, store, project, tmp_path
):
    labels = ["a"] * 15 + ["b"] * 21
    upload_id = arrived(several_file(tmp_path / "two.h5ad", labels), "st", name="two.h5ad")

    run("import_st", upload_id=upload_id)
    facts = store.record(project, "st")["summary"]
    assert (facts["sample"], facts["n_spots"], facts["upload_id"]) == ("a", 15, upload_id)
    assert facts["samples"] == [{"name": "a", "n_spots": 15}, {"name": "b", "n_spots": 21}]
    assert "st_sample" in of_project(store, project)["input"]

    run("import_st", upload_id=upload_id, sample="b")
    facts = store.record(project, "st")["summary"]
    assert (facts["sample"], facts["n_spots"]) == ("b", 21)
    assert of_project(store, project)["input"]["st_sample"] == "b"
    assert set(placement.open_adata(store, project, "st").obs[keys.SAMPLE]) == {"section"}
    with pytest.raises(InvalidDataError, match="2 samples"):
        run("import_st", upload_id=upload_id, sample="c")


def test_the_sample_of_the_other_slot_is_taken_first(run, arrived, store, project, tmp_path):
    labels = ["a"] * 15 + ["b"] * 21
    upload_id = arrived(several_file(tmp_path / "st.h5ad", labels), "st")
    run("import_st", upload_id=upload_id, sample="b")
    table = pd.read_csv(sm_file(tmp_path / "msi.csv"))
    table["sample"] = ["a"] * 30 + ["b"] * 34
    table.to_csv(tmp_path / "two.csv", index=False)

    run("import_sm", upload_id=arrived(tmp_path / "two.csv", "sm"))

    facts = store.record(project, "sm")["summary"]
    assert (facts["sample"], facts["n_spots"]) == ("b", 34)


def test_a_recipe_repeats_what_was_said_of_the_files(tmp_path, settings):
    from app import headless, recipe

    several_file(tmp_path / "two.h5ad", ["a"] * 15 + ["b"] * 21)
    table = pd.read_csv(sm_file(tmp_path / "msi.csv")).rename(columns={"x": "left", "y": "down"})
    table.to_csv(tmp_path / "odd.csv", index=False)
    said = {"st_sample": "b", "sm_x_column": "left", "sm_y_column": "down"}
    wanted = {"input": {"st": "two.h5ad", "sm": "odd.csv", **said}}
    (tmp_path / "recipe.toml").write_text(recipe.to_toml(wanted))

    plan = headless._plan(recipe.read(tmp_path / "recipe.toml"), tmp_path)

    assert [kind for kind, _ in plan] == ["import_st", "import_sm", "pipeline"]
    store = ProjectStore(settings.projects_dir)
    project = store.create("again")
    run = headless.runner(store, project, settings, quiet=True)
    for kind, params in plan[:2]:
        run(kind, params)
    assert store.record(project, "st")["summary"]["n_spots"] == 21
    assert said.items() <= of_project(store, project)["input"].items()


def test_a_recipe_with_a_misspelled_input_is_refused(tmp_path):
    from app import recipe

    (tmp_path / "recipe.toml").write_text('[input]\nst = "a"\nsm = "b"\nst_sampel = "c"\n')

    with pytest.raises(InvalidParamsError, match=r"'st_sampel' in \[input\] of"):
        recipe.read(tmp_path / "recipe.toml")


def test_spots_beside_the_histology_get_a_picture_of_both(run, arrived, store, project, tmp_path):
    adata = ad.read_h5ad(st_file(tmp_path / "a.h5ad"))
    adata.uns[keys.IMAGE]["section"]["scalefactors"]["tissue_hires_scalef"] = 0.3
    adata.write_h5ad(tmp_path / "a.h5ad")

    run("import_st", upload_id=arrived(tmp_path / "a.h5ad", "st"))

    (problem,) = (
        item for item in store.record(project, "st")["summary"]["check"] if item["code"] == "E-09"
    )
    assert problem["level"] == "error"
    assert (store.path(project, "st") / "whole.jpg").exists()


def test_a_file_that_was_replaced_leaves_the_disk(run, arrived, store, project, tmp_path):
    first = arrived(sm_file(tmp_path / "first.csv"), "sm")
    run("import_sm", upload_id=first)
    second = arrived(sm_file(tmp_path / "second.csv"), "sm")
    assert len(list((store.folder(project) / "raw").glob("*.csv"))) == 2

    run("import_sm", upload_id=second)

    assert [path.stem for path in (store.folder(project) / "raw").glob("*.csv")] == [second]


def test_a_file_that_has_not_arrived_is_not_read(run, store, project):
    upload = uploads.begin(
        store, project, {"name": "a.csv", "size": 9, "purpose": "sm"}, max_bytes=10
    )

    with pytest.raises(NotReadyError, match=r"a\.csv"):
        run("import_sm", upload_id=upload.id)


# the pixel size


def test_a_corrected_pixel_size_reaches_every_reader_and_changes_no_revision(
    run, arrived, store, project, tmp_path
):
    run("import_st", upload_id=arrived(st_file(tmp_path / "a.h5ad"), "st"))
    st = placement.open_adata(store, project, "st")
    joint = st.copy()
    joint.layers[keys.NORMALIZED] = joint.X
    store.commit(
        project, "joint", lambda folder: joint.write_h5ad(folder / "joint.h5ad"), made_from={}
    )
    assert sections.open_section(store, project).um_per_px == 0.5

    store.amend(project, "st", um_per_px=0.65, um_per_px_by_hand=0.65)

    assert sections.open_section(store, project).um_per_px == 0.65
    assert placement.open_adata(store, project, "st").uns[keys.OURS][keys.UM_PER_PX] == 0.65
    assert placement.read_adata(store, project, "joint").uns[keys.OURS][keys.UM_PER_PX] == 0.65
    assert st.uns[keys.OURS][keys.UM_PER_PX] == 0.5  # what was handed out before is untouched
    assert store.record(project, "joint")["revision"] == 2
    assert of_project(store, project)["input"]["um_per_px"] == 0.65

    store.amend(project, "st", um_per_px=None, um_per_px_by_hand=None)
    assert sections.open_section(store, project).um_per_px is None


def test_an_unknown_pixel_size_stays_unknown_until_it_is_entered(
    run, arrived, store, project, tmp_path
):
    run(
        "import_st",
        upload_id=arrived(st_file(tmp_path / "a.h5ad", image=False, um_per_px=None), "st"),
    )

    assert store.record(project, "st")["summary"]["um_per_px"] is None
    assert keys.UM_PER_PX not in placement.open_adata(store, project, "st").uns[keys.OURS]


def test_a_recipe_brings_its_pixel_size_along(run, arrived, store, project, tmp_path):
    run("import_st", path=str(st_file(tmp_path / "a.h5ad")), um_per_px=0.65)

    facts = store.record(project, "st")["summary"]
    assert (facts["um_per_px"], facts["um_per_px_by_hand"], facts["um_per_px_found"]) == (
        0.65,
        0.65,
        0.5,
    )


def test_the_metabolite_section_keeps_its_own_scale(run, arrived, store, project, tmp_path):
    run("import_st", upload_id=arrived(st_file(tmp_path / "a.h5ad"), "st"))
    run("import_sm", upload_id=arrived(sm_file(tmp_path / "msi.csv"), "sm"))

    assert keys.UM_PER_PX not in placement.open_adata(store, project, "sm").uns[keys.OURS]


def test_the_area_has_holes_and_a_line_has_none():
    side = np.arange(10.0)
    xy = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    hole = (np.abs(xy - 4.5) < 2).all(axis=1)

    def section(points):
        return ad.AnnData(np.ones((len(points), 1)), obsm={keys.SPATIAL: points})

    assert placement.area(section(xy)) == pytest.approx(81)
    assert placement.area(section(xy[~hole])) < 81 - 16
    assert placement.area(section(np.column_stack([side, side]))) is None
