"""Identity, iterative closest points and coherent point drift."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from spatialmeta_core.align.shape import spots_shape

N_STEPS = 300
KEPT = 0.9  # of the pairs, nearest first
N_DRIFT = 700  # points given to coherent point drift, whose cost is quadratic


def identity(moving, _fixed):
    """Nothing is done."""
    return moving


def centered(moving, fixed):
    """Centers of gravity put together and areas made equal, where the sections lie apart."""
    one, other = spots_shape(moving), spots_shape(fixed)
    scale = np.sqrt(other.area / one.area)
    shifted = np.linalg.norm(one.center() - other.center()) / np.sqrt(other.area)
    if shifted < 0.5 and 0.5 < scale < 2:  # placed already
        return moving
    return (moving - one.center()) * scale + other.center()


def icp(moving, fixed):
    """Affine iterative closest points between the outlines, the worst tenth of pairs left out."""
    placed = centered(moving, fixed)
    source, goal = spots_shape(placed).outline, spots_shape(fixed).outline
    tree = KDTree(goal)
    matrix = np.column_stack([np.eye(2), np.zeros(2)])
    for _ in range(N_STEPS):
        distance, nearest = tree.query(_affine(matrix, source))
        near = distance <= np.quantile(distance, KEPT)
        design = np.column_stack([source[near], np.ones(near.sum())])
        new = np.linalg.lstsq(design, goal[nearest[near]], rcond=None)[0].T
        if np.allclose(new, matrix, rtol=1e-9):
            break
        matrix = new
    return _affine(matrix, placed)


def drift(moving, fixed):
    """Affine coherent point drift (pycpd) between the spots, thinned to 700."""
    from pycpd import AffineRegistration

    placed = centered(moving, fixed)
    rng = np.random.default_rng(0)
    center, size = fixed.mean(axis=0), fixed.std()
    some = [xy[rng.permutation(len(xy))[:N_DRIFT]] for xy in (placed, fixed)]
    source, goal = ((xy - center) / size for xy in some)
    found = AffineRegistration(X=goal, Y=source, w=0.1)
    found.register()
    return ((placed - center) / size @ found.B + found.t) * size + center


def _affine(matrix, xy):
    return xy @ matrix[:, :2].T + matrix[:, 2]
