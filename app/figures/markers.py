"""Markers of a region or cluster: effect size of genes and metabolites in one chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import plotly.graph_objects as go

from app.figures.theme import LINE, SM_COLOR, ST_COLOR, TEMPLATE, escape
from spatialmeta_core.keys import SM, ST

if TYPE_CHECKING:
    import pandas as pd

    from spatialmeta_core.types import FloatArray

LOOKS: Final = {
    ST: ("Genes", ST_COLOR, "circle"),
    SM: ("Metabolites", SM_COLOR, "diamond"),
}
LABEL_GAP: Final = 0.06  # of the height, between labels on one side


def marker_figure(
    table: pd.DataFrame, *, max_p_adj: float = 0.05, n_labels: int = 6, revision: str = "markers"
) -> go.Figure:
    """Draw log2 fold change against AUC; genes are circles, metabolites diamonds.

    Filled markers have an adjusted p of at most ``max_p_adj``; small open ones have not.

    Parameters
    ----------
    table
        Markers with the columns ``keys.MARKER_COLUMNS``.
    max_p_adj
        Limit of the adjusted p for a filled marker.
    n_labels
        Number of features named per modality, those whose AUC is farthest from one half.
    revision
        Names the comparison; a change resets the view.
    """
    figure = go.Figure()
    for kind in LOOKS:
        rows = table[table["type"] == kind]
        sure = (rows["p_adj"] <= max_p_adj).to_numpy()
        figure.add_trace(_points(rows[sure], kind, is_sure=True))
        figure.add_trace(_points(rows[~sure], kind, is_sure=False))
    figure.update_layout(
        template=TEMPLATE,
        uirevision=revision,
        dragmode="pan",
        xaxis={"title": {"text": "Fold change (log2)"}},
        yaxis={"title": {"text": "AUC (probability, 0 to 1)"}},
        shapes=[_reference("x"), _reference("y")],
        annotations=_labels(table, n_labels),
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        margin={"l": 60, "r": 16, "t": 36, "b": 48},
    )
    return figure


def _points(rows: pd.DataFrame, kind: str, *, is_sure: bool) -> go.Scattergl:
    label, color, symbol = LOOKS[kind]
    return go.Scattergl(
        x=rows["log2fc"].to_numpy(float),
        y=rows["auc"].to_numpy(float),
        mode="markers",
        name=label if is_sure else f"{label}, not significant",
        legendgroup=kind,
        text=[escape(name) for name in rows["feature"]],
        customdata=rows["p_adj"].to_numpy(float),
        hovertemplate=(
            "<b>%{text}</b><br>log2 fold change %{x:.2f}<br>AUC %{y:.3f}"
            "<br>adjusted p %{customdata:.2~g}<extra></extra>"
        ),
        marker={
            "color": color,
            "size": 7 if is_sure else 5,
            "opacity": 0.85 if is_sure else 0.55,
            "symbol": symbol if is_sure else f"{symbol}-open",
        },
    )


def _reference(axis: str) -> dict[str, Any]:
    """Return the line of no difference: fold change 0 or AUC one half."""
    line = {"color": LINE, "width": 1, "dash": "dot"}
    if axis == "x":
        ends = {"x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper"}
    else:
        ends = {"x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5, "xref": "paper"}
    return {"type": "line", "layer": "below", "line": line, **ends}


def _labels(table: pd.DataFrame, n_labels: int) -> list[dict[str, Any]]:
    finite = table[np.isfinite(table["auc"]) & np.isfinite(table["log2fc"])]
    strength = (finite["auc"] - 0.5).abs()
    chosen = [
        finite.loc[strength[finite["type"] == kind].nlargest(n_labels).index] for kind in LOOKS
    ]
    labels: list[dict[str, Any]] = []
    span = float(np.ptp(finite["auc"])) or 1.0 if len(finite) else 1.0
    for side in (-1, 1):
        rows = [
            row
            for part in chosen
            for row in part.itertuples()
            if (1 if row.log2fc >= 0 else -1) == side
        ]
        rows.sort(key=lambda row: row.auc)
        heights = _spread(np.array([row.auc for row in rows], float), LABEL_GAP * span)
        labels += [_label(row, height, side) for row, height in zip(rows, heights, strict=True)]
    return labels


def _label(row: Any, height: float, side: int) -> dict[str, Any]:
    return {
        "name": f"label-{row.type}-{escape(row.feature)}",
        "x": row.log2fc,
        "y": row.auc,
        "ax": 26 * side,
        "axref": "pixel",
        "ay": height,
        "ayref": "y",
        "text": escape(row.feature),
        "xanchor": "left" if side > 0 else "right",
        "arrowwidth": 0.75,
        "arrowhead": 0,
        "arrowcolor": LOOKS[row.type][1],
        "standoff": 3,
        "font": {"size": 11, "color": LOOKS[row.type][1]},
        "borderpad": 1,
    }


def _spread(heights: FloatArray, gap: float) -> FloatArray:
    """Move sorted heights apart until neighbors are at least ``gap`` from each other.

    The result is the closest such sequence in the sense of isotonic regression: neighbors that
    collide are pooled, and the middle of a pool stays where it was.
    """
    pools: list[tuple[float, int]] = []  # mean of height minus rank * gap, and how many
    for rank, height in enumerate(heights):
        pools.append((height - rank * gap, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean_b, n_b), (mean_a, n_a) = pools.pop(), pools.pop()
            pools.append(((mean_a * n_a + mean_b * n_b) / (n_a + n_b), n_a + n_b))
    flat = np.repeat([mean for mean, _ in pools], [n for _, n in pools])
    return np.asarray(flat + gap * np.arange(len(heights)))
