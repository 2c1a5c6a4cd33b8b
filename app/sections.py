"""What the exploring screens read of a project: spots, features, clusters. Read-only and cached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from app import cluster_edits, clusterings
from app.layers import Layers
from app.placement import open_adata
from app.state import is_current
from spatialmeta_core import keys
from spatialmeta_core.errors import NotReadyError
from spatialmeta_core.io.alignment import read_alignment
from spatialmeta_core.markers import build_index, rank_clusters
from spatialmeta_core.regions import from_dict
from spatialmeta_core.types import Region, Trajectory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import anndata as ad

    from app.cluster_edits import ClusterLook
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
    layers
        Values of single features: raw, normalized, denoised.
    numbers
        Leiden label per spot, -1 where left out; None before clustering.
    look
        The clusters as the user left them, merged, named and colored; None before clustering.
    umap
        Shape ``(n_spots, 2)``; None before clustering.
    contribution
        Modality contribution per spot, NaN where left out; None before integration.
    """

    joint: ad.AnnData
    layers: Layers
    numbers: IntArray | None
    look: ClusterLook | None
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
    def cluster(self) -> IntArray | None:
        """Cluster of each spot after merges, a position in ``look.names``; -1 where left out."""
        return None if self.look is None else self.look.labels

    @property
    def cluster_names(self) -> np.ndarray[Any, Any] | None:
        """Leiden number of each spot as text, empty where left out; None before clustering.

        Merges and names that the user gives do not change it, so that what is tied to it stays.
        """
        if self.numbers is None:
            return None
        return np.where(self.numbers >= 0, self.numbers.astype(str), "")

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
        return self.layers.values("normalized", feature)


def open_section(store: ProjectStore, project: str) -> Section:
    """Return the joint section of a project with its clusters, as far as they are made."""
    joint = open_adata(store, project, "joint")
    clusters = _clusters(store, project, joint.obs_names.to_numpy().astype(str))
    numbers = clusters.get(keys.CLUSTER)
    look = None
    if numbers is not None:
        stored = clusterings.arrays(store, project)
        look = cluster_edits.open_look(store, project, stored, numbers)
    return Section(
        joint=joint,
        layers=Layers(store, project, joint),
        numbers=numbers,
        look=look,
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
        id, which keeps its place; ``{"op": "delete", "what", "id"}`` removes one;
        ``{"op": "many", "events": [...]}`` does several in one step. Edits of
        clusters, see ``app.cluster_edits``, are passed over.

    Returns
    -------
    The regions and the trajectories in force, each in the order they were first drawn.
    """
    found: dict[str, Region | Trajectory] = {}
    for step in events:
        for event in step["events"] if step["op"] == "many" else (step,):
            if event["op"] == "put":
                item = from_dict(event["object"])
                found[item.id] = item
            elif event["op"] == "delete":
                found.pop(event["id"], None)
    areas = [item for item in found.values() if isinstance(item, Region)]
    paths = [item for item in found.values() if isinstance(item, Trajectory)]
    return areas, paths


def marker_index(store: ProjectStore, project: str) -> MarkerIndex:
    """Return the ranks of all features over the joint section, for quick marker tests; cached."""
    joint = open_adata(store, project, "joint")
    return store.load(project, "joint", "joint.h5ad", _MarkerIndex(joint))


def cluster_markers(store: ProjectStore, project: str) -> pd.DataFrame:
    """Return what sets each cluster apart, as ``rank_clusters`` gives it; cached.

    Raises
    ------
    NotReadyError
        If there are no clusters.
    """
    section = open_section(store, project)
    if section.look is None:
        raise NotReadyError("Clusters need the integration to be run first.")
    return store.load(project, "joint", "joint.h5ad", _ClusterMarkers(section.joint, section.look))


class _ClusterMarkers:
    """Reader of the clusters' markers; a class so that the cache can name it."""

    def __init__(self, joint: ad.AnnData, look: ClusterLook) -> None:
        self._joint, self._look = joint, look
        self.__qualname__ = f"cluster_markers {look.stamp}"

    def __call__(self, _path: Path) -> pd.DataFrame:
        codes = pd.Categorical.from_codes(self._look.labels, self._look.names)
        return rank_clusters(self._joint, codes)


class _MarkerIndex:
    """Reader of the marker index; a class so that the cache can name it."""

    def __init__(self, joint: ad.AnnData) -> None:
        self._joint = joint
        self.__qualname__ = "marker_index"

    def __call__(self, _path: Path) -> MarkerIndex:
        return build_index(self._joint)


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


def _clusters(
    store: ProjectStore, project: str, spot_names: np.ndarray[Any, Any]
) -> dict[str, Any]:
    if "clusters" not in store.manifest(project)["artefacts"]:
        return {}
    return clusterings.on_spots(clusterings.arrays(store, project), spot_names)
