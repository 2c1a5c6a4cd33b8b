"""What the exploring screens read of a project: spots, features, clusters. Read-only and cached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from app.placement import open_adata
from spatialmeta_core import keys
from spatialmeta_core.errors import NotFoundError
from spatialmeta_core.io.alignment import read_alignment
from spatialmeta_core.regions import from_log

if TYPE_CHECKING:
    from pathlib import Path

    import anndata as ad
    import pandas as pd

    from app.store import ProjectStore
    from spatialmeta_core.types import Alignment, FloatArray, IntArray, Region, Trajectory


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
        return self.joint.obs_names.to_numpy().astype(str)

    @property
    def cluster_names(self) -> np.ndarray[Any, Any] | None:
        """Cluster of each spot as text, empty where left out; None before clustering."""
        if self.cluster is None:
            return None
        return np.where(self.cluster >= 0, self.cluster.astype(str), "")

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


def accepted_alignment(store: ProjectStore, project: str) -> Alignment:
    """Return the accepted alignment of a project."""
    return store.load(project, "alignment", "alignment.json", read_alignment)


def drawings(store: ProjectStore, project: str) -> tuple[list[Region], list[Trajectory]]:
    """Return the regions and trajectories in force, in the order they were first drawn."""
    return from_log(store.history(project, "drawings").events())


class _Columns:
    """Reader of the normalized values by column; a class so that the cache can name it."""

    def __init__(self, joint: ad.AnnData) -> None:
        self._joint = joint
        self.__qualname__ = "columns"

    def __call__(self, _path: Path) -> sp.csc_matrix:
        return sp.csc_matrix(self._joint.layers[keys.NORMALIZED])


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
