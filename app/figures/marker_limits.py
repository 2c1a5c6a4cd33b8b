"""Which features count as markers of a cluster, and which of them are named in its figure."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from spatialmeta_core.keys import CLUSTER, SM, ST


@dataclass(frozen=True, slots=True)
class MarkerLimits:
    """What counts as a marker and how many are named.

    Attributes
    ----------
    min_log2fc, max_p_adj
        A marker is above the one and below the other; the paper's are 0.25 and 0.05.
    n_genes, n_metabolites
        Named per cluster; the paper names 5 and 3.
    """

    min_log2fc: float = 0.25
    max_p_adj: float = 0.05
    n_genes: int = 5
    n_metabolites: int = 3

    def named(self, kind: str) -> int:
        """Return how many of a modality are named."""
        return self.n_genes if kind == ST else self.n_metabolites


def markers_of(table: pd.DataFrame, limits: MarkerLimits) -> pd.DataFrame:
    """Return the rows that are markers, the highest fold change of each cluster first.

    Parameters
    ----------
    table
        As ``rank_clusters`` gives it.
    limits
        What counts.
    """
    kept = table[(table["log2fc"] > limits.min_log2fc) & (table["p_adj"] < limits.max_p_adj)]
    return kept.sort_values([CLUSTER, "log2fc"], ascending=[True, False], kind="stable")


def named_markers(table: pd.DataFrame, limits: MarkerLimits) -> pd.DataFrame:
    """Return the markers that are named: the top genes and metabolites of each cluster."""
    found = markers_of(table, limits)
    parts = [
        found[found["type"] == kind].groupby(CLUSTER, observed=True, sort=False).head(n)
        for kind in (ST, SM)
        if (n := limits.named(kind))
    ]
    return pd.concat(parts) if parts else found.head(0)
