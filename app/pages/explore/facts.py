"""The section at a glance: how much there is, and its clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from dash import html

from app.components import card
from app.figures.theme import category_colors
from spatialmeta_core import keys

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from app.sections import Section


def facts_card(section: Section) -> Component:
    """Return the numbers of a section, and one row per cluster once there are clusters."""
    types = section.features[keys.FEATURE_TYPE]
    covered = int((section.n_donors > 0).sum())
    row, carried = ("Pixels", "genes") if section.rows_are_pixels else ("Spots", "metabolites")
    n_genes = int((types == keys.ST).sum())
    size = section.um_per_px
    rows = [
        (row, f"{len(section.xy):,} ({covered:,} with {carried})"),
        (
            "Features",
            f"{n_genes:,} genes, {len(types) - n_genes:,} metabolites",
        ),
        (
            "Pixel size",
            html.Span("unknown, lengths are in px", className="explore-px")
            if size is None
            else f"{size:.4g} µm",
        ),
    ]
    terms = [part for name, value in rows for part in (html.Dt(name), html.Dd(value))]
    table = [] if section.cluster is None else [_cluster_table(section)]
    return card("This section", html.Dl(terms, className="facts"), *table)


def _cluster_table(section: Section) -> Component:
    labels = np.asarray(section.cluster)
    counts = np.bincount(labels[labels >= 0])
    heads = (("Cluster", ""), ("Spots", "num"), ("Share", "num"), ("Mean contribution", "num"))
    body = [
        html.Tr(
            [
                html.Td(
                    [html.Span(className="explore-swatch", style={"background": color}), f" {n}"]
                ),
                html.Td(f"{count:,}", className="num"),
                html.Td(f"{100 * count / counts.sum():.0f} %", className="num"),
                html.Td(_mean_contribution(section, labels == n), className="num"),
            ]
        )
        for n, (count, color) in enumerate(zip(counts, category_colors(len(counts)), strict=True))
    ]
    head = html.Tr([html.Th(text, scope="col", className=look) for text, look in heads])
    note = html.P(
        "Contribution above 0.5: genes alone tell the group better; below: metabolites.",
        className="card-note",
    )
    table = html.Table([html.Thead(head), html.Tbody(body)], className="plain")
    return html.Div(
        [html.Div(table, className="explore-table"), note], className="explore-clusters"
    )


def _mean_contribution(
    section: Section, members: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> str:
    if section.contribution is None or not np.isfinite(section.contribution[members]).any():
        return "–"
    return f"{np.nanmean(section.contribution[members]):.2f}"
