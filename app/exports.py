"""Everything a project has to give, as files: for the browser and for the headless twin."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from app import recipe, sections
from app.figures import paper
from app.figures.theme import MISSING
from app.layers import denoised_table
from app.placement import open_adata, tissue_image
from app.state import is_current
from spatialmeta_core import io, keys, markers, regions, trajectory
from spatialmeta_core.io.alignment import write_alignment

if TYPE_CHECKING:
    import anndata as ad

    from app.cluster_edits import ClusterLook
    from app.sections import Section
    from app.store import ProjectStore

SOFTWARE: Final = ("spatialmeta-app", "anndata", "numpy", "scipy", "torch", "graspologic-native")
LEFT_OUT: Final = "left out"  # of training
CONTENTS: Final = {
    "joint.h5ad": "spots by features with everything computed; opens in scanpy and squidpy",
    "markers_clusters.csv": "each cluster against all other spots",
    "markers_<region>.csv": "each drawn region against all other spots",
    "gradient_<trajectory>.csv": "binned values of every selected feature along each trajectory",
    "stability.csv": "which carried features keep their map when the alignment is a little off",
    "drawings.geojson": "regions and trajectories for QuPath, full-resolution pixels",
    "alignment.json": "the map from metabolomics coordinates to image pixels",
    "figures/": "maps and charts as SVG and PNG",
    "recipe.toml": "all parameters; repeat with: spatialmeta run recipe.toml --out results",
    "methods.txt": "a methods paragraph with the numbers of this project",
}
COLUMNS: Final = {
    "feature": "gene symbol or m/z",
    "type": "ST for genes, SM for metabolites",
    "log2fc": "log2 fold change of mean normalized values, group over reference",
    "auc": "chance that a spot of the group has the higher value; 0.5 is no difference",
    "mean_in, mean_out": "mean normalized value in the group and in the reference",
    "fraction_in, fraction_out": "share of spots above zero",
    "p, p_adj": "Wilcoxon rank-sum with tie correction, and Benjamini-Hochberg within each "
    "modality; spots are taken as independent, which neighbors are not: prefer effect sizes",
    "distance": "along the trajectory from its start, µm (px when the pixel size is unknown)",
    "mean, low, high": "mean of the bin and its 95 % band, normalized values",
    "z, z_low, z_high": "the same in standard deviations of the feature within the swath",
    "n_spots": "spots in the bin",
    "r_mean, shift_r_min, worst": "correlation of a feature's map with itself after shifts by one "
    "spot and turns by 2 degrees: mean, lowest, and where it is lowest",
    "r_noise": "what noise between pixels alone would leave of that correlation",
    "holds_under_shift": "whether the lowest is at least 0.8; empty for features not carried",
}


def write_zip(store: ProjectStore, project: str, path: Path) -> int:
    """Write the whole export as one archive; return its size in bytes."""
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        folder = Path(name)
        write_folder(store, project, folder)
        temporary = path.with_suffix(".part")
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            for item in sorted(folder.rglob("*")):
                if item.is_file():
                    archive.write(item, item.relative_to(folder))
        temporary.replace(path)
    return path.stat().st_size


def write_folder(store: ProjectStore, project: str, folder: Path) -> None:
    """Write the export's files into an empty folder."""
    section = sections.open_section(store, project)
    io.write_h5ad(joint_table(store, project), folder / "joint.h5ad")
    _write_tables(store, project, section, folder)
    areas, paths = sections.drawings(store, project)
    geojson = regions.to_geojson(areas, paths)
    (folder / "drawings.geojson").write_text(json.dumps(geojson, indent=1), encoding="utf-8")
    write_alignment(sections.accepted_alignment(store, project), folder / "alignment.json")
    steps = recipe.of_project(store, project)
    (folder / "recipe.toml").write_text(recipe.to_toml(steps), encoding="utf-8")
    (folder / "methods.txt").write_text(methods_text(store, project), encoding="utf-8")
    (folder / "README.txt").write_text(_readme(store, project), encoding="utf-8")
    _write_figures(store, project, section, folder / "figures")


def joint_table(store: ProjectStore, project: str) -> ad.AnnData:
    """Return the joint table with everything computed so far in the slots of ``keys``."""
    section = sections.open_section(store, project)
    joint = section.joint.copy()
    if section.look is not None:
        _add_clusters(joint, section, section.look)
    if is_current(store.manifest(project), "integration"):
        _add_integration(joint, store.path(project, "integration"))
    _add_stability(joint, sections.stability_table(store, project))
    areas, paths = sections.drawings(store, project)
    joint = regions.record(joint, areas, paths)
    ours = dict(joint.uns.get(keys.OURS, {}))
    ours[keys.SOFTWARE] = software()
    ours[keys.PARAMS] = json.dumps(recipe.of_project(store, project))
    joint.uns[keys.OURS] = ours
    return joint


