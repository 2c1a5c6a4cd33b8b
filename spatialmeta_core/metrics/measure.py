"""Every metric of one method at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from spatialmeta_core.metrics import marker
from spatialmeta_core.metrics.batch import batch_asw, pcr_batch
from spatialmeta_core.metrics.checks import place_graph
from spatialmeta_core.metrics.conservation import ari, entropy, isolated_asw, label_asw, nmi
from spatialmeta_core.metrics.continuity import chaos, pas
from spatialmeta_core.metrics.inputs import Modality
from spatialmeta_core.metrics.lisi import clisi, ilisi
from spatialmeta_core.metrics.logistic import logistic_accuracy
from spatialmeta_core.metrics.reconstruction import cosine, pearson
from spatialmeta_core.metrics.scores import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from spatialmeta_core.types import FloatArray, IntArray

__all__ = ["Spots", "measure"]

MORAN_NEIGHBORS = 6  # the paper's graph


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """What is known of the spots; only ``denoised`` in the modalities is the method's.

    Attributes
    ----------
    xy
        Positions, shape ``(n, 2)``, any unit.
    modalities
        Normalized values, and the method's denoised ones.
    batch
        Batch of each spot, which should mix, shape ``(n,)``, or None.
    sample
        Section of each spot, shape ``(n,)``, for neighbors on the tissue; None: as ``batch``.
    truth
        Known group of each spot, shape ``(n,)``, or None.
    before
        Coordinates without correction that PCR compares with, shape ``(n, n_components)``, or
        None.
    """

    xy: FloatArray
    modalities: tuple[Modality, ...]
    batch: ArrayLike | None = None
    sample: ArrayLike | None = None
    truth: ArrayLike | None = None
    before: FloatArray | None = None

    def at(self, rows: IntArray) -> Spots:
        """Return some of the spots, shape of ``rows`` ``(n_some,)``."""

        def part(values: Any) -> Any:
            return None if values is None else np.asarray(values)[rows]

        return Spots(
            xy=part(self.xy),
            modalities=tuple(
                Modality(m.name, m.measured[rows], part(m.denoised)) for m in self.modalities
            ),
            batch=part(self.batch),
            sample=part(self.sample),
            truth=part(self.truth),
            before=part(self.before),
        )


def measure(
    embedding: FloatArray,
    labels: ArrayLike,
    spots: Spots,
    *,
    some: tuple[IntArray, Spots] | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Compute every metric that the data allow.

    Parameters
    ----------
    embedding
        Shape ``(n, n_latent)``, no NaN.
    labels
        Cluster of each spot, shape ``(n,)``.
    spots
        The same spots, no NaN.
    some
        Rows, and these spots, for the metrics whose time grows faster than the spots; all if None.
        CHAOS, PAS, Moran's I and Geary's C are of all spots in any case, since spots drawn at
        random have other neighbors.
    seed
        Of the spots held out by the regression, and of noise that orders equal values.

    Returns
    -------
    Unscaled values by name, as ``scores`` takes them; of the modalities' values the mean is taken.
    NaN where something needed is missing. The batches' widths are within known groups, or within
    clusters where none are known.

    Raises
    ------
    InvalidDataError
        If arguments disagree in number of spots, or a value is not finite.
    """
    rows, few = some if some is not None else (np.arange(len(spots.xy)), spots)
    given = np.asarray(labels)
    place, cluster = np.asarray(embedding)[rows], given[rows]
    sample = spots.batch if spots.sample is None else spots.sample
    found = {"chaos": chaos(given, spots.xy, sample), "pas": pas(given, spots.xy, sample)}
    weights = place_graph(spots.xy, sample, MORAN_NEIGHBORS)
    pairs = zip(spots.modalities, few.modalities, strict=True)
    each = [
        _patterns(whole.measured, part, given, cluster, weights) | _of_values(part, cluster, seed)
        for whole, part in pairs
    ]
    for name in each[0] if each else ():
        found[name] = _mean([one[name] for one in each])
    if spots.truth is not None and few.truth is not None:
        found |= {
            "ari": ari(spots.truth, given),
            "nmi": nmi(spots.truth, given),
            "label_asw": label_asw(place, few.truth),
            "isolated_asw": isolated_asw(place, few.truth, few.batch),
            "clisi": clisi(place, few.truth),
        }
    if few.batch is not None:
        groups = cluster if few.truth is None else few.truth
        found |= {
            "batch_asw": batch_asw(place, groups, few.batch),
            "ilisi": ilisi(place, few.batch),
            "pcr": math.nan if few.before is None else pcr_batch(few.before, place, few.batch),
        }
    return {name: found.get(name, math.nan) for name in METRICS}


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def _patterns(
    values: Any,
    part: Modality,
    labels: ArrayLike,
    some_labels: ArrayLike,
    weights: sparse.csr_matrix,
) -> dict[str, float]:
    order = marker.top_features(part.measured, some_labels)
    moran, geary = marker.marker_patterns(values, labels, weights, order=order)
    return {"moran": moran, "geary": geary}


def _of_values(part: Modality, labels: ArrayLike, seed: int) -> dict[str, float]:
    values = part.measured.toarray() if sparse.issparse(part.measured) else part.measured
    surprise = entropy(labels)
    shared = float(marker.mutual_information(values, labels, seed=seed).mean())
    found = {
        "specificity": marker.specificity(values, labels),
        "logistic": logistic_accuracy(values, labels, seed=seed),
        "mutual_information": shared / surprise if surprise > 0 else math.nan,
        "pcc": math.nan,
        "cosine": math.nan,
    }
    if part.denoised is not None:
        found["pcc"] = _mean(pearson(values, part.denoised).tolist())
        found["cosine"] = _mean(cosine(values, part.denoised).tolist())
    return found
