"""What the exploring screens read of a project: spots, features, clusters. Read-only and cached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from app.placement import open_adata
from app.state import is_current
from spatialmeta_core import keys
from spatialmeta_core.errors import NotFoundError
from spatialmeta_core.io.alignment import read_alignment
from spatialmeta_core.markers import build_index
from spatialmeta_core.regions import from_dict
from spatialmeta_core.types import Region, Trajectory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import anndata as ad

    from app.store import ProjectStore
    from spatialmeta_core.markers import MarkerIndex
    from spatialmeta_core.types import Alignment, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One project's joint section, with what has been computed for it so far.

    Attributes
    ----------
    joint
        ST and SM on the ST spots; ``layers["normalized"]`` for drawing and statistics.
    columns
        The normalized values, CSC, for fast single-feature reads.
    cluster
        Leiden label per spot, -1 where left out; None before clustering.
    umap
        Shape ``(n_spots, 2)``; None before clustering.
    contribution
        Modality contribution per spot, NaN where left out; None before integration.
    """

    joint: ad.AnnData
    columns: sp.csc_matrix
    cluster: IntArray | None
    umap: FloatArray | None
    contribution: FloatArray | None

    @property
    def xy(self) -> FloatArray:
        """Spot centers, shape ``(n_spots, 2)``, px."""
        return np.asarray(self.joint.obsm[keys.SPATIAL], float)

    @property
    def spot_names(self) -> np.ndarray[Any, Any]:
        """Names of the spots, in order."""
        return np.asarray(self.joint.obs_names, str)

    @property
    def rows_are_pixels(self) -> bool:
        """Whether counts were carried to SM pixels, so that "spots" are pixels."""
        return keys.N_ST_DONORS in self.joint.obs

    @property
    def n_donors(self) -> IntArray:
        """Number of pixels (or ST spots) behind each row's carried values, ``(n_spots,)``."""
        name = keys.N_ST_DONORS if self.rows_are_pixels else keys.N_DONORS
        return np.asarray(self.joint.obs[name])

    @property
    def cluster_names(self) -> np.ndarray[Any, Any] | None:
        """Cluster of each spot as text, empty where left out; None before clustering."""
        if self.cluster is None:
            return None
        return np.where(self.cluster >= 0, self.cluster.astype(str), "")

    @property
    def sample(self) -> str:
        """Name of the sample; empty when the data do not say."""
        obs = self.joint.obs
        return str(obs[keys.SAMPLE].iloc[0]) if keys.SAMPLE in obs else ""

    @property
    def um_per_px(self) -> float | None:
        """Micrometers per pixel, or None when unknown."""
        value = self.joint.uns.get(keys.OURS, {}).get(keys.UM_PER_PX)
        return None if value is None else float(value)

    @property
    def features(self) -> pd.DataFrame:
        """The ``var`` table: one row per gene and metabolite."""
        return self.joint.var

    def values(self, feature: str) -> FloatArray:
        """Return one feature's normalized values, shape ``(n_spots,)``; NaN where not measured.

        Raises
        ------
        NotFoundError
            If there is no such feature.
        """
        if feature not in self.joint.var_names:
            raise NotFoundError(
                f"There is no gene or metabolite called '{feature}' in this project."
            )
        column = self.columns[:, [self.joint.var_names.get_loc(feature)]]
        return np.asarray(column.toarray(), float).ravel()


def open_section(store: ProjectStore, project: str) -> Section:
    """Return the joint section of a project with its clusters, as far as they are made."""
    joint = open_adata(store, project, "joint")
    columns = store.load(project, "joint", "joint.h5ad", _Columns(joint))
    clusters = _clusters(store, project, joint.obs_names.to_numpy().astype(str))
    return Section(
        joint=joint,
        columns=columns,
        cluster=clusters.get(keys.CLUSTER),
        umap=clusters.get(keys.UMAP),
        contribution=clusters.get(keys.CONTRIBUTION),
    )


def feature_table(store: ProjectStore, project: str) -> pd.DataFrame:
    """Return the ``var`` table of the joint section, with Moran's I once it has been computed."""
    var = open_adata(store, project, "joint").var
    if "features" not in store.manifest(project)["artefacts"]:
        return var
    scores = store.load(project, "features", "features.csv", _read_scores)
    columns = [name for name in keys.MORAN_COLUMNS if name in scores and name not in var]
    return var.join(scores[columns])


