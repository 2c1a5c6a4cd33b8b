"""All metrics of one integration beside those of a baseline, as a table in plain words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.spatial import cKDTree

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.metrics.baseline import clusters_of_number, principal_components
from spatialmeta_core.metrics.checks import codes
from spatialmeta_core.metrics.measure import measure
from spatialmeta_core.metrics.scores import METRICS, OVERALL, SCORES, scale, scores
from spatialmeta_core.metrics.wording import WORDS
from spatialmeta_core.partition import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from spatialmeta_core.metrics.baseline import Components
    from spatialmeta_core.metrics.measure import Spots
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

__all__ = ["Report", "report"]

MAX_SPOTS: Final = 2000
MIN_SPOTS: Final = 30
BLOCK_ROWS: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Metrics and scores of an integration and of its baseline.

    Attributes
    ----------
    table
        Columns ``keys.QUALITY_COLUMNS``, one row for each score and metric: overall scores first,
        then each score before its metrics.
    baseline
        What the baseline is, in words.
    notes
        Sentences for the user: what was left out or drawn at random, and what needs more data.
    """

    table: pd.DataFrame
    baseline: str
    notes: tuple[str, ...]


def report(
    embedding: FloatArray,
    labels: ArrayLike,
    spots: Spots,
    *,
    n_components: int | None = None,
    max_spots: int = MAX_SPOTS,
    seed: int = 0,
) -> Report:
    """Measure an integration and, beside it, principal components of the same values.

    Parameters
    ----------
    embedding
        Shape ``(n_spots, n_latent)``; rows of NaN for spots left out.
    labels
        Clusters, shape ``(n_spots,)``; -1 for spots left out.
    spots
        Positions and values; ``truth`` where groups are known, ``batch`` where there are several.
        ``before`` is not read: the baseline is what PCR compares with.
    n_components
        Of the baseline, which the Leiden algorithm cuts into as many clusters; by default as many
        as the embedding has dimensions.
    max_spots
        Most spots for the metrics whose time grows faster than the spots; drawn at random.
    seed
        Of every draw; the same seed gives the same numbers.

    Returns
    -------
    Report
        In about 6 seconds of one processor core for 2,000 spots of 2,800 features.

    Raises
    ------
    InvalidDataError
        If arguments disagree in number of spots, or fewer than 30 spots have everything.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eqs 24 to 40.
    """
    rows = np.flatnonzero(_complete(embedding, labels, spots))
    if len(rows) < MIN_SPOTS:
        raise InvalidDataError(
            f"{len(rows)} of {len(spots.xy):,} spots have an embedding, a cluster and values; "
            f"expected {MIN_SPOTS} or more. Run the integration on more spots."
        )
    kept, place = spots.at(rows), np.asarray(embedding)[rows]
    cluster = codes(np.asarray(labels)[rows], len(rows))
    near = np.sort(np.random.default_rng(seed).permutation(len(rows))[:max_spots])
    few = kept.at(near)
    components = principal_components(
        [_dense(one.measured) for one in few.modalities],
        n_components=n_components or place.shape[1],
        seed=seed,
    )
    few = replace(few, before=components.embedding)
    ours = measure(place, cluster, kept, some=(near, few), seed=seed)
    n_clusters = int(cluster.max()) + 1
    peer_few = clusters_of_number(components.embedding, n_clusters, seed=seed)
    peer_place, peer_cluster = _spread(components, peer_few, kept, near)
    rebuilt = tuple(
        replace(one, denoised=values)
        for one, values in zip(few.modalities, components.denoised, strict=True)
    )
    peer = measure(
        peer_place,
        peer_cluster,
        kept,
        some=(near, replace(few, modalities=rebuilt)),
        seed=seed,
    )
    return Report(
        table=_table(ours, peer),
        baseline=(
            f"{components.embedding.shape[1]} principal components of all modalities side by "
            f"side, cut into {int(peer_few.max()) + 1} clusters"
        ),
        notes=_notes(spots, len(rows), len(near), n_clusters),
    )


