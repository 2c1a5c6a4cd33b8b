"""Gradients of genes and metabolites along a trajectory, on one distance axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.theme import (
    MISSING,
    SURFACE,
    TEMPLATE,
    WARN,
    category_colors,
    escape,
    translucent,
)
from spatialmeta_core.keys import ST

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from spatialmeta_core.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Ribbon:
    """The commonest cluster in bins along an axis.

    Attributes
    ----------
    edges
        Borders of the bins, shape ``(n_bins + 1,)``.
    codes
        Position of each bin's cluster in ``names``, -1 for none, shape ``(n_bins,)``.
    names, colors
        Of the clusters.
    """

    edges: FloatArray
    codes: IntArray
    names: Sequence[str]
    colors: Sequence[str]

    def bands(self) -> list[go.Bar]:
        """Return one row of bars per cluster that occurs."""
        width, middle = np.diff(self.edges), (self.edges[:-1] + self.edges[1:]) / 2
        return [
            go.Bar(
                x=middle[self.codes == code],
                y=np.ones(int((self.codes == code).sum())),
                width=width[self.codes == code],
                name=f"Cluster {escape(self.names[code])}",
                marker={"color": self.colors[code], "line": {"width": 0}},
                showlegend=False,
                hovertemplate="%{fullData.name}<extra></extra>",
            )
            for code in np.unique(self.codes[self.codes >= 0])
        ]


def gradient_figure(
    table: pd.DataFrame,
    *,
    unit: str = "µm",
    min_spots_per_bin: int = 5,
    features: Sequence[str] | None = None,
    revision: str = "gradient",
    origin: str = "the start",
    ribbon: Ribbon | None = None,
) -> go.Figure:
    """Draw z-scores against the distance from the start, and the number of spots per bin beneath.

    Genes are solid lines with circles, metabolites dashed lines with diamonds, each with its band.
    Bins with fewer than ``min_spots_per_bin`` spots have hollow markers.

    Parameters
    ----------
    table
        Gradient with the columns ``keys.GRADIENT_COLUMNS``; one row per feature and bin.
    unit
        Of the distance: ``"µm"``, or ``"px"`` where the pixel size is unknown.
    min_spots_per_bin
        Fewest spots of a bin drawn with a filled marker.
    features
        Which features to draw, in this order; None for all.
    revision
        Names the trajectory; a change resets the view.
    origin
        What the distance is measured from.
    ribbon
        Clusters along the axis, drawn under it.
    """
    order = list(dict.fromkeys(table["feature"])) if features is None else list(features)
    heights = [0.8, 0.2] if ribbon is None else [0.75, 0.17, 0.08]
    bottom = len(heights)
    figure = make_subplots(
        rows=bottom, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=heights
    )
    if ribbon is not None:
        for band in ribbon.bands():
            figure.add_trace(band, row=bottom, col=1)
        figure.update_yaxes(visible=False, range=[0, 1], fixedrange=True, row=bottom)
    for name, color in zip(order, category_colors(len(order)), strict=True):
        rows = table[table["feature"] == name].sort_values("distance")
        line = _line(rows, name, color, min_spots_per_bin)
        for trace in (_band(rows, name, color, min_spots_per_bin), line, _legend_line(line)):
            figure.add_trace(trace, row=1, col=1)
    figure.add_trace(_counts(table, min_spots_per_bin), row=2, col=1)
    figure.update_layout(
        template=TEMPLATE,
        uirevision=revision,
        hovermode="x unified",
        bargap=0.15,
        margin={"l": 60, "r": 12, "t": 36, "b": 48},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )
    figure.update_xaxes(
        showspikes=True,
        spikemode="across",
        spikethickness=1,
        spikecolor=MISSING,
        unifiedhovertitle={"text": f"%{{x:.0f}} {unit}"},
    )
    figure.update_xaxes(
        title={"text": f"Distance from {origin} ({unit})", "font": _unit_font(unit)},
        row=bottom,
    )
    figure.update_yaxes(title={"text": "Level (z-score)"}, row=1)
    figure.update_yaxes(title={"text": "Spots (n)"}, nticks=3, rangemode="tozero", row=2)
    return figure


def _unit_font(unit: str) -> dict[str, str]:
    return {"color": WARN} if unit == "px" else {}


def _band(rows: pd.DataFrame, name: str, color: str, min_spots: int) -> go.Scatter:
    """Return the area between the limits, one polygon for each run of bins that have them."""
    limits = rows[["distance", "z_low", "z_high"]].to_numpy(float)
    limits[rows["n_spots"].to_numpy() < min_spots] = np.nan  # a wide band would hide the others
    known = np.isfinite(limits).all(axis=1)
    runs = np.split(limits, np.flatnonzero(np.diff(known)) + 1)
    gap = np.full((1, 2), np.nan)
    corners = [gap]
    for run in runs:
        if np.isfinite(run).all():
            corners += [run[:, [0, 2]], run[::-1, :2], gap]
    x, y = np.concatenate(corners[1:] or [gap]).T
    return go.Scatter(
        x=x,
        y=y,
        fill="toself",
        fillcolor=translucent(color, 0.14),
        mode="none",
        legendgroup=name,
        hoverinfo="skip",
        showlegend=False,
    )


def _legend_line(line: go.Scatter) -> go.Scatter:
    """Return an empty copy for the legend, which would take its marker from the first bin."""
    return go.Scatter(
        x=[None],
        y=[None],
        mode="lines+markers",
        name=line.name,
        legendgroup=line.legendgroup,
        line=line.line,
        marker={"symbol": line.marker.symbol, "size": 7, "color": line.line.color},
    )


def _line(rows: pd.DataFrame, name: str, color: str, min_spots: int) -> go.Scatter:
    gene = bool((rows["type"] == ST).all())
    enough = rows["n_spots"].to_numpy() >= min_spots
    return go.Scatter(
        x=rows["distance"].to_numpy(float),
        y=rows["z"].to_numpy(float),
        mode="lines+markers",
        name=escape(name),
        legendgroup=name,
        showlegend=False,
        connectgaps=False,
        line={"color": color, "width": 2, "dash": "solid" if gene else "dash"},
        marker={
            "symbol": "circle" if gene else "diamond",
            "size": 7,
            "color": np.where(enough, color, SURFACE).tolist(),
            "line": {"color": color, "width": 1.5},
        },
        customdata=rows["n_spots"].to_numpy(),
        hovertemplate="%{y:.2f} (n = %{customdata})",
    )


def _counts(table: pd.DataFrame, min_spots: int) -> go.Bar:
    counts = table.groupby("distance")["n_spots"].max()
    enough = counts.to_numpy() >= min_spots
    return go.Bar(
        x=counts.index.to_numpy(float),
        y=counts.to_numpy(),
        name="Spots",
        showlegend=False,
        marker={
            "color": np.where(enough, MISSING, SURFACE).tolist(),
            "line": {"color": MISSING, "width": 1},
        },
        hovertemplate="%{y} spots<extra></extra>",
    )
