"""Regions: the summary card, and what sets a region apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dash import ALL, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from app import ids
from app.components import empty_state
from app.figures.markers import marker_figure
from app.figures.theme import empty_figure
from app.pages.explore import lists, summary, tables
from app.pages.explore.panels import REST
from app.sections import drawings, marker_index, open_section, with_stability
from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.markers import rank_markers

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from app.sections import Section
    from app.store import ProjectStore
    from spatialmeta_core.types import BoolArray, Region


MOST_POINTS: Final = 1_500  # of each modality in the chart, the strongest


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the summary and the comparison of the selected region."""

    @app.callback(
        Output(ids.EXPLORE_SUMMARY, "children"),
        Output(ids.EXPLORE_MARKERS_BOX, "hidden"),
        Input(ids.EXPLORE_BOARD, "data"),
    )
    def summarize(board: Any) -> tuple[Any, bool]:
        if not board or not board["region"]:
            return [], True
        section = open_section(store, board["project"])
        region = find_region(store, board["project"], board["region"])
        return lists.region_card(region, summary.summarize(section, region)), False

    @app.callback(
        Output(ids.EXPLORE_MARKERS, "children"),
        Output(ids.EXPLORE_VOLCANO, "figure"),
        Input(ids.EXPLORE_BOARD, "data"),
        Input(ids.EXPLORE_REFERENCE, "value"),
        Input(ids.EXPLORE_MARKERS_VIEW, "data"),
    )
    def compare(board: Any, reference: str | None, view: Any) -> tuple[Any, Any]:
        if not board or not board["region"]:
            raise PreventUpdate
        only_table = ctx.triggered_id == ids.EXPLORE_MARKERS_VIEW
        return _comparison(store, board, reference, view, only_table=only_table)

    @app.callback(
        Output(ids.EXPLORE_RANKED, "data"),
        Input(ids.EXPLORE_SCENE, "data"),
        Input(ids.ROUTE, "data"),
        State(ids.EXPLORE_RANKED, "data"),
    )
    def rank_ahead(scene: Any, route: Any, done: str | None) -> str:
        # while the user draws, so that the first region is answered as quickly as the next
        if not scene or not route or route["page"] != "regions" or scene["map"] == done:
            raise PreventUpdate
        marker_index(store, scene["project"])
        return str(scene["map"])

    register_view(app, "markers", ids.EXPLORE_MARKERS_VIEW, ids.EXPLORE_ONLY)


def register_view(app: Dash, table: str, view_id: str, only_id: str) -> None:
    """Attach sorting, filtering and growing of a table."""

    @app.callback(
        Output(view_id, "data"),
        Input(ids.pattern("explore-sort", table=table, column=ALL), "n_clicks"),
        Input(ids.pattern("explore-more", table=table), "n_clicks"),
        Input(only_id, "value"),
        State(view_id, "data"),
        prevent_initial_call=True,
    )
    def change_view(_sort: Any, _more: Any, only: str, data: Any) -> dict[str, Any]:
        # headings appear with zero clicks: only a real click may act
        asked = [ctx.triggered_prop_ids[each["prop_id"]] for each in ctx.triggered if each["value"]]
        if not asked:
            raise PreventUpdate
        return tables.changed(tables.TableView.from_json(data), asked[0], only).to_json()


def find_region(store: ProjectStore, project: str, identity: str) -> Region:
    """Return a region by its id; do nothing if it was deleted a moment ago."""
    found = [region for region in drawings(store, project)[0] if region.id == identity]
    if not found:
        raise PreventUpdate
    return found[0]


def ranked(
    store: ProjectStore, project: str, region: str, reference: str | None
) -> tuple[pd.DataFrame, str]:
    """Rank the features that set a region apart.

    Returns
    -------
    table
        As ``rank_markers`` gives it, and whether features hold under shift once that is known.
    against
        Name of what the region was compared with.
    """
    section = open_section(store, project)
    inside = summary.spots_of(section, find_region(store, project, region))
    other = _reference(store, project, section, inside, reference)
    if other is None:
        index, name = marker_index(store, project), "the rest of the section"
        table = rank_markers(section.joint, inside, index=index)
    else:
        mask, name = other
        table = rank_markers(section.joint, inside, mask)
    return with_stability(store, project, table), name


def _reference(
    store: ProjectStore,
    project: str,
    section: Section,
    inside: BoolArray,
    reference: str | None,
) -> tuple[BoolArray, str] | None:
    """Return the spots to compare with and their name; None for all others.

    Spots in both regions count for the first one only.
    """
    areas = [region for region in drawings(store, project)[0] if region.id == reference]
    if reference in (None, REST) or not areas:
        return None
    mask = summary.spots_of(section, areas[0]) & ~inside
    if not mask.any():
        raise InvalidDataError(
            f"Every spot of '{areas[0].name}' is also in this region, so there is nothing to "
            "compare with. Choose another reference."
        )
    return np.asarray(mask), areas[0].name


def _comparison(
    store: ProjectStore,
    board: Mapping[str, Any],
    reference: str | None,
    view: Any,
    *,
    only_table: bool,
) -> tuple[Any, Any]:
    section = open_section(store, board["project"])
    inside = summary.spots_of(section, find_region(store, board["project"], board["region"]))
    if not inside.any() or inside.all():
        what = "no spots" if not inside.any() else "all spots"
        text = f"This region holds {what}, so there is nothing to compare. Draw another one."
        return empty_state(text), empty_figure(text)
    table, _against = ranked(store, board["project"], board["region"], reference)
    columns = (*tables.MARKERS, tables.HOLDS) if keys.HOLDS in table else tables.MARKERS
    shown = tables.feature_rows(
        table, section.features, columns, tables.TableView.from_json(view), name="markers"
    )
    revision = f"{board['region']} {reference}"
    strongest = table.groupby("type", sort=False).head(MOST_POINTS)
    return shown, no_update if only_table else marker_figure(strongest, revision=revision)
