"""The map on the canvas as a figure for print, as the browser orders it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.figures import paper
from app.figures.map_colors import MapColors
from app.figures.paper_colors import blend_colors, cluster_title
from app.pages.explore.paint import paint
from app.placement import open_adata, tissue_image
from app.sections import drawings, open_section
from spatialmeta_core.errors import InvalidParamsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from app.pages.explore.paint import Paint
    from app.sections import Section
    from app.store import ProjectStore

STYLE: Final = ("size", "opacity", "image_opacity")
WIDTHS_MM: Final = (60.0, 400.0)


def map_figure(store: ProjectStore, asked: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw the canvas for print; return it with its title.

    Parameters
    ----------
    asked
        From the browser: ``project``, ``view`` (x and y range, px), ``diameter`` (of a spot, px),
        ``painted`` (color key, limits, whether logarithmic, color map, categories shown, second
        feature), ``style`` (size, opacity, image opacity) and ``width_mm``.

    Raises
    ------
    InvalidParamsError
        If the width is not allowed.
    """
    project = str(asked["project"])
    section = open_section(store, project)
    areas, paths = drawings(store, project)
    colors = _colors(section, asked["painted"])
    kept = np.ones(len(section.xy), bool)
    if section.look is not None and colors.names:  # what the eye hides is not drawn
        kept = ~np.isin(section.look.labels, sorted(section.look.hidden))
    figure = paper.tissue_page(
        section.xy[kept],
        _only(colors, kept),
        diameter=float(asked["diameter"]),
        um_per_px=section.um_per_px,
        image=tissue_image(open_adata(store, project, "st")),
        regions=[area for area in areas if not area.hidden],
        trajectories=[path for path in paths if not path.hidden],
        view=(_pair(asked["view"]["x"]), _pair(asked["view"]["y"])),
        style=paper.MapStyle(**{name: float(asked["style"][name]) for name in STYLE}),
        simulated=bool(store.about(project)["simulated"]),
        width_mm=_width(asked.get("width_mm")),
    )
    return figure, colors.label


def map_colors(coloring: Paint, painted: Mapping[str, Any]) -> MapColors:
    """Return a coloring as it is on screen: its limits, scale and the categories shown."""
    legend = coloring.legend
    if legend.kind == "category":
        codes = np.asarray(coloring.values)
        shown = painted.get("shown") or range(len(legend.names))
        return MapColors(
            np.where(np.isin(codes, list(shown)), codes, -1),
            legend.label,
            names=tuple(map(cluster_title, legend.names)),
            colors=legend.colors,
            missing=legend.missing if painted.get("shown") is None else "other spots",
        )
    linear = bool(legend.units[1]) and not painted["log"]
    values = np.asarray(coloring.values, float)
    return MapColors(
        np.expm1(values) if linear else values,
        legend.label if legend.layer in ("", "normalized") else f"{legend.label}, {legend.layer}",
        unit=legend.units[1 if linear else 0],
        limits=_pair(painted["limits"]),
        scale=str(painted["scale"]),
        missing=legend.missing,
    )


def _colors(section: Section, painted: Mapping[str, Any]) -> MapColors:
    first = map_colors(paint(section, str(painted["key"])), painted)
    second = painted.get("second")
    if not second:
        return first
    other = map_colors(paint(section, str(second["key"])), {**painted, **second})
    return blend_colors(first, other)


def _only(colors: MapColors, kept: Any) -> MapColors:
    if kept.all():
        return colors
    return MapColors(
        colors.values[kept],
        colors.label,
        names=colors.names,
        colors=colors.colors,
        missing=colors.missing,
    )


def _width(value: Any) -> float:
    width = 180.0 if value is None else float(value)
    low, high = WIDTHS_MM
    if not low <= width <= high:
        raise InvalidParamsError(f"The width must be from {low:g} to {high:g} mm.")
    return width


def _pair(values: Any) -> tuple[float, float]:
    first, second = (float(value) for value in values)
    return first, second
