"""Alignments as JSON: readable by people and by other programs, exact to the last bit."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.types import (
    Alignment,
    Candidate,
    Displacement,
    FitScore,
    FloatArray,
    Landmarks,
    Pose,
)

if TYPE_CHECKING:
    from pathlib import Path

PER_POINT = ("sd_px", "landmark_residual_px", "landmark_loo_px")  # one number per spot or pair


def write_alignment(alignment: Alignment, path: Path) -> None:
    """Write an alignment as JSON; coordinates are full-resolution pixels of the ST image."""
    warp = alignment.displacement
    document = {
        "format": "spatialmeta alignment",
        "schema": 1,
        "units": "source coordinates -> pixels of the full-resolution ST image, x right, y down",
        "matrix": alignment.pose.matrix.tolist(),
        "displacement": None
        if warp is None
        else {"vectors": warp.vectors.tolist(), "origin": list(warp.origin), "step": warp.step},
        "loss": np.asarray(alignment.loss).tolist(),
        "candidates": [
            {"matrix": c.pose.matrix.tolist(), "cost": c.cost} for c in alignment.candidates
        ],
        "margin": alignment.margin if np.isfinite(alignment.margin) else None,
        "ambiguous": alignment.ambiguous,
        "score": _score(alignment.score),
        "score_before": _score(alignment.score_before),
        "target": alignment.target,
        "min_jacobian": alignment.min_jacobian,
        **{name: _listed(getattr(alignment, name)) for name in PER_POINT},
        "landmarks": None
        if alignment.landmarks is None
        else {
            "moving": alignment.landmarks.moving.tolist(),
            "target": alignment.landmarks.target.tolist(),
        },
        "notes": list(alignment.notes),
    }
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def read_alignment(path: Path) -> Alignment:
    """Read an alignment written by ``write_alignment``.

    Raises
    ------
    InvalidDataError
        If the file is not such a document.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return _alignment(document)
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidDataError(
            f"'{path.name}' is not an alignment saved by this program ({error}). "
            "Choose a file made by 'Save pose' or by the export."
        ) from error


def _alignment(document: dict[str, Any]) -> Alignment:
    warp, margin, pairs = document["displacement"], document["margin"], document.get("landmarks")
    return Alignment(
        pose=_pose(document["matrix"]),
        displacement=None
        if warp is None
        else Displacement(np.asarray(warp["vectors"]), tuple(warp["origin"]), warp["step"]),
        loss=np.asarray(document["loss"], float),
        candidates=tuple(Candidate(_pose(c["matrix"]), c["cost"]) for c in document["candidates"]),
        margin=np.inf if margin is None else margin,
        ambiguous=bool(document["ambiguous"]),
        score=_fit_score(document["score"]),
        score_before=_fit_score(document["score_before"]),
        target=document["target"],
        min_jacobian=document.get("min_jacobian"),
        landmarks=None
        if pairs is None
        else Landmarks(np.asarray(pairs["moving"], float), np.asarray(pairs["target"], float)),
        **{name: _array(document.get(name)) for name in PER_POINT},
        notes=tuple(document["notes"]),
    )


def _pose(matrix: Any) -> Pose:
    array = np.asarray(matrix, float)
    if array.shape != (2, 3) or not np.isfinite(array).all():
        raise ValueError("the matrix must be 2 x 3 finite numbers")
    return Pose(array)


def _listed(values: FloatArray | None) -> list[float] | None:
    return None if values is None else values.tolist()


def _array(values: list[float] | None) -> FloatArray | None:
    return None if values is None else np.asarray(values, float)


def _score(score: FitScore | None) -> dict[str, float] | None:
    return None if score is None else asdict(score)


def _fit_score(values: dict[str, float] | None) -> FitScore | None:
    return None if values is None else FitScore(**values)
