"""Terms of the fit beside the outline: landmarks, histology, features.

A term takes part three times: its cost steers the descent of a placement, its evidence ranks the
hypotheses, and it may propose placements to start from. All of it is in the normalized frames, in
which both tissues have an area near 1 and their center of gravity at the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from spatialmeta_core.align.search import Placement
    from spatialmeta_core.align.shape import Shape
    from spatialmeta_core.align.velocity import Flow
    from spatialmeta_core.align.warp import Warp
    from spatialmeta_core.params import AlignParams
    from spatialmeta_core.types import FloatArray, Landmarks


class Extra(Protocol):
    """A term beside the outline, its weight included."""

    def cost(self, matrix: FloatArray) -> tuple[float, FloatArray]:
        """Cost of an affine placement ``(2, 3)`` and its gradient ``(2, 3)``.

        Added to ``placement_cost``, in which an outline that matches nowhere costs 1 each way.
        """

    def evidence(self, matrix: FloatArray, warp: Warp | Flow) -> float:
        """Improbability of a placement and its warp, nats over the whole section; lower is better.

        Added to the ``misfit`` of the outlines, which is in nats too.
        """

    def starts(self, found: list[Placement]) -> list[Placement]:
        """More placements to start from, given those of the outline; may be empty."""


@dataclass(frozen=True, slots=True)
class Together:
    """Several terms as one."""

    parts: tuple[Extra, ...]

    def cost(self, matrix: FloatArray) -> tuple[float, FloatArray]:
        """Sum of the costs and of the gradients."""
        total, gradient = 0.0, np.zeros((2, 3))
        for part in self.parts:
            value, slope = part.cost(matrix)
            total, gradient = total + value, gradient + slope
        return total, gradient

    def evidence(self, matrix: FloatArray, warp: Warp | Flow) -> float:
        """Sum of the nats."""
        return sum(part.evidence(matrix, warp) for part in self.parts)

    def starts(self, found: list[Placement]) -> list[Placement]:
        """All of them."""
        return [placement for part in self.parts for placement in part.starts(found)]


class Terms(NamedTuple):
    """Everything a placement is judged by, in the normalized frames.

    Attributes
    ----------
    moving, target
        Shapes whose outlines are matched with the weight ``params.outline_weight``.
    extra
        Terms beside the outline.
    landmarks
        Pairs for the nonrigid fit; their share in the affine one is part of ``extra``.
    notes
        Sentences for the user about terms that were left out.
    """

    moving: Shape
    target: Shape
    params: AlignParams
    extra: Extra | None = None
    landmarks: Landmarks | None = None
    notes: tuple[str, ...] = ()