def stability_table(store: ProjectStore, project: str) -> pd.DataFrame | None:
    """Return which features hold under shift; None unless that is known of the joint section."""
    if not is_current(store.manifest(project), "stability"):
        return None
    return store.load(project, "stability", "stability.csv", _read_stability)


def with_stability(store: ProjectStore, project: str, table: pd.DataFrame) -> pd.DataFrame:
    """Add to a table of features whether each holds under shift, once that is known.

    The column ``keys.HOLDS`` says "yes" or "no", and nothing of features that were not carried.
    """
    found = stability_table(store, project)
    if found is None:
        return table
    said = found[keys.HOLDS].map({True: "yes", False: "no"})
    by_name = pd.Series(said.to_numpy(), index=found["feature"])
    return table.assign(**{keys.HOLDS: table["feature"].map(by_name).fillna("").astype(str)})


def accepted_alignment(store: ProjectStore, project: str) -> Alignment:
    """Return the accepted alignment of a project."""
    return store.load(project, "alignment", "alignment.json", read_alignment)


def drawings(store: ProjectStore, project: str) -> tuple[list[Region], list[Trajectory]]:
    """Return the regions and trajectories in force, in the order they were first drawn."""
    return from_log(store.history(project, "drawings").events())


def from_log(events: Iterable[Mapping[str, Any]]) -> tuple[list[Region], list[Trajectory]]:
    """Replay the events of a project's drawings.

    Parameters
    ----------
    events
        Oldest first. ``{"op": "put", "what": "region" | "trajectory", "object": ...}`` adds an
        object in the form of ``spatialmeta_core.regions.to_dict``, or replaces the one with its
        id, which keeps its place; ``{"op": "delete", "what", "id"}`` removes one.

    Returns
    -------
    The regions and the trajectories in force, each in the order they were first drawn.
    """
    found: dict[str, Region | Trajectory] = {}
    for event in events:
        if event["op"] == "put":
            item = from_dict(event["object"])
            found[item.id] = item
        else:
            found.pop(event["id"], None)
    areas = [item for item in found.values() if isinstance(item, Region)]
    paths = [item for item in found.values() if isinstance(item, Trajectory)]
    return areas, paths


def marker_index(store: ProjectStore, project: str) -> MarkerIndex:
    """Return the ranks of all features over the joint section, for quick marker tests; cached."""
    joint = open_adata(store, project, "joint")
    return store.load(project, "joint", "joint.h5ad", _MarkerIndex(joint))


class _MarkerIndex:
    """Reader of the marker index; a class so that the cache can name it."""

    def __init__(self, joint: ad.AnnData) -> None:
        self._joint = joint
        self.__qualname__ = "marker_index"

    def __call__(self, _path: Path) -> MarkerIndex:
        return build_index(self._joint)


class _Columns:
    """Reader of the normalized values by column; a class so that the cache can name it."""

    def __init__(self, joint: ad.AnnData) -> None:
        self._joint = joint
        self.__qualname__ = "columns"

    def __call__(self, _path: Path) -> sp.csc_matrix:
        return sp.csc_matrix(self._joint.layers[keys.NORMALIZED])


def _read_scores(path: Path) -> pd.DataFrame:
    # m/z names such as 100.0000 must stay text
    return pd.read_csv(path, index_col=0, dtype={0: str})


def _read_stability(path: Path) -> pd.DataFrame:
    return pd.read_csv(
        path,
        dtype={"feature": str},
        keep_default_na=False,
        na_values={name: [""] for name in ("r_mean", keys.SHIFT_R)},
    )


def _read_npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _clusters(
    store: ProjectStore, project: str, spot_names: np.ndarray[Any, Any]
) -> dict[str, Any]:
    """Read the clusters onto these spots; spots they do not know get -1 or NaN."""
    if "clusters" not in store.manifest(project)["artefacts"]:
        return {}
    stored = store.load(project, "clusters", "clusters.npz", _read_npz)
    names = stored["obs_names"]
    if np.array_equal(names, spot_names):
        return stored
    order = {name: row for row, name in enumerate(names)}
    rows = np.array([order.get(name, -1) for name in spot_names])
    found = {}
    for key in (keys.CLUSTER, keys.UMAP, keys.CONTRIBUTION):
        values = stored[key][rows]
        missing = -1 if key == keys.CLUSTER else np.nan
        values[rows < 0] = missing
        found[key] = values
    return found
