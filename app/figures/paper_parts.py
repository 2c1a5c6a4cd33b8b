"""What figures for print are made of: spots, picture, drawings, scale bar, legend, curves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgba_array
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from app.figures.overlays import trajectory_shapes
from app.figures.theme import COLOR_SCALES, INK, MISSING, SURFACE, WARN, length_unit, round_step
from spatialmeta_core.keys import ST

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from app.figures.map_colors import Blend, MapColors
    from spatialmeta_core.types import FloatArray, IntArray, Region, TissueImage, Trajectory

MOST_VECTOR_SPOTS: Final = 20_000
MOST_LABELS: Final = 30  # lines of a legend
UM_PER_MM: Final = 1000.0
SPOT_SHARE: Final = 0.55  # of the spacing, where the diameter is not known


def draw_image(axes: Axes, image: TissueImage, opacity: float) -> None:
    """Draw the histology in full-resolution px, y down."""
    height, width = image.rgb.shape[:2]
    axes.imshow(
        image.rgb,
        extent=(0, width / image.scale, height / image.scale, 0),
        alpha=opacity,
        interpolation="bilinear",
        zorder=0,
    )


def draw_spots(
    axes: Axes, xy: FloatArray, colors: MapColors, diameter: float, opacity: float
) -> None:
    """Draw spots as circles of their true size, px; those without a value below the others."""
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
    if colors.blend is not None:
        return np.column_stack([colors.blend.rgb, np.ones(len(missing))])
    if colors.names:
        palette = to_rgba_array([*colors.colors, MISSING])
        return np.asarray(palette[np.where(missing, len(colors.colors), colors.values).astype(int)])
    low, high = colors.limits
    share = (np.where(missing, low, colors.values) - low) / ((high - low) or 1.0)
    faces = np.asarray(_color_map(colors.scale)(np.clip(share, 0.0, 1.0)))
    faces[missing] = to_rgba_array(MISSING)
    return faces


def _missing(values: FloatArray | IntArray) -> Any:
    numbers: Any = np.asarray(values)
    return numbers < 0 if numbers.dtype.kind in "iu" else ~np.isfinite(numbers)


def _color_map(scale: str) -> LinearSegmentedColormap:
    stops = [_hex(color) for color in COLOR_SCALES[scale]]
    return LinearSegmentedColormap.from_list(scale, stops)


def _hex(color: str) -> Any:
    """Return a color matplotlib knows; plotly writes some as ``rgb(1,2,3)``."""
    parts = re.findall(r"[\d.]+", color)
    return tuple(float(part) / 255 for part in parts[:3]) if color.startswith("rgb") else color


def draw_region(axes: Axes, region: Region) -> None:
    """Draw the outlines of a region, holes included, and its name."""
    for part in region.parts:
        for ring in part:
            closed = np.vstack([ring, ring[:1]])
            axes.plot(*closed.T, color=region.color, linewidth=1.2, zorder=3)
    ring = region.parts[0][0]
    _label(axes, region.name, ring[np.argmin(ring[:, 1])])


def draw_trajectories(
    axes: Axes, trajectories: Sequence[Trajectory], um_per_px: float | None
) -> None:
    """Draw each trajectory as on screen: swath, line, ticks, arrow and name."""
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


def draw_scale_bar(
    axes: Axes,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    um_per_px: float | None,
) -> None:
    """Draw a bar of a round length in the lower left; px, in the color of a warning, if unknown."""
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


def draw_legend(figure: Figure, colors: MapColors, *, left: float) -> None:
    """Draw the color bar or the categories, and what gray means, from ``left`` (0 to 1) on."""
    missing = int(_missing(colors.values).sum())
    handles = [_dot(color, name) for name, color in zip(colors.names, colors.colors, strict=True)]
    if len(handles) > MOST_LABELS:
        left_out = len(handles) - MOST_LABELS
        handles = [*handles[:MOST_LABELS], _dot(SURFACE, f"and {left_out} more")]
    if colors.blend is not None:
        _draw_square(figure, colors.blend, left)
    elif not colors.names:
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


def _draw_square(figure: Figure, blend: Blend, left: float) -> None:
    """Draw the legend of two features: the first to the right, the second upward."""
    at = np.linspace(0.0, 1.0, 32)
    first, second = np.meshgrid(at, at)
    ends = (*blend.parts[0].limits, *blend.parts[1].limits)
    box = figure.add_axes((left + 0.03, 0.62, 0.12, 0.2))
    box.imshow(np.dstack([first, second, first]), origin="lower", extent=ends, aspect="auto")
    box.set_xlabel(_plain(f"{blend.parts[0].label}\n({blend.parts[0].unit})"), fontsize=5.5)
    box.set_ylabel(_plain(f"{blend.parts[1].label}\n({blend.parts[1].unit})"), fontsize=5.5)
    box.tick_params(width=0.5, length=2, labelsize=5.5)


def _dot(color: str, label: str) -> Line2D:
    return Line2D(
        [], [], linestyle="", marker="o", markersize=4.5, color=color, label=_plain(label)
    )


def draw_title(figure: Figure, title: str, *, simulated: bool) -> None:
    """Write the title and, where they are, that the data are simulated."""
    figure.text(0.01, 0.985, _plain(title), va="top", fontsize=9, fontweight="bold")
    if simulated:
        figure.text(0.99, 0.985, "Simulated data", va="top", ha="right", color=WARN)


def draw_curve(axes: Axes, rows: pd.DataFrame, *, name: str, color: str, min_spots: int) -> None:
    """Draw one feature along a trajectory with its band; bins with few spots hollow."""
    rows = rows.sort_values("distance")
    x, z = rows["distance"].to_numpy(float), rows["z"].to_numpy(float)
    gene = bool((rows["type"] == ST).all())
    low, high = rows["z_low"].to_numpy(float), rows["z_high"].to_numpy(float)
    axes.fill_between(x, low, high, color=color, alpha=0.14, linewidth=0)
    look: dict[str, Any] = {
        "color": color,
        "marker": "o" if gene else "D",
        "markersize": 3,
        "linewidth": 1.2,
    }
    axes.plot(x, z, linestyle="-" if gene else "--", label=_plain(name), **look)
    few = rows["n_spots"].to_numpy() < min_spots
    axes.plot(x[few], z[few], linestyle="", markerfacecolor=SURFACE, zorder=3, **look)


def usual_diameter(xy: FloatArray) -> float:
    """Return a spot diameter that suits the spacing, px."""
    box = np.ptp(xy, axis=0)
    return SPOT_SHARE * float(np.sqrt(box[0] * box[1] / len(xy)))
