"""Landmarks: the same place marked in both sections, and the pose that fits them best."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dash import ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html
from dash.exceptions import PreventUpdate

from app import ids
from app.components import button, card, extra, message
from app.pages.align import marks as marked
from app.pages.align import review, scene
from app.pages.align.controls import tool
from app.pages.align.files import decoded
from app.pages.align.poses import Poses, section_xy
from app.pages.align.route import complete_project, refresh
from spatialmeta_core import geometry
from spatialmeta_core.io.landmarks import (
    MAX_FILE_BYTES,
    landmarks_csv,
    landmarks_json,
    read_landmarks,
)
from spatialmeta_core.types import Landmarks

if TYPE_CHECKING:
    from dash.development.base_component import Component

    from app.store import ProjectStore
    from spatialmeta_core.types import Alignment, FloatArray

NAMESPACE: Final = "spatialmeta_landmarks"
DISAGREES: Final = 0.05  # of the section's width: a pair this far from what the others say is wrong
HOW: Final = (
    "Click a place on the metabolites, then the same place on the H&E. By keyboard: arrows move "
    "the crosshair (Shift for far), Enter marks; Tab goes to a mark, arrows move it, Delete "
    "removes it."
)


def panel() -> Component:
    """Return the step's panel."""
    place = html.Button(
        "Place landmarks",
        id=ids.ALIGN_LANDMARKS_PLACE,
        n_clicks=0,
        className="btn-sm-secondary align-toggle",
        title="Clicks and keys on the panes mark places until this is pressed again",
        **extra({"aria-pressed": "false"}),
    )
    fit = button(
        "Fit to landmarks",
        id=ids.ALIGN_LANDMARKS_FIT,
        kind="primary",
        title="Move the section so that the pairs meet: one pair shifts it, two turn and scale it, "
        "three or more fit it freely",
    )
    upload = dcc.Upload(
        html.Button("Load", className="btn-sm-secondary btn-sm-small", type="button"),
        id=ids.ALIGN_LANDMARKS_LOAD,
        accept=".csv,.tsv,.txt,.json",
        max_size=MAX_FILE_BYTES,
        className="align-load",
    )
    files = html.Div(
        [
            tool("Save CSV", ids.ALIGN_LANDMARKS_CSV, "Download the landmarks as a table"),
            tool("Save JSON", ids.ALIGN_LANDMARKS_JSON, "Download the landmarks as JSON"),
            upload,
            tool("Clear", ids.ALIGN_LANDMARKS_CLEAR, "Remove all landmarks; can be undone"),
        ],
        className="row",
    )
    stores = [
        dcc.Store(id=name)
        for name in (
            ids.ALIGN_LANDMARKS_ASKED,
            ids.ALIGN_LANDMARKS_ERRORS,
            ids.ALIGN_LANDMARKS_DONE,
        )
    ]
    return card(
        "Landmarks",
        html.Div([place, fit], className="row"),
        html.P(id=ids.ALIGN_LANDMARKS_SAY, className="align-say", role="status"),
        html.Div(id=ids.ALIGN_LANDMARKS_TABLE),
        html.Div(id=ids.ALIGN_LANDMARKS_NOTE),
        files,
        html.Details([html.Summary("How to place them"), html.P(HOW, className="card-note")]),
        *stores,
        dcc.Download(id=ids.ALIGN_LANDMARKS_DOWNLOAD),
        note="'Automatic' uses them too.",
    )


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the panel's callbacks to ``app``."""
    _register_browser(app)
    _register_fit(app, store)
    _register_files(app, store)


def _register_browser(app: Dash) -> None:
    def wire(name: str, output: Output, *inputs: Input | State) -> None:
        function = ClientsideFunction(NAMESPACE, name)
        app.clientside_callback(function, output, *inputs, prevent_initial_call=True)

    # this output carries no value; each function has one so that Dash calls it
    done = Output(ids.ALIGN_LANDMARKS_DONE, "data", allow_duplicate=True)
    wire("toggle", done, Input(ids.ALIGN_LANDMARKS_PLACE, "n_clicks"))
    wire("clear", done, Input(ids.ALIGN_LANDMARKS_CLEAR, "n_clicks"))
    wire("errors", done, Input(ids.ALIGN_LANDMARKS_ERRORS, "data"))
    wire(
        "ask",
        Output(ids.ALIGN_LANDMARKS_ASKED, "data"),
        Input(ids.ALIGN_LANDMARKS_FIT, "n_clicks"),
        State(ids.ALIGN_LOCK, "value"),
    )


