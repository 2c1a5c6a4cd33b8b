"""Figures for print: maps and gradient charts as true vectors, by matplotlib, without a browser.

Text stays text in SVG (``svg.fonttype: none``), so that it can be edited; very many spots become
one picture inside the drawing, everything else stays vector.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from app.figures.map_colors import MapColors
from app.figures.paper_colors import LookLike, cluster_colors, contribution_colors
from app.figures.paper_parts import (
    draw_curve,
    draw_image,
    draw_legend,
    draw_region,
    draw_scale_bar,
    draw_spots,
    draw_title,
    draw_trajectories,
    usual_diameter,
)
from app.figures.spatial import view_box
from app.figures.theme import (
    GRID,
    INK,
    LINE,
    MISSING,
    MUTED,
    SURFACE,
    WARN,
    category_colors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from spatialmeta_core.types import FloatArray, IntArray, Region, TissueImage, Trajectory

MM: Final = 1 / 25.4  # inches
WIDTH_MM: Final = 180.0  # two columns of a journal
LEGEND_MM: Final = 42.0
TALLEST_MM: Final = 200.0
DPI: Final = 300
LEGEND_LINE_MM: Final = 4.0
STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "spatialmeta",  # the same figure gives the same file
    "pdf.fonttype": 42,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 7.0,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
}


@dataclass(frozen=True, slots=True)
class MapStyle:
    """How a map is drawn: spot size relative to the true one, and opacities from 0 to 1."""

    size: float = 1.0
    opacity: float = 0.9
    image_opacity: float = 1.0


class SectionLike(Protocol):
    """What ``overview`` reads of a section."""

    @property
    def xy(self) -> FloatArray: ...
    @property
    def cluster(self) -> IntArray | None: ...
    @property
    def look(self) -> LookLike | None: ...
    @property
    def contribution(self) -> FloatArray | None: ...
    @property
    def um_per_px(self) -> float | None: ...


@mpl.rc_context(STYLE)
def tissue_page(
    xy: FloatArray,
    colors: MapColors,
    *,
    diameter: float,
    um_per_px: float | None = None,
    image: TissueImage | None = None,
    regions: Sequence[Region] = (),
    trajectories: Sequence[Trajectory] = (),
    view: tuple[tuple[float, float], tuple[float, float]] | None = None,
    style: MapStyle | None = None,
    simulated: bool = False,
    width_mm: float = WIDTH_MM,
) -> Figure:
    """Draw spots over their histology, with legend, scale bar, regions and trajectories.

    Parameters
    ----------
    xy
        Spot centers, full-resolution px, shape ``(n_spots, 2)``.
    diameter
        Of a spot, full-resolution px.
    um_per_px
        Pixel size; None when unknown, and then the scale bar reads px in the color of a warning.
    image
        Histology, or None.
    view
        x and y range to show, px; None for all.
    simulated
        Whether to write that the data are simulated.
    width_mm
        Of the whole figure, with its legend.
    """
    style = style or MapStyle()
    size_px = None if image is None else (image.rgb.shape[1], image.rgb.shape[0])
    box = view or view_box(xy, image_size_px=size_px, image_scale=image.scale if image else 1.0)
    (x0, x1), (y0, y1) = (tuple(sorted(ends)) for ends in box)
    map_mm = width_mm - LEGEND_MM
    height_mm = min(map_mm * (y1 - y0) / (x1 - x0), TALLEST_MM)
    figure = Figure(figsize=(width_mm * MM, (height_mm + 10) * MM), facecolor=SURFACE)
    share = map_mm / width_mm
    axes = figure.add_axes((0.01, 0.02, share - 0.02, height_mm / (height_mm + 10) - 0.02))
    axes.set(xlim=(x0, x1), ylim=(y1, y0), aspect="equal", anchor="NW")
    axes.set_axis_off()
    if image is not None and style.image_opacity > 0:
        draw_image(axes, image, style.image_opacity)
    draw_spots(axes, xy, colors, diameter * style.size, style.opacity)
    for region in regions:
        draw_region(axes, region)
    draw_trajectories(axes, trajectories, um_per_px)
    draw_scale_bar(axes, (x0, x1), (y0, y1), um_per_px)
    draw_legend(figure, colors, left=share + 0.01)
    draw_title(figure, colors.label, simulated=simulated)
    return figure


@mpl.rc_context(STYLE)
def gradient_page(
    table: pd.DataFrame,
    *,
    title: str,
    unit: str,
    min_spots_per_bin: int = 5,
    simulated: bool = False,
) -> Figure:
    """Draw z-scores along a trajectory with their bands, and the number of spots per bin.

    Parameters
    ----------
    table
        Gradient with the columns ``keys.GRADIENT_COLUMNS``; at most a dozen features.
    unit
        Of the distance: ``"µm"``, or ``"px"`` where the pixel size is unknown.
    min_spots_per_bin
        Bins with fewer spots get hollow markers.
    """
    names = list(dict.fromkeys(table["feature"]))
    legend_mm = LEGEND_LINE_MM * -(-len(names) // 2)
    height_mm = 78 + legend_mm
    figure = Figure(figsize=(120 * MM, height_mm * MM), facecolor=SURFACE)
    top, counts = figure.subplots(
        2, 1, sharex=True, height_ratios=(0.8, 0.2), gridspec_kw={"hspace": 0.08}
    )
    bottom = (11 + legend_mm) / height_mm
    figure.subplots_adjust(left=0.1, right=0.98, top=1 - 8 / height_mm, bottom=bottom)
    for name, color in zip(names, category_colors(len(names)), strict=True):
        draw_curve(
            top,
            table[table["feature"] == name],
            name=str(name),
            color=color,
            min_spots=min_spots_per_bin,
        )
    per_bin = table.groupby("distance")["n_spots"].max()
    width = float(np.diff(per_bin.index).min()) * 0.85 if len(per_bin) > 1 else 1.0
    counts.bar(per_bin.index, per_bin.to_numpy(), width=width, color=MISSING, linewidth=0)
    top.set_ylabel("Level (z-score)")
    top.axhline(0, color=GRID, linewidth=0.6, zorder=0)
    counts.set_ylabel("Spots (n)")
    counts.set_xlabel(f"Distance from the start ({unit})", color=WARN if unit == "px" else INK)
    figure.legend(loc="lower left", ncols=2, frameon=False, handlelength=2.8, labelspacing=0.4)
    for axes in (top, counts):
        axes.spines[["top", "right"]].set_visible(False)
    draw_title(figure, title, simulated=simulated)
    return figure


def overview(
    section: SectionLike,
    image: TissueImage | None,
    regions: Sequence[Region],
    trajectories: Sequence[Trajectory],
    *,
    simulated: bool,
) -> Iterator[tuple[str, Figure]]:
    """Yield the standard figures of a section with their names.

    These are the clusters, the modality contribution and the drawings, as far as they exist.
    """
    um_per_px = section.um_per_px
    diameter = usual_diameter(section.xy)
    common: dict[str, Any] = {
        "diameter": diameter,
        "um_per_px": um_per_px,
        "image": image,
        "simulated": simulated,
    }
    if section.cluster is not None:
        yield (
            "clusters",
            tissue_page(section.xy, cluster_colors(section.cluster, section.look), **common),
        )
    if section.contribution is not None:
        colors = contribution_colors(section.contribution)
        yield "contribution", tissue_page(section.xy, colors, **common)
    if regions or trajectories:
        spots = np.zeros(len(section.xy), int)
        plain = MapColors(spots, "Regions and trajectories", names=("spots",), colors=(MUTED,))
        yield (
            "drawings",
            tissue_page(
                section.xy,
                plain if section.cluster is None else cluster_colors(section.cluster, section.look),
                regions=regions,
                trajectories=trajectories,
                **common,
            ),
        )


def render(figure: Figure, kind: str) -> bytes:
    """Write a figure into bytes as ``svg``, ``pdf``, or ``png`` at 300 dpi."""
    target = io.BytesIO()
    with mpl.rc_context(STYLE):
        # no date: the same figure gives the same file
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        figure.savefig(target, format=kind, dpi=DPI, metadata=metadata)
    return target.getvalue()
