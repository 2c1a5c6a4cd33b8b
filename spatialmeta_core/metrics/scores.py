"""From single metrics to the paper's scores.

Every metric is first brought to 0 (worst) to 1 (best) by a fixed formula that does not depend on
which methods are compared; the paper scales "across all metrics" without saying how. A score is
the mean of its parts. Where a part is missing, such as denoised values for a method that has none,
the mean of the others is taken, and the score is listed as partial.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["METRICS", "OVERALL", "SCORES", "Scores", "scale", "scores"]


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))


def _reverse(value: float) -> float:
    return _clip(1.0 - value)


def _above_one(value: float) -> float:
    return _clip(1.0 - 1.0 / value) if value > 0 else 0.0


METRICS: Final[dict[str, Callable[[float], float]]] = {
    "pcc": _clip,
    "cosine": _clip,
    "chaos": _reverse,
    "pas": _reverse,
    "moran": _clip,
    "geary": _reverse,
    "specificity": _above_one,
    "logistic": _clip,
    "mutual_information": _clip,  # already a share of the labels' entropy
    "ari": _clip,
    "nmi": _clip,
    "label_asw": _clip,
    "isolated_asw": _clip,
    "clisi": _clip,
    "batch_asw": _clip,
    "ilisi": _clip,
    "pcr": _clip,
}
"""Every metric, and what brings it to 0 to 1, higher being better."""

SCORES: Final[dict[str, tuple[str, ...]]] = {
    "reconstruction": ("pcc", "cosine"),
    "continuity": ("chaos", "pas"),
    "marker": ("moran", "geary", "specificity", "logistic", "mutual_information"),
    "biology": ("ari", "nmi", "label_asw", "isolated_asw", "clisi"),
    "batch": ("batch_asw", "ilisi", "pcr"),  # eq. 38, whose printed divisor is 2; 3 is meant
}
"""The paper's five scores and their metrics."""

OVERALL: Final[dict[str, tuple[str, ...]]] = {
    "vertical": ("reconstruction", "continuity", "marker"),  # across modalities, eq. 24
    "horizontal": ("biology", "batch"),  # across samples, eq. 36
    "overall": ("vertical", "horizontal"),  # eq. 40
}
"""The overall scores and their parts."""


def scale(metric: str, value: float) -> float:
    """Bring a metric to 0 (worst) to 1 (best); NaN stays NaN.

    Correlations, cosines, indices and accuracies are clipped at 0; CHAOS, PAS and Geary's C become
    1 minus the value; specificity ``s`` becomes ``1 - 1 / s``.

    Parameters
    ----------
    metric
        A name from ``METRICS``.
    value
        As the metric's function returns it; mutual information as a share of the labels' entropy.
    """
    return value if math.isnan(value) else METRICS[metric](value)


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one method.

    Attributes
    ----------
    by_name
        By name of ``SCORES`` and ``OVERALL``: 0 (worst) to 1 (best), NaN where every part is
        missing.
    partial
        Names of the scores that are the mean of some of their parts only.
    """

    by_name: Mapping[str, float]
    partial: tuple[str, ...]


def scores(metrics: Mapping[str, float]) -> Scores:
    """Combine metrics to the paper's scores.

    Parameters
    ----------
    metrics
        Unscaled values by name of ``METRICS``; one that is absent or NaN counts as missing.

    Returns
    -------
    Scores
        The five scores and the overall ones.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eqs 24 to 40.
    """
    values = {name: scale(name, metrics.get(name, math.nan)) for name in METRICS}
    partial = []
    for name, parts in (SCORES | OVERALL).items():
        known = [values[part] for part in parts if not math.isnan(values[part])]
        values[name] = math.fsum(known) / len(known) if known else math.nan
        if known and (len(known) < len(parts) or any(part in partial for part in parts)):
            partial.append(name)
    return Scores({name: values[name] for name in SCORES | OVERALL}, tuple(partial))
