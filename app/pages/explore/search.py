"""The box that finds genes, metabolites and what else the map can be colored by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import dcc, html

from app.components import extra
from app.pages.explore import names
from app.pages.explore.paint import CLUSTER, CONTRIBUTION, DONORS, FEATURE

if TYPE_CHECKING:
    import pandas as pd
    from dash.development.base_component import Component

SPOT_KEYS = {
    CLUSTER: "Clusters",
    CONTRIBUTION: "Modality contribution",
    DONORS: "Metabolite pixels per spot",
}
MOST_AT_FIRST = 6  # features of each modality offered before anything is typed


def search_box(
    *,
    id: str,
    found: str,
    placeholder: str,
    target: str,
    label: str,
) -> Component:
    """Return a box that finds features; what is chosen goes where ``target`` says.

    Parameters
    ----------
    found
        Id of the list below the box.
    target
        ``"color"`` colors the map, ``"curve"`` adds to the chart.
    """
    box = dcc.Input(
        id=id,
        type="search",
        placeholder=placeholder,
        autoComplete="off",
        spellCheck="false",
        className="find-box",
    )
    return html.Div(
        [
            html.Label([html.Span(label, className="field-label"), box], className="field"),
            html.Div(
                id=found, className="find-list", role="listbox", **extra({"aria-label": label})
            ),
        ],
        className="find",
        **extra({"data-explore-find": target}),
    )


def options(var: pd.DataFrame, query: str, *, spot_keys: tuple[str, ...] = ()) -> list[Component]:
    """List what a query finds, in groups.

    Parameters
    ----------
    var
        The section's features, see ``names.find``.
    spot_keys
        Which of ``SPOT_KEYS`` to offer beside features.
    """
    most = names.MOST_SHOWN if query.strip() else MOST_AT_FIRST
    genes, metabolites = names.find(var, query, most=most)
    spots = [
        names.Hit(key, SPOT_KEYS[key])
        for key in spot_keys
        if query.strip().lower() in SPOT_KEYS[key].lower()
    ]
    groups = [
        ("This section", spots, ""),
        ("Genes", genes, FEATURE),
        ("Metabolites", metabolites, FEATURE),
    ]
    shown = [_group(title, hits, start) for title, hits, start in groups if hits]
    if shown:
        return shown
    return [
        html.P("Nothing found. For a mass write 281.248 or 281.248 ± 5 ppm.", className="find-none")
    ]


def _group(title: str, hits: list[names.Hit], start: str) -> Component:
    rows = [
        html.Div(
            [html.Span(hit.label), html.Span(hit.detail, className="find-detail")],
            role="option",
            className="find-option",
            **extra({"data-key": start + hit.name}),
        )
        for hit in hits
    ]
    return html.Div(
        [html.Div(title, className="find-title"), *rows],
        role="group",
        **extra({"aria-label": title}),
    )
