r"""How well the spread of a contrast is known from a shape's placements.

The mean square of a contrast over placements estimates its variance. Placements overlap and lie in
one smooth field, so it has fewer degrees of freedom than there are placements. By Satterthwaite,

.. math:: \nu = 2 v^2 / \operatorname{Var}(s^2), \quad
    \operatorname{Var}(s^2) = 2 \operatorname{mean}_{k, l} \operatorname{Cov}(c_k, c_l)^2,

where the covariances of the contrasts ``c`` at placements ``k`` and ``l`` follow from a feature's
variogram (``null.field``). Satterthwaite (1946), Biometrics Bulletin 2, 110-114. Sums of a kernel
over pairs of spots are taken from random waves: Rahimi and Recht (2007), "Random features for
large-scale kernel machines".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtr

from spatialmeta_core.null import field

if TYPE_CHECKING:
    from scipy import sparse

    from spatialmeta_core.types import FloatArray, IntArray

N_PLACES = 150  # pairs of these are looked at; more change the result by less than 10 %
N_WAVES = 192  # noise of one over this in a squared correlation: 192 degrees count as infinite


@dataclass(frozen=True, slots=True, eq=False)
class Freedom:
    """What placements know of a contrast's spread, for each pattern.

    Attributes
    ----------
    lengths
        Of the variogram's kernels, shape ``(n_lengths,)``.
    pairs
        Pairs of spots to fit a variogram to, none of them with a spot of the shape itself.
    own
        Variance of the contrast in a field of each kernel alone, nugget first, shape
        ``(n_patterns, 1 + n_lengths)``.
    spread
        Variance of its mean square: a quadratic form of the kernels' weights, shape
        ``(n_patterns, 1 + n_lengths, 1 + n_lengths)``.
    """

    lengths: FloatArray
    pairs: field.Pairs
    own: FloatArray
    spread: FloatArray

    def degrees(self, values: FloatArray) -> FloatArray:
        """Return the degrees of freedom of features ``(n_spots, n_features)``.

        Returns
        -------
        Shape ``(n_patterns, n_features)``; 1 or more, NaN for constants.
        """
        kernel = field.fit_variogram(values, self.pairs, self.lengths)
        variance = self.own @ kernel
        noise = np.einsum("if,pij,jf->pf", kernel, self.spread, kernel, optimize=True)
        with np.errstate(invalid="ignore", divide="ignore"):  # a constant has no spread
            return np.asarray(np.maximum(2 * variance**2 / noise, 1.0))


def freedom(
    parts: sparse.csr_matrix,
    weights: FloatArray,
    xy: FloatArray,
    home: IntArray,
    rng: np.random.Generator,
) -> Freedom:
    """Measure how much alike the contrasts at different placements are.

    Parameters
    ----------
    parts
        Spots of each part of each placement, shape ``(n_places * n_parts, n_spots)``.
    weights
        Of part sums, shape ``(n_places, n_patterns, n_parts)``.
    xy
        Spot centers, shape ``(n_spots, 2)``.
    home
        Part of the shape itself that each spot lies in, -1 outside, shape ``(n_spots,)``.
    """
    n_all, n_parts = weights.shape[0], weights.shape[2]
    chosen = np.sort(rng.choice(n_all, min(N_PLACES, n_all), replace=False))
    spots = parts[(chosen[:, None] * n_parts + np.arange(n_parts)).ravel()]
    weight = weights[chosen].transpose(1, 0, 2)
    pairs = field.sample_pairs(xy, rng)
    outside = (home[pairs.first] < 0) & (home[pairs.second] < 0)
    pairs = field.Pairs(
        pairs.first[outside], pairs.second[outside], pairs.group[outside], pairs.distance
    )
    lengths = field.kernel_lengths(xy)
    shared = (spots @ spots.T).toarray().reshape(len(chosen), n_parts, len(chosen), n_parts)
    alike = [np.einsum("pka,kalb,plb->pkl", weight, shared, weight, optimize=True)]
    for length in lengths:
        sums = (spots @ _waves(xy, length, rng)).reshape(len(chosen), n_parts, -1)
        moved = np.einsum("pka,kad->pkd", weight, sums, optimize=True)
        alike.append(moved @ moved.transpose(0, 2, 1))
    covariance = np.stack(alike, axis=1)  # (n_patterns, 1 + n_lengths, n_chosen, n_chosen)
    itself = np.einsum("pjkk->pjk", covariance)
    between = covariance[:, :, ~np.eye(len(chosen), dtype=bool)]
    spread = _squared(itself) / n_all + _squared(between) * (1 - 1 / n_all)
    return Freedom(lengths, pairs, itself.mean(axis=2), 2 * spread)


def as_normal(t: FloatArray, degrees: FloatArray) -> FloatArray:
    """Return the standard normal values with the tail probabilities of Student's ``t``."""
    return np.asarray(-np.sign(t) * ndtri(stdtr(degrees, -np.abs(t))))


def _squared(covariance: FloatArray) -> FloatArray:
    """Mean products of kernels' covariances, ``(n_patterns, n_kernels, n)`` to one per pair."""
    return np.asarray(covariance @ covariance.transpose(0, 2, 1) / covariance.shape[2])


def _waves(xy: FloatArray, length: float, rng: np.random.Generator) -> FloatArray:
    """Waves whose inner products estimate the Gaussian kernel, shape ``(n_spots, 2 * N_WAVES)``."""
    phase = xy @ (rng.standard_normal((2, N_WAVES)) / length)
    return np.asarray(np.hstack([np.cos(phase), np.sin(phase)]) / np.sqrt(N_WAVES))
