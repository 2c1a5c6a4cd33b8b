"""What the overlay draws, as JSON for the browser: positions, outline, tint, picture, poses."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
from flask import Blueprint, request

from app.downloads import image_url
from app.pages.align import outline, poses, results, tint
from app.placement import open_adata, tissue_image
from app.state import is_current
from spatialmeta_core import geometry, keys
from spatialmeta_core.align.outline import choose_target
from spatialmeta_core.errors import NotFoundError, SpatialMetaError
from spatialmeta_core.io.alignment import read_alignment
from spatialmeta_core.params import AlignParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

    from app.store import ProjectStore
    from spatialmeta_core.types import Alignment

WARPS = ("alignment", "proposal")


def scene_key(manifest: Mapping[str, Any]) -> str:
    """Name everything a scene is made of; empty while a section is missing."""
    if not all(is_current(manifest, name) for name in ("st", "sm")):
        return ""
    st, sm = (manifest["artefacts"][name] for name in ("st", "sm"))
    return f"{st['revision']}-{sm['revision']}-{st['summary'].get('um_per_px')}"


def scene(store: ProjectStore, project: str, by: str) -> dict[str, Any]:
    """Return everything the overlay needs.

    Parameters
    ----------
    by
        What colors the metabolite pixels, see ``tint.tint``.
    """
    manifest = store.manifest(project)
    st = manifest["artefacts"]["st"]
    st_xy, sm_xy = (poses.section_xy(store, project, name) for name in ("st", "sm"))
    hand = poses.Poses(store, project)
    steps, cursor = hand.steps()
    choice, why = target(store, project)
    picture = st["summary"].get("image")
    return {
        "key": scene_key(manifest),
        "st_xy": _packed(st_xy, np.float32),
        "sm_xy": _packed(sm_xy, np.float32),
        "tint": tint_json(store, project, by),
        "outline": [ring.tolist() for ring in outline.rings(store, project)],
        "image": None
        if picture is None
        else {"url": image_url(project, int(st["revision"])), **picture},
        "target": choice,
        "target_reason": why,
        "um_per_px": um_per_px(store, project),
        "st_pitch": geometry.spacing(st_xy),
        "sm_pitch": geometry.spacing(sm_xy),
        "start": poses.flat(poses.start_pose(store, project)),
        "origin": poses.flat(hand.origin()),
        "poses": [poses.flat(step.pose) for step in steps],
        "marks": [step.marks for step in steps],
        "origin_marks": {},
        "cursor": cursor,
    }


def um_per_px(store: ProjectStore, project: str) -> float | None:
    """Return micrometers per pixel of the ST section, or None when unknown."""
    value = store.record(project, "st")["summary"].get("um_per_px")
    return None if value is None else float(value)


def target(store: ProjectStore, project: str) -> tuple[str, str]:
    """Return what the automatic fit would use (``"image"`` or ``"spots"``), and why; cached."""
    st = open_adata(store, project, "st")
    found: tuple[str, str] = store.load(project, "st", "st.h5ad", _Target(st))
    return found


def tint_json(store: ProjectStore, project: str, by: str) -> dict[str, str]:
    """Return the colors of the metabolite pixels and their legend."""
    return _legend(tint.tint(store, project, by))


def _legend(found: tint.Tint) -> dict[str, str]:
    return {
        "rgb": _packed(found.rgb, np.uint8),
        "label": found.label,
        "low": found.low,
        "high": found.high,
    }


def warped(store: ProjectStore, project: str, artefact: str) -> dict[str, Any]:
    """Return SM pixels and outlines that, under an alignment's pose, lie where its warp puts them.

    Raises
    ------
    NotFoundError
        If there is no such alignment.
    """
    found = _alignment(store, project, artefact)
    back = geometry.invert(found.pose)
    moved = geometry.apply_pose(back, found.apply(poses.section_xy(store, project, "sm")))
    rings = outline.rings(store, project)
    return {
        "sm_xy": _packed(moved, np.float32),
        "outline": [geometry.apply_pose(back, found.apply(ring)).tolist() for ring in rings],
    }


def grid(store: ProjectStore, project: str, artefact: str) -> dict[str, Any]:
    """Return the lines of an alignment's deformed grid, px.

    Raises
    ------
    NotFoundError
        If there is no such alignment.
    """
    found = _alignment(store, project, artefact)
    lines = results.grid_lines(found, poses.section_xy(store, project, "sm"))
    return {"lines": [np.round(line, 2).tolist() for line in lines]}


def uncertainty(store: ProjectStore, project: str, artefact: str) -> dict[str, str]:
    """Return the SM pixels colored by the uncertainty of their place, and the legend.

    Raises
    ------
    NotFoundError
        If there is no such alignment, or it does not know.
    """
    found = _alignment(store, project, artefact)
    colors = results.uncertainty(found, um_per_px(store, project))
    if colors is None:
        raise NotFoundError("The uncertainty is not available for a pose set by hand.")
    return _legend(colors)


def _alignment(store: ProjectStore, project: str, artefact: str) -> Alignment:
    if artefact not in WARPS:
        raise NotFoundError(f"There is no alignment called '{artefact}'.")
    return store.load(project, artefact, "alignment.json", read_alignment)


def register(server: Any, store: ProjectStore) -> None:
    """Attach the overlay's routes to the Flask server."""
    routes = Blueprint("align", __name__, url_prefix="/api/projects/<project>/align")

    @routes.errorhandler(SpatialMetaError)
    def expected(error: SpatialMetaError) -> ResponseReturnValue:
        return {"message": str(error), "title": error.title, "code": error.code}, 404

    @routes.get("/scene")
    def whole(project: str) -> ResponseReturnValue:
        return scene(store, project, request.args.get("tint", "total"))

    @routes.get("/tint")
    def colors(project: str) -> ResponseReturnValue:
        return tint_json(store, project, request.args.get("by", "total"))

    @routes.get("/warped/<artefact>")
    def positions(project: str, artefact: str) -> ResponseReturnValue:
        return warped(store, project, artefact)

    @routes.get("/grid/<artefact>")
    def lines(project: str, artefact: str) -> ResponseReturnValue:
        return grid(store, project, artefact)

    @routes.get("/uncertainty/<artefact>")
    def spread(project: str, artefact: str) -> ResponseReturnValue:
        return uncertainty(store, project, artefact)

    server.register_blueprint(routes)


class _Target:
    """Reader of the choice of target; a class so that the cache can name it."""

    def __init__(self, st: Any) -> None:
        self._st = st
        self.__qualname__ = "target"

    def __call__(self, _path: object) -> tuple[str, str]:
        xy = np.asarray(self._st.obsm[keys.SPATIAL], float)
        return choose_target(xy, tissue_image(self._st), AlignParams())


def _packed(values: Any, dtype: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode("ascii")
