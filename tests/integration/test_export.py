"""The export of a small project, opened in the programs it is made for."""

from __future__ import annotations

import csv
import zipfile

import anndata as ad
import numpy as np
import pytest

from app import exports, headless, placement
from spatialmeta_core import keys, simulate

# other people's programs: what they warn of themselves is theirs
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.slow]

QUICK = {
    "automatic": False,
    "features": {"n_genes": 60, "n_metabolites": 20},
    "train": {"max_epochs": 4, "kl_warmup_epochs": 2},
    "net": {"n_hidden": 32},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return the folder of an unpacked export, and the section it is made from."""
    from app.settings import Settings
    from app.store import ProjectStore

    folder = tmp_path_factory.mktemp("export")
    settings = Settings(data_dir=folder / "data")
    store = ProjectStore(settings.projects_dir)
    project = store.create("Small section", simulated=True)
    section = simulate.paired_section(0, n_spots=250, n_genes=100, n_metabolites=30)
    run = headless.runner(store, project, settings, quiet=True)
    for slot, table in (("st", section.st), ("sm", section.sm)):
        table.write_h5ad(folder / f"{slot}.h5ad")
        run(f"import_{slot}", {"path": str(folder / f"{slot}.h5ad")})
    start = section.truth.pose.matrix.tolist()
    run("pipeline", {**QUICK, "start": start})
    archive = folder / "export.zip"
    exports.write_zip(store, project, archive)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder / "opened")
    return folder / "opened", section


@pytest.fixture
def joint(exported):
    return ad.read_h5ad(exported[0] / "joint.h5ad")


def test_the_archive_holds_what_its_list_of_contents_names(exported):
    folder, _ = exported

    optional = {"stability.csv"}  # only after the stability check
    named = {name for name in exports.CONTENTS if "<" not in name and not name.endswith("/")}
    assert named - optional <= {item.name for item in folder.iterdir()}
    assert {item.suffix for item in (folder / "figures").iterdir()} == {".svg", ".png"}
    with (folder / "markers_clusters.csv").open() as table:
        assert set(keys.MARKER_COLUMNS) <= set(next(csv.reader(table)))


def test_the_table_holds_the_counts_that_came_in_and_what_was_computed(exported, joint):
    section = exported[1]
    genes = joint.var[keys.FEATURE_TYPE] == keys.ST

    kept = section.st[joint.obs_names, joint.var_names[genes]]
    np.testing.assert_array_equal(joint[:, genes].X.toarray(), kept.X.toarray())
    assert joint.uns[keys.OURS][keys.SIMULATED]
    assert {keys.LATENT, keys.LATENT_ST, keys.LATENT_SM, keys.UMAP} <= set(joint.obsm)
    assert {keys.NORMALIZED, keys.DENOISED} <= set(joint.layers)
    assert {keys.CLUSTER, keys.CONTRIBUTION, keys.N_DONORS} <= set(joint.obs)


def test_scanpy_reads_it_and_goes_on_from_there(exported):
    import scanpy as sc

    joint = sc.read_h5ad(exported[0] / "joint.h5ad")

    # squidpy's and scanpy's own neighbors, on our embedding
    used = joint[np.isfinite(joint.obsm[keys.LATENT]).all(axis=1)].copy()
    sc.pp.neighbors(used, use_rep=keys.LATENT, n_neighbors=10, transformer="sklearn")
    assert used.obsp["connectivities"].shape == (used.n_obs, used.n_obs)

    genes = used[:, used.var[keys.FEATURE_TYPE] == keys.ST].copy()
    sc.pp.normalize_total(genes, target_sum=1e4)
    sc.pp.log1p(genes)
    ours = genes.layers[keys.NORMALIZED]
    np.testing.assert_allclose(genes.X.toarray(), ours.toarray(), rtol=1e-4, atol=1e-5)
    genes.obs["half"] = np.where(genes.obsm[keys.SPATIAL][:, 0] > np.median(
        genes.obsm[keys.SPATIAL][:, 0]), "right", "left")  # fmt: skip
    sc.tl.rank_genes_groups(genes, "half", method="wilcoxon")
    ranked = sc.get.rank_genes_groups_df(genes, "right")
    assert set(ranked["names"]) == set(genes.var_names)
    assert ranked["pvals_adj"].min() < 0.05


def test_scanpy_draws_its_picture_and_squidpy_finds_neighbors_and_the_same_pattern(joint):
    import squidpy as sq

    from spatialmeta_core.features import morans_i

    (library,) = joint.uns[keys.IMAGE]
    content = joint.uns[keys.IMAGE][library]
    assert content["images"]["hires"].shape[2] == 3
    in_picture = joint.obsm[keys.SPATIAL] * content["scalefactors"]["tissue_hires_scalef"]
    assert (in_picture < content["images"]["hires"].shape[1::-1]).all()

    sq.gr.spatial_neighbors(joint, n_neighs=6, coord_type="generic")
    assert joint.obsp["spatial_connectivities"].sum() == 6 * joint.n_obs
    chosen = joint.var_names[joint.var[keys.FEATURE_TYPE] == keys.ST][:30]
    theirs = sq.gr.spatial_autocorr(
        joint, mode="moran", genes=list(chosen), layer=keys.NORMALIZED, n_perms=None, copy=True
    )
    ours = morans_i(
        joint[:, chosen].layers[keys.NORMALIZED], joint.obsm[keys.SPATIAL], n_neighbors=6
    )
    together = np.corrcoef(theirs.loc[chosen, "I"], ours[keys.MORAN_I])[0, 1]
    assert together > 0.99


def test_the_alignment_and_the_recipe_can_be_read_back(exported):
    from app import recipe
    from spatialmeta_core.io.alignment import read_alignment

    folder, section = exported

    placed = read_alignment(folder / "alignment.json").apply(section.sm.obsm[keys.SPATIAL])
    expected = placement.by_hand(
        section.truth.pose, section.sm.obsm[keys.SPATIAL], section.st.obsm[keys.SPATIAL]
    ).apply(section.sm.obsm[keys.SPATIAL])
    np.testing.assert_allclose(placed, expected, atol=1e-6)
    assert recipe.read(folder / "recipe.toml")["train"]["max_epochs"] == 4
