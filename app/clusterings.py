"""Clusters of a run: reading them for any run, and taking another of the resolutions tried.

Every clustering keeps the labels of all resolutions that were tried for the suggestion, so that
another one is a matter of reading, not of computing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from spatialmeta_core import keys
from spatialmeta_core.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from app.store import ProjectStore
    from spatialmeta_core.types import FloatArray, IntArray

FILE: Final = "clusters.npz"
QUALITY: Final = "quality.json"
SAME: Final = 1e-6  # resolutions this close are the same one


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """The resolutions that were tried.

    Attributes
    ----------
    resolution, stability
        Shape ``(n,)``; stability is 1 where the clusters always come back, see
        ``spatialmeta_core.cluster.Suggestion``.
    n_clusters
        Shape ``(n,)``.
    labels
        Shape ``(n, n_spots)``, -1 for a spot left out.
    """

    resolution: FloatArray
    stability: FloatArray
    n_clusters: IntArray
    labels: IntArray

    def at(self, resolution: float) -> int | None:
        """Return the position of a resolution, or None if it was not tried."""
        near = np.flatnonzero(np.abs(self.resolution - resolution) < SAME)
        return int(near[0]) if len(near) else None


def arrays(store: ProjectStore, project: str, revision: int | None = None) -> dict[str, Any]:
    """Return what a clustering holds, by name; of the current revision unless one is given."""
    return store.load(project, "clusters", FILE, _read, revision=revision)


def tried(stored: Mapping[str, Any]) -> Tried:
    """Return the resolutions tried, from what ``arrays`` returns."""
    return Tried(
        stored["tried_resolution"],
        stored["tried_stability"],
        stored["tried_n_clusters"],
        stored["tried_labels"],
    )


def on_spots(stored: Mapping[str, Any], spot_names: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return a clustering on these spots; spots it does not know get -1 or NaN."""
    names = stored["obs_names"]
    if np.array_equal(names, spot_names):
        return dict(stored)
    order = {name: row for row, name in enumerate(names)}
    rows = np.array([order.get(name, -1) for name in spot_names])
    found = {}
    for key in (keys.CLUSTER, keys.UMAP, keys.CONTRIBUTION):
        values = stored[key][rows]
        values[rows < 0] = -1 if key == keys.CLUSTER else np.nan
        found[key] = values
    labels = stored["tried_labels"][:, rows]
    labels[:, rows < 0] = -1
    return found | {
        "tried_labels": labels,
        **{k: v for k, v in stored.items() if k.startswith("tried_") and k != "tried_labels"},
    }


def use(store: ProjectStore, project: str, position: int) -> None:
    """Make the clusters of another resolution that was tried the current ones.

    Raises
    ------
    NotFoundError
        If there is no such position.
    """
    record = store.record(project, "clusters")
    stored, old = arrays(store, project), store.path(project, "clusters")
    found = tried(stored)
    if not 0 <= position < len(found.resolution):
        raise NotFoundError("These clusters are not there any more. Reload the page.")
    labels = found.labels[position].astype(stored[keys.CLUSTER].dtype)
    resolution = float(found.resolution[position])
    quality = (old / QUALITY).read_bytes() if (old / QUALITY).exists() else None

    def write(folder: Path) -> None:
        np.savez_compressed(folder / FILE, **{**stored, keys.CLUSTER: labels})
        if quality is not None:
            (folder / QUALITY).write_bytes(quality)

    suggestion = record["summary"]["suggestion"]
    store.commit(
        project,
        "clusters",
        write,
        made_from=record["made_from"],
        params={"cluster": {**record["params"]["cluster"], "resolution": resolution}},
        summary={
            **record["summary"],
            "resolution": resolution,
            "suggested": abs(suggestion["resolution"] - resolution) < SAME,
            "n_clusters": int(labels.max()) + 1,
            "sizes": np.bincount(labels[labels >= 0]).tolist(),
        },
    )


def _read(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
