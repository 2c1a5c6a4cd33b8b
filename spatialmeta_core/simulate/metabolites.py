"""Simulated metabolites: real formulas as ions, log-normal intensities with a detection limit."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from scipy.special import expit

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.resources import demo_metabolites
from spatialmeta_core.resources.masses import ion_mz
from spatialmeta_core.simulate.anatomy import DEEP, UPPER
from spatialmeta_core.simulate.patterns import (
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

LAG_UM: Final = 200.0
"""How far metabolites follow behind genes along the planted trajectory."""

DROPOUT: Final = 0.01
"""Share of values lost for no reason."""

_ADDUCTS: Final = ("[M+H]+", "[M+K]+", "[M+Na]+")
_YIELD: Final = {"[M+H]+": 0.0, "[M+K]+": -0.5, "[M+Na]+": -0.9}  # log, typical of tissue


def measure_metabolites(
    rng: np.random.Generator, place: Place, path_um: float, *, n_metabolites: int
) -> Measured:
    """Draw log-normal ion intensities of real metabolites with a detection limit.

    Parameters
    ----------
    rng
        Source of chance.
    place
        The pixels.
    path_um
        Length of the planted trajectory.
    n_metabolites
        How many ions; one metabolite may appear as several adducts.

    Raises
    ------
    InvalidParamsError
        If more ions are asked for than the table has.
    """
    home = homes_of(demo_metabolites.MARKERS)
    ions = _ions(rng, n_metabolites, home)
    names = sorted(set(ions["metabolite"]))
    effect = draw_effects(rng, names, home, low=0.20, high=0.60, weak=0.18)
    gradient = tuple(demo_metabolites.GRADIENT)
    effect[DEEP] = effect[UPPER]
    effect[:, np.isin(names, gradient)] = 0.0
    followers = list_followers(names, gradient, keys.SM, 0.5 * path_um + LAG_UM, LAG_UM)
    level = rng.normal(0.0, 0.9, len(names)) + effect[place.domain]
    level += draw_nuisance(rng, place, names, gradient)
    level += following(place, names, followers, path_um)
    ion_of = pd.Index(names).get_indexer(ions["metabolite"])
    yield_of = ions["adduct"].map(_YIELD).to_numpy()
    mean = 1e3 * np.exp(level[:, ion_of] + yield_of + rng.normal(0.0, 0.2, len(ions)))
    noise = rng.uniform(0.45, 0.85, len(ions)) * rng.standard_normal(mean.shape)
    total = np.exp(0.15 * place.depth + rng.normal(0.0, 0.15, len(mean)))[:, None]
    values = mean * np.exp(noise) * total
    limit = np.quantile(values, 0.04)
    lost = rng.random(mean.shape) < expit((np.log(limit) - np.log(values)) / 0.35)
    values[lost | (rng.random(mean.shape) < DROPOUT)] = 0.0
    var = ions.assign(**{keys.FEATURE_TYPE: keys.SM})
    return Measured(
        values.astype(np.float32),
        mean.astype(np.float32),
        var,
        _per_ion(list_markers(names, effect, home, keys.SM), ions),
        _per_ion(followers, ions),
    )


def _ions(rng: np.random.Generator, n: int, home: dict[str, tuple[int, ...]]) -> pd.DataFrame:
    """Choose ions with m/z distinct to four decimals, sorted by m/z."""
    formula: dict[str, str] = {}
    for group in demo_metabolites.MARKERS.values():
        formula |= group
    formula |= demo_metabolites.GRADIENT | demo_metabolites.COMMON
    n_names = min(len(formula), max(1, round(n / 1.4)))
    names = choose(
        rng,
        n_names,
        argument="n_metabolites",
        home=home,
        gradient=demo_metabolites.GRADIENT,
        common=demo_metabolites.COMMON,
    )
    rows: dict[str, tuple[str, str, str, float]] = {}
    for turn in range(len(_ADDUCTS)):
        for place, name in enumerate(names):
            adduct = _ADDUCTS[0] if turn == 0 else _ADDUCTS[1 + (place + turn) % 2]
            mz = ion_mz(formula[name], adduct)
            rows.setdefault(f"{mz:.4f}", (name, formula[name], adduct, mz))
    if n > len(rows):
        raise InvalidParamsError(f"n_metabolites is {n}; allowed is up to {len(rows)}.")
    table = pd.DataFrame.from_dict(
        dict(list(rows.items())[:n]),
        orient="index",
        columns=["metabolite", "formula", "adduct", keys.MZ],
    )
    return table.sort_values(keys.MZ)


def _per_ion(table: pd.DataFrame, ions: pd.DataFrame) -> pd.DataFrame:
    """Replace metabolite names by the names of their ions."""
    ion_of = ions["metabolite"].rename_axis("ion").reset_index()
    merged = table.merge(ion_of, left_on="feature", right_on="metabolite")
    return merged.assign(feature=merged["ion"]).drop(columns=["ion", "metabolite"])
