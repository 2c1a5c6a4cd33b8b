"""Which project the page shows, and how every part of it learns of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import set_props
from dash.exceptions import PreventUpdate

from app import ids
from app.pages.align import scene

if TYPE_CHECKING:
    from app.store import ProjectStore


def project_shown(project: Any, route: Any) -> str:
    """Return the project to draw; nothing is drawn while another page is shown."""
    if not project or not route or route["page"] != "align":
        raise PreventUpdate
    if route["project"] != project["project_id"]:
        raise PreventUpdate
    return str(project["project_id"])


def complete_project(store: ProjectStore, project: Any, route: Any) -> str:
    """Return the project to draw; nothing is drawn while a section is missing."""
    name = project_shown(project, route)
    if not scene.scene_key(store.manifest(name)):
        raise PreventUpdate
    return name


def refresh(store: ProjectStore, project: str) -> int:
    """Tell every part of the page at once that the project changed; return its revision."""
    ref = store.ref(project)
    # the frame's poll owns this store and would bring the same value some seconds later
    set_props(ids.PROJECT, {"data": ref.to_json()})
    return ref.revision
