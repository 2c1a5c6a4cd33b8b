"""Callbacks of the align screen: scene, pose, score and review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from app import ids
from app.pages.align import (
    choosing,
    landmarks,
    outline,
    panels,
    reassigning,
    results,
    review,
    scene,
    tint,
    verdict,
    work,
)
from app.pages.align.poses import Poses, accepted_alignment, flat, from_flat, same, section_xy
from app.pages.align.route import complete_project, project_shown, refresh
from app.placement import open_adata
from app.state import missing_for
from spatialmeta_core import geometry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.jobs import JobTable
    from app.store import ProjectStore
    from spatialmeta_core.types import Alignment, FitScore

NAMESPACE: Final = "spatialmeta_align"
BUTTONS: Final = (
    ids.ALIGN_UNDO,
    ids.ALIGN_REDO,
    ids.ALIGN_FIT,
    ids.ALIGN_RESET,
    ids.ALIGN_FLIP_X,
    ids.ALIGN_FLIP_Y,
    ids.ALIGN_LEFT,
    ids.ALIGN_RIGHT,
    ids.UNDO,
    ids.REDO,
)
BOXES: Final = (
    ids.ALIGN_ANGLE,
    ids.ALIGN_SCALE_X,
    ids.ALIGN_SCALE_Y,
    ids.ALIGN_SHIFT_X,
    ids.ALIGN_SHIFT_Y,
)


def register(app: Dash, store: ProjectStore, jobs: JobTable) -> None:
    """Attach the page's callbacks to ``app``."""
    scene.register(app.server, store)
    _register_browser(app)
    _register_scene(app, store)
    _register_pose(app, store)
    _register_review(app, store)
    choosing.register(app, store)
    landmarks.register(app, store)
    outline.register(app, store)
    work.register_files(app, store)
    work.register_jobs(app, store, jobs)
    reassigning.register(app, store, jobs)


def _register_browser(app: Dash) -> None:
    """Wire the controls that act in the browser alone."""

    def wire(name: str, output: Output, *inputs: Input | State, initial: bool = True) -> None:
        app.clientside_callback(
            ClientsideFunction(NAMESPACE, name), output, *inputs, prevent_initial_call=not initial
        )

    # these outputs carry no value; each function has one so that Dash calls it
    done = {"allow_duplicate": True}
    wire(
        "mount",
        Output(ids.ALIGN_MOUNTED, "data"),
        Input(ids.ALIGN_SCENE, "data"),
        State(ids.ALIGN_TINT, "value"),
    )
    last = Output(ids.ALIGN_DONE, "data", **done)
    wire("sync", last, Input(ids.ALIGN_POSE, "data"), initial=False)
    wire("acknowledge", last, Input(ids.ALIGN_ACK, "data"), initial=False)
    wire("choose", Output(ids.ALIGN_ACCEPT, "disabled"), Input(ids.ALIGN_VIEW, "value"))
    wire("act", last, *(Input(name, "n_clicks") for name in BUTTONS), initial=False)
    wire("type", last, *(Input(name, "value") for name in BOXES), initial=False)
    wire("color", last, Input(ids.ALIGN_TINT, "value"), initial=False)
    wire(
        "appear",
        Output(ids.ALIGN_DONE, "data"),
        Input(ids.ALIGN_OPACITY, "value"),
        Input(ids.ALIGN_SIZE, "value"),
        Input(ids.ALIGN_LAYERS, "value"),
        Input(ids.ALIGN_LOCK, "value"),
        Input(ids.ALIGN_MOUNTED, "data"),
    )
    wire("same", last, Input(ids.ALIGN_SAME, "value"), initial=False)
    wire("borrow", last, Input(ids.ALIGN_BORROWED, "data"), initial=False)
    wire("paste", last, Input(ids.ALIGN_PASTE, "n_clicks"), initial=False)
    copied = Output(ids.ALIGN_COPIED, "children")
    wire("copy", copied, Input(ids.ALIGN_COPY, "n_clicks"), initial=False)
    app.clientside_callback(
        ClientsideFunction(NAMESPACE, "panesShown"),
        Output(ids.ALIGN_PANES, "className"),
        Output(ids.ALIGN_PANES_TOGGLE, "aria-pressed"),
        Input(ids.ALIGN_PANES_TOGGLE, "n_clicks"),
    )
    app.clientside_callback(
        ClientsideFunction(NAMESPACE, "step"),
        *(Output(ids.align_panel(name), "hidden") for name in ids.ALIGN_STEPS),
        *(Output(ids.align_step(name), "aria-selected") for name in ids.ALIGN_STEPS),
        Output(ids.ALIGN_BODY, "className"),
        *(Input(ids.align_step(name), "n_clicks") for name in ids.ALIGN_STEPS),
    )


