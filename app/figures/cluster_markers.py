"""Markers of all clusters at once: the paper's figure per cluster, and a dot plot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import plotly.graph_objects as go

from app.figures.marker_limits import MarkerLimits, markers_of, named_markers
from app.figures.theme import (
    COLOR_SCALES,
    MUTED,
    SM_COLOR,
    ST_COLOR,
    TEMPLATE,
    empty_figure,
    escape,
)
from spatialmeta_core.keys import CLUSTER, SM, ST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from spatialmeta_core.types import FloatArray

LOOKS: Final = {ST: ("Genes", ST_COLOR, "circle"), SM: ("Metabolites", SM_COLOR, "diamond")}
MOST_POINTS: Final = 300  # per cluster and modality, the strongest
SMALLEST, LARGEST = 3.0, 12.0  # px: detected in no spot, in every spot
HALF: Final = 0.3  # of the place of a cluster, over which points are spread
LABEL_GAP: Final = 0.045  # of the height, between names
NONE_PASSES: Final = "No feature passes these limits. Lower the fold change or raise q."
STRIP: Final = 0.05  # of the height, of the strip with the clusters' colors


def cluster_figure(
    table: pd.DataFrame,
    colors: Mapping[str, str],
    labels: Mapping[str, str],
    limits: MarkerLimits,
) -> go.Figure:
    """Draw the markers of each cluster by fold change, the strongest named.

    Parameters
    ----------
    table
        As ``rank_clusters`` gives it.
    colors
        Of each cluster, in the order of the figure.
    labels
        How to show each feature.
    limits
        What counts as a marker, and how many are named.
    """
    found = markers_of(table, limits)
    if found.empty:
        return empty_figure(NONE_PASSES)
    figure = go.Figure()
    places = {name: place for place, name in enumerate(colors)}
    for kind in LOOKS:
        rows = found[found["type"] == kind]
        strongest = rows.groupby(CLUSTER, observed=True, sort=False).head(MOST_POINTS)
        figure.add_trace(_points(strongest, places, labels, kind))
    top = float(found["log2fc"].max()) * 1.08
    low = min(limits.min_log2fc, float(found["log2fc"].min()))
    span = top - low
    figure.update_layout(
        **_common(places),
        annotations=_names(named_markers(table, limits), places, labels, span),
        shapes=_strips(colors, low, span),
        yaxis={
            "title": {"text": "Fold change (log2), cluster over the rest"},
            "range": [low - 2.2 * STRIP * span, top],
        },
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "itemsizing": "constant",
        },
    )
    return figure


def dot_plot(
    table: pd.DataFrame,
    clusters: Sequence[str],
    labels: Mapping[str, str],
    limits: MarkerLimits,
) -> go.Figure:
    """Draw the named markers of all clusters in every cluster.

    The size of a dot is the share of the cluster's spots in which the feature is detected, its
    color the cluster's mean relative to the feature's highest.

    Parameters
    ----------
    table, labels, limits
        As for ``cluster_figure``.
    clusters
        In the order of the figure.
    """
    chosen = list(dict.fromkeys(named_markers(table, limits)["feature"]))
    if not chosen:
        return empty_figure(NONE_PASSES)
    rows = table[table["feature"].isin(chosen)]
    kinds = dict(zip(rows["feature"], rows["type"], strict=True))
    chosen.sort(key=lambda name: kinds[name] != ST)  # genes first, each in the clusters' order
    columns = {name: place for place, name in enumerate(chosen)}
    places = {name: place for place, name in enumerate(clusters)}
    highest = rows.groupby("feature")["mean_in"].transform("max").replace(0.0, np.nan)
    figure = go.Figure(
        go.Scatter(
            x=rows[CLUSTER].astype(str).map(places).to_numpy(float),
            y=rows["feature"].map(columns).to_numpy(float),
            mode="markers",
            text=[escape(labels[name]) for name in rows["feature"]],
            customdata=np.column_stack(
                [rows["feature"], 100 * rows["fraction_in"], rows[CLUSTER].astype(str)]
            ),
            hovertemplate="<b>%{text}</b> in %{customdata[2]}<br>detected in %{customdata[1]:.0f} %"
            "<br>mean %{marker.color:.2f} of the highest<extra></extra>",
            marker={
                "size": _sizes(rows["fraction_in"].to_numpy(float)),
                "color": (rows["mean_in"] / highest).to_numpy(float),
                "colorscale": _reversed("viridis"),
                "cmin": 0,
                "cmax": 1,
                "line": {"width": 0.5, "color": MUTED},
                "colorbar": {
                    "title": {"text": "Mean,<br>of highest", "font": {"size": 11}},
                    "thickness": 10,
                    "len": 0.6,
                    "outlinewidth": 0,
                },
            },
            showlegend=False,
        )
    )
    ticks = [
        f'<span style="color:{LOOKS[kinds[name]][1]}">{escape(labels[name])}</span>'
        for name in chosen
    ]
    figure.update_layout(
        template=TEMPLATE,
        uirevision="dots",
        margin={"l": 60, "r": 8, "t": 8, "b": 44},
        dragmode=False,
        xaxis={
            "title": {"text": "Cluster (dot size: share of its spots)"},
            "tickvals": list(places.values()),
            "ticktext": [escape(name) for name in places],
            "range": [-0.6, len(places) - 0.4],
        },
        yaxis={
            "tickvals": list(columns.values()),
            "ticktext": ticks,
            "tickfont": {"size": 10},
            "ticklen": 0,
            "range": [len(columns) - 0.3, -0.7],
        },
    )
    return figure


def _reversed(name: str) -> list[list[Any]]:
    colors = COLOR_SCALES[name][::-1]
    return [[k / (len(colors) - 1), color] for k, color in enumerate(colors)]


def _sizes(fraction: FloatArray) -> FloatArray:
    """Return diameters whose areas follow the share of spots, px."""
    share = np.sqrt(np.clip(np.nan_to_num(fraction), 0.0, 1.0))
    return np.asarray(SMALLEST + (LARGEST - SMALLEST) * share)


def _points(
    rows: pd.DataFrame, places: Mapping[str, int], labels: Mapping[str, str], kind: str
) -> go.Scatter:
    label, color, symbol = LOOKS[kind]
    rank = rows.groupby(CLUSTER, observed=True, sort=False).cumcount().to_numpy()
    golden = (rank * 0.618034 + 0.25) % 1.0  # spread evenly, the same for the same table
    return go.Scatter(
        x=rows[CLUSTER].astype(str).map(places).to_numpy(float) + HALF * (2 * golden - 1) - 0.12,
        y=rows["log2fc"].to_numpy(float),
        mode="markers",
        name=f"{label} (dot size: % detected)",
        text=[escape(labels[name]) for name in rows["feature"]],
        customdata=np.column_stack(
            [rows["feature"], 100 * rows["fraction_in"], rows["p_adj"].map("{:.1e}".format)]
        ),
        hovertemplate="<b>%{text}</b><br>log2 fold change %{y:.2f}"
        "<br>detected in %{customdata[1]:.0f} %<br>q %{customdata[2]}<extra></extra>",
        marker={
            "size": _sizes(rows["fraction_in"].to_numpy(float)),
            "color": color,
            "symbol": symbol,
            "opacity": 0.55,
            "line": {"width": 0},
        },
    )


def _common(places: Mapping[str, int]) -> dict[str, Any]:
    return {
        "template": TEMPLATE,
        "uirevision": "cluster markers",
        "dragmode": "pan",
        "margin": {"l": 56, "r": 8, "t": 34, "b": 40},
        "xaxis": {
            "title": {"text": "Cluster"},
            "tickvals": list(places.values()),
            "ticktext": [escape(name) for name in places],
            "range": [-0.55, len(places) - 0.2 + 0.03 * len(places)],
            "showgrid": False,
        },
    }


def _strips(colors: Mapping[str, str], low: float, span: float) -> list[dict[str, Any]]:
    """Return one colored bar below each cluster."""
    return [
        {
            "type": "rect",
            "x0": place - 0.45,
            "x1": place + 0.45,
            "y0": low - 1.8 * STRIP * span,
            "y1": low - 0.8 * STRIP * span,
            "fillcolor": color,
            "line": {"width": 0},
            "layer": "below",
        }
        for place, color in enumerate(colors.values())
    ]


def _names(
    rows: pd.DataFrame, places: Mapping[str, int], labels: Mapping[str, str], span: float
) -> list[dict[str, Any]]:
    """Write the names beside their clusters, moved apart where they would overlap."""
    made = []
    for cluster, own in rows.groupby(CLUSTER, observed=True, sort=False):
        height = -np.inf
        for row in own.sort_values("log2fc").itertuples():
            height = max(float(row.log2fc), height + LABEL_GAP * span)
            made.append(
                {
                    "name": f"{cluster}/{row.feature}",
                    "x": places[str(cluster)] + 0.2,
                    "y": height,
                    "text": escape(labels[row.feature]),
                    "showarrow": False,
                    "xanchor": "left",
                    "font": {"size": 10, "color": LOOKS[row.type][1]},
                    "bgcolor": "rgba(255,255,255,0.6)",
                    "borderpad": 0,
                }
            )
    return made
