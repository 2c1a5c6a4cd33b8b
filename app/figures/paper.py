"""Figures for print: maps and gradient charts as true vectors, by matplotlib and without a browser.

Text stays text in SVG (``svg.fonttype: none``), so that it can be edited; very many spots become one picture
inside the drawing, everything else stays vector.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from app.figures.overlays import trajectory_shapes
from app.figures.spatial import view_box
from app.figures.theme import (
    COLOR_SCALES,
    DIVERGING,
    GRID,
    INK,
    LINE,
    MISSING,
    MUTED,
    SURFACE,
    WARN,
    category_colors,
    length_unit,
    round_step,
)
from spatialmeta_core.keys import ST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from spatialmeta_core.types import FloatArray, IntArray, Region, TissueImage, Trajectory

MM: Final = 1 / 25.4  # inches
WIDTH_MM: Final = 180.0  # two columns of a journal
LEGEND_MM: Final = 42.0
TALLEST_MM: Final = 200.0
DPI: Final = 300
MOST_VECTOR_SPOTS: Final = 20_000
UM_PER_MM: Final = 1000.0
LEGEND_LINE_MM: Final = 4.0
MOST_LABELS: Final = 30  # lines of a legend
SPOT_SHARE: Final = 0.55  # of the spacing, where the diameter is not known
STYLE: Final[Mapping[str, Any]] = {
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


@dataclass(frozen=True, slots=True, eq=False)
class MapColors:
    """How to color the spots of a map.

    Attributes
    ----------
    values
        Numbers (NaN for none), or positions in ``names`` (negative for none), shape ``(n_spots,)``.
    label, unit
        What they are.
    limits
        Numbers at the ends of the color map; those beyond take the end's color.
    scale
        A name of ``theme.COLOR_SCALES``.
    names, colors
        Of the categories; empty for numbers.
    missing
        What spots without a value are.
    """

    values: FloatArray | IntArray
    label: str
    unit: str = ""
    limits: tuple[float, float] = (0.0, 1.0)
    scale: str = "viridis"
    names: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    missing: str = "not measured"


@dataclass(frozen=True, slots=True)
class MapStyle:
    """How a map is drawn: spot size relative to the true one, and opacities (0 hides the picture)."""

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
    """
    style = style or MapStyle()
    size_px = None if image is None else (image.rgb.shape[1], image.rgb.shape[0])
    box = view or view_box(xy, image_size_px=size_px, image_scale=image.scale if image else 1.0)
    (x0, x1), (y0, y1) = (tuple(sorted(ends)) for ends in box)
    map_mm = WIDTH_MM - LEGEND_MM
    height_mm = min(map_mm * (y1 - y0) / (x1 - x0), TALLEST_MM)
    figure = Figure(figsize=(WIDTH_MM * MM, (height_mm + 10) * MM), facecolor=SURFACE)
    share = map_mm / WIDTH_MM
    axes = figure.add_axes((0.01, 0.02, share - 0.02, height_mm / (height_mm + 10) - 0.02))
    axes.set(xlim=(x0, x1), ylim=(y1, y0), aspect="equal", anchor="NW")
    axes.set_axis_off()
    if image is not None and style.image_opacity > 0:
        _draw_image(axes, image, style.image_opacity)
    _draw_spots(axes, xy, colors, diameter * style.size, style.opacity)
    for region in regions:
        _draw_region(axes, region)
    _draw_trajectories(axes, trajectories, um_per_px)
    _draw_scale_bar(axes, (x0, x1), (y0, y1), um_per_px)
    _draw_legend(figure, colors, left=share + 0.01)
    _draw_title(figure, colors.label, simulated=simulated)
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
        _draw_curve(top, table[table["feature"] == name], str(name), color, min_spots_per_bin)
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
    _draw_title(figure, title, simulated=simulated)
    return figure


def overview(
    section: SectionLike,
    image: TissueImage | None,
    regions: Sequence[Region],
    trajectories: Sequence[Trajectory],
    *,
    simulated: bool,
) -> Iterator[tuple[str, Figure]]:
    """Yield the standard figures of a section, each with a name: what exists of clusters, contribution, drawings."""
    um_per_px = section.um_per_px
    diameter = _diameter(section.xy)
    common: dict[str, Any] = {
        "diameter": diameter,
        "um_per_px": um_per_px,
        "image": image,
        "simulated": simulated,
    }
    if section.cluster is not None:
        yield "clusters", tissue_page(section.xy, cluster_colors(section.cluster), **common)
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
                plain if section.cluster is None else cluster_colors(section.cluster),
                regions=regions,
                trajectories=trajectories,
                **common,
            ),
        )


