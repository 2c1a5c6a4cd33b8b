"""Simulated genes: real symbols, zero-inflated negative binomial counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import expit

from spatialmeta_core import keys
from spatialmeta_core.resources import demo_genes
from spatialmeta_core.simulate.anatomy import DOMAINS, HIPPOCAMPUS, LATERAL, MEDIAL, WHITE
from spatialmeta_core.simulate.patterns import (
    N_STRONG,
    Measured,
    Place,
    choose,
    draw_effects,
    draw_nuisance,
    following,
    homes_of,
    list_followers,
    list_markers,
)

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray


def measure_genes(
    rng: np.random.Generator, place: Place, path_um: float, *, n_genes: int, median_counts: float
) -> Measured:
    """Draw zero-inflated negative binomial counts of real genes.

    Parameters
    ----------
    rng
        Source of chance.
    place
        The spots.
    path_um
        Length of the planted trajectory.
    n_genes
        How many genes.
    median_counts
        Median total of a spot, before dropout.

    Raises
    ------
    InvalidParamsError
        If more genes are asked for than the table has.
    """
    home = homes_of(demo_genes.MARKERS)
    chosen = choose(
        rng,
        n_genes,
        argument="n_genes",
        home=home,
        gradient=demo_genes.GRADIENT,
        common=demo_genes.COMMON,
    )
    symbols = sorted(chosen)
    effect = draw_effects(rng, symbols, home, low=0.20, high=0.65, weak=0.20)
    effect[:, np.isin(symbols, demo_genes.GRADIENT)] = 0.0
    effect[MEDIAL] = effect[LATERAL]
    effect[WHITE] -= 0.6 * np.isin(symbols, demo_genes.NEURONAL)
    effect[WHITE] += 0.3 * np.isin(symbols, demo_genes.GLIAL)
    followers = list_followers(symbols, demo_genes.GRADIENT, keys.ST, 0.5 * path_um, 0.0)
    rate = _gene_levels(rng, symbols) + effect[place.domain]
    rate += draw_nuisance(rng, place, symbols, demo_genes.GRADIENT)
    rate += following(place, symbols, followers, path_um)
    share = np.exp(rate - rate.max(axis=1, keepdims=True))
    richness = np.ones(len(DOMAINS))
    richness[[WHITE, HIPPOCAMPUS]] = 0.75, 1.15
    total = median_counts * richness[place.domain] * np.exp(0.15 * place.depth)
    mean = share * (total / share.sum(axis=1))[:, None]
    depth = rng.lognormal(0.0, 0.30, (len(mean), 1))
    dispersion = np.clip(rng.gamma(3.0, 2.0, len(symbols)), 0.6, None)
    counts = rng.poisson(rng.gamma(dispersion, mean * depth / dispersion))
    counts[rng.random(mean.shape) < expit(-2.4 - 0.9 * np.log(mean * depth))] = 0
    var = pd.DataFrame({keys.FEATURE_TYPE: keys.ST, keys.GENE_ID: symbols}, index=symbols)
    markers = list_markers(symbols, effect, home, keys.ST)
    values = sparse.csr_matrix(counts, dtype=np.float32)
    return Measured(values, mean.astype(np.float32), var, markers, followers)


def _gene_levels(rng: np.random.Generator, symbols: list[str]) -> FloatArray:
    """Draw log expression levels: mitochondrial over ribosomal over the rest, markers lowest."""
    groups = {
        (2.3, 0.3): demo_genes.MITOCHONDRIAL,
        (1.2, 0.4): demo_genes.RIBOSOMAL,
        (0.5, 0.8): demo_genes.HOUSEKEEPING,
        (0.0, 0.9): demo_genes.NEURONAL,
        (-0.6, 0.9): demo_genes.GLIAL,
        (0.4, 0.4): demo_genes.GRADIENT,
        (0.6, 0.4): list(homes_of(demo_genes.MARKERS))[:N_STRONG],
    }
    level = dict.fromkeys(symbols, (-0.3, 0.8))
    level |= {symbol: spread for spread, members in groups.items() for symbol in members}
    center, spread = np.array([level[symbol] for symbol in symbols]).T
    return np.asarray(rng.normal(center, spread))