def methods_text(store: ProjectStore, project: str) -> str:
    """Return a methods paragraph with this project's parameters."""
    steps, artefacts = recipe.of_project(store, project), store.manifest(project)["artefacts"]
    about = store.about(project)
    parts = [
        "Spatial metabolomics (SM) pixels were placed on the spatial transcriptomics (ST) section "
        + (
            "by fitting tissue outlines automatically."
            if steps.get("placement", {}).get("automatic", False)
            else "by hand."
        )
        + _landmarks_text(steps),
        carried_text(steps["reassign"], artefacts["joint"]["summary"]),
    ]
    if "features" in artefacts:
        chosen = artefacts["features"]["summary"]
        parts.append(
            f"Spatially variable features were chosen by Moran's I ({chosen['n_genes']:,} genes, "
            f"{chosen['n_metabolites']:,} metabolites; "
            f"{steps['features']['n_neighbors']} neighbors, Benjamini-Hochberg below "
            f"{steps['features']['max_p_adj']:g})."
        )
    if "integration" in artefacts:
        fit = artefacts["integration"]["summary"]
        parts.append(
            "Both modalities were integrated with a conditional variational autoencoder "
            "(zero-inflated negative binomial for genes, Gaussian for metabolites; "
            f"{steps['net']['n_latent']} latent dimensions, {steps['net']['n_hidden']} hidden "
            f"units, best of {fit['epochs']} epochs at {fit['best_epoch']}, seed "
            f"{steps['train']['seed']}) after Tian et al. (2025)."
        )
    if "clusters" in artefacts:
        parts.append(
            f"Spots were clustered by Leiden (resolution {steps['cluster']['resolution']:g}, "
            f"{steps['cluster']['n_neighbors']} neighbors) into "
            f"{artefacts['clusters']['summary']['n_clusters']} clusters."
        )
    if about["simulated"]:
        parts.insert(0, "These data are simulated.")
    versions = ", ".join(f"{name} {version}" for name, version in software().items())
    cited = "Tian et al. (2025), Nature Communications, doi 10.1038/s41467-025-63915-z."
    return " ".join(parts) + f"\n\nSoftware: {versions}.\nReference: {cited}\n"


def _landmarks_text(steps: dict[str, Any]) -> str:
    """Say how many landmarks there were, and what the outline left out."""
    n_pairs = len(steps.get("placement", {}).get("landmarks", ()))
    text = f" {n_pairs} pairs of landmarks marked by hand were used." if n_pairs else ""
    if steps["outline"]["by_total"]:
        text += " Pixels of low total intensity did not count as tissue for the outline."
    return text


def carried_text(made_with: dict[str, Any], facts: dict[str, Any]) -> str:
    """Return the sentence on how values were carried from one section to the other."""
    to_spots = made_with["direction"] == "sm_to_st"
    source, target = ("pixel", "spot") if to_spots else ("spot", "pixel")
    what = "SM intensities were averaged" if to_spots else "ST counts were averaged"
    if not to_spots and made_with["method"] == "mean":
        what = "ST counts were summed"
    onto = "ST spots" if to_spots else "SM pixels"
    if made_with["method"] == "area":
        how = f"over the {source}s they overlap, weighted by the area shared"
        if to_spots:
            how += f" with discs of {made_with['spot_diameter']:g} times the spot spacing"
    else:
        weighted = ", weighted by inverse distance," if made_with["method"] == "distance" else ""
        how = (
            f"over the {made_with['n_neighbors']} nearest {source}s{weighted} within "
            f"{made_with['distance_factor']:g} times the {target} spacing"
        )
    covered = f"{facts['covered']:,} of {facts['n_spots']:,} {target}s covered"
    return f"{what} onto {onto} {how} ({covered})."


def software() -> dict[str, str]:
    """Return the versions of Python and of the packages that make the numbers."""
    found = {name: importlib.metadata.version(name) for name in SOFTWARE}
    return {"python": platform.python_version(), **found}


def gradient_features(section: Section, path: Any, *, per_type: int = 50) -> list[str]:
    """Return the features that follow a trajectory most, of both modalities."""
    ranked = trajectory.rank_gradients(section.joint, path)
    return [
        str(name)
        for kind in (keys.ST, keys.SM)
        for name in ranked.loc[ranked["type"] == kind, "feature"].head(per_type)
    ]