def cluster_colors(codes: IntArray) -> MapColors:
    """Color spots by cluster; -1 is gray."""
    codes = np.asarray(codes)
    n = int(codes.max()) + 1
    return MapColors(
        codes,
        "Clusters",
        names=tuple(f"Cluster {code}" for code in range(n)),
        colors=tuple(category_colors(n)),
        missing="left out of training",
    )


def contribution_colors(balance: FloatArray) -> MapColors:
    """Color spots by modality contribution, two-sided about 0.5."""
    finite = balance[np.isfinite(balance)]
    reach = float(np.abs(finite - 0.5).max()) if finite.size else 0.5
    return MapColors(
        balance,
        "Modality contribution",
        unit="above 0.5 genes lead",
        limits=(0.5 - reach, 0.5 + reach),
        scale=DIVERGING,
        missing="left out of training",
    )


def render(figure: Figure, kind: Literal["svg", "png", "pdf"]) -> bytes:
    """Write a figure into bytes; PNG at 300 dpi."""
    target = io.BytesIO()
    with mpl.rc_context(STYLE):
        # no date: the same figure gives the same file
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        figure.savefig(target, format=kind, dpi=DPI, metadata=metadata)
    return target.getvalue()


def _draw_image(axes: Axes, image: TissueImage, opacity: float) -> None:
    height, width = image.rgb.shape[:2]
    axes.imshow(
        image.rgb,
        extent=(0, width / image.scale, height / image.scale, 0),
        alpha=opacity,
        interpolation="bilinear",
        zorder=0,
    )


def _draw_spots(
    axes: Axes, xy: FloatArray, colors: MapColors, diameter: float, opacity: float
) -> None:
    faces = spot_colors(colors)
    order = np.argsort(_missing(colors.values), kind="stable")[::-1]  # gray below
    sizes = np.full(len(xy), diameter)
    spots = EllipseCollection(
        sizes,
        sizes,
        np.zeros(len(xy)),
        units="xy",
        offsets=np.asarray(xy, float)[order],
        offset_transform=axes.transData,
        facecolors=faces[order],
        edgecolors="none",
        linewidths=0,
        alpha=opacity,
        rasterized=len(xy) > MOST_VECTOR_SPOTS,
        zorder=1,
    )
    axes.add_collection(spots, autolim=False)


def spot_colors(colors: MapColors) -> FloatArray:
    """Return the color of each spot, RGBA from 0 to 1, shape ``(n_spots, 4)``."""
    missing = _missing(colors.values)
    if colors.names:
        palette = to_rgba_array([*colors.colors, MISSING])
        return np.asarray(palette[np.where(missing, len(colors.colors), colors.values).astype(int)])
    low, high = colors.limits
    share = (np.where(missing, low, colors.values) - low) / ((high - low) or 1.0)
    faces = np.asarray(_color_map(colors.scale)(np.clip(share, 0.0, 1.0)))
    faces[missing] = to_rgba_array(MISSING)
    return faces


def _missing(values: FloatArray | IntArray) -> Any:
    values = np.asarray(values)
    return values < 0 if values.dtype.kind in "iu" else ~np.isfinite(values)


def _color_map(scale: str) -> LinearSegmentedColormap:
    stops = [_hex(color) for color in COLOR_SCALES[scale]]
    return LinearSegmentedColormap.from_list(scale, stops)


def _hex(color: str) -> Any:
    """Return a color matplotlib knows; plotly writes some as ``rgb(1,2,3)``."""
    parts = re.findall(r"[\d.]+", color)
    return tuple(float(part) / 255 for part in parts[:3]) if color.startswith("rgb") else color


def _draw_region(axes: Axes, region: Region) -> None:
    for part in region.parts:
        for ring in part:
            closed = np.vstack([ring, ring[:1]])
            axes.plot(*closed.T, color=region.color, linewidth=1.2, zorder=3)
    ring = region.parts[0][0]
    _label(axes, region.name, ring[np.argmin(ring[:, 1])])


def _draw_trajectories(
    axes: Axes, trajectories: Sequence[Trajectory], um_per_px: float | None
) -> None:
    for path in trajectories:
        band, ticks, arrow, line = trajectory_shapes([path], um_per_px=um_per_px)
        for shape, look in (
            (band, {"facecolor": path.color, "alpha": 0.25, "linewidth": 0}),
            (ticks, {"facecolor": "none", "edgecolor": path.color, "linewidth": 0.6}),
            (arrow, {"facecolor": path.color, "linewidth": 0}),
            (line, {"facecolor": "none", "edgecolor": path.color, "linewidth": 1.2}),
        ):
            axes.add_patch(PathPatch(_to_path(shape["path"]), zorder=3, **look))
        _label(axes, path.name, path.points[0])


