"""Values or categories of spots as colors, for a new trace as well as for a ``Patch``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from app.figures.theme import (
    COLOR_SCALES,
    DIVERGING,
    INK,
    MISSING,
    MUTED,
    category_colors,
    escape,
    typed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.types import FloatArray, IntArray

GRAY_SHARE: Final = 0.004  # of the color bar: too thin to see, wide enough to hold the missing


class LegendEntry(NamedTuple):
    """One line of a legend drawn by the page; ``label`` is plain text, not escaped."""

    label: str
    color: str
    n_spots: int


@dataclass(frozen=True, slots=True)
class ColorPatch:
    """How to color the spots of a trace.

    Attributes
    ----------
    trace
        Plotly attribute with dots, such as ``"marker.color"``, to its new value. Numbers per spot
        are typed arrays of 4 bytes a spot where possible.
    legend
        One entry per category; empty for continuous values.
    n_missing
        Number of spots drawn in gray because they have no value.
    """

    trace: dict[str, Any]
    legend: tuple[LegendEntry, ...] = ()
    n_missing: int = 0

    def assignments(self, trace: int = 0) -> list[tuple[tuple[str | int, ...], Any]]:
        """Return (path inside the figure, value) pairs for a Dash ``Patch``."""
        return [(("data", trace, *name.split(".")), value) for name, value in self.trace.items()]


def color_patch(
    values: FloatArray,
    *,
    title: str,
    unit: str,
    colorscale: str = "viridis",
    limits: tuple[float, float] | None = None,
    percentiles: tuple[float, float] = (0.0, 100.0),
    center: float = 0.0,
) -> ColorPatch:
    """Color spots by a number.

    Parameters
    ----------
    values
        One number per spot, shape ``(n_spots,)``; NaN, drawn gray, where there is none.
    title, unit
        What the number is and its unit, for the color bar and the hover text.
    colorscale
        A name of ``COLOR_SCALES``; the diverging one gets limits symmetric about ``center``.
    limits
        Values at the ends of the scale; those beyond take the end's color and keep their own
        number in the hover text. None: from ``percentiles`` of the finite values.
    percentiles
        Lower and upper percentile for the limits, 0 to 100.
    center
        Middle of a diverging scale.
    """
    values = np.asarray(values, float)
    missing = ~np.isfinite(values)
    low, high = _limits(values[~missing], limits, percentiles)
    if colorscale == DIVERGING:
        reach = max(abs(low - center), abs(high - center))
        low, high = center - reach, center + reach
    gray = low - (high - low) * GRAY_SHARE / (1 - GRAY_SHARE)
    colors = np.where(missing, gray, np.clip(values, low, high))
    trace = {
        "marker.color": typed(colors, "f4"),
        "marker.colorscale": _scale_with_gray(COLOR_SCALES[colorscale]),
        "marker.cmin": gray,
        "marker.cmax": high,
        "marker.showscale": True,
        "marker.colorbar": _color_bar(title, unit),
        "customdata": typed(values, "f4"),
        "hovertemplate": _hover(title, f"%{{customdata:.4~g}} {escape(unit)}"),
    }
    if missing.any():  # a number format cannot say that there is no number
        known = [f"{value:.4g} {escape(unit)}" for value in values]
        trace["customdata"] = np.where(missing, "not measured", known).tolist()
        trace["hovertemplate"] = _hover(title, "%{customdata}")
    return ColorPatch(trace, n_missing=int(missing.sum()))


def category_patch(
    codes: IntArray,
    names: Sequence[str],
    *,
    title: str,
    colors: Sequence[str] | None = None,
) -> ColorPatch:
    """Color spots by a category.

    Parameters
    ----------
    codes
        Position of each spot's category in ``names``, shape ``(n_spots,)``; negative, drawn
        gray, where it has none.
    names
        One name per category.
    title
        What the categories are, for the hover text.
    colors
        One ``#rrggbb`` per category; None for the standard ones.
    """
    codes = np.asarray(codes)
    palette = list(colors) if colors is not None else category_colors(len(names))
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    shades = [MISSING, *palette]
    steps = [(edge / len(shades), shade) for k, shade in enumerate(shades) for edge in (k, k + 1)]
    labels = [*(escape(name) for name in names), "none"]  # code -1 finds the last
    trace = {
        "marker.color": typed(np.maximum(codes, -1), "i2"),
        "marker.colorscale": [list(step) for step in steps],
        "marker.cmin": -1.5,
        "marker.cmax": len(names) - 0.5,
        "marker.showscale": False,
        "customdata": [labels[code] for code in np.maximum(codes, -1)],
        "hovertemplate": _hover(title, "%{customdata}"),
    }
    legend = tuple(
        LegendEntry(str(name), shade, int(count))
        for name, shade, count in zip(names, palette, counts, strict=True)
    )
    return ColorPatch(trace, legend, int((codes < 0).sum()))


def _limits(
    finite: FloatArray, limits: tuple[float, float] | None, percentiles: tuple[float, float]
) -> tuple[float, float]:
    if limits is None:
        limits = tuple(np.percentile(finite, percentiles)) if len(finite) else (0.0, 1.0)
    low, high = float(limits[0]), float(limits[1])
    return (low, high) if high > low else (low, low + 1.0)


def _scale_with_gray(colors: Sequence[str]) -> list[list[float | str]]:
    """Put gray in a sliver below the lowest color, where missing values are sent."""
    places = np.linspace(GRAY_SHARE, 1.0, len(colors))
    gray: list[list[float | str]] = [[0.0, MISSING], [GRAY_SHARE, MISSING]]
    return gray + [[float(place), color] for place, color in zip(places, colors, strict=True)]


def _color_bar(title: str, unit: str) -> dict[str, Any]:
    text = f"{escape(title)}<br>({escape(unit)})"
    return {
        "title": {"text": text, "side": "top", "font": {"size": 11, "color": INK}},
        "thickness": 10,
        "len": 0.42,
        "x": 1.01,
        "xpad": 4,
        "y": 1.0,
        "ypad": 0,
        "yanchor": "top",
        "outlinewidth": 0,
        "nticks": 5,
        "ticks": "outside",
        "ticklen": 3,
        "tickfont": {"size": 10, "color": MUTED},
    }


def _hover(title: str, value: str) -> str:
    return f"<b>%{{text}}</b><br>{escape(title)}: {value}<extra></extra>"
