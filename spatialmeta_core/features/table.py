"""The table of features: its columns, and in words why a feature was dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spatialmeta_core import keys

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatialmeta_core.features.bias import Bias
    from spatialmeta_core.features.moran import PerSample
    from spatialmeta_core.params import FeatureParams
    from spatialmeta_core.types import IntArray

__all__ = [
    "BIASED_TOWARD",
    "DISPERSION",
    "DROPPED",
    "N_VARIABLE",
    "empty_table",
    "of_sample",
    "reasons",
]

DROPPED = "dropped_because"
"""Column with the reason in words, empty where kept."""

N_VARIABLE = "n_samples_variable"
"""Column with the number of samples in which the test for a pattern was passed."""

BIASED_TOWARD = "biased_toward"
"""Column with the samples that a feature is biased toward, empty if none."""

DISPERSION = "dispersion"
"""Column with the score of ``method="highly_variable"``, the mean over samples; NaN otherwise."""


def of_sample(column: str, sample: str) -> str:
    """Return the name of the column that holds ``column`` in one of several samples."""
    return f"{column} in {sample}"


def empty_table(columns: IntArray, kind: str) -> pd.DataFrame:
    """Return the table of the features at ``columns``, of one modality, before any test."""
    table = pd.DataFrame(index=columns)
    table[keys.FEATURE_TYPE] = kind
    for name in (*keys.MORAN_COLUMNS, DISPERSION):
        table[name] = np.nan
    table[N_VARIABLE] = 0
    table[keys.SELECTED] = False
    for name in (BIASED_TOWARD, DROPPED):
        table[name] = pd.Series("", index=columns, dtype=object)
    return table


def reasons(
    tests: PerSample, bias: Bias, names: NDArray[np.object_], params: FeatureParams
) -> list[str]:
    """Say for each feature why it is dropped; empty if it may be chosen."""
    n_samples, n_features = tests.p.shape
    by_pattern = params.method == "spatially_variable"
    needed = min(params.min_samples, n_samples)
    agree = (tests.p_adj <= params.max_p_adj).sum(axis=0)
    found = []
    for feature in range(n_features):
        toward = np.flatnonzero(bias.is_biased[:, feature] & params.remove_biased).tolist()
        if np.isnan(tests.p[:, feature]).all():
            found.append(_untested(tests.n_found[:, feature], params.min_spots))
        elif len(toward):
            found.append("; ".join(_biased(bias, names, row, feature) for row in toward))
        elif not by_pattern or agree[feature] >= needed:
            found.append("")
        elif n_samples == 1:
            found.append(f"not spatially variable (adjusted p = {tests.p_adj[0, feature]:.2g})")
        else:
            found.append(
                f"spatially variable in {agree[feature]} of {n_samples} samples; "
                f"{needed} are needed"
            )
    return found


def _untested(n_found: IntArray, min_spots: int) -> str:
    if not len(n_found):
        return "no spot has a value"
    if n_found.max() < min_spots:
        return f"found in too few spots ({n_found.max()} at most; {min_spots} are needed)"
    return "the same value in every spot"


def _biased(bias: Bias, names: NDArray[np.object_], row: int, feature: int) -> str:
    return (
        f"biased toward sample {names[row]} (log2 fold change {bias.log2fc[row, feature]:.1f} "
        f"against the others, found in {bias.fraction[row, feature]:.0%} of its spots)"
    )
