"""Regions, trajectories, labels and the scale bar as layout shapes and annotations, named by id.

Everything is in full-resolution ST pixels, x to the right and y down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.figures.theme import (
    INK,
    SURFACE,
    WARN,
    escape,
    length_unit,
    round_step,
    translucent,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.types import FloatArray, IntArray, Region, Trajectory

SCALE_BAR: Final = "scale-bar"
TICK_UM: Final = 100.0  # between tick marks of a trajectory
MOST_TICKS: Final = 60  # longer paths get rounder, wider spaced marks
CIRCLE_CORNERS: Final = 32

Drawing = dict[str, Any]


def region_shapes(
    regions: Sequence[Region], *, selected: str | None = None, editable: bool = False
) -> list[Drawing]:
    """Outline and tint each region; holes stay open. ``name`` of a shape is the region's id.

    Parameters
    ----------
    regions
        Regions of one sample.
    selected
        Id of the region to draw stronger.
    editable
        Whether vertices can be dragged; locked regions never can.
    """
    return [
        {
            "type": "path",
            "name": region.id,
            "path": "".join(_path(ring) for part in region.parts for ring in part),
            "fillrule": "evenodd",
            "fillcolor": translucent(region.color, 0.24 if region.id == selected else 0.1),
            "line": {"color": region.color, "width": 3 if region.id == selected else 1.75},
            "layer": "above",
            "editable": editable and not region.locked,
        }
        for region in regions
    ]


def region_labels(regions: Sequence[Region]) -> list[Drawing]:
    """Name each region at the top of its first part."""
    return [_label(region.id, region.name, _topmost(region.parts[0][0])) for region in regions]


def trajectory_shapes(
    trajectories: Sequence[Trajectory],
    *,
    um_per_px: float | None = None,
    selected: str | None = None,
    editable: bool = False,
) -> list[Drawing]:
    """Draw each trajectory as a swath with a center line, tick marks and an arrow at its end.

    The swath is the set of points that ``spatialmeta_core.trajectory`` assigns to the path: within
    half the width of a segment, round at the corners, and cut straight at both ends. Ticks come
    every 100 µm, or at a wider, round distance on long paths and where the pixel size is unknown.

    Parameters
    ----------
    trajectories
        Trajectories of one sample, two or more different points each.
    um_per_px
        Pixel size; None when unknown, and then widths are pixels.
    selected
        Id of the trajectory to draw stronger.
    editable
        Whether the center line's points can be dragged.

    Returns
    -------
    list of dict
        Four shapes each, named ``id/band``, ``id/ticks``, ``id/arrow`` and, for the line, ``id``.
    """
    shapes: list[Drawing] = []
    for trajectory in trajectories:
        strong = trajectory.id == selected
        half = trajectory.width(um_per_px) / (um_per_px or 1.0) / 2
        points = np.asarray(trajectory.points, float)
        color = trajectory.color
        common = {"type": "path", "layer": "above"}
        thin = {"color": color, "width": 1.25}
        line = {"color": color, "width": 3 if strong else 2}
        shapes += [
            common
            | _band(points, half, translucent(color, 0.3 if strong else 0.18))
            | {"name": f"{trajectory.id}/band", "editable": False},
            common
            | {"path": _ticks(points, half, um_per_px), "line": thin}
            | {"name": f"{trajectory.id}/ticks", "editable": False},
            common
            | {"path": _arrow(points, half), "fillcolor": color, "line": {"width": 0}}
            | {"name": f"{trajectory.id}/arrow", "editable": False},
            common
            | {"path": _path(points, closed=False), "line": line}
            | {"name": trajectory.id, "editable": editable},
        ]
    return shapes


def trajectory_labels(trajectories: Sequence[Trajectory]) -> list[Drawing]:
    """Name each trajectory at its start."""
    return [
        _label(path.id, path.name, (path.points[0, 0], path.points[0, 1])) for path in trajectories
    ]


def category_labels(xy: FloatArray, codes: IntArray, names: Sequence[str]) -> list[Drawing]:
    """Write each category's name at its most central spot, so that color is not the only sign.

    Parameters
    ----------
    xy
        Positions on a map or an embedding, shape ``(n, 2)``; rows with NaN are left out.
    codes
        Position of each spot's category in ``names``; negative for none.
    names
        One name per category.
    """
    labels = []
    for code, name in enumerate(names):
        members = xy[(codes == code) & np.isfinite(xy).all(axis=1)]
        if len(members):
            middle = np.median(members, axis=0)
            central = members[np.argmin(((members - middle) ** 2).sum(axis=1))]
            labels.append(_label(f"category-{code}", name, central))
    return labels


def scale_bar(
    x_range: Sequence[float], y_range: Sequence[float], um_per_px: float | None
) -> tuple[list[Drawing], list[Drawing]]:
    """Return the bar and its label for the lower left of a view; call again when the view changes.

    Parameters
    ----------
    x_range, y_range
        Ends of the view, px, in either order.
    um_per_px
        Pixel size; None when unknown, and then the bar reads px in the color of a warning.

    Returns
    -------
    shapes, annotations
        One of each, both named ``SCALE_BAR``.
    """
    left, right = min(x_range), max(x_range)
    top, bottom = min(y_range), max(y_range)
    unit, px_per_unit = length_unit((right - left) / 5, um_per_px)
    length = round_step((right - left) / px_per_unit, 10)
    x0, y = left + 0.04 * (right - left), bottom - 0.04 * (bottom - top)
    x1 = x0 + length * px_per_unit
    color = INK if um_per_px else WARN
    bar = {
        "type": "line",
        "name": SCALE_BAR,
        "x0": x0,
        "x1": x1,
        "y0": y,
        "y1": y,
        "line": {"color": color, "width": 3},
        "layer": "above",
        "editable": False,
    }
    text = {
        "name": SCALE_BAR,
        "x": (x0 + x1) / 2,
        "y": y,
        "text": f"{length:.6g} {unit}",
        "showarrow": False,
        "yanchor": "bottom",
        "yshift": 3,
        "font": {"size": 11, "color": color},
        "bgcolor": translucent(SURFACE, 0.75),
        "borderpad": 1,
    }
    return [bar], [text]


def _label(name: str, text: str, at: Sequence[float] | FloatArray) -> Drawing:
    return {
        "name": f"{name}/label",
        "x": float(at[0]),
        "y": float(at[1]),
        "text": escape(text),
        "showarrow": False,
        "font": {"size": 11, "color": INK, "weight": 600},
        "bgcolor": translucent(SURFACE, 0.86),
        "borderpad": 2,
    }


def _topmost(ring: FloatArray) -> FloatArray:
    return np.asarray(ring[np.argmin(ring[:, 1])])


def _path(points: FloatArray, *, closed: bool = True) -> str:
    corners = "L".join(f"{x:.2f},{y:.2f}" for x, y in points)
    return f"M{corners}{'Z' if closed else ''}"


def _band(points: FloatArray, half: float, color: str) -> Drawing:
    """Return one box per segment and one disc per inner corner, all turning the same way.

    With the nonzero rule their overlaps are filled once, so the tint is even.
    """
    start, end = points[:-1], points[1:]
    along = end - start
    length = np.linalg.norm(along, axis=1, keepdims=True)
    side = half * np.column_stack([-along[:, 1], along[:, 0]]) / np.where(length > 0, length, 1)
    boxes = np.stack([start - side, end - side, end + side, start + side], axis=1)
    angle = np.linspace(0, 2 * np.pi, CIRCLE_CORNERS, endpoint=False)
    disc = half * np.column_stack([np.cos(angle), np.sin(angle)])
    parts = [*boxes, *(corner + disc for corner in points[1:-1])]
    return {
        "path": "".join(_path(part) for part in parts),
        "fillrule": "nonzero",
        "fillcolor": color,
        "line": {"width": 0},
    }


def _ticks(points: FloatArray, half: float, um_per_px: float | None) -> str:
    along = np.linalg.norm(np.diff(points, axis=0), axis=1)
    distance = np.concatenate([[0.0], np.cumsum(along)])
    total = distance[-1]
    if um_per_px is None:
        step = round_step(total, 20)
    else:
        wide = round_step(total * um_per_px, MOST_TICKS)
        step = max(TICK_UM, wide) / um_per_px
    marks = []
    for place in np.arange(0.0, total * (1 + 1e-9), step):
        segment = min(int(np.searchsorted(distance, place, side="right")) - 1, len(along) - 1)
        direction = (points[segment + 1] - points[segment]) / along[segment]
        middle = points[segment] + direction * (place - distance[segment])
        side = 0.35 * half * np.array([-direction[1], direction[0]])
        marks.append(_path(np.array([middle - side, middle + side]), closed=False))
    return "".join(marks)


def _arrow(points: FloatArray, half: float) -> str:
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    moving = np.flatnonzero(steps > 0)[-1]
    direction = (points[moving + 1] - points[moving]) / steps[moving]
    size = np.clip(0.6 * half, 0.02 * steps.sum(), 0.08 * steps.sum())
    side = np.array([-direction[1], direction[0]])
    tip = points[-1] + 0.5 * size * direction
    base = tip - 1.3 * size * direction
    return _path(np.array([tip, base + 0.55 * size * side, base - 0.55 * size * side]))
