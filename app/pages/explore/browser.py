"""What the browser does by itself on the explore screen: coloring, drawing, ordering a figure."""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, Output, State

from app import ids


def register(app: Dash) -> None:
    """Attach what the browser does by itself: coloring and drawing."""
    app.clientside_callback(
        ClientsideFunction("spatialmeta_explore", "paint"),
        Output(ids.EXPLORE_PAINTED, "data"),
        Input(ids.EXPLORE_SCENE, "data"),
        Input(ids.EXPLORE_COLOR, "data"),
        Input(ids.EXPLORE_LAYER, "value"),
        Input(ids.EXPLORE_SECOND, "data"),
        Input(ids.EXPLORE_RANGE, "data"),
        Input(ids.EXPLORE_CLIP, "value"),
        Input(ids.EXPLORE_LOG, "value"),
        Input(ids.EXPLORE_SCALE, "value"),
        Input(ids.EXPLORE_SIZE, "value"),
        Input(ids.EXPLORE_OPACITY, "value"),
        Input(ids.EXPLORE_IMAGE, "value"),
        Input(ids.EXPLORE_HISTOLOGY, "value"),
    )
    app.clientside_callback(
        ClientsideFunction("spatialmeta_explore", "overlay"),
        Output(ids.EXPLORE_SHOWN, "data"),
        Input(ids.EXPLORE_OVERLAY, "data"),
        Input(ids.EXPLORE_SCENE, "data"),
        Input(ids.ROUTE, "data"),
        Input(ids.EXPLORE_HANDLED, "data"),
    )
    app.clientside_callback(
        ClientsideFunction("spatialmeta_explore", "picture"),
        Output(ids.EXPLORE_PICTURE, "data"),
        Input(ids.EXPLORE_SVG, "n_clicks"),
        Input(ids.EXPLORE_PDF, "n_clicks"),
        Input(ids.EXPLORE_PNG, "n_clicks"),
        State(ids.EXPLORE_WIDTH, "value"),
        State(ids.EXPLORE_SCENE, "data"),
        State(ids.EXPLORE_PAINTED, "data"),
        prevent_initial_call=True,
    )