def _register_scene(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        Output(ids.ALIGN_SCENE, "data"),
        Output(ids.ALIGN_BODY, "hidden"),
        Output(ids.ALIGN_MESSAGES, "children"),
        Input(ids.PROJECT, "data"),
        Input(ids.ROUTE, "data"),
        State(ids.ALIGN_SCENE, "data"),
    )
    def show_scene(project: Any, route: Any, shown: Any) -> tuple[Any, Any, Any]:
        name = project_shown(project, route)
        manifest = store.manifest(name)
        wanted = {"project": name, "key": scene.scene_key(manifest)}
        if wanted == shown and wanted["key"]:
            raise PreventUpdate
        if not wanted["key"]:
            return wanted, True, panels.missing(name, missing_for(manifest, "align"))
        image = manifest["artefacts"]["st"]["summary"].get("image") is not None
        return wanted, False, panels.scene_messages(*scene.target(store, name), has_image=image)

    @app.callback(
        Output(ids.ALIGN_TINT, "options"),
        Input(ids.ALIGN_TINT, "search_value"),
        Input(ids.ALIGN_SCENE, "data"),
        State(ids.ALIGN_TINT, "value"),
    )
    def colors(search: str | None, shown: Any, chosen: str | None) -> list[dict[str, str]]:
        if not shown or not shown["key"]:
            raise PreventUpdate
        return tint.options(open_adata(store, shown["project"], "sm").var, search or "", chosen)


def _register_pose(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        Output(ids.ALIGN_ACK, "data"),
        Input(ids.ALIGN_CHANGE, "data"),
        prevent_initial_call=True,
    )
    def record(change: dict[str, Any]) -> dict[str, Any]:
        hand = Poses(store, change["project"])
        hand.record(from_flat(change["matrix"]), str(change["reason"]), change.get("marks"))
        return {"id": change["id"], "revision": refresh(store, change["project"])}

    @app.callback(
        Output(ids.ALIGN_POSE, "data"),
        Input(ids.PROJECT, "data"),
        Input(ids.ROUTE, "data"),
        State(ids.ALIGN_POSE, "data"),
    )
    def pose(project: Any, route: Any, shown: Any) -> Any:
        name = complete_project(store, project, route)
        fresh = _pose_json(store, name)
        return no_update if fresh == shown else fresh

    @app.callback(
        Output(ids.ALIGN_SCORE, "children"),
        Output(ids.ALIGN_STATE, "children"),
        Output(ids.ALIGN_USE, "disabled"),
        Input(ids.ALIGN_POSE, "data"),
        prevent_initial_call=True,
    )
    def judge(shown: dict[str, Any]) -> tuple[Any, Any, bool]:
        name = shown["project"]
        found = review.live_score(store, name)
        n_spots = len(section_xy(store, name, "st"))
        level, words = review.state_words(store, name)
        problem = verdict.no_overlap(found, n_spots)
        facts = _facts(store, name, Poses(store, name).alignment())
        card = panels.score_card(_lines(store, name, found), problem, facts)
        return card, panels.status(level, words), shown["accepted"]


