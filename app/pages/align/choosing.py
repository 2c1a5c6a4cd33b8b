"""Poses to choose from: eight orientations, other projects; and which steps are done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dash import Dash, Input, Output, State, ctx
from dash.exceptions import PreventUpdate

from app import ids
from app.pages.align import review, thumbs
from app.pages.align.poses import Poses, accepted_alignment, flat
from app.pages.align.route import project_shown

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from app.store import ProjectStore


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the callbacks to ``app``."""

    @app.callback(
        Output(ids.ALIGN_ORIENTATIONS, "children"),
        Input(ids.ALIGN_EIGHT, "n_clicks"),
        Input(ids.ALIGN_SCENE, "data"),
        State(ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def compare(_clicks: int, shown: Any, route: dict[str, str]) -> list[Component]:
        if not shown or not shown["key"] or ctx.triggered_id != ids.ALIGN_EIGHT:
            return []  # of another pair of sections
        return [thumbs.orientations(review.eight_orientations(store, route["project"]))]

    @app.callback(
        Output(ids.ALIGN_OTHER, "options"),
        Output(ids.ALIGN_OTHER, "placeholder"),
        Input(ids.PROJECT, "data"),
        Input(ids.ROUTE, "data"),
    )
    def others(project: Any, route: Any) -> tuple[dict[str, str], str]:
        found = review.aligned_projects(store, project_shown(project, route))
        return found, "Choose a project" if found else "No other project is aligned yet"

    @app.callback(
        Output(ids.ALIGN_BORROWED, "data"),
        Output(ids.ALIGN_OTHER, "value"),
        Input(ids.ALIGN_OTHER, "value"),
        State(ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def borrow(other: str | None, route: dict[str, str]) -> tuple[dict[str, Any], None]:
        if not other:
            raise PreventUpdate
        pose = review.pose_of(store, other)
        found = {"project": route["project"], "matrix": flat(pose), "at": time.time()}
        return found, None  # the list goes back to its invitation

    @app.callback(
        *(Output(ids.align_step(name), "data-done") for name in ids.ALIGN_STEPS),
        Input(ids.ALIGN_POSE, "data"),
        prevent_initial_call=True,
    )
    def mark(shown: dict[str, Any]) -> list[str]:
        done = steps_done(store, shown["project"])
        return [str(done[name]).lower() for name in ids.ALIGN_STEPS]


def steps_done(store: ProjectStore, project: str) -> dict[str, bool]:
    """Tell which of the page's steps have been taken."""
    hand, accepted = Poses(store, project), accepted_alignment(store, project)
    record = store.manifest(project)["artefacts"].get("alignment", {"params": {}})
    return {
        "rough": hand.steps()[1] > 0,
        "landmarks": bool(hand.marks().get("landmarks")),
        "automatic": accepted is not None and record["params"].get("automatic") is not False,
        "warp": accepted is not None and accepted.displacement is not None,
    }
