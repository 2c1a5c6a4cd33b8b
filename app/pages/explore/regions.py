"""Regions: the summary card, and what sets a region apart."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dash import ALL, Dash, Input, Output, State, ctx, html, no_update, set_props
from dash.exceptions import PreventUpdate

from app import ids
from app.components import empty_state
from app.figures.markers import marker_figure
from app.figures.theme import empty_figure
from app.pages.explore import lists, nulls, summary, tables
from app.pages.explore.names import feature_label, feature_parts
from app.pages.explore.panels import RING
from app.sections import drawings, marker_index, open_section, with_stability
from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.markers import rank_markers, ring_mask
from spatialmeta_core.regions import is_number

if TYPE_CHECKING:
    import pandas as pd

    from app.sections import Section
    from app.store import ProjectStore
    from spatialmeta_core.markers import SpatialMarkers
    from spatialmeta_core.types import BoolArray, Region


MOST_POINTS: Final = 1_500  # of each modality in the chart, the strongest
TOP: Final = 5  # of each modality on the summary card


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
        facts = summary.summarize(section, region)
        strongest = top_features(store, board["project"], section, region)
        names = [name for found in strongest.values() for name, _ in found]
        labels = {name: feature_label(feature_parts(section.features, name)) for name in names}
        return lists.region_card(region, facts, strongest, labels), False

    @app.callback(Output(ids.EXPLORE_RING_BOX, "hidden"), Input(ids.EXPLORE_REFERENCE, "value"))
    def show_ring(reference: str | None) -> bool:
        return reference != RING

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
    _register_comparison(app, store)


def _register_comparison(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        output={
            "table": Output(ids.EXPLORE_MARKERS, "children"),
            "figure": Output(ids.EXPLORE_VOLCANO, "figure"),
            "compared": Output(ids.EXPLORE_COMPARED, "data"),
        },
        inputs={
            "board": Input(ids.EXPLORE_BOARD, "data"),
            "reference": Input(ids.EXPLORE_REFERENCE, "value"),
            "ring": Input(ids.EXPLORE_RING, "value"),
            "view": Input(ids.EXPLORE_MARKERS_VIEW, "data"),
            "spatial": Input(ids.EXPLORE_SPATIAL, "data"),
        },
    )
    def compare(board: Any, reference: Any, ring: Any, view: Any, spatial: Any) -> dict[str, Any]:
        if not board or not board["region"]:
            raise PreventUpdate
        asked = Comparison(store, board["project"], board["region"], reference, ring)
        answer = _comparison(asked, tables.TableView.from_json(view), spatial)
        if ctx.triggered_id in (ids.EXPLORE_MARKERS_VIEW, ids.EXPLORE_SPATIAL):
            return answer | {"figure": no_update, "compared": no_update}
        return answer

    # set_props, as an output would close a circle with the callback above
    @app.callback(Input(ids.EXPLORE_COMPARED, "data"), prevent_initial_call=True)
    def test_in_space(compared: Any) -> None:
        # after the fast table is there; a region changed meanwhile gives another question
        if not compared:
            raise PreventUpdate
        asked = Comparison(
            store, *(compared[key] for key in ("project", "region", "reference", "ring"))
        )
        if asked.key != compared["key"]:
            raise PreventUpdate
        asked.spatial()
        set_props(ids.EXPLORE_SPATIAL, {"data": asked.key})


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


class Comparison:
    """A region and what it is compared with.

    Parameters
    ----------
    reference
        ``REST``, ``RING``, or the id of another region; what is unknown is ``REST``.
    ring
        Width of the ring, um, or px where the pixel size is unknown.
    """

    def __init__(
        self, store: ProjectStore, project: str, region: str, reference: Any, ring: Any
    ) -> None:
        self._store, self.project = store, project
        self.section = open_section(store, project)
        self.region = find_region(store, project, region)
        self.inside = summary.spots_of(self.section, self.region)
        self.asked = {"project": project, "region": region, "reference": reference, "ring": ring}
        self.against, self.reference = self._other(reference, ring)
        masks = [self.inside, self.inside if self.reference is None else self.reference]
        self.key = hashlib.sha256(b"/".join(mask.tobytes() for mask in masks)).hexdigest()

    def _other(self, reference: Any, ring: Any) -> tuple[str, BoolArray | None]:
        """Return the name of the spots to compare with, and the spots; None for all others.

        Spots in both groups count for the region.
        """
        if reference == RING:
            width = ring if is_number(ring) and ring > 0 else 0.0
            mask = ring_mask(self.section.joint, self.region, width)
            unit = "µm" if self.section.um_per_px else "px"
            return f"the ring of {width:g} {unit} around it", mask & ~self.inside
        areas = [r for r in drawings(self._store, self.project)[0] if r.id == reference]
        if not areas:
            return "the rest of the section", None
        mask = summary.spots_of(self.section, areas[0]) & ~self.inside
        if not mask.any():
            raise InvalidDataError(
                f"Every spot of '{areas[0].name}' is also in this region, so there is nothing to "
                "compare with. Choose another reference."
            )
        return areas[0].name, mask

    def table(self) -> pd.DataFrame:
        """Rank the features: as ``rank_markers``, and whether they hold under shift if known."""
        index = marker_index(self._store, self.project) if self.reference is None else None
        table = rank_markers(self.section.joint, self.inside, self.reference, index=index)
        return with_stability(self._store, self.project, table)

    def spatial(self) -> SpatialMarkers:
        """Return the same with the p of the spatial null; slow when asked for the first time."""
        groups = (self.inside, self.reference)
        found = nulls.spatial_markers(self._store, self.project, self.section, self.table(), groups)
        # what is kept may be from before a stability check
        plain = found.table.drop(columns=keys.HOLDS, errors="ignore")
        return replace(found, table=with_stability(self._store, self.project, plain))


def top_features(
    store: ProjectStore, project: str, section: Section, region: Region
) -> dict[str, list[tuple[str, float]]]:
    """Return the features of each modality with the highest AUC against the rest."""
    inside = summary.spots_of(section, region)
    if not inside.any() or inside.all():
        return {}
    table = rank_markers(section.joint, inside, index=marker_index(store, project))
    found = {}
    for kind in (keys.ST, keys.SM):
        best = table[(table["type"] == kind) & (table["auc"] > 0.5)].nlargest(TOP, "auc")  # noqa: PLR2004, no difference
        found[kind] = [(str(row.feature), float(row.auc)) for row in best.itertuples()]
    return found


def _comparison(asked: Comparison, view: tables.TableView, spatial: Any) -> dict[str, Any]:
    inside = asked.inside
    if not inside.any() or inside.all():
        what = "no spots" if not inside.any() else "all spots"
        text = f"This region holds {what}, so there is nothing to compare. Draw another one."
        return {"table": empty_state(text), "figure": empty_figure(text), "compared": None}
    columns: tuple[tables.Column, ...]
    if spatial == asked.key:
        found = asked.spatial()
        table, columns = found.table, tables.SPATIAL
        words = nulls.words(found.n_placements, found.n_distinct, found.note)
    else:
        missing = dict.fromkeys((keys.P_SPATIAL, keys.P_SPATIAL_ADJ), np.nan)
        table = asked.table().assign(**missing)
        columns, words = tables.pending(tables.SPATIAL), nulls.PENDING
    holds = (tables.HOLDS,) if keys.HOLDS in table else ()
    shown = tables.feature_rows(
        table,
        asked.section.features,
        (*tables.MARKERS[:2], *columns, *tables.MARKERS[2:], *holds),
        view,
        name="markers",
    )
    note = html.P(words, className="card-note explore-null", role="status")
    revision = f"{asked.region.id} {asked.against}"
    strongest = table.groupby("type", sort=False).head(MOST_POINTS)
    return {
        "table": [html.P(f"Compared with {asked.against}.", className="card-note"), shown, note],
        "figure": marker_figure(strongest, revision=revision),
        "compared": {**asked.asked, "key": asked.key},
    }