def _dense(values: Any) -> FloatArray:
    return np.asarray(values.toarray() if sparse.issparse(values) else values, dtype=float)


def _complete(embedding: FloatArray, labels: ArrayLike, spots: Spots) -> BoolArray:
    """Say which spots have everything."""
    place, given, n = np.asarray(embedding), np.asarray(labels), len(spots.xy)
    sizes = {len(place), len(given), n} | {one.measured.shape[0] for one in spots.modalities}
    if len(sizes) != 1:
        raise InvalidDataError(
            f"Embedding, clusters, positions and values are of {sorted(sizes)} spots; expected the "
            "same spots in each."
        )
    used = np.isfinite(place).all(axis=1)
    if np.issubdtype(given.dtype, np.number):
        used &= given != LEFT_OUT
    for one in spots.modalities:
        if sparse.issparse(one.measured):
            used &= np.isfinite(np.asarray(one.measured.sum(axis=1))).ravel()
        else:
            used &= np.isfinite(one.measured).all(axis=1)
        if one.denoised is not None:
            used &= np.isfinite(one.denoised).all(axis=1)
    return np.asarray(used)


def _spread(
    components: Components, few: IntArray, kept: Spots, near: IntArray
) -> tuple[FloatArray, IntArray]:
    """Give all spots coordinates in the baseline, and the cluster of the nearest drawn spot."""
    n = len(kept.xy)
    if len(near) == n:
        return components.embedding, few
    tree, place = cKDTree(components.embedding), []
    for first in range(0, n, BLOCK_ROWS):
        rows = slice(first, first + BLOCK_ROWS)
        place.append(components.project([_dense(one.measured[rows]) for one in kept.modalities]))
    everywhere = np.concatenate(place)
    return everywhere, few[tree.query(everywhere)[1]]


def _table(ours: Mapping[str, float], peer: Mapping[str, float]) -> pd.DataFrame:
    found, other = scores(ours), scores(peer)
    order = [*reversed(OVERALL), *(name for s, parts in SCORES.items() for name in (s, *parts))]
    part_of = {part: s for s, parts in (SCORES | OVERALL).items() for part in parts}
    rows = []
    for name in order:
        words, single = WORDS[name], name in METRICS
        value = ours[name] if single else found.by_name[name]
        baseline = peer[name] if single else other.by_name[name]
        rows.append(
            {
                "metric": name,
                "part_of": part_of.get(name, ""),
                "kind": "metric" if single else "score",
                "value": value,
                "baseline": baseline,
                "scaled": scale(name, value) if single else value,
                "baseline_scaled": scale(name, baseline) if single else baseline,
                "partial": name in found.partial,
                **words._asdict(),
            }
        )
    return pd.DataFrame(rows)[list(keys.QUALITY_COLUMNS)]


def _notes(spots: Spots, n_used: int, n_near: int, n_clusters: int) -> tuple[str, ...]:
    n = len(spots.xy)
    notes = [
        "Principal components are made of the measured values with their noise. What they rebuild "
        "agrees with these for that reason too, so their correlation and cosine are no target."
    ]
    if n_used < n:
        notes.append(f"Left out {n - n_used:,} of {n:,} spots without an embedding or values.")
    if n_near < n_used:
        notes.append(
            f"CHAOS, PAS, Moran's I and Geary's C are of all {n_used:,} spots, the other metrics "
            f"of {n_near:,} drawn at random. The baseline was clustered on these; other spots take "
            "the cluster of the nearest of them."
        )
    if n_clusters == 1:
        notes.append("There is one cluster, so there is nothing for markers to tell apart.")
    if spots.truth is None:
        notes.append(
            "No known groups were given, so agreement with them is not measured. Everything else "
            "needs none."
        )
    if spots.batch is None or len(np.unique(np.asarray(spots.batch))) == 1:
        notes.append("There is one sample, so there is no mixing to measure.")
    elif spots.truth is None:
        notes.append("Overlap of samples is measured within clusters, as no groups are known.")
    return tuple(notes)
