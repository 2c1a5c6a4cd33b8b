"""Many features along one axis as the rows of a heatmap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.theme import COLOR_SCALES, DIVERGING, SM_COLOR, ST_COLOR, TEMPLATE, escape
from spatialmeta_core.keys import ST

if TYPE_CHECKING:
    import pandas as pd

LIMIT: Final = 2.0  # standard deviations at the ends of the colors


def gradient_heatmap(
    table: pd.DataFrame, *, unit: str = "µm", revision: str = "heatmap"
) -> go.Figure:
    """Draw z-scores by feature (rows, in the order given, the first on top) and distance.

    A strip on the left tells genes from metabolites.

    Parameters
    ----------
    table
        Gradient with the columns ``keys.GRADIENT_COLUMNS``.
    unit
        Of the distance.
    revision
        Names the axis; a change resets the view.
    """
    order = list(dict.fromkeys(table["feature"]))
    wide = table.pivot_table(
        index="feature", columns="distance", values="z", sort=False, dropna=False
    ).reindex(order)
    kinds = table.drop_duplicates("feature").set_index("feature")["type"].reindex(order)
    names = [escape(name) for name in order]
    rows = np.arange(len(order))
    figure = make_subplots(
        rows=1, cols=2, shared_yaxes=True, column_widths=[0.025, 0.975], horizontal_spacing=0.005
    )
    is_sm = (kinds != ST).to_numpy(float)
    strip = go.Heatmap(
        z=is_sm[:, None],
        y=rows,
        x=[0],
        zmin=0,
        zmax=1,
        colorscale=[[0, ST_COLOR], [0.5, ST_COLOR], [0.5, SM_COLOR], [1, SM_COLOR]],
        showscale=False,
        customdata=np.where(is_sm > 0, "metabolite", "gene")[:, None],
        text=np.array(names, dtype=object)[:, None],
        hovertemplate="%{text}: %{customdata}<extra></extra>",
    )
    values = go.Heatmap(
        z=wide.to_numpy(float),
        x=wide.columns.to_numpy(float),
        y=rows,
        zmin=-LIMIT,
        zmax=LIMIT,
        colorscale=list(COLOR_SCALES[DIVERGING]),
        colorbar={"title": {"text": "z"}, "thickness": 10, "len": 0.6},
        text=np.tile(np.array(names, dtype=object)[:, None], (1, wide.shape[1])),
        hovertemplate=f"%{{text}}<br>%{{x:.0f}} {unit}<br>z %{{z:.2f}}<extra></extra>",
    )
    figure.add_trace(strip, row=1, col=1)
    figure.add_trace(values, row=1, col=2)
    figure.update_layout(
        template=TEMPLATE,
        uirevision=revision,
        margin={"l": 130, "r": 10, "t": 8, "b": 44},
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_yaxes(tickvals=rows, ticktext=names, tickfont={"size": 10}, row=1, col=1)
    figure.update_xaxes(visible=False, row=1, col=1)
    figure.update_xaxes(title={"text": f"Distance ({unit})"}, row=1, col=2)
    return figure
