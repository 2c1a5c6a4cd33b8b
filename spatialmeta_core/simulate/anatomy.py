"""The shape of the simulated tissue, in the manner of a brain hemisphere.

Everything is defined at any point of the plane, in a frame where the section is about 2 wide, x to
the right and y down, so spots, pixels and the picture all read the same tissue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy.interpolate import CubicSpline

if TYPE_CHECKING:
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

DOMAINS: Final = (
    "Upper cortex",
    "Deep cortex",
    "White matter",
    "Hippocampus",
    "Thalamus, lateral",
    "Thalamus, medial",
)
UPPER, DEEP, WHITE, HIPPOCAMPUS, LATERAL, MEDIAL = range(len(DOMAINS))

Contour = Literal["hemisphere", "ellipse", "disc"]
_HALF_AXES: Final[dict[Contour, tuple[float, float]]] = {
    "ellipse": (0.98, 0.70),
    "disc": (0.82, 0.82),
}
_FAR: Final = 1e3  # squared elliptic distance of a ventricle that is not there

CORTEX: Final = 0.36
"""Depth of the floor of the cortex."""

# Corners of the outline from the cut midline on the right; no symmetry on purpose.
_CORNERS: Final = np.array(
    [
        [0.90, 0.05],
        [0.91, -0.24],
        [0.83, -0.50],
        [0.58, -0.66],
        [0.15, -0.72],
        [-0.28, -0.66],
        [-0.68, -0.48],
        [-0.95, -0.20],
        [-1.03, 0.08],
        [-0.95, 0.33],
        [-0.80, 0.50],
        [-0.52, 0.66],
        [-0.22, 0.68],
        [0.10, 0.62],
        [0.36, 0.68],
        [0.62, 0.62],
        [0.82, 0.38],
    ]
)
_CENTER: Final = np.array([0.05, 0.05])
_NOTCHES: Final = ((2.63, 0.07, 0.11), (-1.02, 0.05, 0.07))  # angle (rad), half-width (rad), depth
_MIN_THICKNESS: Final = 0.15  # the cortex ends where it gets thinner than this
_BEND: Final = 0.028  # how far domain borders wander
_CORTEX_ANGLE: Final = -2.25  # rad, middle of the cortex as seen from the center
_PATH: Final = np.array(
    [[-0.30, 0.42], [-0.12, 0.30], [0.08, 0.22], [0.30, 0.22], [0.50, 0.30], [0.68, 0.26]]
)
_VENTRICLE: Final = (-0.24, -0.09, 0.25, 0.055, -0.45)  # center x and y, half-axes, tilt (rad)
_HIPPOCAMPUS: Final = (0.37, -0.21, 0.47, 0.175, 0.14)  # likewise


@dataclass(frozen=True, slots=True, eq=False)
class SmoothField:
    """Random smooth functions of the plane with mean near 0 and variance near 1.

    Sums of cosine waves, so that they can be read at any point.
    """

    waves: FloatArray  # (n_waves, 2), rad per unit length
    phases: FloatArray  # (n_fields, n_waves)

    @classmethod
    def draw(
        cls, rng: np.random.Generator, n_fields: int, length: float, n_waves: int = 24
    ) -> SmoothField:
        """Draw fields that vary over about ``length``."""
        waves = rng.normal(0.0, 1.0 / length, (n_waves, 2))
        return cls(waves, rng.uniform(0.0, 2.0 * np.pi, (n_fields, n_waves)))

    def at(self, xy: FloatArray) -> FloatArray:
        """Read all fields at ``xy`` ``(n, 2)``; shape ``(n, n_fields)``."""
        turn = xy @ self.waves.T
        scale = np.sqrt(2.0 / len(self.waves))
        cosine, sine = np.cos(turn), np.sin(turn)
        return np.asarray(scale * (cosine @ np.cos(self.phases).T - sine @ np.sin(self.phases).T))


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What lies at each of ``n`` points; every field has shape ``(n,)``.

    Attributes
    ----------
    domain
        Index into ``DOMAINS``.
    depth
        Depth below the surface as a share of the distance from center to surface.
    thickness
        1 where the cortex is fully there, 0 where there is none; a layer reaches down to its floor
        times this.
    u, v
        Elliptic coordinates of the hippocampus; their squares sum to less than 1 inside it.
    """

    domain: IntArray
    depth: FloatArray
    thickness: FloatArray
    u: FloatArray
    v: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """One individual's tissue."""

    wobble: FloatArray  # (4, 2) amplitude and phase of outline waves 2 to 5 per turn
    bend: SmoothField  # two fields that bend the domain borders
    contour: Contour = "hemisphere"  # the others are symmetric, without fissures and ventricle

    @classmethod
    def draw(cls, rng: np.random.Generator, contour: Contour = "hemisphere") -> Anatomy:
        """Draw an individual: the same plan, other details."""
        wobble = np.column_stack([rng.normal(0.0, 0.012, 4), rng.uniform(0, 2 * np.pi, 4)])
        return cls(wobble, SmoothField.draw(rng, 2, 0.16), contour)

    def radius(self, angle: FloatArray, *, notched: bool = True) -> FloatArray:
        """Distance from the center to the outline, with or without the fissures."""
        if self.contour != "hemisphere":
            long, short = _HALF_AXES[self.contour]
            return np.asarray(1 / np.hypot(np.cos(angle) / long, np.sin(angle) / short))
        offset = _CORNERS - _CENTER
        corner_angle = np.arctan2(offset[:, 1], offset[:, 0])
        order = np.argsort(corner_angle)
        knots, heights = corner_angle[order], np.hypot(*offset.T)[order]
        turn = CubicSpline(
            np.r_[knots, knots[0] + 2 * np.pi], np.r_[heights, heights[0]], bc_type="periodic"
        )
        around = knots[0] + np.mod(angle - knots[0], 2 * np.pi)
        waves = np.arange(2, 2 + len(self.wobble))
        ripple = np.cos(np.multiply.outer(angle, waves) + self.wobble[:, 1]) @ self.wobble[:, 0]
        radius = turn(around) * (1.0 + ripple)
        if not notched:
            return np.asarray(radius)
        for where, width, depth in _NOTCHES:
            radius = radius - depth * np.exp(-((_wrapped(angle - where) / width) ** 2))
        return np.asarray(radius)

    def reach(self, xy: FloatArray) -> FloatArray:
        """Distance from the center as a share of the outline's, shape ``(n,)``: 1 on the edge."""
        offset = np.asarray(xy) - _CENTER
        edge = self.radius(np.arctan2(offset[:, 1], offset[:, 0]))
        return np.asarray(np.hypot(*offset.T) / edge)

    def ventricle(self, xy: FloatArray) -> FloatArray:
        """Squared elliptic distance from the ventricle's curved axis: below 1 inside the hole."""
        u, v = _ellipse(xy, _VENTRICLE)
        if self.contour != "hemisphere":
            return np.full(len(u), _FAR)
        return u**2 + (v - 0.8 * u**2 + 0.3) ** 2

    def inside(self, xy: FloatArray) -> BoolArray:
        """Tell which points are tissue."""
        return (self.reach(xy) < 1.0) & (self.ventricle(xy) > 1.0)

    def read(self, xy: FloatArray) -> Layout:
        """Work out what lies at each of the points ``(n, 2)``."""
        bent = np.asarray(xy) + _BEND * self.bend.at(xy)
        offset = bent - _CENTER
        angle = np.arctan2(offset[:, 1], offset[:, 0])
        away = np.abs(_wrapped(angle - _CORTEX_ANGLE))
        thickness = 1.08 / (1.0 + np.exp((away - 1.72) / 0.10)) - 0.08
        thickness = np.where(thickness > _MIN_THICKNESS, thickness, 0.0)
        depth = 1.0 - np.hypot(*offset.T) / self.radius(angle, notched=False)
        u, v = _ellipse(bent, _HIPPOCAMPUS)
        v = v - 0.55 * u**2 + 0.25
        split = 0.06 + 0.14 * np.sin(4.5 * bent[:, 1]) + 0.5 * (bent[:, 1] - 0.2)
        domain = np.where(bent[:, 0] > split, MEDIAL, LATERAL)
        domain[u**2 + v**2 < 1.0] = HIPPOCAMPUS
        for name, floor in ((WHITE, 0.50), (DEEP, CORTEX), (UPPER, 0.18)):
            domain[(depth < floor * thickness) & (thickness > 0)] = name
        return Layout(domain, depth, thickness, u, v)

    def path(self) -> FloatArray:
        """Return the planted trajectory ``(n, 2)``: through the thalamus, lateral to medial."""
        return _PATH.copy()

    def bounds(self) -> FloatArray:
        """Return the corners of the outline's box, ``[[x_low, y_low], [x_high, y_high]]``."""
        angle = np.linspace(-np.pi, np.pi, 721)
        edge = _CENTER + self.radius(angle)[:, None] * np.column_stack(
            [np.cos(angle), np.sin(angle)]
        )
        return np.stack([edge.min(axis=0), edge.max(axis=0)])


def _wrapped(angle: FloatArray) -> FloatArray:
    """Bring angles to -pi .. pi."""
    return np.asarray(np.mod(angle + np.pi, 2 * np.pi) - np.pi)


def _ellipse(
    xy: FloatArray, shape: tuple[float, float, float, float, float]
) -> tuple[FloatArray, FloatArray]:
    """Coordinates along the axes of a tilted ellipse, in half-axes."""
    x, y, a, b, tilt = shape
    dx, dy = np.asarray(xy).T - np.array([[x], [y]])
    return (dx * np.cos(tilt) + dy * np.sin(tilt)) / a, (dy * np.cos(tilt) - dx * np.sin(tilt)) / b
