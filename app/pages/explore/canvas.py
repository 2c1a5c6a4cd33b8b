"""The tissue canvas and the UMAP: built once per section, colored by the browser."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from app import ids
from app.components import empty_state, message
from app.downloads import image_url
from app.figures.embedding import umap_figure
from app.figures.overlays import category_labels
from app.figures.spatial import tissue_figure, view_box
from app.figures.theme import ACCENT, translucent
from app.pages.explore import paint, routes, search
from app.pages.explore.facts import facts_card
from app.placement import open_adata
from app.sections import feature_table, open_section
from app.state import is_current
from spatialmeta_core import geometry, keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    import plotly.graph_objects as go
    from dash.development.base_component import Component

    from app.sections import Section
    from app.store import ProjectStore
    from spatialmeta_core.types import FloatArray

MODES: Final = ("explore", "regions", "trajectories")
SPOT_SHARE: Final = 0.55  # of the spacing: a Visium spot, where the data do not tell its diameter
UPDATED: Final = (
    *("scene", "tissue", "umap", "no_umap", "umap_empty", "facts", "color", "no_body", "empty"),
)
HIDDEN_AXIS: Final = {"visible": False, "constrain": "range"}


def register(app: Dash, store: ProjectStore) -> None:
    """Attach what shows the section: the scene, its colors and the search."""

    @app.callback(
        output={
            "scene": Output(ids.EXPLORE_SCENE, "data"),
            "tissue": Output(ids.EXPLORE_TISSUE, "figure"),
            "umap": Output(ids.EXPLORE_UMAP, "figure"),
            "no_umap": Output(ids.EXPLORE_UMAP_BOX, "hidden"),
            "umap_empty": Output(ids.EXPLORE_UMAP_EMPTY, "children"),
            "facts": Output(ids.EXPLORE_FACTS, "children"),
            "color": Output(ids.EXPLORE_COLOR, "data"),
            "no_body": Output(ids.EXPLORE_BODY, "hidden"),
            "empty": Output(ids.EXPLORE_EMPTY, "children"),
            "messages": Output(ids.EXPLORE_MESSAGES, "children"),
        },
        inputs={
            "ref": Input(ids.PROJECT, "data"),
            "route": Input(ids.ROUTE, "data"),
            "handled": Input(ids.EXPLORE_HANDLED, "data"),  # undo may change the clusters
            "edited": Input(ids.EXPLORE_EDITED, "data"),
            "shown": State(ids.EXPLORE_SCENE, "data"),
            "color": State(ids.EXPLORE_COLOR, "data"),
        },
    )
    def show_section(ref: Any, route: Any, shown: Any, color: Any, **_: Any) -> dict[str, Any]:
        project = project_of(ref, route)
        return _updates(store, project, shown or {}, color)

    for box, found, spot_keys in (
        (ids.EXPLORE_FIND, ids.EXPLORE_FOUND, tuple(search.SPOT_KEYS)),
        (ids.EXPLORE_CURVE_FIND, ids.EXPLORE_CURVE_FOUND, ()),
        (ids.EXPLORE_WITH, ids.EXPLORE_WITH_FOUND, ()),
        (ids.EXPLORE_SMALL_FIND, ids.EXPLORE_SMALL_FOUND, ()),
    ):
        _register_search(app, store, box, found, spot_keys)


def _register_search(
    app: Dash, store: ProjectStore, box: str, found: str, spot_keys: tuple[str, ...]
) -> None:
    @app.callback(Output(found, "children"), Input(box, "value"), Input(ids.EXPLORE_SCENE, "data"))
    def search_features(query: str | None, scene: Any) -> list[Component]:
        if not scene:
            raise PreventUpdate
        project = scene["project"]
        section = open_section(store, project)
        offered = tuple(key for key in spot_keys if paint.is_known(section, key))
        return search.options(feature_table(store, project), query or "", spot_keys=offered)


def project_of(ref: Any, route: Any) -> str:
    """Return the project on screen; do nothing while another page is open or data is on its way."""
    if not ref or not route or route["page"] not in MODES:
        raise PreventUpdate
    if ref["project_id"] != route["project"]:
        raise PreventUpdate
    return str(ref["project_id"])


def _updates(
    store: ProjectStore, project: str, shown: Mapping[str, Any], color: Any
) -> dict[str, Any]:
    manifest = store.manifest(project)
    nothing = dict.fromkeys(UPDATED, no_update)
    if "joint" not in manifest["artefacts"]:
        return nothing | {
            "scene": None,
            "no_body": True,
            "empty": _no_section(project),
            "messages": [],
        }
    revisions = routes.revisions_of(store, project)
    made_of = {**revisions, "um_per_px": manifest["artefacts"]["st"]["summary"].get("um_per_px")}
    kept = shown.get("made_of", {}) if shown.get("project") == project else {}
    messages = _messages(manifest, project)
    if kept == made_of:
        return nothing | {"messages": messages}
    section = open_section(store, project)
    scene = _scene(store, project, section, revisions) | {"made_of": made_of}
    same_map = scene["map"] == shown.get("map")
    no_umap = section.umap is None
    return {
        "scene": scene,
        "tissue": no_update if same_map else _tissue(store, project, section, scene),
        "umap": no_update if no_umap else _umap(section, scene),
        "no_umap": no_umap,
        "umap_empty": _no_clusters(project) if no_umap else [],
        "facts": facts_card(section),
        "color": color if _still_known(section, kept, color) else paint.default_key(section),
        "no_body": False,
        "empty": [],
        "messages": messages,
    }


def _still_known(section: Section, kept: Mapping[str, Any], color: Any) -> bool:
    """Whether the color key can stay; the first clusters replace the default."""
    if not kept or not color or not paint.is_known(section, color):
        return False
    return not (color == paint.DONORS and "clusters" not in kept)


def _scene(
    store: ProjectStore, project: str, section: Section, revisions: Mapping[str, int | str]
) -> dict[str, Any]:
    spacing = geometry.spacing(section.xy)
    x, y = view_box(section.xy)
    parts = [project, revisions["st"], revisions["joint"], section.um_per_px]
    return {
        "map": " ".join(map(str, parts)),
        "umap": f"{project} {_checksum(section.umap)}",
        "labels": _labels(section),
        "no_denoised": section.layers.missing,
        "project": project,
        "paint": routes.paint_url(project, revisions),
        "picture": routes.picture_url(project, revisions),
        "spots": routes.spots_url(project, revisions),
        "n_spots": len(section.xy),
        "pixels": section.rows_are_pixels,
        "spacing": spacing,
        "diameter": _diameter(store, project) or SPOT_SHARE * spacing,
        "um_per_px": section.um_per_px,
        "clustered": section.umap is not None,
        "has_image": store.record(project, "st")["summary"].get("image") is not None,
        "view": {"x": list(x), "y": list(y[::-1])},
    }


def _diameter(store: ProjectStore, project: str) -> float | None:
    """Return the diameter of a spot, px, where the ST data tell it."""
    for library in open_adata(store, project, "st").uns.get(keys.IMAGE, {}).values():
        value = library.get("scalefactors", {}).get("spot_diameter_fullres")
        if value is not None and float(value) > 0:
            return float(value)
    return None


def _tissue(
    store: ProjectStore, project: str, section: Section, scene: Mapping[str, Any]
) -> go.Figure:
    record = store.record(project, "st")
    picture = record["summary"].get("image") or {}
    figure = tissue_figure(
        section.xy,
        sample=scene["map"],
        spot_diameter=scene["diameter"],
        spot_names=(),
        um_per_px=section.um_per_px,
        image_url=image_url(project, int(record["revision"])) if picture else None,
        image_size_px=(picture["width"], picture["height"]) if picture else None,
        image_scale=picture.get("scale", 1.0),
    )
    # The page draws hover texts, legend and a scale bar that follows the zoom by itself.
    figure.update_traces(hoverinfo="none", hovertemplate=None, text=None)
    figure.update_layout(
        meta={"scene": scene["map"]},
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        shapes=[],
        annotations=[],
        xaxis={**HIDDEN_AXIS, "range": scene["view"]["x"]},
        yaxis={**HIDDEN_AXIS, "range": scene["view"]["y"]},
        hoverdistance=12,
        activeshape={"fillcolor": translucent(ACCENT, 0.25), "opacity": 1.0},
    )
    return figure


def _checksum(xy: FloatArray | None) -> int | None:
    return None if xy is None else zlib.crc32(np.ascontiguousarray(xy).tobytes())


def _labels(section: Section) -> list[dict[str, Any]]:
    """Return the names of the clusters for the UMAP, those that are hidden left out."""
    if section.look is None or section.umap is None:
        return []
    look = section.look
    shown = np.where(np.isin(look.labels, sorted(look.hidden)), -1, look.labels)
    return category_labels(section.umap, shown, look.names)


def _umap(section: Section, scene: Mapping[str, Any]) -> go.Figure:
    figure = umap_figure(
        np.asarray(section.umap),
        spot_names=(),
        revision=scene["umap"],
        annotations=scene["labels"],
        dragmode="pan",
    )
    figure.update_traces(hoverinfo="none", hovertemplate=None, text=None)
    figure.update_layout(meta={"scene": scene["umap"]}, hoverdistance=12)
    return figure


def _no_section(project: str) -> Component:
    return empty_state(
        "There is nothing to explore yet: the metabolites have to be carried to the spots first.",
        dcc.Link("Go to Align", href=f"/p/{project}/align", className="btn-sm-primary"),
    )


def _no_clusters(project: str) -> Component:
    return empty_state(
        "No clusters yet. Train the model to see both modalities in one map.",
        dcc.Link("Go to Integrate", href=f"/p/{project}/integrate", className="btn-sm-primary"),
    )


def _messages(manifest: Mapping[str, Any], project: str) -> list[Component]:
    """Say what is out of date, and where to redo it."""
    shown = []
    for artefact, what, page in (
        ("joint", "The metabolite values per spot were made", "align"),
        ("clusters", "Clusters and contributions were made", "integrate"),
    ):
        if artefact in manifest["artefacts"] and not is_current(manifest, artefact):
            link = dcc.Link("Redo from here", href=f"/p/{project}/{page}")
            text = html.Span([f"{what} before something they depend on was changed. ", link])
            shown.append(message("warn", text, title="Out of date.", code="E-28"))
            break  # what follows is out of date for the same reason
    return shown
