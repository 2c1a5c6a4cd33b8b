"""Pairs of sections whose true map is known, for the alignment benchmarks.

By default the tissue is that of ``spatialmeta_core.simulate``: an individual of its anatomy with an
edge bent at random, so that no two outlines are alike. Spots form a hexagonal lattice, pixels a
square one in its own frame, turned, perhaps flipped, stretched and warped. The moving section has
lost tissue at a wavy cut and has stray pixels beside it. ``shared`` reads the cases of a benchmark
kept outside the repository.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spatialmeta_core.geometry import apply_pose, make_pose
from spatialmeta_core.simulate.anatomy import Anatomy, SmoothField
from spatialmeta_core.simulate.frame import picture_box
from spatialmeta_core.simulate.msi import draw_warp, lay_raster, lose_edge

if TYPE_CHECKING:
    from pathlib import Path

HAND_ANGLE_DEG, HAND_SHIFT, HAND_SCALE = 12.0, 0.08, 0.08  # largest error of the simulated user
SUCCESS = 5.0  # largest median error, percent of the width


class Case(NamedTuple):
    """A pair; ``hand`` is the moving section as a user would have placed it."""

    name: str
    kind: str
    moving: np.ndarray
    hand: np.ndarray
    fixed: np.ndarray
    truth: np.ndarray
    is_tissue: np.ndarray
    width: float

    def error(self, placed: np.ndarray) -> tuple[float, float]:
        """Median and 95th percentile over true tissue, percent of the fixed section's width."""
        off = np.linalg.norm(placed - self.truth, axis=1)[self.is_tissue] / self.width * 100
        return float(np.median(off)), float(np.percentile(off, 95))


class Difficulty(NamedTuple):
    angle_deg: tuple[float, float]
    flips: bool
    stretch: float
    warp: float  # longest displacement; shares of the size, like the rest
    lost: float
    stray: float


KINDS = {
    "easy": Difficulty((2, 15), False, 0.03, 0.020, 0.03, 0.005),
    "medium": Difficulty((30, 90), True, 0.07, 0.035, 0.06, 0.010),
    "hard": Difficulty((90, 180), True, 0.12, 0.050, 0.09, 0.020),
}


def simulated(seed: int, kind: str, *, bend: float = 0.25) -> Case:
    """Draw one pair.

    Parameters
    ----------
    seed
        The same seed gives the same pair.
    kind
        ``"easy"``, ``"medium"`` or ``"hard"``.
    bend
        How far the edge departs from the simulated hemisphere; 0 leaves it as it is.
    """
    rng, hard = np.random.default_rng([seed, list(KINDS).index(kind)]), KINDS[kind]
    anatomy = Anatomy.draw(rng)
    edge = SmoothField.draw(rng, 1, 0.5)

    def inside(xy):
        away = anatomy.reach(xy) * (1 + bend * np.tanh(edge.at(xy)[:, 0]))
        return (away < 1) & (anatomy.ventricle(xy) > 1)

    box = picture_box(anatomy) * 1.3
    fixed = _hexagonal(box, 2 / rng.uniform(45, 60))
    fixed = fixed[inside(fixed)]
    survived = lose_edge(rng, np.stack([fixed.min(axis=0), fixed.max(axis=0)]), hard.lost)
    angle = rng.uniform(*hard.angle_deg) * rng.choice([-1, 1])
    ratio = np.exp(0.5 * hard.stretch * rng.choice([-1, 1]))
    pixel = 2 / rng.uniform(50, 90)
    linear = make_pose(angle, pixel * ratio, pixel / ratio, flipped=hard.flips and seed % 2 == 1)
    size = float(np.sqrt(np.prod(np.ptp(fixed, axis=0))))
    warp = draw_warp(rng, inside, box, hard.warp * size)
    field = SmoothField.draw(rng, 1, 0.05)

    def measured(xy):
        stray = ~inside(xy) & (field.at(xy)[:, 0] > 3.0 - 20 * hard.stray)
        return (inside(xy) & survived(xy)) | stray

    raster = lay_raster(measured, box, linear, warp)
    kept = rng.random(len(raster.xy)) > hard.stray
    moving, truth = raster.index[kept], raster.xy[kept]
    unit, origin = rng.uniform(400, 1500), rng.uniform(500, 4000, 2)
    fixed, truth = fixed * unit + origin, truth * unit + origin
    tissue = inside((truth - origin) / unit)
    return _with_hand(rng, (f"{kind} {seed}", kind), moving, fixed, truth, tissue)


def shared(path: Path) -> list[Case]:
    """Cases of ``bench.py`` in the folder ``path``, with its tissues."""
    spec = importlib.util.spec_from_file_location("shared_alignment_bench", path / "bench.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"There is no bench.py in {path}.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [
        Case(
            c["id"],
            c["band"],
            c["moving"],
            c["hand"],
            c["fixed"],
            c["truth"],
            c["true"],
            c["width"],
        )
        for c in module.load_cases(path / "tissue_coords.npz")
    ]


def _with_hand(rng, names, moving, fixed, truth, is_tissue) -> Case:  # noqa: PLR0917 (private)
    """Add the pose of a user: the best similarity, then an error in turn, size and shift."""
    width = float(np.sqrt(np.prod(np.ptp(fixed, axis=0))))
    middle, goal = moving[is_tissue].mean(axis=0), truth[is_tissue].mean(axis=0)
    x, y = moving[is_tissue] - middle, truth[is_tissue] - goal
    u, s, vt = np.linalg.svd(y.T @ x)
    best = u @ vt * s.sum() / (x**2).sum()
    error = make_pose(
        rng.uniform(-HAND_ANGLE_DEG, HAND_ANGLE_DEG),
        *[1 + rng.uniform(-HAND_SCALE, HAND_SCALE)] * 2,
        shift=tuple(rng.uniform(-HAND_SHIFT, HAND_SHIFT, 2) * width),
    )
    hand = apply_pose(error, (moving - middle) @ best.T) + goal
    return Case(*names, moving, hand, fixed, truth, is_tissue, width)


def _hexagonal(box, pitch):
    x, y = np.meshgrid(
        np.arange(box[0, 0], box[1, 0], pitch),
        np.arange(box[0, 1], box[1, 1], pitch * np.sqrt(0.75)),
    )
    x[1::2] += pitch / 2
    return np.column_stack([x.ravel(), y.ravel()])
