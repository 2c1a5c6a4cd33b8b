"""Still pictures of a run, for the integrate screen: drawn when asked for, kept by the browser."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import numpy as np
from flask import Blueprint, Response, request

from app import clusterings
from app.figures import preview
from app.figures.theme import DIVERGING, category_colors
from app.placement import open_adata
from spatialmeta_core import geometry, keys
from spatialmeta_core.errors import NotFoundError, SpatialMetaError

if TYPE_CHECKING:
    from app.store import ProjectStore
    from spatialmeta_core.types import FloatArray

DAY_S: Final = 24 * 3600
SIDE: Final = 520  # px of the longer side
DOT_SHARE: Final = 0.011  # of the extent of the embedding: diameter of a dot
VIEWS: Final = ("tissue", "umap")


def picture_url(
    project: str,
    record: dict[str, Any],
    *,
    view: str,
    by: str = "cluster",
    joint: int,
    position: int | None = None,
) -> str:
    """Return the address of a picture of a run.

    Parameters
    ----------
    record
        Of the run's clusters.
    view
        ``"tissue"`` or ``"umap"``.
    by
        ``"cluster"`` or ``"contribution"``.
    joint
        Revision of the joint section, on whose spots it is drawn.
    position
        Which of the resolutions tried; None: the clusters of the run.
    """
    asked = {"clusters": record["revision"], "joint": joint, "view": view, "by": by}
    if position is not None:
        asked["position"] = position
    return f"/api/projects/{project}/integrate/picture?{urlencode(asked)}"


def register(server: Any, store: ProjectStore) -> None:
    """Attach the route to the Flask server."""
    pages = Blueprint("integrate", __name__, url_prefix="/api/projects/<project>/integrate")

    @pages.errorhandler(SpatialMetaError)
    def expected(error: SpatialMetaError) -> tuple[str, int]:
        return str(error), 404

    @pages.get("/picture")
    def picture(project: str) -> Response:
        drawn = draw(
            store,
            project,
            request.args.get("clusters", -1, type=int),
            view=request.args.get("view", ""),
            by=request.args.get("by", ""),
            position=request.args.get("position", type=int),
        )
        response = Response(drawn, mimetype="image/png")
        response.cache_control.max_age = DAY_S
        response.cache_control.private = True
        return response

    server.register_blueprint(pages)


def draw(
    store: ProjectStore, project: str, revision: int, *, view: str, by: str, position: int | None
) -> bytes:
    """Return a PNG of a run's spots, see ``picture_url``.

    Raises
    ------
    NotFoundError
        If the run, the view or the resolution is not there.
    """
    if view not in VIEWS or not store.path(project, "clusters", revision=revision).exists():
        raise NotFoundError("This picture is not there any more.")
    joint = open_adata(store, project, "joint")
    stored = clusterings.arrays(store, project, revision)
    found = clusterings.on_spots(stored, np.asarray(joint.obs_names, str))
    if view == "tissue":
        xy = np.asarray(joint.obsm[keys.SPATIAL], float)
        spacing = geometry.spacing(xy)
    else:
        xy = np.asarray(found[keys.UMAP], float) * (1.0, -1.0)  # y up, as plots of embeddings have
        spacing = DOT_SHARE * float(np.nanmax(np.ptp(xy[np.isfinite(xy).all(axis=1)], axis=0)))
    if by == "contribution":
        colors = preview.value_colors(
            found[keys.CONTRIBUTION], colorscale=DIVERGING, limits=(0.0, 1.0)
        )
    else:
        colors = preview.category_rgba(*_categories(found, position))
    out = io.BytesIO()
    preview.spot_map(xy, colors, spacing, side=SIDE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _categories(found: dict[str, Any], position: int | None) -> tuple[Any, list[str]]:
    labels: FloatArray = found[keys.CLUSTER]
    if position is not None:
        tried = clusterings.tried(found).labels
        if not 0 <= position < len(tried):
            raise NotFoundError("This picture is not there any more.")
        labels = tried[position]
    return labels, category_colors(int(labels.max()) + 1)