def _register_fit(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        Input(ids.ALIGN_LANDMARKS_ASKED, "data"),
        State(ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def fit(asked: dict[str, Any], route: dict[str, str]) -> None:
        hand = Poses(store, route["project"])
        marks = hand.marks()
        pairs = marked.landmarks_of(marks) or Landmarks(np.empty((0, 2)), np.empty((0, 2)))
        transform = marked.transform(marks, asked["moves"])
        pose = geometry.fit_landmarks(pairs, transform, start=hand.current())
        hand.record(pose, "landmarks")
        refresh(store, route["project"])

    @app.callback(
        Output(ids.ALIGN_LANDMARKS_ERRORS, "data"),
        Output(ids.ALIGN_LANDMARKS_NOTE, "children"),
        Input(ids.ALIGN_POSE, "data"),
        Input(ids.ALIGN_VIEW, "value"),
        Input(ids.ALIGN_LOCK, "value"),
        prevent_initial_call=True,
    )
    def judge(shown: Any, view: str | None, moves: str | None) -> tuple[Any, Any]:
        if not shown:
            raise PreventUpdate
        name = shown["project"]
        marks = Poses(store, name).marks()
        width = float(np.ptp(section_xy(store, name, "st"), axis=0).max())
        found = errors(
            review.viewed(store, name, view),
            marked.landmarks_of(marks),
            transform=marked.transform(marks, moves),
            far_px=DISAGREES * width,
        )
        return found.to_json(scene.um_per_px(store, name)), note(found)


def _register_files(app: Dash, store: ProjectStore) -> None:
    @app.callback(
        Output(ids.ALIGN_LANDMARKS_DOWNLOAD, "data"),
        Input(ids.ALIGN_LANDMARKS_CSV, "n_clicks"),
        Input(ids.ALIGN_LANDMARKS_JSON, "n_clicks"),
        State(ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def save(_csv: int, _json: int, route: dict[str, str]) -> dict[str, Any]:
        pairs = marked.landmarks_of(Poses(store, route["project"]).marks())
        pairs = pairs or Landmarks(np.empty((0, 2)), np.empty((0, 2)))
        if ctx.triggered_id == ids.ALIGN_LANDMARKS_CSV:
            return {"content": landmarks_csv(pairs), "filename": "landmarks.csv"}
        return {"content": landmarks_json(pairs), "filename": "landmarks.json"}

    @app.callback(
        Output(ids.ALIGN_LANDMARKS_LOAD, "contents"),  # emptied: the same file can be loaded again
        Input(ids.ALIGN_LANDMARKS_LOAD, "contents"),
        State(ids.ALIGN_LANDMARKS_LOAD, "filename"),
        State(ids.PROJECT, "data"),
        State(ids.ROUTE, "data"),
        prevent_initial_call=True,
    )
    def load(contents: str | None, file_name: str | None, project: Any, route: Any) -> None:
        if not contents:
            raise PreventUpdate
        name = complete_project(store, project, route)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(file_name or "landmarks.csv").name
            path.write_bytes(decoded(contents, "landmarks", MAX_FILE_BYTES))
            pairs = read_landmarks(path)
        hand = Poses(store, name)
        marks = marked.with_landmarks(hand.marks(), pairs)
        hand.record(hand.current(), "landmarks", marks)
        refresh(store, name)


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Distances at the landmarks, px.

    Attributes
    ----------
    left
        Under the placement shown, shape ``(n_pairs,)``.
    left_out
        When the others alone are fitted, or None with fewer than three.
    disagree
        Whether a pair is far from where the others would put it.
    wrong
        Number, from 1, of the pair without which the others agree, or None.
    """

    left: FloatArray
    left_out: FloatArray | None
    disagree: bool = False
    wrong: int | None = None

    def to_json(self, um_per_px: float | None) -> dict[str, Any]:
        """Return the distances in um, or in px where the pixel size is unknown."""
        factor = um_per_px or 1.0
        return {
            "left": (self.left * factor).tolist(),
            "left_out": None if self.left_out is None else (self.left_out * factor).tolist(),
            "wrong": self.wrong,
            "unit": "px" if um_per_px is None else "µm",
        }


def errors(
    shown: Alignment, pairs: Landmarks | None, *, transform: geometry.Transform, far_px: float
) -> Errors:
    """Measure how well a placement and the pairs agree; a fit that used them knows better."""
    if pairs is None:
        return Errors(np.empty(0), None)
    apart = shown.apply(pairs.moving) - pairs.target
    left = np.linalg.norm(apart, axis=1)
    alone = geometry.leave_one_out(pairs, transform, start=shown.pose)
    if alone is None:
        return Errors(left, None)
    used = shown.landmarks
    fitted = used is not None and _equal(used, pairs)
    left_out = shown.landmark_loo_px if fitted else None
    disagree = bool(alone.distance.max() > far_px)
    wrong = alone.wrong() if disagree else None
    return Errors(
        left,
        alone.distance if left_out is None else left_out,
        disagree,
        None if wrong is None else wrong + 1,
    )


def note(found: Errors) -> list[Component]:
    """Say whether the pairs disagree, and which one is to blame where that shows."""
    if not found.disagree:
        return []
    if found.wrong is not None:
        return [message("warn", f"Landmark {found.wrong} disagrees with the others; check it.")]
    return [message("warn", "The landmarks disagree with each other; check them, or add more.")]


def _equal(first: Landmarks, second: Landmarks) -> bool:
    return bool(
        np.array_equal(first.moving, second.moving) and np.array_equal(first.target, second.target)
    )
