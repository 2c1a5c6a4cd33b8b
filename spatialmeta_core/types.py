"""Frozen values that steps hand to each other.

Coordinates are pixels of the full-resolution ST image, x to the right, y down, in arrays
``(n, 2)``; without an image, the units of the ST file. A type holds values and cheap derived
properties; verbs are functions elsewhere (``Alignment.apply`` is the one exception: every user of
an alignment needs it).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Affine map of the plane, ``xy -> matrix[:, :2] @ xy + matrix[:, 2]``.

    The matrix is the truth (rotating after uneven scaling gives shear, which angle and scales
    cannot hold); the properties read it as rotation after scaling, with a flip written as
    ``y -> -y`` before everything else.

    Attributes
    ----------
    matrix
        Source to target pixels, shape ``(2, 3)``.
    """

    matrix: FloatArray

    @property
    def angle_deg(self) -> float:
        """Rotation, degrees; positive turns x toward y, clockwise on screen as y points down."""
        return math.degrees(math.atan2(self.matrix[1, 0], self.matrix[0, 0]))

    @property
    def scale_x(self) -> float:
        """Length of the image of the unit x vector."""
        return float(math.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    @property
    def scale_y(self) -> float:
        """Area change divided by ``scale_x``; always positive, see ``flipped``."""
        return float(abs(np.linalg.det(self.matrix[:, :2])) / self.scale_x)

    @property
    def shift_px(self) -> tuple[float, float]:
        """Where the source origin goes."""
        return float(self.matrix[0, 2]), float(self.matrix[1, 2])

    @property
    def flipped(self) -> bool:
        """Whether the map mirrors the plane."""
        return bool(np.linalg.det(self.matrix[:, :2]) < 0)


@dataclass(frozen=True, slots=True, eq=False)
class TissueImage:
    """A histology picture and its place in full-resolution pixels.

    Attributes
    ----------
    rgb
        Shape ``(height, width, 3)``, ``uint8``.
    scale
        Picture pixels per full-resolution pixel (Space Ranger's ``tissue_hires_scalef``).
    """

    rgb: NDArray[np.uint8]
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A closed line around tissue.

    Attributes
    ----------
    xy
        Corners, shape ``(n, 2)``, px; the first point is not repeated.
    """

    xy: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Displacement:
    """A smooth displacement on a regular grid, added after the pose.

    Attributes
    ----------
    vectors
        Shape ``(rows, columns, 2)``, px.
    origin
        Position of ``vectors[0, 0]``, px.
    step
        Distance between grid points, px.
    """

    vectors: FloatArray
    origin: tuple[float, float]
    step: float

    def at(self, xy: FloatArray) -> FloatArray:
        """Interpolate bilinearly at ``xy``, shape ``(n, 2)``; constant outside the grid."""
        rows, columns = self.vectors.shape[:2]
        place = (np.asarray(xy, float) - np.asarray(self.origin)) / self.step
        place = np.clip(place, 0, [columns - 1, rows - 1])
        low = np.minimum(place.astype(int), [columns - 2, rows - 2])
        fx, fy = (place - low).T[:, :, None]
        x, y = low.T
        v = self.vectors
        top = v[y, x] * (1 - fx) + v[y, x + 1] * fx
        bottom = v[y + 1, x] * (1 - fx) + v[y + 1, x + 1] * fx
        return np.asarray(top * (1 - fy) + bottom * fy)


@dataclass(frozen=True, slots=True, eq=False)
class FitScore:
    """How well a placed outline fits its target.

    Attributes
    ----------
    overlap
        Dice coefficient of the two tissue areas, 0 to 1.
    outline_distance_px
        Median distance between the outlines, both ways, px.
    covered
        Fraction of target spots with a moving spot within reach, 0 to 1.
    stretch
        Largest ratio of the affine map's two singular values, 1 or more.
    """

    overlap: float
    outline_distance_px: float
    covered: float
    stretch: float


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Places marked by hand in both sections; row ``i`` of each is the same place.

    Attributes
    ----------
    moving
        In the moving section's own units, shape ``(n, 2)``.
    target
        In target px, shape ``(n, 2)``.
    """

    moving: FloatArray
    target: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One hypothesis; a lower ``cost`` is better, from ``align`` its improbability in nats."""

    pose: Pose
    cost: float


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """A fitted map from the moving section to the target section.

    Attributes
    ----------
    pose
        The affine part, source to target px.
    displacement
        Nonrigid part in target px, added after the pose, or None.
    loss
        Objective after each step, shape ``(n_steps,)``.
    candidates
        Hypotheses, best first; after a hand start those near it, empty if the start was kept.
    margin
        Nats by which the best is more probable than any that puts the tissue elsewhere; infinite
        if there is none.
    ambiguous
        Whether the fit cannot tell the first candidates apart.
    score
        Fit before (``score_before``, at the given start, or None) and after.
    target
        What the outline was fitted to: ``"image"`` or ``"spots"``.
    min_jacobian
        Smallest local change of area of the correction, 1 where nothing changes; above 0 nothing
        folds. None without a correction.
    sd_px
        Standard deviation of each moving spot's place, target px, shape ``(n_moving,)``, or None.
    landmarks
        Pairs the fit was given, or None.
    landmark_residual_px, landmark_loo_px
        Distance left at each pair, and at each pair when it is left out of the fit, target px,
        shape ``(n_pairs,)``, or None.
    notes
        Sentences for the user.
    """

    pose: Pose
    displacement: Displacement | None = None
    loss: FloatArray = field(default_factory=lambda: np.empty(0))
    candidates: tuple[Candidate, ...] = ()
    margin: float = math.inf
    ambiguous: bool = False
    score: FitScore | None = None
    score_before: FitScore | None = None
    target: Literal["image", "spots"] = "spots"
    min_jacobian: float | None = None
    sd_px: FloatArray | None = None
    landmarks: Landmarks | None = None
    landmark_residual_px: FloatArray | None = None
    landmark_loo_px: FloatArray | None = None
    notes: tuple[str, ...] = ()

    def apply(self, xy: FloatArray) -> FloatArray:
        """Carry source positions ``(n, 2)`` into the target frame, px."""
        placed = np.asarray(xy, float) @ self.pose.matrix[:, :2].T + self.pose.matrix[:, 2]
        if self.displacement is None:
            return np.asarray(placed)
        return np.asarray(placed + self.displacement.at(placed))


@dataclass(frozen=True, slots=True, eq=False)
class Reassigned:
    """Source values carried to target positions.

    Attributes
    ----------
    values
        Mean of the neighbors used, shape ``(n_targets, n_features)``; NaN where none was used.
    n_used
        Number of neighbors averaged for each target, shape ``(n_targets,)``.
    """

    values: FloatArray
    n_used: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """Latent means; each ``(n_spots, n_latent)``, NaN rows for spots left out of training."""

    joint: FloatArray
    st: FloatArray
    sm: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Contribution:
    """How much each modality leads, per spot; each ``(n_spots,)``, NaN where left out.

    Attributes
    ----------
    theta_st, theta_sm
        Cosines of eqs 20 and 21, in [-1, 1].
    balance
        0 to 1: above 0.5 ST alone tells more of the spot's group than SM alone, below 0.5 less.
    """

    theta_st: FloatArray
    theta_sm: FloatArray
    balance: FloatArray


class LossTerms(NamedTuple):
    """Terms of eq. 22, each the mean per spot; ``total`` is weighted, the others are not."""

    st: float
    sm: float
    st_from_st: float
    sm_from_sm: float
    kl: float
    mmd: float
    total: float


class EpochReport(NamedTuple):
    """What one epoch of training has to tell.

    ``epoch`` counts from 1 to at most ``n_epochs``; ``is_best`` says whether validation improved.
    """

    epoch: int
    n_epochs: int
    train: LossTerms
    validation: LossTerms
    is_best: bool


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A drawn area of one sample (ROI).

    Attributes
    ----------
    parts
        Polygons; each is a tuple of rings, the outer one first and then its holes; a ring is
        ``(n, 2)`` px, the first point not repeated.
    kind
        Free text class such as "Tumor"; may be empty.
    only_clusters
        Restrict membership to these clusters; empty means all.
    locked
        Not to be changed or deleted before it is unlocked.
    hidden
        Not drawn; it still counts.
    """

    id: str
    name: str
    sample: str
    parts: tuple[tuple[FloatArray, ...], ...]
    kind: str = ""
    color: str = "#d55e00"
    locked: bool = False
    only_clusters: tuple[str, ...] = ()
    note: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """A drawn path of one sample (TOI).

    Attributes
    ----------
    points
        Corners from start to end, shape ``(n, 2)``, px.
    width_um
        Full width of the swath, in ``width_unit``.
    width_unit
        ``"px"`` for a path drawn while the pixel size was unknown, else ``"um"``.
    locked, hidden
        As for a region.
    """

    id: str
    name: str
    sample: str
    points: FloatArray
    width_um: float
    color: str = "#0072b2"
    note: str = ""
    width_unit: Literal["um", "px"] = "um"
    locked: bool = False
    hidden: bool = False

    def width(self, um_per_px: float | None) -> float:
        """Full width in um, or in px where the pixel size is unknown.

        A width in um is taken as px then, as nothing better is known.
        """
        is_px = self.width_unit == "px" and um_per_px is not None
        return self.width_um * (um_per_px or 1.0) if is_px else self.width_um


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One line of a file's check report; ``code`` and ``title`` as in the expected errors."""

    level: Literal["ok", "warning", "error"]
    text: str
    title: str = ""
    code: str = ""