def _to_path(text: str) -> Path:
    """Turn an SVG path of straight lines into matplotlib's."""
    corners: list[tuple[float, float]] = []
    codes: list[int] = []
    for command, x, y in re.findall(r"([ML])([-\d.]+),([-\d.]+)|Z", text):
        if command:
            corners.append((float(x), float(y)))
            codes.append(int(Path.MOVETO if command == "M" else Path.LINETO))
        else:
            corners.append(corners[-1])
            codes.append(int(Path.CLOSEPOLY))
    return Path(corners, codes)


def _label(axes: Axes, text: str, at: FloatArray) -> None:
    axes.text(
        float(at[0]),
        float(at[1]),
        _plain(text),
        ha="center",
        va="bottom",
        fontsize=6.5,
        zorder=4,
        clip_on=True,
        bbox={"facecolor": SURFACE, "alpha": 0.8, "linewidth": 0, "pad": 1.2},
    )


def _plain(text: str) -> str:
    """Keep dollar signs from starting a formula."""
    return text.replace("$", r"\$")


def _draw_scale_bar(
    axes: Axes,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    um_per_px: float | None,
) -> None:
    width, height = x_range[1] - x_range[0], y_range[1] - y_range[0]
    unit, px_per_unit = length_unit(width / 5, um_per_px)
    length = round_step(width / px_per_unit, 8)
    x0, y = x_range[0] + 0.03 * width, y_range[1] - 0.03 * height
    color = WARN if um_per_px is None else INK
    x1 = x0 + length * px_per_unit
    axes.plot([x0, x1], [y, y], color=color, linewidth=2, solid_capstyle="butt", zorder=5)
    axes.text(
        (x0 + x1) / 2,
        y - 0.012 * height,
        f"{length / UM_PER_MM:g} mm"
        if unit == "µm" and length >= UM_PER_MM
        else f"{length:g} {unit}",
        ha="center",
        va="bottom",
        color=color,
        zorder=5,
        bbox={"facecolor": SURFACE, "alpha": 0.75, "linewidth": 0, "pad": 1},
    )


def _draw_legend(figure: Figure, colors: MapColors, *, left: float) -> None:
    missing = int(_missing(colors.values).sum())
    handles = [_dot(color, name) for name, color in zip(colors.names, colors.colors, strict=True)]
    if len(handles) > MOST_LABELS:
        left_out = len(handles) - MOST_LABELS
        handles = [*handles[:MOST_LABELS], _dot(SURFACE, f"and {left_out} more")]
    if not colors.names:
        low, high = colors.limits
        norm = Normalize(low, high if high > low else low + 1.0)
        bar = figure.add_axes((left, 0.55, 0.018, 0.3))
        figure.colorbar(ScalarMappable(norm, _color_map(colors.scale)), cax=bar)
        bar.set_title(_plain(colors.unit), fontsize=6.5, loc="left", wrap=True)
        bar.tick_params(width=0.5, length=2)
    if missing:
        handles.append(_dot(MISSING, f"{colors.missing} ({missing:,})"))
    if handles:
        top = 0.9 if colors.names else 0.5
        figure.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(left - 0.01, top),
            frameon=False,
            handletextpad=0.2,
            labelspacing=0.35,
        )


def _dot(color: str, label: str) -> Line2D:
    return Line2D(
        [], [], linestyle="", marker="o", markersize=4.5, color=color, label=_plain(label)
    )


def _draw_title(figure: Figure, title: str, *, simulated: bool) -> None:
    figure.text(0.01, 0.985, _plain(title), va="top", fontsize=9, fontweight="bold")
    if simulated:
        figure.text(0.99, 0.985, "Simulated data", va="top", ha="right", color=WARN)


def _draw_curve(axes: Axes, rows: pd.DataFrame, name: str, color: str, min_spots: int) -> None:
    rows = rows.sort_values("distance")
    x, z = rows["distance"].to_numpy(float), rows["z"].to_numpy(float)
    gene = bool((rows["type"] == ST).all())
    low, high = rows["z_low"].to_numpy(float), rows["z_high"].to_numpy(float)
    axes.fill_between(x, low, high, color=color, alpha=0.14, linewidth=0)
    look = {"color": color, "marker": "o" if gene else "D", "markersize": 3, "linewidth": 1.2}
    axes.plot(x, z, linestyle="-" if gene else "--", label=_plain(name), **look)
    few = rows["n_spots"].to_numpy() < min_spots
    axes.plot(x[few], z[few], linestyle="", markerfacecolor=SURFACE, zorder=3, **look)


def _diameter(xy: FloatArray) -> float:
    """Return a spot diameter that suits the spacing, px."""
    box = np.ptp(xy, axis=0)
    return SPOT_SHARE * float(np.sqrt(box[0] * box[1] / len(xy)))