def _register_review(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        Output(ids.ALIGN_REVIEW, "hidden"),
        Output(ids.ALIGN_JUDGE, "hidden"),
        Output(ids.ALIGN_VIEW, "options"),
        Output(ids.ALIGN_VIEW, "value"),
        Output(ids.ALIGN_VIEW_TITLE, "children"),
        Output(ids.ALIGN_REVIEW_BODY, "children"),
        Input(ids.ALIGN_POSE, "data"),
        State(ids.ALIGN_VIEW, "value"),
        prevent_initial_call=True,
    )
    def show_review(shown: dict[str, Any], view: str | None) -> tuple[Any, ...]:
        found = review.waiting(store, shown["project"])
        if found is None or not shown["views"]:
            return True, False, [], None, "", []
        hand = Poses(store, shown["project"]).current()
        revision = int(store.record(shown["project"], "proposal")["revision"])
        options = panels.view_options(review.views(found, revision, hand))
        known = any(option["value"] == view for option in options)
        after, before = (
            None if score is None else _lines(store, shown["project"], score)
            for score in (found.score, found.score_before)
        )
        return (
            False,
            True,  # the score of the hand pose would be taken for that of the view
            options,
            no_update if known else options[0]["value"],
            results.margin_words(found) or "Shown in the overlay",
            panels.review_card(found, after or [], before, _facts(store, shown["project"], found)),
        )

    @app.callback(
        Input(ids.ALIGN_ACCEPT, "n_clicks"),
        Input(ids.ALIGN_REJECT, "n_clicks"),
        Input(ids.ALIGN_USE, "n_clicks"),
        State(ids.ALIGN_VIEW, "value"),
        State(ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def answer(*values: Any) -> None:
        view, project = values[-2], values[-1]["project"]
        answers = {
            ids.ALIGN_ACCEPT: lambda: review.accept(store, project, view or ""),
            ids.ALIGN_REJECT: lambda: review.reject(store, project),
            ids.ALIGN_USE: lambda: review.use_hand(store, project),
        }
        answers[ctx.triggered_id]()
        refresh(store, project)


def _pose_json(store: ProjectStore, project: str) -> dict[str, Any]:
    """Return the pose in force and, during a review, the views of it."""
    manifest = store.manifest(project)
    hand = Poses(store, project)
    pose, marks = hand.state().pose, hand.marks()
    accepted = accepted_alignment(store, project)
    is_accepted = accepted is not None and same(pose, accepted.pose)
    found = review.waiting(store, project)
    revision = int(manifest["artefacts"]["proposal"]["revision"]) if found is not None else 0
    views = [] if found is None else review.views(found, revision, pose)
    return {
        "project": project,
        "key": scene.scene_key(manifest),
        "revision": int(manifest["revision"]),
        "matrix": flat(pose),
        "marks": marks,
        "accepted": is_accepted,
        **_drawn(accepted, manifest, is_accepted=is_accepted),
        "views": [
            {
                "value": view.value,
                "matrix": flat(view.pose),
                "warp": f"proposal?{revision}" if view.warp else "",
                "sd": f"proposal?{revision}" if view.sd else "",
            }
            for view in views
        ],
    }


def _drawn(
    accepted: Alignment | None, manifest: Mapping[str, Any], *, is_accepted: bool
) -> dict[str, str]:
    """Name where the browser finds the local warp and the uncertainty of the pose in force."""
    if accepted is None or not is_accepted:
        return {"warp": "", "sd": ""}
    name = f"alignment?{manifest['artefacts']['alignment']['revision']}"
    return {
        "warp": name if accepted.displacement is not None else "",
        "sd": name if accepted.sd_px is not None else "",
    }


def _facts(store: ProjectStore, project: str, found: Alignment) -> tuple[str, ...]:
    """Return what a result has to say beside its score."""
    return results.fold_words(found), results.certainty(found, scene.um_per_px(store, project))


def _lines(store: ProjectStore, project: str, score: FitScore) -> list[verdict.Line]:
    pitch = geometry.spacing(section_xy(store, project, "st"))
    return verdict.lines(score, pitch_px=pitch, um_per_px=scene.um_per_px(store, project))
