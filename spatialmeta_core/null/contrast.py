r"""A p-value for a pattern inside a drawn shape: the same pattern sought at other places.

A shape has parts: bins along a path, or a region and its surroundings. A pattern is one number per
part. Its contrast with a feature,

.. math:: c = \sum_i (t_{b(i)} - \bar t) x_i / \sqrt{\textstyle\sum_i (t_{b(i)} - \bar t)^2},

over the spots ``i`` of the shape, each in part ``b(i)``, is taken where the shape was drawn and
where it is put elsewhere. As the shape moves as a whole, distances between its spots stay, and so
does the contrast's variance in a stationary field. Contrasts of several patterns are made
comparable by their own spread over the placements, feature by feature, and families of patterns by
how many places reach what each reaches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from spatialmeta_core.null.freedom import as_normal, freedom
from spatialmeta_core.null.region import MIN_PLACEMENTS, standardized, too_few

if TYPE_CHECKING:
    from collections.abc import Callable

    from spatialmeta_core.null.placements import Placements
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

TAIL = 0.1  # of placements, which tell how fast the tail falls
FEATURES_PER_BLOCK = 256  # dense columns held at once, and as many sums per placement and part


class Patterns(NamedTuple):
    """What may be found along the parts of a shape.

    Attributes
    ----------
    shapes
        One row per pattern, shape ``(n_patterns, n_parts)``.
    family
        Patterns of one family count as one, the strongest; from 0, shape ``(n_patterns,)``.
    two_sided
        Whether the opposite of the pattern counts as well, shape ``(n_patterns,)``.
    """

    shapes: FloatArray
    family: IntArray
    two_sided: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class ContrastNull:
    """What the null of moved shapes says.

    Attributes
    ----------
    p
        That any family is as rare at another place, shape ``(n_features,)``; NaN for constant
        features, and for all if there are fewer than 100 distinct placements.
    family_p
        Of each family, shape ``(n_families, n_features)``.
    n_placements, n_distinct
        Placements compared with, and how many of them lie at clearly different places.
    note
        Why there is no p, or empty.
    """

    p: FloatArray
    family_p: FloatArray
    n_placements: int
    n_distinct: int
    note: str


def contrast_p(
    values: FloatArray | sparse.csc_matrix,
    home: IntArray,
    placed: Placements,
    patterns: Patterns,
    *,
    apart: FloatArray | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> ContrastNull:
    """Compare the contrasts of a shape's patterns with those at its placements.

    Parameters
    ----------
    values
        Usually ranks of each feature over the spots; dense or sparse, shape
        ``(n_spots, n_features)``, no NaN.
    home
        Part of the shape that each spot lies in, -1 outside, shape ``(n_spots,)``.
    placed
        From ``place_labels``.
    patterns
        What is sought.
    apart
        Spot centers ``(n_spots, 2)``, if the placements share no spot with the shape itself. The
        spread is then that of the placements alone, which a pattern at home does not raise, and a
        contrast at home counts as Student's t with as many degrees of freedom as they give.
    on_progress
        Called with a fraction from 0 to 1; it may raise to cancel.

    Returns
    -------
    p is the share of places, the shape itself included, with a contrast as large. With ``apart``,
    shares below 10 % follow an exponential tail in the squared contrast that is fitted to the
    placements, so that p is not bounded by their number.
    """
    n_features, n_families = values.shape[1], int(patterns.family.max()) + 1
    p = np.full(n_features, np.nan)
    family_p = np.full((n_families, n_features), np.nan)
    n_placed = placed.n_placements
    if placed.n_distinct < MIN_PLACEMENTS:
        return ContrastNull(p, family_p, n_placed, placed.n_distinct, too_few(placed.n_distinct))
    parts, counts = _parts(home, placed, patterns.shapes.shape[1])
    weights = _weights(patterns.shapes, counts)
    known = None
    if apart is not None:
        rng = np.random.default_rng(0)
        known = freedom(parts[counts.shape[1] :], weights[1:], np.asarray(apart, float), home, rng)
    for start in range(0, n_features, FEATURES_PER_BLOCK):
        part = slice(start, start + FEATURES_PER_BLOCK)
        block = standardized(values[:, part])
        sums = (parts @ block).reshape(*counts.shape, -1)
        contrast = np.matmul(weights, sums)
        spread = np.sqrt((contrast[0 if known is None else 1 :] ** 2).mean(axis=0))
        with np.errstate(invalid="ignore", divide="ignore"):  # constant: 0 / 0 is the stated NaN
            contrast /= spread
        if known is not None:
            contrast[0] = as_normal(contrast[0], known.degrees(block))
        contrast[:, patterns.two_sided] = np.abs(contrast[:, patterns.two_sided])
        strongest = np.stack(
            [contrast[:, patterns.family == k].max(axis=1) for k in range(n_families)]
        )
        tested = np.isfinite(strongest[:, 0]).all(axis=0)
        shares = _shares if known is None else _smooth_shares
        rarity = np.stack([shares(own * np.abs(own)) for own in strongest])
        family_p[:, part] = np.where(tested, rarity[:, 0], np.nan)
        rarest = -np.log(rarity.min(axis=0))
        p[part] = np.where(tested, shares(rarest)[0], np.nan)
        if on_progress is not None:
            on_progress(min(1.0, (start + FEATURES_PER_BLOCK) / n_features))
    return ContrastNull(p, family_p, n_placed, placed.n_distinct, "")


def _shares(strength: FloatArray) -> FloatArray:
    """Share of places that reach each place; both ``(n_places, n_features)``."""
    n_places = len(strength)
    order = strength.argsort(axis=0)
    ranked = np.take_along_axis(strength, order, axis=0)
    first = np.ones(order.shape, bool)  # of equals, as many reach them all
    np.not_equal(ranked[1:], ranked[:-1], out=first[1:])
    below = np.maximum.accumulate(np.where(first, np.arange(n_places)[:, None], 0), axis=0)
    found = np.empty(strength.shape)
    np.put_along_axis(found, order, 1 - below / n_places, axis=0)
    return found


def _smooth_shares(strength: FloatArray) -> FloatArray:
    """Share of places that reach each place, with an exponential tail fitted to the placements.

    The squares of normal contrasts have such a tail, and so has the logarithm of a share; features
    whose contrasts spread wider get a longer one.
    """
    found, placed = _shares(strength), strength[1:]
    n_tail = int(TAIL * len(placed))
    start = np.partition(placed, -n_tail, axis=0)[-n_tail]
    mean = np.maximum(placed - start, 0.0).sum(axis=0) / n_tail
    with np.errstate(invalid="ignore", divide="ignore"):  # equal strengths have no tail
        tail = n_tail / len(placed) * np.exp(-(strength - start) / mean)
    return np.where((strength > start) & (mean > 0), tail, found)


def _parts(
    home: IntArray, placed: Placements, n_parts: int
) -> tuple[sparse.csr_matrix, FloatArray]:
    """Build the indicator of each part of each place, home first, and count its spots.

    Returns
    -------
    Shapes ``(n_places * n_parts, n_spots)``, float32, and ``(n_places, n_parts)``.
    """
    own = np.flatnonzero(home >= 0)
    members = placed.members
    place = np.repeat(np.arange(1, placed.n_placements + 1), np.diff(members.indptr))
    labels = np.zeros(len(place), int) if placed.labels is None else placed.labels
    row = np.r_[home[own], place * n_parts + labels]
    spots = np.r_[own, members.indices]
    n_rows = (placed.n_placements + 1) * n_parts
    ones = np.ones(len(row), np.float32)
    parts = sparse.csr_matrix((ones, (row, spots)), (n_rows, len(home)))
    counts = np.bincount(row, minlength=n_rows).astype(float).reshape(-1, n_parts)
    return parts, counts


def _weights(values: FloatArray, counts: FloatArray) -> FloatArray:
    """Weights of part sums, shape ``(n_places, n_patterns, n_parts)``; 0 where all parts agree."""
    mean = counts @ values.T / counts.sum(axis=1, keepdims=True)
    centered = values[None] - mean[:, :, None]
    size = np.sqrt((counts[:, None] * centered**2).sum(axis=2, keepdims=True))
    tiny = 1e-6 * np.abs(values).max()
    return np.asarray(np.where(size > tiny, centered / np.maximum(size, tiny), 0.0), np.float32)
