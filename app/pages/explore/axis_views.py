"""Charts of features along an axis: gradients, heatmap, chips. Pure, given a section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dash import html

from app.components import extra
from app.figures.gradient_heatmap import gradient_heatmap
from app.figures.theme import category_colors, empty_figure
from app.figures.trajectory import Ribbon, gradient_figure
from app.pages.explore import nulls, tables
from app.pages.explore.names import feature_label, feature_parts
from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.params import GradientParams
from spatialmeta_core.trajectory import PATTERNS, EdgeDistance, find_axis, gradient
from spatialmeta_core.types import Trajectory

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from dash.development.base_component import Component

    from app.sections import Section

STRONGEST: Final = 2  # features of each modality drawn at first
ROWS_PER_TYPE: Final = 15  # of the heatmap
MOST_CURVES: Final = 8  # more could not be told apart in one chart


def shown_curves(section: Section, table: pd.DataFrame, chosen: Sequence[str]) -> list[str]:
    """Return the features of the chart: those chosen, or the strongest of each modality."""
    known = [name for name in chosen if name in section.features.index]
    if known:
        return known
    return [
        str(name)
        for kind in (keys.ST, keys.SM)
        for name in table.loc[table["type"] == kind, "feature"].head(STRONGEST)
    ]


def toggled(curves: Sequence[str], feature: str) -> list[str]:
    """Put a feature into the chart, or take it out.

    Raises
    ------
    InvalidParamsError
        If the chart is full.
    """
    if feature in curves:
        return [name for name in curves if name != feature]
    if len(curves) >= MOST_CURVES:
        raise InvalidParamsError(
            f"The chart holds {MOST_CURVES} features at most. Take one out first."
        )
    return [*curves, feature]


def scored(table: pd.DataFrame) -> pd.DataFrame:
    """Add the score of each feature's own pattern, ``score``; NaN where it has none."""
    columns = table[list(PATTERNS)].to_numpy(float)
    numbers = {name: number for number, name in enumerate(PATTERNS)}
    which = table["pattern"].map(numbers).fillna(-1).to_numpy(int)
    score = columns[np.arange(len(table)), which]
    return table.assign(score=np.where(which >= 0, score, np.nan))


def axis_name(where: Trajectory | EdgeDistance) -> str:
    """Return how to call an axis."""
    if isinstance(where, Trajectory):
        return where.name
    return f"edge of {where.region.name}"


def chart(
    section: Section, where: Trajectory | EdgeDistance, curves: Sequence[str], unit: str
) -> Any:
    """Return the gradient chart of some features along an axis."""
    is_path = isinstance(where, Trajectory)
    figure = gradient_figure(
        labeled_gradient(section, where, curves),
        unit=unit,
        origin="the start" if is_path else "the edge, inside negative",
        ribbon=_ribbon(section, where),
        min_spots_per_bin=GradientParams().min_spots_per_bin,
        revision=nulls.axis_key(where),
    )
    # the chips above the chart are its legend; the map shows the place under the pointer
    figure.update_layout(showlegend=False, margin={"t": 12}, meta={"path": is_path})
    return figure


def _ribbon(section: Section, where: Trajectory | EdgeDistance) -> Ribbon | None:
    """Return the commonest cluster of each bin; None before clustering."""
    if section.look is None:
        return None
    axis = find_axis(section.joint, where)
    edges = axis.edges(GradientParams())
    labels = section.look.labels[axis.spots]
    known = labels >= 0
    counts = np.zeros((len(edges) - 1, len(section.look.names)), int)
    bins = np.clip(np.searchsorted(edges, axis.along, side="right") - 1, 0, len(edges) - 2)
    np.add.at(counts, (bins[known], labels[known]), 1)
    codes = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), -1)
    return Ribbon(edges, codes, section.look.names, section.look.colors)


def heatmap(
    section: Section, where: Trajectory | EdgeDistance, table: pd.DataFrame, unit: str
) -> Any:
    """Return the strongest features of both modalities as rows, by the place of their change."""
    usable = table[table["position"].notna()]
    rows = usable.groupby("type", sort=False).head(ROWS_PER_TYPE).sort_values("position")
    if rows.empty:
        return empty_figure("No feature changes along this axis.")
    names = [str(name) for name in rows["feature"]]
    return gradient_heatmap(
        labeled_gradient(section, where, names), unit=unit, revision=nulls.axis_key(where)
    )


def labeled_gradient(
    section: Section, where: Trajectory | EdgeDistance, curves: Sequence[str]
) -> pd.DataFrame:
    """Return the gradient table of some features, with metabolites under their shown names."""
    table = gradient(section.joint, where, curves)
    labels = {name: feature_label(feature_parts(section.features, name)) for name in curves}
    return table.assign(feature=table["feature"].map(labels))


def chips(section: Section, curves: Sequence[str]) -> list[Component]:
    chips: list[Component] = []
    for name, color in zip(curves, category_colors(len(curves)), strict=True):
        parts = feature_parts(section.features, name)
        label = feature_label(parts)
        remove = html.Button(
            "✕",
            className="explore-remove",
            title=f"Take {label} out of the chart",
            **extra({"data-explore-curve": name, "aria-label": f"Take {label} out of the chart"}),
        )
        look = "explore-line" if parts.kind == keys.ST else "explore-line dashed"
        swatch = html.Span(className=look, style={"borderColor": color})
        chips.append(
            html.Span(
                [swatch, tables.feature_button(name, label), remove], className="explore-chip"
            )
        )
    return chips
