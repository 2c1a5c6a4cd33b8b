"""Which targets would get values, before anything is carried. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from spatialmeta_core.geometry import spacing
from spatialmeta_core.reassign import donors_of, sides

if TYPE_CHECKING:
    from spatialmeta_core.params import ReassignParams
    from spatialmeta_core.types import Alignment, FloatArray, IntArray

FULL = 0.97  # a share covered that counts as all: spots rounded to pixels leave slits
HOLES = 0.58  # farther than this share of their spacing no place lies from hexagonal spots


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Donors of each target: ST spots, or SM pixels when counts are carried to them.

    Attributes
    ----------
    xy
        The targets, shape ``(n_targets, 2)``, px.
    n_donors
        Sources that would be used, shape ``(n_targets,)``.
    nearest_px
        Distance to the nearest source, shape ``(n_targets,)``.
    limit_px
        Sources farther than this are left out; None where areas decide.
    covered
        Share of each footprint that sources cover, 0 to 1, shape ``(n_targets,)``; None where
        distances decide.
    factor_without_holes
        Distance factor from which on every pixel between the spots has one within reach; None
        where there is nothing to say.
    """

    xy: FloatArray
    n_donors: IntArray
    nearest_px: FloatArray
    limit_px: float | None = None
    covered: FloatArray | None = None
    factor_without_holes: float | None = None

    @property
    def n_kept(self) -> int:
        """Number of targets with at least one donor."""
        return int((self.n_donors > 0).sum())

    @property
    def n_dropped(self) -> int:
        """Number of targets without a donor."""
        return len(self.n_donors) - self.n_kept

    @property
    def n_full(self) -> int:
        """Number of targets whose footprint is covered, where areas decide."""
        return 0 if self.covered is None else int((self.covered >= FULL).sum())


def coverage(
    st_xy: FloatArray, sm_xy: FloatArray, alignment: Alignment, params: ReassignParams
) -> Coverage:
    """Count the donors of each target, by the rule reassignment will use.

    Parameters
    ----------
    st_xy
        ST spots, shape ``(n_spots, 2)``, px.
    sm_xy
        SM pixels in their own unit, shape ``(n_pixels, 2)``.
    alignment
        Puts the pixels onto the ST section.
    """
    where = sides(st_xy, sm_xy, alignment, params)
    found = donors_of(where, params)
    nearest, _ = KDTree(where.source_xy).query(where.target_xy)
    by_area = params.method == "area"
    enough = None
    if params.direction == "st_to_sm" and not by_area:
        needed = HOLES * spacing(st_xy)
        if where.max_distance < needed:
            enough = params.distance_factor * needed / where.max_distance
    return Coverage(
        xy=where.target_xy,
        n_donors=np.asarray(found.n_used),
        nearest_px=np.asarray(nearest),
        limit_px=None if by_area else float(where.max_distance),
        covered=found.covered,
        factor_without_holes=enough,
    )
