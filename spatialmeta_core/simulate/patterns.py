"""How simulated molecules differ between places: domains, smooth variation, planted path."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.special import expit

from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.simulate.anatomy import DEEP, DOMAINS, LATERAL, MEDIAL, UPPER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scipy import sparse

    from spatialmeta_core.types import FloatArray, IntArray

N_NUISANCE: Final = 3
"""Smooth fields that vary within domains, so that a domain is not one flat color."""

N_STRONG: Final = 12
"""The first markers of a table's groups, in turn, stand out on a map."""

MARKER_COLUMNS: Final = ("feature", "type", "domain", "log2fc")
FOLLOWER_COLUMNS: Final = ("feature", "type", "shape", "midpoint_um", "lag_um", "log2_range")

_STRONG: Final = 0.8  # added to the log fold effect of those
_SHARE: Final = 0.2  # of the features that vary a little for no planted reason
_SHAPES: Final = ("rise", "fall", "peak")
_DOMAINS_OF: Final[dict[str, tuple[int, ...]]] = {
    "Cortex": (UPPER, DEEP),  # one metabolome: only ST splits the two layers
    "Thalamus": (LATERAL, MEDIAL),  # one transcriptome: only SM splits the two halves
} | {name: (place,) for place, name in enumerate(DOMAINS)}


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What the molecules need to know of each position.

    Attributes
    ----------
    domain
        Index into ``anatomy.DOMAINS``, shape ``(n,)``.
    nuisance
        Smooth fields, shape ``(n, N_NUISANCE)``.
    depth
        A smooth field of its own for the total signal, shape ``(n,)``.
    along_um, distance_um
        Place along and distance from the planted trajectory, shape ``(n,)``.
    """

    domain: IntArray
    nuisance: FloatArray
    depth: FloatArray
    along_um: FloatArray
    distance_um: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One modality at all its positions.

    Attributes
    ----------
    values
        Counts (CSR) or intensities (dense), float32, shape ``(n, n_features)``.
    mean
        The same without noise, float32.
    var
        The features' table.
    markers, followers
        Planted truth, columns ``MARKER_COLUMNS`` and ``FOLLOWER_COLUMNS``.
    """

    values: sparse.csr_matrix | FloatArray
    mean: FloatArray
    var: pd.DataFrame
    markers: pd.DataFrame
    followers: pd.DataFrame


def homes_of(table: Mapping[str, Iterable[str]]) -> dict[str, tuple[int, ...]]:
    """Return the domains in which each marker is raised, the table's groups taking turns."""
    turns = zip_longest(*([(name, _DOMAINS_OF[group]) for name in table[group]] for group in table))
    return dict(pair for pair in chain.from_iterable(turns) if pair is not None)


def choose(
    rng: np.random.Generator,
    n: int,
    *,
    argument: str,
    home: Iterable[str],
    gradient: Iterable[str],
    common: Iterable[str],
) -> list[str]:
    """Choose names: at most 40 % markers and 15 % followers of the trajectory, the rest common."""
    markers, followers, rest = list(home), list(gradient), list(common)
    available = len(markers) + len(followers) + len(rest)
    if n > available:
        raise InvalidParamsError(f"{argument} asks for {n} names; allowed is up to {available}.")
    markers = markers[: max(int(0.4 * n), n - len(followers) - len(rest))]
    followers = followers[: max(int(0.15 * n), n - len(markers) - len(rest))]
    extra = rng.choice(rest, n - len(markers) - len(followers), replace=False)
    return [*markers, *followers, *map(str, extra)]


def draw_effects(
    rng: np.random.Generator,
    names: list[str],
    home: dict[str, tuple[int, ...]],
    *,
    low: float,
    high: float,
    weak: float,
) -> FloatArray:
    """Draw log fold effects ``(n_domains, n_names)``: markers at home, weak ones elsewhere."""
    shape = (len(DOMAINS), len(names))
    raised = rng.uniform(low, high, len(names))
    raised[np.isin(names, list(home)[:N_STRONG])] += _STRONG
    effect = rng.normal(0.0, weak, shape) * (rng.random(shape) < _SHARE)
    for column, name in enumerate(names):
        if name in home:
            effect[:, column] = 0.0
            effect[list(home[name]), column] = raised[column]
    return effect


def draw_nuisance(
    rng: np.random.Generator, place: Place, names: list[str], spared: tuple[str, ...]
) -> FloatArray:
    """Draw smooth variation that has nothing to do with the domains, on a fifth of the features."""
    shape = (place.nuisance.shape[1], len(names))
    weight = rng.normal(0.0, 0.25, shape) * (rng.random(shape) < _SHARE)
    weight[:, np.isin(names, spared)] = 0.0
    return place.nuisance @ weight


def list_followers(
    names: list[str], gradient: tuple[str, ...], kind: str, midpoint_um: float, lag_um: float
) -> pd.DataFrame:
    """List the chosen features that follow the trajectory: rise, fall and peak in turn."""
    rows = [
        (name, kind, _SHAPES[turn % len(_SHAPES)], midpoint_um, lag_um, 2.0)
        for turn, name in enumerate(gradient)
        if name in names
    ]
    return pd.DataFrame(rows, columns=list(FOLLOWER_COLUMNS))


def following(
    place: Place, names: list[str], followers: pd.DataFrame, path_um: float
) -> FloatArray:
    """Log change along the trajectory ``(n, n_names)``, fading away from it over 350 um."""
    change = np.zeros((len(place.along_um), len(names)))
    fade = np.exp(-0.5 * (place.distance_um / 350.0) ** 2)
    for row in followers.itertuples():
        past = (place.along_um - row.midpoint_um) / path_um
        rise = 2.0 * expit(past / 0.08) - 1.0
        shape = {
            "rise": rise,
            "fall": -rise,
            "peak": 2.0 * np.exp(-0.5 * (past / 0.12) ** 2) - 1.0,
        }[row.shape]
        half_range = 0.5 * row.log2_range * np.log(2.0)
        change[:, names.index(row.feature)] = half_range * fade * shape
    return change


def list_markers(
    names: list[str], effect: FloatArray, home: dict[str, tuple[int, ...]], kind: str
) -> pd.DataFrame:
    rows = [
        (name, kind, DOMAINS[domain], effect[domain, column] / np.log(2.0))
        for column, name in enumerate(names)
        for domain in home.get(name, ())
    ]
    return pd.DataFrame(rows, columns=list(MARKER_COLUMNS))
