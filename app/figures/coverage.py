"""Reassignment before and after: which ST spots get metabolite values, and from how far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from app.figures.spatial import view_box
from app.figures.theme import (
    ACCENT,
    COLOR_SCALES,
    INK,
    MISSING,
    MUTED,
    SURFACE,
    TEMPLATE,
    length_axis,
)

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray, IntArray

LIMIT_COLOR: Final = "#a61b1b"
MAX_STEPS: Final = 6  # more donors than this are drawn in groups
DARK_END: Final = 0.04  # of viridis, for the most donors
LIGHT_END: Final = 0.86  # for the fewest: the yellows beyond are too faint on white
N_BINS: Final = 40
BEYOND: Final = 2.0  # the histogram ends at this many cut-offs


def coverage_map(
    xy: FloatArray, n_donors: IntArray, *, n_neighbors: int, um_per_px: float | None, key: str
) -> go.Figure:
    """Map ST spots by the number of metabolite pixels they would get.

    Spots with none are gray crosses, so that "none" differs from "few" by shape as well as color.

    Parameters
    ----------
    xy
        ST spots, shape ``(n_spots, 2)``, px.
    n_donors
        Donors of each spot, 0 to ``n_neighbors``, shape ``(n_spots,)``.
    n_neighbors
        Largest number of donors (K).
    um_per_px
        Micrometers per pixel; None labels the axes in px.
    key
        The zoom is kept while this stays the same.
    """
    figure = go.Figure(layout={"template": TEMPLATE, "uirevision": key, "dragmode": "pan"})
    none = n_donors == 0
    if none.any():
        marker = {"symbol": "x-thin", "size": 5, "line": {"color": MUTED, "width": 1.2}}
        words = "no metabolite pixel in reach"
        figure.add_trace(_spots(xy[none], "0", marker, words))
    for low, high, color in _steps(n_neighbors):
        chosen = (n_donors >= low) & (n_donors <= high)
        if chosen.any():
            name = f"{low}" if low == high else f"{low} to {high}"
            words = f"{name} metabolite pixel{'' if name == '1' else 's'}"
            figure.add_trace(_spots(xy[chosen], name, {"size": 4.5, "color": color}, words))
    x_range, y_range = view_box(xy)
    bare = {"showgrid": False, "showline": False, "ticks": "outside"}
    figure.update_layout(
        legend={
            "title": {"text": "Pixels", "font": {"size": 11, "color": MUTED}},
            "font": {"size": 11},
            "itemclick": False,
            "itemdoubleclick": False,
            "x": 1.0,
            "y": 1.0,
        },
        showlegend=True,
        margin={"l": 8, "r": 8, "t": 6, "b": 8},
        xaxis={**length_axis("x", x_range, um_per_px, parts=4), **bare, "range": list(x_range)},
        yaxis={
            **length_axis("y", y_range, um_per_px, parts=4),
            **bare,
            "range": list(y_range)[::-1],
            "scaleanchor": "x",
            "constrain": "domain",
        },
    )
    return figure


def distance_histogram(
    nearest_px: FloatArray, *, limit_px: float, um_per_px: float | None, key: str
) -> go.Figure:
    """Draw how far the nearest metabolite pixel of each ST spot is, and the cut-off.

    Parameters
    ----------
    nearest_px
        Shape ``(n_spots,)``, px.
    limit_px
        Spots whose nearest pixel is farther are left without metabolite values.
    um_per_px, key
        As in ``coverage_map``.
    """
    unit, factor = ("px", 1.0) if um_per_px is None else ("µm", um_per_px)
    distance, limit = np.asarray(nearest_px, float) * factor, limit_px * factor
    end = limit * BEYOND  # what lies farther is collected in the last bar
    edges = np.linspace(0, end, N_BINS + 1)
    counts, _ = np.histogram(np.minimum(distance, end), edges)
    middle = (edges[1:] + edges[:-1]) / 2
    bars = go.Bar(
        x=middle,
        y=counts,
        width=np.diff(edges),
        marker={"color": np.where(middle <= limit, ACCENT, MISSING).tolist()},
        customdata=[
            *(f"{place:,.0f} {unit}" for place in middle[:-1]),
            f"{edges[-2]:,.0f} {unit} or more",
        ],
        hovertemplate="%{customdata}: %{y:,} spots<extra></extra>",
    )
    figure = go.Figure(bars, layout={"template": TEMPLATE, "uirevision": key, "bargap": 0})
    line = {"color": LIMIT_COLOR, "width": 1.5, "dash": "dash"}
    figure.add_shape(
        name="cut-off", type="line", x0=limit, x1=limit, y0=0, y1=1, yref="paper", line=line
    )
    figure.add_annotation(
        x=limit,
        y=1,
        yref="paper",
        text=f"cut-off {limit:,.0f} {unit}",
        showarrow=False,
        xanchor="left",
        yanchor="top",
        xshift=3,
        bgcolor=SURFACE,
        font={"color": LIMIT_COLOR, "size": 11},
    )
    title = {"text": f"Distance ({unit})", "font": {"color": INK, "size": 12}}
    figure.update_layout(
        showlegend=False,
        dragmode=False,
        margin={"l": 8, "r": 10, "t": 6, "b": 8},
        xaxis={"range": [0, end], "showgrid": False, "title": title, "fixedrange": True},
        yaxis={"rangemode": "tozero", "title": {"text": "ST spots"}, "fixedrange": True},
    )
    return figure


def _spots(xy: FloatArray, name: str, marker: dict[str, Any], words: str) -> go.Scattergl:
    return go.Scattergl(
        x=np.asarray(xy[:, 0], np.float32),
        y=np.asarray(xy[:, 1], np.float32),
        mode="markers",
        name=name,
        marker=marker,
        hovertemplate=f"{words}<extra></extra>",
    )


def _steps(n_neighbors: int) -> list[tuple[int, int, str]]:
    """Return groups of donor counts, first and last count and color, from few to many."""
    edges = np.unique(np.linspace(0, n_neighbors, min(n_neighbors, MAX_STEPS) + 1).round())
    low, high = edges[:-1].astype(int) + 1, edges[1:].astype(int)
    places = np.linspace(LIGHT_END, DARK_END, len(low)) if len(low) > 1 else [DARK_END]
    colors = sample_colorscale(list(COLOR_SCALES["viridis"]), list(places))
    return list(zip(low.tolist(), high.tolist(), colors, strict=True))
