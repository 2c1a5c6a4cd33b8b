"""Contribution of the modalities per cluster, as violins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import plotly.graph_objects as go

from app.figures.theme import INK, MUTED, SM_COLOR, ST_COLOR, TEMPLATE, empty_figure, escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.types import FloatArray, IntArray

N_GRID: Final = 61
HALF_WIDTH: Final = 0.42  # of a cluster's place
MIN_BANDWIDTH: Final = 0.01
FEW: Final = 5  # fewer spots are drawn one by one
EVEN: Final = 0.5


def contribution_violin(
    contribution: FloatArray,
    cluster: IntArray,
    *,
    names: Sequence[str],
    colors: Sequence[str],
) -> go.Figure:
    """Draw how the contribution spreads over the spots of each cluster, with its median.

    The outlines are computed here, at a fixed number of points each, so that the figure is as
    small for 100,000 spots as for 1,000.

    Parameters
    ----------
    contribution
        0 (metabolites alone tell a spot's group) to 1 (genes alone), NaN where unknown, shape
        ``(n_spots,)``.
    cluster
        Position of each spot's cluster in ``names``, negative where it has none, ``(n_spots,)``.
    names, colors
        One per cluster.
    """
    known = np.isfinite(contribution) & (cluster >= 0)
    if not known.any():
        return empty_figure("The contribution is not known for this run.")
    figure = go.Figure()
    for place, (name, color) in enumerate(zip(names, colors, strict=True)):
        values = contribution[known & (cluster == place)]
        if len(values):
            _draw(figure, place, values, escape(name), color)
    figure.add_hline(y=EVEN, line={"color": MUTED, "width": 1, "dash": "dot"})
    for y, text, color in ((1.0, "genes", ST_COLOR), (0.0, "metabolites", SM_COLOR)):
        figure.add_annotation(
            text=text,
            x=1,
            xref="paper",
            y=y,
            xanchor="right",
            yanchor="top" if y else "bottom",
            showarrow=False,
            font={"size": 11, "color": color},
        )
    figure.update_layout(
        template=TEMPLATE,
        uirevision="contribution",
        showlegend=False,
        margin={"l": 56, "r": 12, "t": 12, "b": 44},
        xaxis={
            "title": {"text": "Cluster"},
            "tickvals": list(range(len(names))),
            "ticktext": [escape(name) for name in names],
            "showgrid": False,
            "range": [-0.6, len(names) - 0.4],
        },
        yaxis={"title": {"text": "Contribution (0 to 1)"}, "range": [-0.03, 1.03]},
    )
    return figure


def _draw(figure: go.Figure, place: int, values: FloatArray, name: str, color: str) -> None:
    median = float(np.median(values))
    about = f"<b>Cluster {name}</b><br>median {median:.2f}<br>{len(values):,} spots<extra></extra>"
    if len(values) < FEW:
        dots = {"color": color, "size": 6}
        figure.add_scatter(
            x=[place] * len(values), y=values, mode="markers", marker=dots, hovertemplate=about
        )
        return
    y, width = density(values)
    figure.add_scatter(
        x=np.concatenate([place - HALF_WIDTH * width, (place + HALF_WIDTH * width)[::-1]]),
        y=np.concatenate([y, y[::-1]]),
        mode="lines",
        fill="toself",
        line={"color": color, "width": 1},
        hoveron="fills",
        name=f"Cluster {name}, median {median:.2f}",
        hoverinfo="name",
    )
    low, high = np.percentile(values, [25, 75])
    figure.add_scatter(
        x=[place, place],
        y=[low, high],
        mode="lines",
        line={"color": INK, "width": 4},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[place],
        y=[median],
        mode="markers",
        marker={"color": "#ffffff", "size": 7, "line": {"color": INK, "width": 1.5}},
        hovertemplate=about,
    )


def density(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a kernel density over the range of the values, scaled to a peak of 1.

    Parameters
    ----------
    values
        Numbers, shape ``(n,)``, two or more.

    Returns
    -------
    grid, height
        Each of shape ``(61,)``.
    """
    spread = min(float(np.std(values)), float(np.subtract(*np.percentile(values, [75, 25]))) / 1.34)
    bandwidth = max(0.9 * spread * len(values) ** -0.2, MIN_BANDWIDTH)  # Silverman (1986), eq. 3.31
    grid = np.linspace(values.min(), values.max(), N_GRID)
    counts, edges = np.histogram(values, bins=512, range=(values.min(), values.max() + 1e-9))
    middle = (edges[:-1] + edges[1:]) / 2
    height = np.exp(-0.5 * ((grid[:, None] - middle) / bandwidth) ** 2) @ counts
    return grid, np.asarray(height / height.max())
