"""Reassignment before it is done: which targets get values, from how many and how far."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
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
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

LIMIT_COLOR: Final = "#a61b1b"
MAX_STEPS: Final = 6  # more donors than this are drawn in groups
DARK_END: Final = 0.04  # of viridis, for the most donors
LIGHT_END: Final = 0.86  # for the fewest: the yellows beyond are too faint on white
N_BINS: Final = 40
SHARES: Final = (0.0, 0.25, 0.5, 0.75, 0.97, 1.01)  # of a footprint; see FULL of the align page
MARKER_PX: Final = (1.5, 4.5)
SIZE_AT_1000: Final = 7.0  # marker of a map with this many targets, px; more get smaller ones
FEW_UNITS: Final = 10  # shorter cut-offs are written with decimals
BEYOND: Final = 2.0  # the histogram ends at this many cut-offs


def coverage_map(
    xy: FloatArray,
    n_donors: IntArray,
    *,
    n_neighbors: int,
    um_per_px: float | None,
    key: str,
    source: str = "metabolite pixel",
) -> go.Figure:
    """Map targets by the number of sources they would get.

    Targets with none are gray crosses, so that "none" differs from "few" by shape as well as color.

    Parameters
    ----------
    xy
        Targets, such as ST spots, shape ``(n_targets, 2)``, px.
    n_donors
        Donors of each target, 0 to ``n_neighbors``, shape ``(n_targets,)``.
    n_neighbors
        Largest number of donors (K).
    um_per_px
        Micrometers per pixel; None labels the axes in px.
    key
        The zoom is kept while this stays the same.
    source
        One of what is averaged, in words.
    """
    groups = [_none(n_donors == 0, f"no {source} in reach")]
    for low, high, color in _steps(n_neighbors):
        name = f"{low}" if low == high else f"{low} to {high}"
        words = f"{name} {source}{'' if name == '1' else 's'}"
        chosen = (n_donors >= low) & (n_donors <= high)
        groups.append(_Group(chosen, name, words, color))
    legend = source.rpartition(" ")[2].capitalize() + "s"
    return _map(xy, groups, legend=legend, um_per_px=um_per_px, key=key)


def footprint_map(
    xy: FloatArray,
    covered: FloatArray,
    *,
    um_per_px: float | None,
    key: str,
    source: str = "metabolite pixel",
) -> go.Figure:
    """Map targets by the share of their footprint that sources cover.

    Parameters
    ----------
    xy, um_per_px, key, source
        As in ``coverage_map``.
    covered
        0 to 1, shape ``(n_targets,)``.
    """
    groups = [_none(covered <= 0, f"on no {source}")]
    colors = _colors(len(SHARES) - 1)
    for low, high, color in zip(SHARES[:-1], SHARES[1:], colors, strict=True):
        chosen = (covered > low) & (covered <= high)
        name = "all" if high > 1 else f"to {100 * high:.0f} %"
        groups.append(_Group(chosen, name, f"{name} covered", color))
    return _map(xy, groups, legend="Covered", um_per_px=um_per_px, key=key)


def _map(
    xy: FloatArray, groups: list[_Group], *, legend: str, um_per_px: float | None, key: str
) -> go.Figure:
    figure = go.Figure(layout={"template": TEMPLATE, "uirevision": key, "dragmode": "pan"})
    size = float(np.clip(SIZE_AT_1000 * np.sqrt(1000 / max(len(xy), 1)), *MARKER_PX))
    for group in groups:
        if group.chosen.any():
            marker: dict[str, Any] = {"size": size, "color": group.color}
            if group.color == MUTED:
                line = {"color": MUTED, "width": 1.2}
                marker = {"symbol": "x-thin", "size": size + 0.5, "line": line}
            figure.add_trace(_spots(xy[group.chosen], group.name, marker, group.words))
    x_range, y_range = view_box(xy)
    bare = {"showgrid": False, "showline": False, "ticks": "outside"}
    figure.update_layout(
        legend={
            "title": {"text": legend, "font": {"size": 11, "color": MUTED}},
            "font": {"size": 11},
            "itemclick": False,
            "itemsizing": "constant",
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
    nearest_px: FloatArray,
    *,
    limit_px: float,
    um_per_px: float | None,
    key: str,
    target: str = "ST spot",
) -> go.Figure:
    """Draw how far the nearest source of each target is, and the cut-off.

    Parameters
    ----------
    nearest_px
        Shape ``(n_targets,)``, px.
    limit_px
        Targets whose nearest source is farther are left without values.
    um_per_px, key
        As in ``coverage_map``.
    target
        One of what values are carried to, in words.
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
        hovertemplate=f"%{{customdata}}: %{{y:,}} {target}s<extra></extra>",
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
        text=f"cut-off {limit:,.{0 if limit >= FEW_UNITS else 2}f} {unit}",
        showarrow=False,
        xanchor="left",
        yanchor="top",
        xshift=3,
        bgcolor=SURFACE,
        font={"color": LIMIT_COLOR, "size": 11},
    )
    figure.update_layout(**_histogram_layout(f"Distance ({unit})", target, end))
    return figure


def covered_histogram(covered: FloatArray, *, key: str, target: str = "ST spot") -> go.Figure:
    """Draw which share of the targets' footprints is covered; those on nothing are gray.

    Parameters
    ----------
    covered
        0 to 1, shape ``(n_targets,)``.
    key, target
        As in ``distance_histogram``.
    """
    percent = 100 * np.asarray(covered, float)
    edges = np.linspace(0, 100, N_BINS // 2 + 1)
    counts, _ = np.histogram(percent[percent > 0], edges)
    width = edges[1] - edges[0]
    middle = np.concatenate([[-width / 2], (edges[1:] + edges[:-1]) / 2])
    words = ["0 %", *(f"{a:.0f} to {b:.0f} %" for a, b in pairwise(edges))]
    bars = go.Bar(
        x=middle,
        y=np.concatenate([[(percent <= 0).sum()], counts]),
        width=width,
        marker={"color": [MISSING, *[ACCENT] * len(counts)]},
        customdata=words,
        hovertemplate=f"%{{customdata}}: %{{y:,}} {target}s<extra></extra>",
    )
    figure = go.Figure(bars, layout={"template": TEMPLATE, "uirevision": key, "bargap": 0})
    figure.update_layout(**_histogram_layout("Footprint covered (%)", target, 100))
    figure.update_xaxes(range=[-width, 100])
    return figure


def _histogram_layout(title: str, target: str, end: float) -> dict[str, Any]:
    named = {"text": title, "font": {"color": INK, "size": 12}}
    return {
        "showlegend": False,
        "dragmode": False,
        "margin": {"l": 8, "r": 10, "t": 6, "b": 8},
        "xaxis": {"range": [0, end], "showgrid": False, "title": named, "fixedrange": True},
        "yaxis": {"rangemode": "tozero", "title": {"text": f"{target}s"}, "fixedrange": True},
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Targets drawn alike."""

    chosen: BoolArray
    name: str
    words: str
    color: str


def _none(chosen: BoolArray, words: str) -> _Group:
    return _Group(chosen, "0", words, MUTED)


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
    return list(zip(low.tolist(), high.tolist(), _colors(len(low)), strict=True))


def _colors(n: int) -> list[str]:
    """Return colors from few to many."""
    places = np.linspace(LIGHT_END, DARK_END, n) if n > 1 else [DARK_END]
    return [str(color) for color in sample_colorscale(list(COLOR_SCALES["viridis"]), list(places))]
