"""The tissue map: spots of one sample over its histology, in full-resolution pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import plotly.graph_objects as go

from app.figures.overlays import scale_bar
from app.figures.theme import ACCENT, CANVAS, TEMPLATE, escape, length_axis, typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.figures.coloring import ColorPatch
    from spatialmeta_core.types import FloatArray

MARGIN_SHARE: Final = 0.04  # of the shown box, left empty around it
SMALLEST_MARKER_PX: Final = 2.0  # screen px; smaller spots could not be seen or pointed at
LARGEST_MARKER_PX: Final = 60.0

Range = tuple[float, float]


def view_box(
    xy: FloatArray, *, image_size_px: tuple[int, int] | None = None, image_scale: float = 1.0
) -> tuple[Range, Range]:
    """Return the x and y ranges that show the spots, and the picture where there is one.

    Parameters
    ----------
    xy
        Spot centers, full-resolution px, shape ``(n_spots, 2)``.
    image_size_px
        Width and height of the picture, picture px.
    image_scale
        Picture px per full-resolution px.

    Returns
    -------
    x_range, y_range
        Low and high end, full-resolution px.
    """
    corners = np.asarray(xy, float)
    if image_size_px is not None:
        picture = np.array([[0, 0], image_size_px]) / image_scale
        corners = np.vstack([corners, picture])
    low, high = np.nanmin(corners, axis=0), np.nanmax(corners, axis=0)
    pad = MARGIN_SHARE * float(max(high - low)) if image_size_px is None else 0.0
    return (low[0] - pad, high[0] + pad), (low[1] - pad, high[1] + pad)


def marker_size(
    spot_diameter: float, x_range: Range, y_range: Range, canvas_px: tuple[float, float]
) -> float:
    """Return the size on screen of a spot, px, so that it covers its true area.

    Markers do not grow with the zoom: call again with the new range when the view changes.

    Parameters
    ----------
    spot_diameter
        Full-resolution px.
    x_range, y_range
        Ends of the view, full-resolution px, in either order.
    canvas_px
        Width and height of the plot area on screen, px.
    """
    zoom = min(
        canvas / abs(ends[1] - ends[0])
        for canvas, ends in zip(canvas_px, (x_range, y_range), strict=True)
    )
    return float(np.clip(spot_diameter * zoom, SMALLEST_MARKER_PX, LARGEST_MARKER_PX))


def tissue_figure(
    xy: FloatArray,
    *,
    sample: str,
    spot_diameter: float,
    spot_names: Sequence[str],
    um_per_px: float | None = None,
    image_url: str | None = None,
    image_size_px: tuple[int, int] | None = None,
    image_scale: float = 1.0,
    coloring: ColorPatch | None = None,
    shapes: Sequence[dict[str, Any]] = (),
    annotations: Sequence[dict[str, Any]] = (),
    canvas_px: tuple[float, float] = (640.0, 640.0),
    opacity: float = 0.9,
    dragmode: str = "pan",
) -> go.Figure:
    """Draw the spots of one sample over its picture.

    Zoom and pan survive updates of the same sample, because ``uirevision`` depends on nothing else.

    Parameters
    ----------
    xy
        Spot centers, full-resolution px, shape ``(n_spots, 2)``.
    sample
        Name of the sample; a change resets the view.
    spot_diameter
        Full-resolution px.
    spot_names
        One name per spot, for the hover text.
    um_per_px
        Pixel size; None when unknown, and then axes and scale bar read px.
    image_url, image_size_px, image_scale
        Where the picture is served, its width and height, and its px per full-resolution px.
    coloring
        From ``color_patch`` or ``category_patch``; None for one plain color.
    shapes, annotations
        From ``overlays``; the scale bar is added to them.
    canvas_px
        Expected width and height of the plot area on screen, px; decides the size of markers.
    opacity
        Of the spots, 0 to 1.
    dragmode
        What a drag does, such as ``"pan"``, ``"lasso"`` or ``"drawopenpath"``.
    """
    x_range, y_range = view_box(xy, image_size_px=image_size_px, image_scale=image_scale)
    bar, bar_text = scale_bar(x_range, y_range, um_per_px)
    spots = go.Scattergl(
        x=typed(xy[:, 0], "f4"),
        y=typed(xy[:, 1], "f4"),
        mode="markers",
        text=[escape(name) for name in spot_names],
        hovertemplate="<b>%{text}</b><extra></extra>",
        marker={
            "size": marker_size(spot_diameter, x_range, y_range, canvas_px),
            "color": ACCENT,
            "opacity": opacity,
            "line": {"width": 0},
        },
        showlegend=False,
    )
    spots.update({name.replace(".", "_"): value for name, value in _attributes(coloring)})
    return go.Figure(
        spots,
        layout={
            "template": TEMPLATE,
            "uirevision": f"tissue {sample}",
            "dragmode": dragmode,
            "plot_bgcolor": CANVAS,
            "margin": {"l": 52, "r": 12, "t": 12, "b": 44},
            "xaxis": _axis("x", x_range, um_per_px) | {"constrain": "domain"},
            "yaxis": _axis("y", y_range[::-1], um_per_px)
            | {"constrain": "domain", "scaleanchor": "x", "scaleratio": 1},
            "images": _picture(image_url, image_size_px, image_scale),
            "shapes": [*shapes, *bar],
            "annotations": [*annotations, *bar_text],
            "newshape": {"line": {"color": ACCENT, "width": 2}},
            "newselection": {"line": {"color": ACCENT, "width": 2, "dash": "solid"}},
        },
    )


def _attributes(coloring: ColorPatch | None) -> list[tuple[str, Any]]:
    return list(coloring.trace.items()) if coloring else []


def _axis(name: str, ends: Range, um_per_px: float | None) -> dict[str, Any]:
    return length_axis(name, ends, um_per_px) | {
        "range": list(ends),
        "showgrid": False,
        "showline": False,
    }


def _picture(
    url: str | None, size_px: tuple[int, int] | None, scale: float
) -> list[dict[str, Any]]:
    """Return the histology as one layout image by address; the figure never holds its pixels."""
    if url is None or size_px is None:
        return []
    return [
        {
            "name": "histology",
            "source": url,
            "xref": "x",
            "yref": "y",
            "x": 0,
            "y": 0,
            "xanchor": "left",
            "yanchor": "top",
            "sizex": size_px[0] / scale,
            "sizey": size_px[1] / scale,
            "sizing": "stretch",
            "layer": "below",
        }
    ]
