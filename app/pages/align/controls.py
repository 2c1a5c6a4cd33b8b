"""Small controls of the align screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import dcc, html

if TYPE_CHECKING:
    from dash.development.base_component import Component


def named(name: str) -> dict[str, Any]:
    """Return the attribute that names an element to screen readers."""
    return {"aria-label": name}


def tool(label: str, id: str, title: str) -> Component:
    """Return a small button of the toolbar; ``title`` names it in full."""
    return html.Button(
        label,
        id=id,
        title=title,
        n_clicks=0,
        className="btn-sm-secondary btn-sm-small",
        **named(title),
    )


def choice(
    label: str,
    id: str,
    options: dict[str, str],
    value: str,
    *,
    inline: bool = False,
    searchable: bool = False,
) -> Component:
    """Return a labeled list to choose one of ``options`` (value to label)."""
    box: Any = dcc.Dropdown(
        id=id, options=options, value=value, clearable=False, searchable=searchable
    )
    kind = "field field-inline" if inline else "field"
    return html.Label([html.Span(label, className="field-label"), box], className=kind)


def slider(
    label: str,
    id: str,
    *,
    low: float,
    high: float,
    step: float,
    value: float,
    typed: bool = False,
) -> Component:
    """Return a labeled slider that acts while it is dragged; ``typed``: with a number box."""
    slider = dcc.Slider(
        id=id,
        min=low,
        max=high,
        step=step,
        value=value,
        marks=None,
        updatemode="drag",
        allow_direct_input=typed,
    )
    return html.Div(
        [html.Span(label, className="field-label", id=f"{id}-label"), slider],
        className="field align-slider",
    )
