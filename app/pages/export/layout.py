"""The export screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import html

if TYPE_CHECKING:
    from dash.development.base_component import Component


def layout() -> Component:
    """Return the page."""
    return html.Div()
