"""A made-up section without symmetry, as two lattices with a known map between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from spatialmeta_core.geometry import apply_pose, invert, make_pose

if TYPE_CHECKING:
    from spatialmeta_core.types import Pose


class Pair(NamedTuple):
    moving: np.ndarray
    target: np.ndarray
    truth: np.ndarray
    pose: Pose
    width: float


def inside(xy: np.ndarray) -> np.ndarray:
    """Tissue of about 4,000 by 3,000 px: a lobed disc with a bite and a lumen."""
    x, y = xy.T
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    edge = 1600 + 300 * np.cos(2 * angle) + 200 * np.cos(3 * angle + 1) + 120 * np.cos(5 * angle)
    bite = np.hypot(x - 900, y + 1500) < 500
    lumen = np.hypot(x + 500, y - 300) < 250
    return (radius < edge) & ~bite & ~lumen


def hexagonal(step: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(-2500, 2500, step), np.arange(-2500, 2500, step * np.sqrt(0.75)))
    x[1::2] += step / 2
    return np.column_stack([x.ravel(), y.ravel()])


def square(step: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(-3000, 3000, step), np.arange(-3000, 3000, step))
    return np.column_stack([x.ravel(), y.ravel()])


def pair(angle_deg: float = 40.0, flipped: bool = True, bend: float = 0.0) -> Pair:
    """Pixels in their own unit, moved onto spots by ``pose`` and a smooth bend of ``bend`` px."""
    target = hexagonal(65.0)
    target = target[inside(target)] + 5000
    pose = make_pose(angle_deg, 54.0, 56.0, (5200.0, 4900.0), flipped)
    moving = apply_pose(invert(pose), square(55.0) + 5000)
    placed = apply_pose(pose, moving)
    truth = placed + bend * np.sin((placed[:, ::-1] - 5000) / 900)
    kept = inside(truth - 5000)
    width = float(np.sqrt(np.prod(np.ptp(target, axis=0))))
    return Pair(moving[kept], target, truth[kept], pose, width)


@pytest.fixture(scope="module")
def section() -> Pair:
    return pair()


@pytest.fixture(scope="module")
def bent() -> Pair:
    return pair(bend=80.0)
