"""Maps of the run in use: its clusters at every resolution tried, and the contribution. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dash import dcc, html

from app import ids
from app.components import button, card
from app.figures.theme import COLOR_SCALES, DIVERGING, category_colors
from app.pages.integrate.routes import picture_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dash.development.base_component import Component

    from app.clusterings import Tried

STEADY: Final = 0.9  # stability from which clusters are called repeatable
LOOSE: Final = 0.6
MAX_LEGEND: Final = 24


def clusters_card() -> Component:
    """Return the card of the resolution slider and both maps, hidden until there are clusters."""
    slider = dcc.Slider(
        id=ids.INTEGRATE_GRID,
        min=0,
        max=1,
        step=1,
        value=0,
        marks=None,
        updatemode="drag",
        allow_direct_input=False,
        included=False,
    )
    body = card(
        "Clusters",
        html.Div(
            [html.Span("Resolution", className="field-label"), slider], className="grid-slider"
        ),
        html.Div(
            [
                html.Div(id=ids.INTEGRATE_GRID_WORDS, role="status"),
                button("Use these clusters", id=ids.INTEGRATE_GRID_USE),
            ],
            className="grid-words",
        ),
        html.Div(id=ids.INTEGRATE_MAPS),
        note="Drag to see coarser or finer clusters at once. Stability tells how alike they are "
        "when a fifth of the spots is left out or the random seed changes: 1 is identical.",
    )
    return html.Div(body, id=ids.INTEGRATE_CLUSTERS, hidden=True)


def marks(tried: Tried) -> dict[int, str]:
    """Return the labels of the slider."""
    return {i: f"{value:g}" for i, value in enumerate(tried.resolution)}


def start(tried: Tried, record: Mapping[str, Any]) -> int:
    """Return where the slider stands at first: at the clusters in use."""
    found = tried.at(float(record["summary"]["resolution"]))
    near = np.abs(tried.resolution - float(record["summary"]["resolution"])).argmin()
    return int(near) if found is None else found


def words(tried: Tried, position: int, record: Mapping[str, Any]) -> list[Any]:
    """Say what the slider stands on."""
    n, stability = int(tried.n_clusters[position]), float(tried.stability[position])
    word = (
        "repeatable" if stability >= STEADY else "partly repeatable" if stability >= LOOSE else ""
    ) or "not repeatable"
    resolution = float(tried.resolution[position])
    used = tried.at(float(record["summary"]["resolution"])) == position
    suggested = tried.at(float(record["summary"]["suggestion"]["resolution"])) == position
    chips = [
        html.Span(text, className="chip chip-done")
        for text, yes in (("in use", used), ("suggested", suggested))
        if yes
    ]
    groups = "1 cluster" if n == 1 else f"{n} clusters"
    return [
        html.Strong(groups),
        f" at resolution {resolution:g}; stability {stability:.2f}, {word} ",
        *chips,
    ]


def maps(
    record: Mapping[str, Any], tried: Tried, position: int, *, project: str, joint: int
) -> list[Component]:
    """Return the tissue and the UMAP in the colors of the clusters, with a legend."""
    pictures = [
        html.Figure(
            [
                html.Img(
                    src=picture_url(
                        project, dict(record), view=view, joint=joint, position=position
                    ),
                    alt=f"{name}, one color per cluster",
                ),
                html.Figcaption(name),
            ]
        )
        for view, name in (("tissue", "Tissue"), ("umap", "UMAP of the joint embedding"))
    ]
    return [html.Div(pictures, className="run-maps"), _legend(tried, position)]


def _legend(tried: Tried, position: int) -> Component:
    labels = tried.labels[position]
    n = int(labels.max()) + 1
    colors = category_colors(n)
    entries = [
        html.Span(
            [
                html.Span(className="swatch", style={"backgroundColor": colors[k]}),
                f"{k} ",
                html.Span(f"{int((labels == k).sum()):,}", className="muted"),
            ],
            className="legend-entry",
        )
        for k in range(min(n, MAX_LEGEND))
    ]
    if n > MAX_LEGEND:
        entries.append(html.Span(f"and {n - MAX_LEGEND} more", className="muted"))
    return html.Div(entries, className="run-legend", title="Cluster and its number of spots")


def contribution_card(
    record: Mapping[str, Any], *, project: str, joint: int, figure: Any
) -> Component:
    """Return the map of the contribution and its spread per cluster."""
    address = picture_url(project, dict(record), view="tissue", by="contribution", joint=joint)
    ramp = f"linear-gradient(90deg, {', '.join(COLOR_SCALES[DIVERGING])})"
    bar = html.Div(
        [
            html.Span("0: metabolites"),
            html.Span(className="color-bar", style={"background": ramp}),
            html.Span("1: genes"),
        ],
        className="run-bar",
    )
    graph = dcc.Graph(
        id=ids.INTEGRATE_VIOLIN,
        figure=figure,
        config={"displayModeBar": False, "responsive": True},
        className="violin-graph",
    )
    picture = html.Figure(
        [html.Img(src=address, alt="Contribution of each spot on the tissue"), bar]
    )
    return card(
        "Contribution of the modalities",
        html.Div([picture, graph], className="run-maps contribution-maps"),
        note="Which modality alone tells the group a spot belongs to: above 0.5 genes more, below "
        "0.5 metabolites more, 0.5 where both do or neither does.",
    )