def file_name(text: str) -> str:
    """Turn a user's name into one that is safe in a file name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "unnamed"


def safe_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Guard text that a spreadsheet would run as a formula."""
    texts = table.select_dtypes(include=["object", "string"]).columns
    return table.assign(
        **{c: table[c].astype(str).str.replace(r"^(?=[=+\-@])", "'", regex=True) for c in texts}
    )


def _add_clusters(joint: ad.AnnData, section: Section, look: ClusterLook) -> None:
    left_out = [LEFT_OUT] if (look.labels < 0).any() else []
    codes = np.where(look.labels < 0, len(look.names), look.labels)
    joint.obs[keys.CLUSTER] = pd.Categorical.from_codes(codes, [*look.names, *left_out])
    joint.uns[f"{keys.CLUSTER}_colors"] = np.array([*look.colors, *(MISSING for _ in left_out)])
    joint.obs[keys.CONTRIBUTION] = section.contribution
    joint.obsm[keys.UMAP] = section.umap


def _add_stability(joint: ad.AnnData, table: pd.DataFrame | None) -> None:
    if table is None:
        return
    found = table.set_index("feature").reindex(joint.var_names)
    joint.var[keys.SHIFT_R] = found[keys.SHIFT_R].to_numpy(float)
    said = found[keys.HOLDS].map({True: "yes", False: "no"}).fillna("").astype(str)
    joint.var[keys.HOLDS] = pd.Categorical(said.to_numpy())


def _add_integration(joint: ad.AnnData, folder: Path) -> None:
    features, denoised = denoised_table(folder)
    with np.load(folder / "integration.npz", allow_pickle=False) as arrays:
        for slot, name in (
            (keys.LATENT, "joint"),
            (keys.LATENT_ST, "st"),
            (keys.LATENT_SM, "sm"),
        ):
            joint.obsm[slot] = arrays[name]
        joint.obs[keys.THETA_ST] = arrays["theta_st"]
        joint.obs[keys.THETA_SM] = arrays["theta_sm"]
    columns = joint.var_names.get_indexer(features)
    layer = np.full(joint.shape, np.nan, np.float32)
    layer[:, columns] = denoised
    joint.layers[keys.DENOISED] = layer
    joint.var[keys.SELECTED] = np.isin(np.arange(joint.n_vars), columns)


def _write_tables(store: ProjectStore, project: str, section: Section, folder: Path) -> None:
    stability = sections.stability_table(store, project)
    if stability is not None:
        safe_cells(stability).to_csv(folder / "stability.csv", index=False)
    if section.look is not None:
        labels = pd.Categorical.from_codes(section.look.labels, section.look.names)
        table = sections.with_stability(
            store, project, markers.rank_clusters(section.joint, labels)
        )
        safe_cells(table).to_csv(folder / "markers_clusters.csv", index=False)
    areas, paths = sections.drawings(store, project)
    for area in areas:
        mask = regions.membership(area, section.xy, section.cluster_names)
        if mask.any() and not mask.all():
            table = markers.rank_markers(section.joint, mask)
            table = sections.with_stability(store, project, table)
            name = f"markers_{file_name(area.name)}.csv"
            safe_cells(table).to_csv(folder / name, index=False)
    for path in paths:
        table = trajectory.gradient(section.joint, path, gradient_features(section, path))
        name = f"gradient_{file_name(path.name)}.csv"
        safe_cells(table).to_csv(folder / name, index=False)


def _write_figures(store: ProjectStore, project: str, section: Section, folder: Path) -> None:
    folder.mkdir()
    st = open_adata(store, project, "st")
    for name, figure in paper.overview(
        section,
        tissue_image(st),
        *sections.drawings(store, project),
        simulated=bool(store.about(project)["simulated"]),
    ):
        for kind in ("svg", "png"):
            (folder / f"{file_name(name)}.{kind}").write_bytes(paper.render(figure, kind))


def _readme(store: ProjectStore, project: str) -> str:
    about = store.about(project)
    lines = [f"Export of project '{about['name']}'", ""]
    if about["simulated"]:
        lines += ["The data are SIMULATED: made by spatialmeta_core.simulate.", ""]
    lines += [f"{name:28}{text}" for name, text in CONTENTS.items()]
    lines += ["", "Columns of the tables", ""]
    lines += [f"{name:28}{text}" for name, text in COLUMNS.items()]
    return "\n".join(lines) + "\n"
