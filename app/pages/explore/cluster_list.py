"""The list of clusters: shown or not, color, name, size, mean contribution. Components only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import dash_bootstrap_components as dbc
import numpy as np
from dash import dcc, html

from app import ids
from app.components import extra, message

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from app.cluster_edits import ClusterLook
    from app.clusterings import Tried
    from app.sections import Section

COLOR_WAIT_MS: Final = 400  # a color picker reports every color on the way


def cluster_list(section: Section, look: ClusterLook) -> list[Component]:
    """List the clusters of a section, and say when edits of other clusters are not in force."""
    sizes = look.sizes()
    rows = [_row(section, look, place, sizes) for place in range(len(look.names))]
    heads = (
        ("Merge", "sr-only"),
        ("Shown", "sr-only"),
        ("Cluster", ""),
        ("Spots", "num"),
        ("Share", "num cluster-share"),
        ("Contribution", "num"),
        ("More", "sr-only"),
    )
    head = html.Tr(
        [
            html.Th(
                html.Span(text, className=look_) if look_ == "sr-only" else text,
                scope="col",
                className="" if look_ == "sr-only" else look_,
            )
            for text, look_ in heads
        ]
    )
    table = html.Table(
        [html.Thead(head), html.Tbody(rows)], className="plain", **extra({"data-clusters": "list"})
    )
    return [*_elsewhere(look), html.Div(table, className="explore-table")]


def grid_words(tried: Tried, position: int) -> str:
    """Say what the slider stands on."""
    n = int(tried.n_clusters[position])
    groups = "1 cluster" if n == 1 else f"{n} clusters"
    return (
        f"{groups} at resolution {float(tried.resolution[position]):g}, stability "
        f"{float(tried.stability[position]):.2f} of 1."
    )


def _elsewhere(look: ClusterLook) -> list[Component]:
    if not look.n_elsewhere:
        return []
    text = (
        "You named, colored or merged other clusters than these. Those edits are kept, and are in "
        "force again when the same clusters come back."
    )
    return [message("info", text, title="Some edits are of other clusters.")]


def _row(section: Section, look: ClusterLook, place: int, sizes: list[int]) -> Component:
    number, name, color = look.numbers[place], look.names[place], look.colors[place]
    hidden = place in look.hidden
    total = sum(sizes) or 1
    cells = [
        html.Td(
            dbc.Checkbox(
                id=ids.explore_cluster("tick", number),
                value=False,
                label=html.Span(f"Merge {name}", className="sr-only"),
            ),
            className="cluster-tick",
        ),
        html.Td(_eye(number, name, hidden=hidden)),
        html.Td(
            html.Div(
                [
                    html.Label(
                        [
                            html.Span(f"Color of cluster {name}", className="sr-only"),
                            dbc.Input(
                                id=ids.explore_cluster("color", number),
                                type="color",
                                value=color,
                                debounce=COLOR_WAIT_MS,
                                className="cluster-color",
                            ),
                        ],
                    ),
                    html.Label(
                        [
                            html.Span(f"Name of cluster {name}", className="sr-only"),
                            dcc.Input(
                                id=ids.explore_cluster("name", number),
                                type="text",
                                value=name,
                                debounce=True,
                                maxLength=60,
                            ),
                        ],
                        className="field",
                    ),
                ],
                className="explore-row",
            )
        ),
        html.Td(f"{sizes[place]:,}", className="num"),
        html.Td(f"{100 * sizes[place] / total:.0f} %", className="num cluster-share"),
        html.Td(_contribution(section, look.labels == place), className="num"),
        html.Td(_separate(number, look, place)),
    ]
    return html.Tr(
        cells,
        tabIndex=0,
        className="cluster-row hidden-cluster" if hidden else "cluster-row",
        **extra({"data-code": str(place), "aria-label": f"Cluster {name}", "data-color": color}),
    )


def _eye(number: int, name: str, *, hidden: bool) -> Component:
    return html.Button(
        "○" if hidden else "●",
        id=ids.explore_cluster("eye", number),
        className="btn-sm-quiet btn-sm-small cluster-eye",
        title=f"{'Show' if hidden else 'Hide'} {name} on the maps",
        n_clicks=0,
        **extra({"aria-pressed": "false" if hidden else "true", "aria-label": f"{name} shown"}),
    )


def _separate(number: int, look: ClusterLook, place: int) -> Any:
    if len(look.members[place]) == 1:
        return ""
    parts = ", ".join(map(str, look.members[place]))
    return html.Button(
        "Split",
        id=ids.explore_cluster("separate", number),
        className="btn-sm-quiet btn-sm-small",
        title=f"Take the merged clusters {parts} apart again",
        n_clicks=0,
    )


def _contribution(section: Section, members: np.ndarray[Any, np.dtype[np.bool_]]) -> str:
    if section.contribution is None or not np.isfinite(section.contribution[members]).any():
        return "–"
    return f"{np.nanmean(section.contribution[members]):.2f}"
