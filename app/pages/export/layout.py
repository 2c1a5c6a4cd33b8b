"""The export screen: everything in one archive, single files, methods text and code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import dcc, html

from app import ids
from app.components import button, card
from app.exports import CONTENTS

if TYPE_CHECKING:
    from dash.development.base_component import Component


def layout() -> Component:
    """Return the page; its texts are filled by callbacks."""
    title = html.Div(
        [html.H1("Export"), html.P("Take everything with you, or just one piece.")],
        className="page-title",
    )
    contents = html.Dl(
        [part for name, text in CONTENTS.items() for part in (html.Dt(name), html.Dd(text))],
        className="facts export-contents",
    )
    whole = card(
        "Whole project",
        html.Details([html.Summary("What is inside"), contents]),
        html.Div(
            [button("Build the archive", id=ids.EXPORT_START, kind="primary")], className="row"
        ),
        html.Div(id=ids.EXPORT_JOBS),
        html.Div(id=ids.EXPORT_READY),
        note="Joint h5ad, tables, drawings, figures, parameters and a column dictionary.",
    )
    single = card(
        "Single files",
        html.Div(
            [
                button("Regions and trajectories (GeoJSON)", id=ids.EXPORT_GEOJSON),
                button("Alignment (JSON)", id=ids.EXPORT_ALIGNMENT),
                button("Recipe (TOML)", id=ids.EXPORT_RECIPE),
            ],
            className="row",
        ),
        dcc.Download(id=ids.EXPORT_DOWNLOAD),
        note="GeoJSON opens in QuPath on the full-resolution image. Marker and gradient tables and "
        "figures can also be saved where they are shown, in Regions and Trajectories.",
    )
    methods = card(
        "Methods text",
        _copyable(ids.EXPORT_METHODS, "methods-text"),
        note="With the numbers of this project; edit to taste.",
    )
    code = card(
        "Code",
        _copyable(ids.EXPORT_CODE, "recipe-text"),
        html.P(
            [
                "Save it as ",
                html.Code("recipe.toml"),
                " beside your input files and run ",
                html.Code("spatialmeta run recipe.toml --out results"),
                ": the same steps without a browser.",
            ],
            className="card-note",
        ),
        note="What was clicked in this project, as a recipe.",
    )
    return html.Div(
        [
            title,
            html.Div(id=ids.EXPORT_STATE),
            html.Div(
                [html.Div([whole, single, methods], className="stack"), code],
                className="columns export-columns",
            ),
        ]
    )


def _copyable(text_id: str, class_name: str) -> Component:
    copy = dcc.Clipboard(target_id=text_id, title="Copy", className="copy-button")
    return html.Div([copy, html.Pre(id=text_id, className=class_name)], className="copyable")
