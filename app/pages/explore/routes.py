"""Routes of the explore screen: numbers per spot in compact form, cached by revision."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from app.pages.explore.paint import paint
from app.pages.explore.small_maps import picture
from app.sections import open_section
from spatialmeta_core.errors import SpatialMetaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.store import ProjectStore

DAY_S: Final = 24 * 3600


def paint_url(project: str, revisions: Mapping[str, int | str]) -> str:
    """Return the address of colorings, to be followed by a color key; safe to cache."""
    return _url(project, "paint", revisions) + "&by="


def picture_url(project: str, revisions: Mapping[str, int | str]) -> str:
    """Return the address of small maps, to be followed by a color key and ``&scale=``."""
    return _url(project, "picture", revisions) + "&by="


def spots_url(project: str, revisions: Mapping[str, int | str]) -> str:
    """Return the address of the spots' names and clusters, for the hover text; safe to cache."""
    return _url(project, "spots", revisions)


def register(server: Any, store: ProjectStore) -> None:
    """Attach the routes to the Flask server."""
    pages = Blueprint("explore", __name__, url_prefix="/api/projects/<project>/explore")

    @pages.errorhandler(SpatialMetaError)
    def expected(error: SpatialMetaError) -> tuple[str, int]:
        return str(error), 404

    @pages.get("/paint")
    def colors(project: str) -> Response:
        found = paint(open_section(store, project), request.args.get("by", ""))
        return _answer(store, project, found.to_bytes(), "application/octet-stream")

    @pages.get("/picture")
    def small_map(project: str) -> Response:
        by, scale = request.args.get("by", ""), request.args.get("scale", "viridis")
        drawn = picture(open_section(store, project), by, scale)
        return _answer(store, project, drawn, "image/png")

    @pages.get("/spots")
    def spots(project: str) -> Response:
        section = open_section(store, project)
        look = section.look
        facts = {
            "names": section.spot_names.tolist(),
            "clusters": None if look is None else look.labels.tolist(),
            "cluster_names": None if look is None else look.names,
            "donors": section.n_donors.tolist(),
        }
        return _answer(store, project, json.dumps(facts).encode(), "application/json")

    server.register_blueprint(pages)


def revisions_of(store: ProjectStore, project: str) -> dict[str, int | str]:
    """Return what the answers of the routes depend on: revisions, and the edits of clusters."""
    records = store.manifest(project)["artefacts"]
    names = ("st", "joint", "integration", "clusters")
    found: dict[str, int | str] = {n: int(records[n]["revision"]) for n in names if n in records}
    look = open_section(store, project).look
    return found if look is None else {**found, "look": look.stamp}


def _url(project: str, what: str, revisions: Mapping[str, int | str]) -> str:
    return f"/api/projects/{project}/explore/{what}?{urlencode(sorted(revisions.items()))}"


def _answer(store: ProjectStore, project: str, body: bytes, mimetype: str) -> Response:
    """Let the browser keep the answer if it is of the revisions that the address names."""
    response = Response(body, mimetype=mimetype)
    current = {name: str(value) for name, value in revisions_of(store, project).items()}
    if {name: request.args.get(name) for name in current} == current:
        response.cache_control.max_age = DAY_S
        response.cache_control.private = True
    else:
        response.cache_control.no_store = True
    return response
