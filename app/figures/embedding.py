"""The UMAP of the joint embedding, in the same colors as the tissue map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from app.figures.theme import ACCENT, TEMPLATE, escape, typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.figures.coloring import ColorPatch
    from spatialmeta_core.types import FloatArray


def umap_figure(
    xy: FloatArray,
    *,
    spot_names: Sequence[str],
    revision: str,
    coloring: ColorPatch | None = None,
    annotations: Sequence[dict[str, Any]] = (),
    dragmode: str = "lasso",
) -> go.Figure:
    """Draw the spots in the plane of the UMAP.

    Spots left out of training, whose rows are NaN, are not drawn but keep their place in the
    trace, so that the index of a point is the same as on the tissue map.

    Parameters
    ----------
    xy
        UMAP coordinates, shape ``(n_spots, 2)``; without unit.
    spot_names
        One name per spot, for the hover text.
    revision
        Names the embedding; a change resets the view.
    coloring
        From ``color_patch`` or ``category_patch``; None for one plain color.
    annotations
        From ``overlays.category_labels``.
    dragmode
        What a drag does.
    """
    spots = go.Scattergl(
        x=typed(xy[:, 0], "f4"),
        y=typed(xy[:, 1], "f4"),
        mode="markers",
        text=[escape(name) for name in spot_names],
        hovertemplate="<b>%{text}</b><extra></extra>",
        marker={
            "size": marker_size(len(xy)),
            "color": ACCENT,
            "opacity": 0.85,
            "line": {"width": 0},
        },
        showlegend=False,
    )
    if coloring is not None:
        spots.update({name.replace(".", "_"): value for name, value in coloring.trace.items()})
    axis = {"showgrid": False, "showticklabels": False, "ticks": ""}
    return go.Figure(
        spots,
        layout={
            "template": TEMPLATE,
            "uirevision": f"umap {revision}",
            "dragmode": dragmode,
            "margin": {"l": 36, "r": 12, "t": 12, "b": 36},
            "xaxis": axis | {"title": {"text": "UMAP 1 (no unit)"}},
            "yaxis": axis | {"title": {"text": "UMAP 2 (no unit)"}, "scaleanchor": "x"},
            "annotations": list(annotations),
        },
    )


def marker_size(n_spots: int) -> float:
    """Return a marker size, px, that keeps the cloud readable: 7 for few spots, 2 for very many."""
    return float(np.clip(180.0 / np.sqrt(max(n_spots, 1)), 2.0, 7.0))
