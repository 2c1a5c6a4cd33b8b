"""The section at a glance: how much there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import html

from app.components import card
from spatialmeta_core import keys

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from app.sections import Section


def facts_card(section: Section) -> Component:
    """Return the numbers of a section."""
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
    return card("This section", html.Dl(terms, className="facts"))
