"""Which ST spots would get metabolite values, before anything is averaged. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from spatialmeta_core.geometry import spacing

if TYPE_CHECKING:
    from spatialmeta_core.params import ReassignParams
    from spatialmeta_core.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Donors of each ST spot.

    Attributes
    ----------
    n_donors
        Metabolite pixels that would be averaged, at most K, shape ``(n_spots,)``.
    nearest_px
        Distance to the nearest pixel, shape ``(n_spots,)``.
    limit_px
        Pixels farther than this are left out.
    """

    n_donors: IntArray
    nearest_px: FloatArray
    limit_px: float

    @property
    def n_kept(self) -> int:
        """Number of spots with at least one donor."""
        return int((self.n_donors > 0).sum())

    @property
    def n_dropped(self) -> int:
        """Number of spots without a donor."""
        return len(self.n_donors) - self.n_kept


def coverage(placed_xy: FloatArray, st_xy: FloatArray, params: ReassignParams) -> Coverage:
    """Count the donors of each ST spot, by the rule reassignment will use.

    Parameters
    ----------
    placed_xy
        SM pixels on the ST section, shape ``(n_pixels, 2)``, px.
    st_xy
        ST spots, shape ``(n_spots, 2)``, px.
    """
    limit = params.distance_factor * spacing(st_xy, params.spacing)
    k = min(params.n_neighbors, len(placed_xy))
    distance, _ = KDTree(placed_xy).query(st_xy, k=range(1, k + 1))
    return Coverage(
        n_donors=np.asarray((distance <= limit).sum(axis=1)),
        nearest_px=np.asarray(distance[:, 0]),
        limit_px=float(limit),
    )
