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
    from collections.abc import Callable

    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

MIN_ON_TISSUE = 0.9  # a placement keeps at least this share of the region's spots
TRIES_PER_PLACEMENT = 30  # a region that hardly fits elsewhere is given up after so many
HOPELESS = 50  # placements to be expected in all; half of what a p-value needs
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
    labels
        Part of the shape that each stored entry of ``members`` lies in; None for one-part shapes.
    """

    members: sparse.csr_array
    n_distinct: int
    labels: IntArray | None = None

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
    where = nearest_part(xy[mask], np.zeros(int(mask.sum()), int), spacing(xy))
    home = np.where(mask, 0, -1)
    placed = place_labels(xy, home, where, n_placements=n_placements, seed=seed)
    return Placements(placed.members, placed.n_distinct)


def place_labels(
    xy: FloatArray,
    home: IntArray,
    locate: Callable[[FloatArray], IntArray],
    *,
    n_placements: int = 1000,
    seed: int = 0,
    keep_each: bool = False,
    max_shared: float = 1.0,
) -> Placements:
    """Put a shape with several parts at random places of the tissue, as ``place_region`` does.

    Parameters
    ----------
    xy
        Spot centers, shape ``(n_spots, 2)``.
    home
        Part that each spot lies in, from 0, or -1 outside the shape, shape ``(n_spots,)``.
    locate
        The same for any places ``(n, 2)`` in the shape's own position.
    n_placements, seed
        As for ``place_region``.
    keep_each
        Ask each part to keep 90 % of its spots, and not only the whole.
    max_shared
        Largest share of the shape's own spots that a placement may hold: where a pattern is real,
        a shape that lies half on it meets its cliffs, and would hide it.
    """
    rng = np.random.default_rng(seed)
    finder = _Finder(xy, home, locate, keep_each=keep_each, max_shared=max_shared)
    found: dict[bytes, tuple[IntArray, IntArray]] = {}
    n_tried, budget = 0, TRIES_PER_PLACEMENT * n_placements
    while len(found) < n_placements and n_tried < budget:
        for spots, labels in finder.batch(rng):
            found.setdefault(spots.tobytes() + labels.tobytes(), (spots, labels))
        n_tried += BATCH
        if n_tried >= 4 * BATCH and len(found) * budget < HOPELESS * n_tried:
            break
    kept = list(found.values())[:n_placements]
    none = [np.empty(0, int)]
    indices = np.concatenate([spots for spots, _ in kept] or none)
    labels = np.concatenate([part for _, part in kept] or none)
    indptr = np.cumsum([0, *(len(spots) for spots, _ in kept)])
    rows = sparse.csr_array((np.ones(len(indices)), indices, indptr), (len(kept), len(xy)))
    return Placements(rows, _n_distinct(rows), labels)


def nearest_part(
    members: FloatArray, labels: IntArray, pitch: float
) -> Callable[[FloatArray], IntArray]:
    """Return a function that gives a place the part of the nearest of some spots.

    Parameters
    ----------
    members, labels
        Spots of a shape, shape ``(n, 2)``, and the part of each.
    pitch
        Spacing of the spots; a place outside the cells of the spots gets -1.
    """
    tree = KDTree(members)

    def locate(places: FloatArray) -> IntArray:
        far, nearest = tree.query(places, distance_upper_bound=CELL_RADIUS * pitch)
        return np.where(np.isfinite(far), labels[np.minimum(nearest, len(labels) - 1)], -1)

    return locate


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

    def __init__(
        self,
        xy: FloatArray,
        home: IntArray,
        locate: Callable[[FloatArray], IntArray],
        *,
        keep_each: bool,
        max_shared: float,
    ) -> None:
        self._home = home >= 0
        members = xy[self._home]
        self._most_shared = max_shared * len(members)
        self._xy = xy
        self._locate = locate
        self._pitch = spacing(xy)
        self._center = members.mean(axis=0)
        self._reach = float(np.linalg.norm(members - self._center, axis=1).max()) + self._pitch
        self._smallest = math.ceil(MIN_ON_TISSUE * len(members))
        sizes = np.bincount(home[home >= 0])
        self._smallest_parts = np.ceil(MIN_ON_TISSUE * sizes) if keep_each else 0 * sizes
        self._spots = KDTree(xy)

    def batch(self, rng: np.random.Generator) -> list[tuple[IntArray, IntArray]]:
        """Try ``BATCH`` random places; of those that fit, the spots, ascending, and their parts."""
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
        label = self._locate(back + self._center)
        inside = label >= 0
        spots, of, label = spots[inside], of[inside], label[inside]
        cuts = np.flatnonzero(np.diff(of)) + 1
        return [
            (part, own)
            for part, own in zip(np.split(spots, cuts), np.split(label, cuts), strict=True)
            if self._fits(part, own)
        ]

    def _fits(self, spots: IntArray, labels: IntArray) -> bool:
        n_parts = len(self._smallest_parts)
        sizes = np.bincount(labels, minlength=n_parts)[:n_parts]
        return (
            len(labels) >= self._smallest
            and bool((sizes >= self._smallest_parts).all())
            and self._home[spots].sum() <= self._most_shared
        )
