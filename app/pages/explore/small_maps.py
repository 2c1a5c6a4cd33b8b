"""Small multiples: up to twelve features as pictures drawn on the server."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import numpy as np
from dash import ALL, Dash, Input, Output, State, ctx, html
from dash.exceptions import PreventUpdate

from app import ids
from app.components import empty_state, extra
from app.figures import preview
from app.figures.theme import COLOR_SCALES
from app.pages.explore import paint
from app.pages.explore.tabs import MOST_MAPS
from app.sections import feature_table, open_section
from spatialmeta_core import geometry, keys
from spatialmeta_core.errors import InvalidParamsError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from dash.development.base_component import Component

    from app.sections import Section
    from app.store import ProjectStore

SIDE: Final = 300  # px of the longer side
AT_FIRST: Final = 3  # of each modality


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the tab of small maps."""

    @app.callback(
        Output(ids.EXPLORE_SMALL, "children"),
        inputs={
            "scene": Input(ids.EXPLORE_SCENE, "data"),
            "tab": Input(ids.EXPLORE_TABS, "active_tab"),
            "layer": Input(ids.EXPLORE_LAYER, "value"),
            "scale": Input(ids.EXPLORE_SCALE, "value"),
            "chosen": Input(ids.EXPLORE_SMALL_SHOWN, "data"),
        },
    )
    def show_maps(scene: Any, tab: str, layer: str, scale: str, chosen: Any) -> list[Component]:
        if not scene or tab != "maps":
            raise PreventUpdate
        project = str(scene["project"])
        section = open_section(store, project)
        names = shown(section, feature_table(store, project), chosen)
        return [_map(section, scene, name, layer, scale) for name in names] or [
            empty_state("No maps. Add a gene or metabolite above.")
        ]

    @app.callback(
        Output(ids.EXPLORE_SMALL_SHOWN, "data"),
        Input(ids.EXPLORE_SMALL_LIST, "data"),
        Input(ids.EXPLORE_SMALL_RESET, "n_clicks"),
        Input(ids.pattern("explore-small-remove", feature=ALL), "n_clicks"),
        State(ids.EXPLORE_SMALL_SHOWN, "data"),
        State(ids.EXPLORE_SCENE, "data"),
        prevent_initial_call=True,
    )
    def choose_maps(asked: Any, _reset: Any, _gone: Any, chosen: Any, scene: Any) -> Any:
        if not scene or not ctx.triggered[0]["value"]:
            raise PreventUpdate
        if ctx.triggered_id == ids.EXPLORE_SMALL_RESET:
            return None
        project = str(scene["project"])
        now = shown(open_section(store, project), feature_table(store, project), chosen)
        if ctx.triggered_id == ids.EXPLORE_SMALL_LIST:
            return {"project": project, "names": added(now, paint.split(str(asked["add"]))[1])}
        gone = ctx.triggered_id["feature"]
        return {"project": project, "names": [name for name in now if name != gone]}


def shown(section: Section, table: pd.DataFrame, chosen: Mapping[str, Any] | None) -> list[str]:
    """Return the features to draw: those chosen, or the spatially most variable of each modality.

    Parameters
    ----------
    table
        See ``sections.feature_table``.
    chosen
        ``names`` chosen by the user, or None.
    """
    if chosen is not None:
        return [name for name in chosen["names"] if name in section.features.index]
    if keys.MORAN_I in table:
        table = table.sort_values(keys.MORAN_I, ascending=False, kind="stable")
    kinds = table[keys.FEATURE_TYPE]
    return [
        str(name) for kind in (keys.ST, keys.SM) for name in table.index[kinds == kind][:AT_FIRST]
    ]


def added(names: Sequence[str], name: str) -> list[str]:
    """Return the maps with one more.

    Raises
    ------
    InvalidParamsError
        If there are as many as fit.
    """
    if name in names or not name:
        return list(names)
    if len(names) >= MOST_MAPS:
        raise InvalidParamsError(f"{MOST_MAPS} maps are shown at most. Take one out first.")
    return [*names, name]


def picture(section: Section, key: str, scale: str) -> bytes:
    """Return a PNG of the section in a coloring, from the 1st to the 99th percentile.

    Raises
    ------
    NotFoundError
        If there is no such coloring of numbers, or no such color map.
    """
    found = paint.paint(section, key)
    if found.legend.kind != "number" or scale not in COLOR_SCALES:
        raise NotFoundError("There is no small map of this.")
    colors = preview.value_colors(
        np.asarray(found.values, float), colorscale=scale, limits=found.legend.clip
    )
    out = io.BytesIO()
    spacing = geometry.spacing(section.xy)
    preview.spot_map(section.xy, colors, spacing, side=SIDE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _map(
    section: Section, scene: Mapping[str, Any], name: str, layer: str, scale: str
) -> Component:
    key = paint.PREFIX[layer] + name
    legend = paint.paint(section, key).legend
    ends = f"{legend.clip[0]:.2g} to {legend.clip[1]:.2g}"
    if legend.n_missing == len(section.xy):
        ends = legend.missing
    ramp = f"linear-gradient(90deg, {', '.join(COLOR_SCALES[scale])})"
    button = html.Button(
        [
            html.Img(
                src=f"{scene['picture']}{quote(key, safe='')}&scale={scale}",
                alt=f"{legend.label} on the tissue",
            ),
            html.Div(className="small-bar", style={"background": ramp}),
        ],
        className="small-map",
        title=f"Color the large map by {legend.label}",
        **extra({"data-explore-color": paint.FEATURE + name}),
    )
    remove = html.Button(
        "×",
        id=ids.explore_small_remove(name),
        className="explore-remove",
        title=f"Take {legend.label} out",
        n_clicks=0,
        **extra({"aria-label": f"Take {legend.label} out"}),
    )
    words = html.Figcaption([html.Strong(legend.label), html.Br(), f"{ends}, {legend.units[0]}"])
    return html.Figure([button, remove, words])
