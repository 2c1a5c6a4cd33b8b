"""The outline of the metabolomics section: which pixels are tissue, and how tightly it follows."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from flask import Blueprint, request

from app import ids
from app.components import card
from app.pages.align import marks as marked
from app.pages.align.controls import slider, tool
from app.pages.align.poses import Poses, section_xy
from app.placement import (
    by_hand,
    open_adata,
    outline_from,
    outline_options,
    tissue_mask,
    total_intensity,
)
from spatialmeta_core.align.tissue import Tissue, find_tissue, tissue_outline
from spatialmeta_core.errors import InvalidParamsError, SpatialMetaError
from spatialmeta_core.params import OutlineParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dash.development.base_component import Component
    from flask.typing import ResponseReturnValue

    from app.store import ProjectStore
    from spatialmeta_core.types import Alignment, BoolArray, FloatArray, Pose

NAMESPACE: Final = "spatialmeta_outline"
CLEAR_GAP: Final = 0.75  # Otsu's separation: 0.64 for a single normal distribution, 1 at best
SETTINGS: Final = ("closing", "min_piece", "by_total", "min_total")


def panel() -> Component:
    """Return the panel of the outline."""
    defaults = OutlineParams()
    return card(
        "SM outline",
        slider(
            "Close gaps: radius (pixels)",
            ids.ALIGN_OUTLINE_CLOSING,
            low=0.8,
            high=6,
            step=0.1,
            value=defaults.closing,
            typed=True,
        ),
        slider(
            "Drop stray pieces under (%)",
            ids.ALIGN_OUTLINE_PIECES,
            low=0,
            high=20,
            step=0.5,
            value=100 * defaults.min_piece,
            typed=True,
        ),
        dcc.Checklist(
            id=ids.ALIGN_OUTLINE_BY_TOTAL,
            options={"on": "Leave out pixels of low total intensity"},
            value=[],
            className="align-layers",
        ),
        html.Div(
            slider(
                "Smallest total (log10)",
                ids.ALIGN_OUTLINE_TOTAL,
                low=0,
                high=1,
                step=0.01,
                value=0,
                typed=True,
            ),
            id=ids.ALIGN_OUTLINE_TOTAL_BOX,
            hidden=True,
        ),
        html.P(id=ids.ALIGN_OUTLINE_SAY, className="align-say", role="status"),
        tool("Default outline", ids.ALIGN_OUTLINE_RESET, "Back to the defaults; can be undone"),
        dcc.Store(id=ids.ALIGN_OUTLINE_DONE),
        note="What the score and 'Automatic' compare. Pixels left out are drawn dim, "
        "and still carry their values.",
    )


def register(app: Dash, store: ProjectStore) -> None:
    """Attach the panel's callbacks and its route to ``app``."""
    function = ClientsideFunction(NAMESPACE, "change")
    app.clientside_callback(
        function,
        Output(ids.ALIGN_OUTLINE_DONE, "data"),
        Input(ids.ALIGN_OUTLINE_CLOSING, "value"),
        Input(ids.ALIGN_OUTLINE_PIECES, "value"),
        Input(ids.ALIGN_OUTLINE_BY_TOTAL, "value"),
        Input(ids.ALIGN_OUTLINE_TOTAL, "value"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction(NAMESPACE, "reset"),
        Output(ids.ALIGN_OUTLINE_DONE, "data", allow_duplicate=True),  # carries no value
        Input(ids.ALIGN_OUTLINE_RESET, "n_clicks"),
        prevent_initial_call=True,
    )
    routes = Blueprint("align_outline", __name__, url_prefix="/api/projects/<project>/align")

    @routes.errorhandler(SpatialMetaError)
    def expected(error: SpatialMetaError) -> ResponseReturnValue:
        return {"message": str(error), "title": error.title, "code": error.code}, 422

    @routes.get("/outline")
    def preview(project: str) -> ResponseReturnValue:
        return outline_json(store, project, from_query(request.args))

    app.server.register_blueprint(routes)


def from_query(values: Mapping[str, str]) -> OutlineParams:
    """Read outline settings from an address; what is absent keeps its default.

    Raises
    ------
    InvalidParamsError
        If one is not a number or out of range.
    """
    given: dict[str, Any] = {}
    for name in SETTINGS:
        if name in values:
            try:
                number = float(values[name])
            except ValueError as error:
                raise InvalidParamsError(
                    f"{name} is {values[name]!r}; expected a number."
                ) from error
            given[name] = bool(number) if name == "by_total" else number
    return outline_from(given)


def outline_json(store: ProjectStore, project: str, outline: OutlineParams) -> dict[str, Any]:
    """Return the outline for some settings, which pixels it is drawn around, and counts in words.

    ``kept`` is one byte per pixel; ``log_range`` holds the log10 of the smallest and largest total,
    and ``log_total`` that of the limit, None where totals are not asked for.
    """
    xy = section_xy(store, project, "sm")
    totals = totals_of(store, project)
    found = find_tissue(xy, totals, outline)
    positive = totals[totals > 0]
    span = (
        [float(np.log10(positive.min())), float(np.log10(positive.max()))]
        if len(positive)
        else None
    )
    return {
        "rings": [ring.xy.tolist() for ring in tissue_outline(xy, found.kept, outline)],
        "kept": base64.b64encode(found.kept.astype(np.uint8).tobytes()).decode("ascii"),
        "words": words(found),
        "log_total": None if found.min_total is None else float(np.log10(found.min_total)),
        "log_range": span,
    }


def words(found: Tissue) -> str:
    """Say how many pixels were left out, and why."""
    n, n_out = len(found.kept), found.n_dim + found.n_stray
    if not n_out:
        return f"All {n:,} pixels count as tissue."
    reasons = []
    if found.n_dim:
        reasons.append(f"{found.n_dim:,} of low total")
    if found.n_stray:
        reasons.append(f"{found.n_stray:,} in stray pieces")
    text = f"{n_out:,} of {n:,} pixels left out as off-tissue ({', '.join(reasons)})."
    if found.separation is not None and found.separation < CLEAR_GAP:
        return f"{text} The totals show no clear gap between tissue and background; check the map."
    return text


def rings(store: ProjectStore, project: str) -> list[FloatArray]:
    """Return the outline in force, rings in the section's own units."""
    outline = marked.outline_of(Poses(store, project).marks())
    xy = section_xy(store, project, "sm")
    kept = find_tissue(xy, totals_of(store, project), outline).kept
    return [ring.xy for ring in tissue_outline(xy, kept, outline)]


def score_options(store: ProjectStore, project: str) -> dict[str, Any]:
    """Return the outline in force as arguments of ``score``."""
    outline = marked.outline_of(Poses(store, project).marks())
    return outline_options(outline, _kept(store, project, outline))


def placed_by_hand(store: ProjectStore, project: str, pose: Pose) -> Alignment:
    """Return a pose as an alignment, scored with the outline and the landmarks in force."""
    marks = Poses(store, project).marks()
    outline = marked.outline_of(marks)
    return by_hand(
        pose,
        section_xy(store, project, "sm"),
        section_xy(store, project, "st"),
        outline=outline,
        kept=_kept(store, project, outline),
        landmarks=marked.landmarks_of(marks),
    )


def _kept(store: ProjectStore, project: str, outline: OutlineParams) -> BoolArray | None:
    return tissue_mask(open_adata(store, project, "sm"), outline)


def totals_of(store: ProjectStore, project: str) -> FloatArray:
    """Return the total intensity of each SM pixel; cached."""
    reader = _Totals(open_adata(store, project, "sm"))
    found: FloatArray = store.load(project, "sm", "sm.h5ad", reader)
    return found


class _Totals:
    """Reader of the totals; a class so that the cache can name it."""

    def __init__(self, sm: Any) -> None:
        self._sm = sm
        self.__qualname__ = "totals"

    def __call__(self, _path: object) -> FloatArray:
        return total_intensity(self._sm)
