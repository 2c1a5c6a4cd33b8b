"""By how much metabolites come after genes along an axis: which pairs are asked, and the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from dash import html

from app.components import empty_state
from app.pages.explore.names import feature_label, feature_parts
from app.pages.explore.tables import feature_button, number
from spatialmeta_core import keys
from spatialmeta_core.trajectory import peak_lags, screen

if TYPE_CHECKING:
    import pandas as pd
    from dash.development.base_component import Component

    from app.sections import Section
    from spatialmeta_core.trajectory import EdgeDistance
    from spatialmeta_core.types import Trajectory

MOST: Final = 8  # features of each modality
SHOWN: Final = 20
WORDS: Final = {"peak": "peaks", "change": "steepest places"}


class Lags(NamedTuple):
    """Lags and what was compared; an empty table where there is nothing to compare."""

    table: pd.DataFrame | None
    at: Literal["peak", "change"]


def measured(section: Section, where: Trajectory | EdgeDistance) -> Lags:
    """Compare the strongest features that peak, or else those that rise or fall."""
    table = screen(section.joint, where).table
    for at, sought in (("peak", ("peak",)), ("change", ("monotone", "step"))):
        rows = table[table["pattern"].isin(sought)]
        genes, metabolites = (
            [str(name) for name in rows.loc[rows["type"] == kind, "feature"].head(MOST)]
            for kind in (keys.ST, keys.SM)
        )
        if genes and metabolites:
            which: Literal["peak", "change"] = "peak" if at == "peak" else "change"
            return Lags(peak_lags(section.joint, where, genes, metabolites, at=which), which)
    return Lags(None, "peak")


def lag_view(found: Lags, section: Section) -> list[Component]:
    """Return the pairs that differ most, with their intervals."""
    if found.table is None:
        text = "No gene and metabolite of one pattern were found along this axis."
        return [empty_state(text)]
    unit = "px" if section.um_per_px is None else "µm"
    heads = ("Gene", "Metabolite", f"Lag ({unit})", f"95 % interval ({unit})")
    rows = [_row(row, section) for row in found.table.head(SHOWN).itertuples()]
    head = html.Tr([html.Th(text, scope="col") for text in heads])
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="plain")
    note = (
        f"Distance between the {WORDS[found.at]} of the {MOST} strongest features of each kind; "
        "positive: the metabolite comes later. In bold: the interval leaves out 0. The interval "
        "is for one pair at a time."
    )
    shown = f"{min(SHOWN, len(found.table))} of {len(found.table)} pairs shown."
    return [
        html.Div(table, className="explore-table"),
        html.P(f"{shown} {note}", className="card-note"),
    ]


def _row(row: Any, section: Section) -> Component:
    write = number(0)
    differs = row.low > 0 or row.high < 0
    lag = html.Strong(write(row.lag)) if differs else write(row.lag)
    cells = [
        html.Td(feature_button(name, feature_label(feature_parts(section.features, name))))
        for name in (row.gene, row.metabolite)
    ]
    interval = f"{write(row.low)} to {write(row.high)}"
    return html.Tr([*cells, html.Td(lag, className="num"), html.Td(interval, className="num")])
