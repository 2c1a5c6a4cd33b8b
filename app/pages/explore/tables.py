"""Tables of features: sorted, filtered and cut here, drawn as plain HTML."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dash import html

from app import ids
from app.components import button, extra
from app.pages.explore.names import feature_label, feature_parts
from app.pages.explore.paint import FEATURE
from spatialmeta_core import keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from dash.development.base_component import Component

PAGE: Final = 25
ONLY: Final = ("all", keys.ST, keys.SM)
SMALLEST_P: Final = 1e-300
PLAIN_P: Final = 0.001  # smaller ones are written as powers of ten


@dataclass(frozen=True, slots=True)
class Column:
    """How a column is shown: its heading, what it means, and its text."""

    name: str
    head: str
    title: str
    text: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class TableView:
    """How the user looks at a table: order, modality, and number of rows shown."""

    sort: str = ""  # empty: the order it comes in, strongest first
    descending: bool = True
    only: str = "all"
    rows: int = PAGE

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> TableView:
        """Read the browser's form; anything unknown is the default."""
        known = data or {}
        only = known.get("only")
        return cls(
            sort=str(known.get("sort", "")),
            descending=bool(known.get("descending", True)),
            only=only if only in ONLY else "all",
            rows=int(known.get("rows", PAGE)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the form kept in the browser."""
        return asdict(self)

    def sorted_by(self, column: str) -> TableView:
        """Sort by a column; once more turns the order round."""
        turned = column == self.sort and self.descending
        return replace(self, sort=column, descending=not turned, rows=PAGE)


def changed(view: TableView, asked: str | Mapping[str, Any], only: str) -> TableView:
    """Return the view after a click on a heading or on *more*, or a choice of modality.

    Parameters
    ----------
    asked
        Id of what was used.
    only
        The modality chosen now.
    """
    if isinstance(asked, str):
        return replace(view, only=only, rows=PAGE)
    if asked["type"] == "explore-sort":
        return view.sorted_by(str(asked["column"]))
    return replace(view, rows=view.rows + PAGE)


def number(digits: int) -> Callable[[Any], str]:
    """Return a writer of numbers with ``digits`` decimals, and a dash for none."""
    return lambda value: f"{value:.{digits}f}".replace("-", "−") if np.isfinite(value) else "–"


def percent(value: float) -> str:
    """Write a share as a whole percentage."""
    return f"{100 * value:.0f}" if np.isfinite(value) else "–"


def p_value(value: float) -> str:
    """Write a probability; tiny ones as a bound instead of 0."""
    if not np.isfinite(value):
        return "–"
    if value < SMALLEST_P:
        return "< 1e−300"
    if value >= PLAIN_P:
        return f"{value:.2g}"
    digits, power = f"{value:.1e}".split("e")
    return f"{digits}e−{abs(int(power))}"


MARKERS: Final = (
    Column("log2fc", "log2 FC", "Log2 fold change of the means, region over reference", number(2)),
    Column("auc", "AUC", "Chance that a spot of the region has the higher value", number(3)),
    Column("fraction_in", "% in", "Spots of the region above zero", percent),
    Column("fraction_out", "% out", "Spots of the reference above zero", percent),
    Column("p", "p", "Wilcoxon rank-sum, spots taken as independent", p_value),
    Column("p_adj", "q", "Benjamini-Hochberg within each modality", p_value),
)


SPATIAL: Final = (
    Column(
        keys.P_SPATIAL,
        "shift p",
        "Region-shift p: how often the same shape at another place of the tissue differs as much",
        p_value,
    ),
    Column(keys.P_SPATIAL_ADJ, "shift q", "Benjamini-Hochberg of it within each modality", p_value),
)
HOLDS: Final = Column(
    keys.HOLDS,
    "Holds",
    "Keeps its map when the sections are shifted by one spot or turned by 2° (stability check of "
    "the Align page)",
    lambda value: value or "–",
)


def pending(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return columns whose numbers are on their way."""
    return tuple(replace(column, text=lambda _: "…") for column in columns)


def screen_columns(unit: str) -> tuple[Column, ...]:
    """Return the columns of the screen along an axis; ``unit`` is of the distance."""
    return (
        Column("pattern", "Pattern", "Rise or fall, peak, valley, or step", lambda v: v or "–"),
        Column("score", "Score", "Correlation with the pattern, over the spots", number(2)),
        Column(
            "position",
            f"Place ({unit})",
            "Of the peak or valley, or where the curve is steepest",
            number(0),
        ),
    )


PATH_SPATIAL: Final = (
    Column(
        keys.P_SPATIAL,
        "shift p",
        "How often the same axis at another place of the tissue shows a pattern as strong",
        p_value,
    ),
    Column(keys.P_SPATIAL_ADJ, "shift q", "Benjamini-Hochberg of it within each modality", p_value),
)


def arranged(table: pd.DataFrame, view: TableView) -> pd.DataFrame:
    """Filter and sort a table; AUC and correlations by strength, others by value."""
    if view.only != "all":
        table = table[table["type"] == view.only]
    if view.sort not in table:
        return table
    values = table[view.sort]
    if view.sort == "auc":
        values = (values - 0.5).abs()
    elif view.sort in ("score", "log2fc"):
        values = values.abs()
    order = values.sort_values(
        ascending=not view.descending, kind="stable", na_position="last"
    ).index
    return table.loc[order]


def feature_rows(
    table: pd.DataFrame,
    var: pd.DataFrame,
    columns: Sequence[Column],
    view: TableView,
    *,
    name: str,
    curves: Sequence[str] | None = None,
) -> Component:
    """Draw a table of features.

    Parameters
    ----------
    table
        Rows with ``feature``, ``type`` and the columns' names, in their own order.
    var
        The section's features, for names of metabolites.
    name
        Of the table, for the ids of its headings.
    curves
        Features drawn in the chart; adds a column of toggles. None leaves it out.
    """
    chosen = arranged(table, view)
    heads = [_head(column, view, name) for column in columns]
    first = [html.Th("Feature", scope="col"), html.Th("Type", scope="col")]
    chart = [] if curves is None else [html.Th("Chart", scope="col")]
    rows = [
        _row(row, var, columns, curves) for row in chosen.head(view.rows).to_dict(orient="records")
    ]
    body = html.Table(
        [html.Thead(html.Tr([*first, *heads, *chart])), html.Tbody(rows)], className="plain"
    )
    shown = min(view.rows, len(chosen))
    foot = html.P(f"{shown:,} of {len(chosen):,} features shown", className="card-note")
    more = button(
        f"Show {PAGE} more",
        id=ids.explore_more(name),
        kind="secondary btn-sm-small",
        disabled=shown >= len(chosen),
    )
    return html.Div(
        [
            html.Div(body, className="explore-table"),
            html.Div([foot, more], className="explore-foot"),
        ]
    )


def feature_button(name: str, label: str) -> Component:
    """Return a button that colors the map by a feature."""
    return html.Button(
        label,
        className="explore-feature",
        title=f"Color the map by {label}",
        **extra({"data-explore-color": FEATURE + name}),
    )


def type_chip(kind: str) -> Component:
    """Return a chip that names the modality."""
    word, look = ("gene", "chip-st") if kind == keys.ST else ("metabolite", "chip-sm")
    return html.Span(word, className=f"chip {look}")


def _head(column: Column, view: TableView, name: str) -> Component:
    active = column.name == view.sort
    arrow = ("▾" if view.descending else "▴") if active else ""
    order = ("descending" if view.descending else "ascending") if active else "none"
    inner = html.Button(
        [column.head, html.Span(arrow, className="explore-arrow")],
        id=ids.explore_sort(name, column.name),
        title=f"{column.title}. Click to sort.",
        className="explore-sort",
        n_clicks=0,
    )
    return html.Th(inner, scope="col", className="num", **extra({"aria-sort": order}))


def _row(
    row: Mapping[str, Any],
    var: pd.DataFrame,
    columns: Sequence[Column],
    curves: Sequence[str] | None,
) -> Component:
    feature = str(row["feature"])
    label = feature_label(feature_parts(var, feature))
    cells = [html.Td(feature_button(feature, label)), html.Td(type_chip(row["type"]))]
    cells += [html.Td(column.text(row[column.name]), className="num") for column in columns]
    if curves is not None:
        cells.append(html.Td(_curve_toggle(feature, label, shown=feature in curves)))
    return html.Tr(cells)


def _curve_toggle(feature: str, label: str, *, shown: bool) -> Component:
    return html.Button(
        "✓" if shown else "+",
        className="btn-sm-secondary btn-sm-small explore-curve",
        title=f"{'Take' if shown else 'Draw'} {label} {'out of' if shown else 'in'} the chart",
        **extra(
            {
                "data-explore-curve": feature,
                "aria-pressed": "true" if shown else "false",
                "aria-label": f"{label} in the chart",
            }
        ),
    )
