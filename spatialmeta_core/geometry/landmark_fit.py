"""The affine map that fits pairs of landmarks best, in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry.points import as_xy
from spatialmeta_core.geometry.pose import apply_pose
from spatialmeta_core.types import Landmarks, Pose

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray

Transform = Literal["rigid", "similarity", "affine"]

# Across a line of landmarks thinner than this, as a fraction of its length, an affine map would
# carry the error of a click on as one 20 times as large.
MIN_SPREAD = 0.05
MIN_AFFINE = 3  # pairs that define an affine map
MIN_TURN = 2  # pairs that define a turn and a scale
STANDS_OUT = 2.0  # times as far apart the others must be without any other pair
ROUNDING = 1e-6  # px
NUMBER_WORDS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def fit_landmarks(landmarks: Landmarks, transform: Transform = "affine", *, start: Pose) -> Pose:
    """Fit a pose to pairs of landmarks by least squares.

    What the pairs do not define is taken from ``start``: one pair only shifts it, two turn and
    scale it. The flip changes only where three pairs or more define an affine map.

    Parameters
    ----------
    landmarks
        One pair or more.
    transform
        ``"affine"`` is free; ``"similarity"`` turns, scales evenly and shifts ``start``;
        ``"rigid"`` turns and shifts it.
    start
        Pose to begin from.

    Raises
    ------
    InvalidDataError
        Without a pair, with coordinates that are missing or unequal in number, with all landmarks
        of one section at one place, or with landmarks on one line that must define an affine map
        (E-20).
    """
    moving, target = checked_pairs(landmarks)
    if not len(moving):
        raise InvalidDataError("There is no landmark yet. Mark the same place in both sections.")
    if transform == "affine" and len(moving) >= MIN_AFFINE:
        require_spread(moving, target)
        columns = np.column_stack([moving, np.ones(len(moving))])
        return Pose(np.linalg.lstsq(columns, target)[0].T)
    return _turned(moving, target, start, scales=transform != "rigid")


def landmark_distances(pose: Pose, landmarks: Landmarks) -> FloatArray:
    """Distance left at each pair under a pose, shape ``(n_pairs,)``, target px."""
    apart = apply_pose(pose, landmarks.moving) - np.asarray(landmarks.target, float)
    return np.asarray(np.linalg.norm(apart, axis=1))


class LeftOut(NamedTuple):
    """What fits without one pair say, per pair, target px.

    Attributes
    ----------
    distance
        Left at the pair that was left out, shape ``(n_pairs,)``.
    others
        Root mean square left at the pairs that were fitted, shape ``(n_pairs,)``.
    """

    distance: FloatArray
    others: FloatArray

    def wrong(self) -> int | None:
        """Return the pair without which the others agree, or None where no single one stands out.

        It is not always the one with the largest distance: a right pair far from the others is
        missed by more once a wrong one turns them.
        """
        first, second = np.argsort(self.others)[:2]
        stands_out = self.others[second] > STANDS_OUT * self.others[first] + ROUNDING
        return int(first) if stands_out else None


def leave_one_out(
    landmarks: Landmarks, transform: Transform = "affine", *, start: Pose
) -> LeftOut | None:
    """Fit the pairs again without each one in turn.

    A wrong pair pulls the fit toward itself and leaves a small distance there; left out, it shows.

    Parameters
    ----------
    landmarks, transform, start
        As for ``fit_landmarks``. Where the others are fewer than three or on one line they are
        fitted by a similarity.

    Returns
    -------
    LeftOut or None
        None for fewer than three pairs, and where the others are all at one place.
    """
    moving, target = checked_pairs(landmarks)
    if len(moving) < MIN_AFFINE:
        return None
    distance, others = np.empty(len(moving)), np.empty(len(moving))
    for i in range(len(moving)):
        rest = Landmarks(np.delete(moving, i, axis=0), np.delete(target, i, axis=0))
        if min(np.ptp(rest.moving, axis=0).max(), np.ptp(rest.target, axis=0).max()) == 0:
            return None
        straight = on_one_line(rest.moving) or on_one_line(rest.target)
        family: Transform = "similarity" if transform == "affine" and straight else transform
        pose = fit_landmarks(rest, family, start=start)
        distance[i] = np.linalg.norm(apply_pose(pose, moving[i : i + 1]) - target[i])
        others[i] = np.sqrt((landmark_distances(pose, rest) ** 2).mean())
    return LeftOut(distance, others)


def on_one_line(xy: FloatArray) -> bool:
    """Whether points ``(n, 2)`` are too close to one line to define an affine map."""
    points = np.asarray(xy, float)
    if len(points) < MIN_AFFINE:
        return True
    along, across = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(across <= MIN_SPREAD * along)


def require_spread(moving: FloatArray, target: FloatArray) -> None:
    """Refuse landmarks on one line, in either section.

    Raises
    ------
    InvalidDataError
        E-20.
    """
    if on_one_line(moving) or on_one_line(target):
        n = len(moving)
        count = NUMBER_WORDS[n] if n < len(NUMBER_WORDS) else f"{n:,}"
        raise InvalidDataError(
            "Add one more away from that line.",
            code="E-20",
            title=f"{count} landmarks are on one line.",
        )


def checked_pairs(landmarks: Landmarks) -> tuple[FloatArray, FloatArray]:
    """Return both columns of pairs as arrays ``(n, 2)``.

    Raises
    ------
    InvalidDataError
        If they differ in number or a coordinate is missing.
    """
    moving = as_xy(np.reshape(landmarks.moving, (-1, 2)), "the moving landmarks")
    target = as_xy(np.reshape(landmarks.target, (-1, 2)), "the target landmarks")
    if len(moving) != len(target):
        raise InvalidDataError(
            f"{len(moving)} landmarks in the moving section and {len(target)} in the target "
            "section; every landmark needs its place in both."
        )
    return moving, target


def _turned(moving: FloatArray, target: FloatArray, start: Pose, *, scales: bool) -> Pose:
    """Return ``start`` turned, scaled where asked, and shifted (Procrustes without a flip)."""
    linear = np.asarray(start.matrix[:, :2], float)
    if len(moving) >= MIN_TURN:
        placed = (moving - moving.mean(axis=0)) @ linear.T
        wanted = target - target.mean(axis=0)
        size = (placed**2).sum()
        if not size or not (wanted**2).sum():
            raise InvalidDataError(
                f"All {len(moving)} landmarks are at one place in one of the sections. "
                "Move them apart."
            )
        # the complex number that carries placed to wanted best
        cosine, sine = (placed * wanted).sum(), (placed[:, 0] * wanted[:, 1]).sum()
        sine -= (placed[:, 1] * wanted[:, 0]).sum()
        length = size if scales else np.hypot(cosine, sine)
        if not length or not np.hypot(cosine, sine):
            length, cosine, sine = 1.0, 1.0, 0.0
        linear = np.array([[cosine, -sine], [sine, cosine]]) / length @ linear
    shift = target.mean(axis=0) - linear @ moving.mean(axis=0)
    return Pose(np.column_stack([linear, shift]))
