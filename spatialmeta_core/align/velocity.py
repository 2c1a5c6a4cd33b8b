"""A correction that cannot fold: the flow of a smooth velocity field.

Points drift for one unit of time along a field that does not change with time. Drifting backward
undoes it, so no two points can meet (the paper uses a flow of this kind too, LDDMM). The field is
the same Gaussian process as that of the plain correction, chosen so that the flow, not the field,
meets the outlines and the landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import expm

from spatialmeta_core.align.warp import fit_warp

if TYPE_CHECKING:
    from spatialmeta_core.align.extra import Terms
    from spatialmeta_core.align.warp import Warp
    from spatialmeta_core.types import FloatArray

N_STEPS = 8  # of Runge and Kutta's method; the field changes little over one


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """A displacement of the plane by a velocity field, in the normalized target frame.

    It answers what a ``Warp`` does.

    Attributes
    ----------
    velocity
        The field, per unit of time; the flow takes one unit.
    """

    velocity: Warp

    def at(self, xy: FloatArray) -> FloatArray:
        """Displacement at ``xy``, shape ``(n, 2)``."""
        return flowed(self.velocity, xy) - xy

    def linear(self) -> FloatArray:
        """Linear part of ``xy -> xy + displacement`` without the process, shape ``(2, 2)``."""
        return np.asarray(expm(self.velocity.weights[:2].T))

    def improbability(self) -> float:
        """Negative log prior of the process, up to a constant."""
        return self.velocity.improbability()


def flowed(velocity: Warp, xy: FloatArray, duration: float = 1.0) -> FloatArray:
    """Let points drift along a velocity field.

    Parameters
    ----------
    velocity
        Field per unit of time.
    xy
        Where they start, shape ``(n, 2)``.
    duration
        Units of time; negative undoes.
    """
    step = duration / N_STEPS
    place = np.asarray(xy, float)
    for _ in range(N_STEPS):
        first = velocity.at(place)
        second = velocity.at(place + step / 2 * first)
        third = velocity.at(place + step / 2 * second)
        last = velocity.at(place + step * third)
        place = place + step / 6 * (first + 2 * second + 2 * third + last)
    return place


def fit_flow(matrix: FloatArray, terms: Terms) -> Flow:
    """Find the most probable velocity field of an affinely placed shape.

    Parameters
    ----------
    matrix
        Affine placement ``(2, 3)`` between the normalized frames.
    terms
        Outlines and landmarks.

    References
    ----------
    Arsigny et al. (2006), doi 10.1007/11866565_113: flows of stationary fields. The paper has a
    flow of changing ones (LDDMM):
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z.
    """
    velocity = fit_warp(
        matrix,
        terms.moving,
        terms.target,
        landmarks=terms.landmarks,
        outline_weight=terms.params.outline_weight,
        carry=lambda field, xy: flowed(field, xy) - xy,
    )
    return Flow(velocity)
