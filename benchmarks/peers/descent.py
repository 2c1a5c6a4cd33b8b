"""Plain gradient descent on the outlines, as the paper describes it; own implementation.

``x -> R(theta) S (x - c) + c + t`` with ``S = diag(s1, s2)`` (eq. 1), the distance of each outline
point to the nearest of the other outline, both ways (eqs 3 and 4; eq. 4 names ST twice, SM is
meant), and gradient steps (eq. 7) as the public package takes them: the mean of the absolute
differences over points and coordinates, divided once more by the number of points, times 10; steps
5e-3 for the angle, 2,000 for the shift and 1e-4 for the log-scales; 500 of them; the state of least
loss is kept. The step sizes are made for pictures of about 2,000 pixels, so both sections are
brought to that size first. The diffeomorphism and the VAE terms are not part of it.

References
----------
Tian et al. (2025), doi 10.1038/s41467-025-63915-z.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from benchmarks.peers.classic import centered
from spatialmeta_core.align.shape import spots_shape

SIZE = 2000.0
N_STEPS = 500
STEPS = np.array([5e-3, 2000.0, 2000.0, 1e-4, 1e-4])  # angle, shift, log-scales
FACTOR = 10.0


def descent(moving, fixed):
    """Descend from the place given, or from centers put together."""
    placed = centered(moving, fixed)
    unit = np.ptp(fixed, axis=0).max() / SIZE
    source, goal = spots_shape(placed).outline / unit, spots_shape(fixed).outline / unit
    center, tree = source.mean(axis=0), KDTree(goal)
    state, best, least = np.zeros(5), np.zeros(5), np.inf
    for _ in range(N_STEPS):
        loss, slope = _loss(state, source - center, goal - center, tree, center)
        if loss < least:
            least, best = loss, state
        state = state - STEPS * slope
    return (_apply(best, placed / unit - center) + center) * unit


def _apply(state, xy):
    cosine, sine = np.cos(state[0]), np.sin(state[0])
    scaled = xy * np.exp(state[3:])
    return scaled @ np.array([[cosine, sine], [-sine, cosine]]) + state[1:3]


def _loss(state, source, goal, tree, center):
    """Loss and its gradient over angle, shift and log-scales."""
    place = _apply(state, source)
    ahead = tree.query(place + center)[1]
    back = KDTree(place).query(goal)[1]
    point = np.concatenate([np.arange(len(source)), back])
    apart = np.concatenate([place - goal[ahead], place[back] - goal])
    weight = np.repeat(
        FACTOR / np.array([len(source), len(goal)]) ** 2 / 2, [*map(len, (source, goal))]
    )
    pull = np.sign(apart) * weight[:, None]
    cosine, sine = np.cos(state[0]), np.sin(state[0])
    scaled = source[point] * np.exp(state[3:])
    turned = scaled @ np.array([[-sine, cosine], [-cosine, -sine]])
    across = np.array([[cosine, sine], [-sine, cosine]])
    along = [(pull * (scaled[:, [k]] * across[k])).sum() for k in (0, 1)]
    slope = np.array([(pull * turned).sum(), *pull.sum(axis=0), *along])
    return float((np.abs(apart) * weight[:, None]).sum()), slope
