"""The same shape, turned, mirrored and shifted to other places of the tissue."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import as_xy, spacing

if TYPE_CHECKING:
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

MIN_ON_TISSUE = 0.9  # a placement keeps at least this share of the region's spots
TRIES_PER_PLACEMENT = 30  # a region that hardly fits elsewhere is given up after so many
SAME_PLACE = 0.9  # placements that share this much of their spots are not two
BATCH = 256  # placements tried at once
CELL_RADIUS = 0.58  # spacings; a hexagonal lattice's cells reach 0.577 from their center


@dataclass(frozen=True, slots=True, eq=False)
class Placements:
    """Where a region could lie as well.

    Attributes
    ----------
    members
        Spots of each placement, CSR of ones, shape ``(n_placements, n_spots)``; no two alike.
    n_distinct
        How many of them share less than 90 % of their spots with one another; a large region can
        be moved a little in many ways and yet stays where it is.
    """

    members: sparse.csr_array
    n_distinct: int

    @property
    def n_placements(self) -> int:
        """How many placements were found."""
        return int(self.members.shape[0])


def place_region(
    xy: FloatArray, mask: BoolArray, *, n_placements: int = 1000, seed: int = 0
) -> Placements:
    """Put a region's shape at random places of the tissue.

    Each placement turns the shape by a random angle, mirrors it or not, and moves it to a random
    spot. It holds the spots under the shape, and is kept if they are at least 90 % as many as the
    region's own.

    Parameters
    ----------
    xy
        Spot centers, shape ``(n_spots, 2)``.
    mask
        The region's spots, shape ``(n_spots,)``.
    n_placements
        How many are wanted; fewer are found where the region is large or long for the tissue.
    seed
        The same seed gives the same placements.

    Raises
    ------
    InvalidDataError
        If the mask does not fit the spots, is empty, or holds all spots.
    """
    xy, mask = as_xy(xy, "the section"), np.asarray(mask)
    if mask.shape != (len(xy),) or mask.dtype != bool or mask.all() or not mask.any():
        raise InvalidDataError(
            f"The region is an array of {mask.dtype} with shape {mask.shape} and {int(mask.sum())} "
            f"spots; expected one true or false for each of {len(xy)} spots, some of each."
        )
    rng = np.random.default_rng(seed)
    finder = _Finder(xy, mask)
    found: dict[bytes, IntArray] = {}
    n_tried, budget = 0, TRIES_PER_PLACEMENT * n_placements
    while len(found) < n_placements and n_tried < budget:
        for members in finder.batch(rng):
            found.setdefault(members.tobytes(), members)
        n_tried += BATCH
    kept = list(found.values())[:n_placements]
    sizes = [len(members) for members in kept]
    indices = np.concatenate(kept) if kept else np.empty(0, int)
    shape = (len(kept), len(xy))
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    rows = sparse.csr_array((np.ones(len(indices)), indices, indptr), shape)
    return Placements(rows, _n_distinct(rows))


def _n_distinct(members: sparse.csr_array) -> int:
    """Count placements, one after the other, that no counted one nearly repeats."""
    size = members.sum(axis=1)
    shared = (members @ members.T).toarray() / np.maximum(size[:, None], size[None])
    counted = np.zeros(len(size), bool)
    for k, row in enumerate(shared):
        counted[k] = not (row[counted] >= SAME_PLACE).any()
    return int(counted.sum())


class _Finder:
    """Finds the spots under a moved shape by carrying spots back into the shape's own place."""

    def __init__(self, xy: FloatArray, mask: BoolArray) -> None:
        members = xy[mask]
        self._xy = xy
        self._pitch = spacing(xy)
        self._center = members.mean(axis=0)
        self._reach = float(np.linalg.norm(members - self._center, axis=1).max()) + self._pitch
        self._smallest = math.ceil(MIN_ON_TISSUE * len(members))
        self._spots, self._shape = KDTree(xy), KDTree(members)

    def batch(self, rng: np.random.Generator) -> list[IntArray]:
        """Try ``BATCH`` random places; return the spots, ascending, of those that fit."""
        jitter = rng.uniform(-0.5, 0.5, (BATCH, 2)) * self._pitch
        places = self._xy[rng.integers(len(self._xy), size=BATCH)] + jitter
        angle = rng.uniform(0, 2 * math.pi, BATCH)
        mirror = rng.choice([-1.0, 1.0], BATCH)
        near = self._spots.query_ball_point(places, self._reach, return_sorted=True)
        sizes = np.array([len(part) for part in near])
        big = np.flatnonzero(sizes >= self._smallest)
        if not len(big):
            return []
        spots = np.concatenate([near[k] for k in big]).astype(int)
        of = np.repeat(big, sizes[big])
        apart = self._xy[spots] - places[of]
        cos, sin = np.cos(angle[of]), np.sin(angle[of])
        back = np.column_stack(
            [cos * apart[:, 0] + sin * apart[:, 1], cos * apart[:, 1] - sin * apart[:, 0]]
        )
        back[:, 1] *= mirror[of]
        far, _ = self._shape.query(
            back + self._center, distance_upper_bound=CELL_RADIUS * self._pitch
        )
        inside = np.isfinite(far)
        spots, of = spots[inside], of[inside]
        parts = np.split(spots, np.flatnonzero(np.diff(of)) + 1)
        return [part for part in parts if len(part) >= self._smallest]
