"""What an integration has to beat: principal components of both modalities side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy.linalg

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.metrics.checks import matrix
from spatialmeta_core.partition import communities, nearest_neighbors, neighbor_graph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.types import FloatArray, IntArray

__all__ = ["Components", "clusters_of_number", "principal_components"]

CONSTANT_SD = 1e-12
EXTRA, POWER_STEPS = 10, 6  # of the random search for the leading directions
LOW_RESOLUTION, HIGH_RESOLUTION, HALVINGS = 0.01, 10.0, 12
N_NEIGHBORS: Final = 15


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Principal components of several blocks of features.

    Attributes
    ----------
    embedding
        Coordinates of the spots, shape ``(n_spots, n_components)``.
    denoised
        Each block rebuilt from the components, on its own scale, ``(n_spots, n_features)``.
    center, unit
        What each feature is reduced and divided by; an infinite unit for one that does not vary.
    directions
        Of the components, shape ``(n_features of all blocks, n_components)``.
    """

    embedding: FloatArray
    denoised: tuple[FloatArray, ...]
    center: FloatArray
    unit: FloatArray
    directions: FloatArray

    def project(self, blocks: Sequence[FloatArray]) -> FloatArray:
        """Return coordinates of other spots, whose values are in the same blocks of features."""
        return np.asarray((np.hstack(blocks) - self.center) / self.unit @ self.directions)


def principal_components(
    blocks: Sequence[FloatArray], *, n_components: int = 20, seed: int = 0
) -> Components:
    """Reduce blocks of standardized features, each block of the same total variance.

    Parameters
    ----------
    blocks
        Normalized values, each ``(n_spots, n_features)``, dense, finite, the same spots.
    n_components
        Largest number of components; at most as many as spots or features.
    seed
        Of the random start, which changes nothing but the sign of well separated components.

    Returns
    -------
    Components
        Coordinates and what they keep of each block. Features with one value everywhere keep it.

    Raises
    ------
    InvalidDataError
        If there is no block, spots disagree in number, or a value is not finite.

    References
    ----------
    Halko, Martinsson and Tropp (2011), doi 10.1137/090771806.
    """
    dense = [matrix(block, "normalized values") for block in blocks]
    if not dense or len({len(block) for block in dense}) != 1:
        raise InvalidDataError(
            f"The blocks have {[len(block) for block in dense]} spots; expected one block or more "
            "of the same spots."
        )
    values = np.hstack(dense)
    widths = [block.shape[1] for block in dense]
    center, spread = values.mean(axis=0), values.std(axis=0)
    unit = np.where(spread > CONSTANT_SD, spread, np.inf) * np.sqrt(np.repeat(widths, widths))
    x = (values - center) / unit
    n = min(n_components, *x.shape)
    start = np.random.default_rng(seed).standard_normal((x.shape[1], min(n + EXTRA, *x.shape)))
    basis = np.linalg.qr(x @ start)[0]
    for _ in range(POWER_STEPS):
        basis = np.linalg.qr(x @ (x.T @ basis))[0]
    left, length, right = scipy.linalg.svd(basis.T @ x, full_matrices=False)
    embedding = (basis @ left[:, :n]) * length[:n]
    rebuilt = embedding @ right[:n] * np.where(np.isinf(unit), 0.0, unit) + center
    return Components(
        embedding=np.asarray(embedding),
        denoised=tuple(np.split(rebuilt, np.cumsum(widths)[:-1], axis=1)),
        center=center,
        unit=unit,
        directions=np.asarray(right[:n].T),
    )


def clusters_of_number(
    embedding: FloatArray, n_clusters: int, *, n_neighbors: int = N_NEIGHBORS, seed: int = 0
) -> IntArray:
    """Cluster by the Leiden algorithm at the resolution that gives about so many clusters.

    Parameters
    ----------
    embedding
        Shape ``(n_spots, n_latent)``, 2 spots or more, no NaN.
    n_clusters
        Wanted number; of what the resolutions tried give, the nearest is taken.
    n_neighbors, seed
        As for ``partition.leiden``.

    Returns
    -------
    Labels from 0 by decreasing size, shape ``(n_spots,)``.
    """
    graph = neighbor_graph(nearest_neighbors(embedding, n_neighbors=n_neighbors)[0])
    low, high = np.log(LOW_RESOLUTION), np.log(HIGH_RESOLUTION)
    best: IntArray = np.zeros(len(embedding), np.int64)
    least = abs(1 - n_clusters)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        found = communities(graph, resolution=float(np.exp(middle)), seed=seed)
        n_found = int(found.max()) + 1
        if abs(n_found - n_clusters) < least:
            best, least = found, abs(n_found - n_clusters)
        if not least:
            break
        low, high = (middle, high) if n_found < n_clusters else (low, middle)
    return best
