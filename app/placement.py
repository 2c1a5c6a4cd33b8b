"""Alignments of a project: read what they need, score a hand pose, save a result."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

import anndata as ad
import numpy as np

from spatialmeta_core import geometry, keys
from spatialmeta_core.align.scoring import score
from spatialmeta_core.align.tissue import tissue_pixels
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.alignment import write_alignment
from spatialmeta_core.params import OutlineParams, from_dict
from spatialmeta_core.types import (
    Alignment,
    BoolArray,
    FloatArray,
    Landmarks,
    Pose,
    TissueImage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from app.store import ProjectStore


LANDMARK_ROW: Final = ("SM x", "SM y", "ST x", "ST y")
REMEMBERED: Final = ("align", "start", "automatic", "landmarks", "outline")  # with an alignment


def read_adata(store: ProjectStore, project: str, artefact: str) -> ad.AnnData:
    """Read the ``st``, ``sm`` or ``joint`` table of a project, with the pixel size in force."""
    return _reader(store, project, artefact)(store.path(project, artefact, f"{artefact}.h5ad"))


def open_adata(store: ProjectStore, project: str, artefact: str) -> ad.AnnData:
    """Return the ``st``, ``sm`` or ``joint`` table of a project through the cache; read-only."""
    return store.load(project, artefact, f"{artefact}.h5ad", _reader(store, project, artefact))


def read_h5ad(path: Path) -> ad.AnnData:
    """Read a whole h5ad file."""
    return ad.read_h5ad(path)


def _reader(store: ProjectStore, project: str, artefact: str) -> Callable[[Path], ad.AnnData]:
    """Return what reads a table and puts the project's pixel size into it.

    The record of ``st`` is the one truth on the pixel size: a correction by the user changes no
    coordinate, so it makes no new revision of anything; the copy in each file is replaced here.
    """
    facts = store.manifest(project)["artefacts"].get("st", {}).get("summary", {})
    if artefact == "sm" or "um_per_px" not in facts:  # SM has coordinates of its own
        return read_h5ad
    return _WithPixelSize(facts["um_per_px"])


class _WithPixelSize:
    """Reader that sets the pixel size, um; a class so that the cache can name it."""

    def __init__(self, um_per_px: float | None) -> None:
        self._um_per_px = um_per_px
        self.__qualname__ = f"h5ad with {um_per_px} um per px"

    def __call__(self, path: Path) -> ad.AnnData:
        adata = read_h5ad(path)
        ours = adata.uns.setdefault(keys.OURS, {})
        ours.pop(keys.UM_PER_PX, None)
        if self._um_per_px is not None:
            ours[keys.UM_PER_PX] = float(self._um_per_px)
        return adata


def area(adata: ad.AnnData) -> float | None:
    """Return the area the spots cover, in the squared unit of their positions; None on a line."""
    points = np.unique(np.asarray(adata.obsm[keys.SPATIAL], float), axis=0)
    if geometry.is_flat(points):
        return None
    # outer rings and holes run in opposite directions
    return abs(sum(geometry.signed_area(ring.xy) for ring in geometry.alpha_outline(points)))


def tissue_image(st: ad.AnnData) -> TissueImage | None:
    """Return the histology picture of an ST section, or None."""
    for library in st.uns.get(keys.IMAGE, {}).values():
        for name in ("hires", "lowres"):
            if name in library.get("images", {}):
                factor = float(library["scalefactors"][f"tissue_{name}_scalef"])
                return TissueImage(np.asarray(library["images"][name]), factor)
    return None


def by_hand(
    pose: Pose,
    sm_xy: FloatArray,
    st_xy: FloatArray,
    *,
    outline: OutlineParams | None = None,
    kept: BoolArray | None = None,
    landmarks: Landmarks | None = None,
) -> Alignment:
    """Take a pose set by hand as the alignment, scored against the ST spots.

    Parameters
    ----------
    outline, kept
        How the outline follows the SM pixels, and which of them are tissue; see ``tissue_mask``.
    landmarks
        Pairs set by hand; the distance left at each is recorded.
    """
    placed = Alignment(pose=pose).apply(sm_xy)
    reached = score(placed, st_xy, pose=pose, **outline_options(outline, kept))
    found = Alignment(pose=pose, score=reached, notes=("Placed by hand.",))
    if landmarks is None:
        return found
    left_out = geometry.leave_one_out(landmarks, start=pose)
    return replace(
        found,
        landmarks=landmarks,
        landmark_residual_px=geometry.landmark_distances(pose, landmarks),
        landmark_loo_px=None if left_out is None else left_out.distance,
    )


def outline_options(outline: OutlineParams | None, kept: BoolArray | None) -> dict[str, Any]:
    """Return the arguments by which ``score`` and ``align`` take an outline."""
    closing = (outline or OutlineParams()).closing
    return {"moving_mask": kept, "moving_closing": closing}


def landmarks_from(values: Any) -> Landmarks | None:
    """Read landmarks from rows of SM x, SM y, ST x, ST y; None where there are none.

    Raises
    ------
    InvalidDataError
        If a row is not four finite numbers.
    """
    if not values:
        return None
    if any(len(row) != len(LANDMARK_ROW) for row in values):
        raise InvalidDataError(f"A landmark has 4 numbers: {', '.join(LANDMARK_ROW)}.")
    rows = np.asarray(values, float)
    return Landmarks(
        geometry.as_xy(rows[:, :2], "the SM landmarks"),
        geometry.as_xy(rows[:, 2:], "the ST landmarks"),
    )


def landmark_rows(landmarks: Landmarks | None) -> list[list[float]]:
    """Return landmarks as JSON rows; the inverse of ``landmarks_from``."""
    if landmarks is None:
        return []
    rows: list[list[float]] = np.column_stack([landmarks.moving, landmarks.target]).tolist()
    return rows


def outline_from(values: Any) -> OutlineParams:
    """Read outline settings; the defaults where there are none."""
    return from_dict(OutlineParams, dict(values or {}))


def tissue_mask(sm: ad.AnnData, outline: OutlineParams) -> BoolArray | None:
    """Mark the SM pixels that count as tissue; None under default settings, which all share."""
    if outline == OutlineParams():
        return None
    totals = total_intensity(sm) if outline.by_total else None
    return tissue_pixels(np.asarray(sm.obsm[keys.SPATIAL], float), totals, outline)


def total_intensity(sm: ad.AnnData) -> FloatArray:
    """Return the total intensity of each pixel, shape ``(n_pixels,)``."""
    return np.asarray(sm.X.sum(axis=1), float).ravel()


def summary(found: Alignment) -> dict[str, Any]:
    """Return what the score card shows, as JSON values."""
    return {
        "matrix": found.pose.matrix.tolist(),
        "score": None if found.score is None else asdict(found.score),
        "score_before": None if found.score_before is None else asdict(found.score_before),
        "target": found.target,
        "ambiguous": found.ambiguous,
        "notes": list(found.notes),
    }


def commit(
    store: ProjectStore,
    project: str,
    artefact: str,
    found: Alignment,
    *,
    made_from: Mapping[str, int],
    params: Mapping[str, Any],
) -> None:
    """Save an alignment as ``proposal`` (to be reviewed) or ``alignment`` (accepted)."""
    store.commit(
        project,
        artefact,
        lambda folder: write_alignment(found, folder / "alignment.json"),
        made_from=made_from,
        params={key: params.get(key) for key in REMEMBERED},
        summary=summary(found),
    )
