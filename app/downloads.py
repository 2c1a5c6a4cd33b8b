"""Routes that hand out files of a project: histology picture, finished exports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, abort, send_file

from app.job import LISTING
from spatialmeta_core.errors import SpatialMetaError

if TYPE_CHECKING:
    from flask import Response

    from app.store import ProjectStore

FILES: Final = {
    "st": ("image.jpg", "spots.png", "map.png", "thumb.jpg", "whole.jpg"),
    "sm": ("map.png",),
}
YEAR_S: Final = 365 * 24 * 3600
JOB_ID: Final = re.compile(r"[0-9a-f]{16}")


def image_url(project: str, revision: int) -> str:
    """Return the address of the histology picture of an ST revision; safe to cache for ever."""
    return file_url(project, "st", revision, "image.jpg")


def file_url(project: str, artefact: str, revision: int, name: str) -> str:
    """Return the address of a picture of one revision of an artefact; safe to cache for ever."""
    return f"/api/projects/{project}/{artefact}/{revision}/{name}"


def export_url(project: str, job: str) -> str:
    """Return the address of the archive an export job made."""
    return f"/api/projects/{project}/exports/{job}"


def register(server: Any, store: ProjectStore) -> None:
    """Attach the download routes to the Flask server."""
    routes = Blueprint("downloads", __name__, url_prefix="/api/projects/<project>")

    @routes.errorhandler(SpatialMetaError)
    def expected(error: SpatialMetaError) -> tuple[str, int]:
        return str(error), 404

    @routes.get("/<any(st,sm):artefact>/<int:revision>/<name>")
    def artefact_file(project: str, artefact: str, revision: int, name: str) -> Response:
        path = store.folder(project) / f"{artefact}-r{revision}" / name
        if name not in FILES[artefact] or not path.exists():
            abort(404)
        response = send_file(path, max_age=YEAR_S)
        response.cache_control.public, response.cache_control.private = False, True
        return response

    @routes.get("/exports/<job>")
    def export(project: str, job: str) -> Response:
        path = store.folder(project) / "jobs" / job / "export.zip"
        if not JOB_ID.fullmatch(job) or not path.exists():
            abort(404)
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", store.about(project)["name"]).strip("-")
        return send_file(path, as_attachment=True, download_name=f"{name or 'project'}.zip")

    @routes.get(f"/jobs/<job>/{LISTING}")
    def listing(project: str, job: str) -> Response:
        path = store.folder(project) / "jobs" / job / LISTING
        if not JOB_ID.fullmatch(job) or not path.exists():
            abort(404)
        return send_file(path, as_attachment=True, download_name="list.txt", mimetype="text/plain")

    server.register_blueprint(routes)
