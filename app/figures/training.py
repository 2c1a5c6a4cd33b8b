"""Losses of a running or finished training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.theme import INK, MUTED, OKABE_ITO, SM_COLOR, ST_COLOR, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.types import EpochReport, FloatArray

TERMS: Final = {
    "total": ("Total", INK),
    "st": ("ST", ST_COLOR),
    "sm": ("SM", SM_COLOR),
    "kl": ("KL", OKABE_ITO[1]),
    "mmd": ("MMD", OKABE_ITO[0]),
}


def loss_figure(
    history: Sequence[EpochReport], *, terms: Sequence[str] = ("total", "st", "sm", "kl")
) -> go.Figure:
    """Draw the terms of eq. 22 against the epoch; solid for training, dashed for validation.

    The axis is logarithmic. A term that reached zero or less, as the likelihood of metabolites
    may, cannot be on it and moves to a linear panel below, so that nothing is hidden.

    Parameters
    ----------
    history
        One report per finished epoch, in order; may be empty.
    terms
        Fields of ``LossTerms`` to draw.

    References
    ----------
    Tian et al. (2025), eq. 22.
    """
    epochs = np.array([report.epoch for report in history])
    curves = {term: _curves(history, term) for term in terms}
    below = [term for term in terms if _reaches_zero(curves[term])]
    rows = 2 if below and len(below) < len(terms) else 1
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for term in terms:
        row = rows if term in below else 1
        for part, values in zip(("training", "validation"), curves[term], strict=True):
            figure.add_trace(_line(epochs, values, term, part), row=row, col=1)
    for row in range(1, rows + 1):
        linear = bool(below) and row == rows
        figure.update_yaxes(_loss_axis(linear), row=row, col=1)
    figure.update_xaxes(rangemode="tozero", title=None)
    figure.update_xaxes(title={"text": "Epoch (count)"}, row=rows, col=1)
    _mark_best(figure, history)
    figure.update_layout(
        template=TEMPLATE,
        uirevision="training",
        hovermode="x unified",
        xaxis={"unifiedhovertitle": {"text": "epoch %{x}"}},
        margin={"l": 64, "r": 12, "t": 36, "b": 44},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    )
    return figure


def _curves(history: Sequence[EpochReport], term: str) -> tuple[FloatArray, FloatArray]:
    train = np.array([getattr(report.train, term) for report in history], float)
    validation = np.array([getattr(report.validation, term) for report in history], float)
    return train, validation


def _reaches_zero(curves: tuple[FloatArray, FloatArray]) -> bool:
    values = np.concatenate(curves)
    return bool((values[np.isfinite(values)] <= 0).any())


def _line(epochs: FloatArray, values: FloatArray, term: str, part: str) -> go.Scatter:
    label, color = TERMS[term]
    training = part == "training"
    return go.Scatter(
        x=epochs,
        y=values,
        mode="lines",
        name=label if training else f"{label}, validation",
        legendgroup=term,
        showlegend=training,
        line={
            "color": color,
            "width": 2 if training else 1.5,
            "dash": "solid" if training else "dash",
        },
        hovertemplate="%{y:.4~g}",
    )


def _loss_axis(linear: bool) -> dict[str, Any]:
    scale = "linear" if linear else "log"
    axis: dict[str, Any] = {"type": scale, "title": {"text": f"Nats per spot, {scale}"}}
    return axis if linear else axis | {"dtick": 1, "tickformat": "~g"}


def _mark_best(figure: go.Figure, history: Sequence[EpochReport]) -> None:
    best = [report.epoch for report in history if report.is_best]
    if not best:
        return
    line = {"type": "line", "name": "best-epoch", "xref": "x", "yref": "paper", "y0": 0, "y1": 1}
    figure.add_shape(
        **line, x0=best[-1], x1=best[-1], line={"color": MUTED, "width": 1, "dash": "dot"}
    )
    figure.add_annotation(
        name="best-epoch",
        x=best[-1],
        y=1,
        yref="paper",
        text=f"best: epoch {best[-1]}",
        showarrow=False,
        xanchor="right",
        yanchor="top",
        xshift=-4,
        font={"size": 11, "color": MUTED},
    )
