"""What was set by hand beside the pose, as the history keeps it: landmarks and outline. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from app.placement import landmark_rows, landmarks_from, outline_from
from spatialmeta_core.params import OutlineParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spatialmeta_core.types import Landmarks

Marks = dict[str, Any]


def landmarks_of(marks: Mapping[str, Any]) -> Landmarks | None:
    """Return the pairs of landmarks, or None without any."""
    return landmarks_from(marks.get("landmarks"))


def outline_of(marks: Mapping[str, Any]) -> OutlineParams:
    """Return the outline settings, the defaults where none were chosen."""
    return outline_from(marks.get("outline"))


def with_landmarks(marks: Mapping[str, Any], landmarks: Landmarks) -> Marks:
    """Return marks with other landmarks; what is empty is left out, as in the browser."""
    return _put(marks, "landmarks", landmark_rows(landmarks))


def with_outline(marks: Mapping[str, Any], outline: OutlineParams) -> Marks:
    """Return marks with other outline settings; the defaults are left out, as in the browser."""
    return _put(marks, "outline", {} if outline == OutlineParams() else asdict(outline))


def job_params(marks: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the marks that a fit uses, as parameters of a job."""
    return {"landmarks": landmark_rows(landmarks_of(marks)), "outline": asdict(outline_of(marks))}


def transform(
    marks: Mapping[str, Any], moves: str | None
) -> Literal["rigid", "similarity", "affine"]:
    """Return what a fit to landmarks may do: as much as moves by hand."""
    if marks.get("same_section") or moves == "rigid":
        return "rigid"
    return "similarity" if moves == "similarity" else "affine"


def _put(marks: Mapping[str, Any], key: str, value: Any) -> Marks:
    rest = {name: mark for name, mark in marks.items() if name != key}
    return {**rest, key: value} if value else rest
