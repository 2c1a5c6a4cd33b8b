"""How the spots of a map for print are colored: clusters, contribution, two features in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from matplotlib.colors import to_rgb

from app.figures.map_colors import Blend, MapColors
from app.figures.theme import DIVERGING, MISSING, category_colors

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray, IntArray


class LookLike(Protocol):
    """Names and colors of clusters."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def colors(self) -> tuple[str, ...]: ...


def cluster_colors(codes: IntArray, look: LookLike | None = None) -> MapColors:
    """Color spots by cluster; -1 is gray. Without a look, clusters have their numbers."""
    codes = np.asarray(codes)
    n = int(codes.max()) + 1
    return MapColors(
        codes,
        "Clusters",
        names=tuple(map(cluster_title, look.names if look else map(str, range(n)))),
        colors=look.colors if look else tuple(category_colors(n)),
        missing="left out of training",
    )


def cluster_title(name: str) -> str:
    """Return how to call a cluster: a name as it is, numbers with a word before them."""
    return f"Cluster {name}" if name[:1].isdigit() else name


def contribution_colors(balance: FloatArray) -> MapColors:
    """Color spots by modality contribution, two-sided about 0.5."""
    finite = balance[np.isfinite(balance)]
    reach = float(np.abs(finite - 0.5).max()) if finite.size else 0.0
    reach = reach or 0.5  # one group of spots: 0.5 everywhere
    return MapColors(
        balance,
        "Modality contribution",
        unit="above 0.5 genes lead",
        limits=(0.5 - reach, 0.5 + reach),
        scale=DIVERGING,
        missing="left out of training",
    )


def blend_colors(first: MapColors, second: MapColors) -> MapColors:
    """Color spots by two features: the first adds magenta, the second green; both high is white.

    Spots that lack one of the two are gray.
    """
    parts = [_shares(colors) for colors in (first, second)]
    rgb = np.column_stack([parts[0], parts[1], parts[0]])
    missing = ~np.isfinite(rgb).all(axis=1)
    rgb[missing] = to_rgb(MISSING)
    return MapColors(
        np.where(missing, np.nan, parts[0]),
        f"{first.label} and {second.label}",
        missing="not measured in one of the two",
        blend=Blend(rgb, (first, second)),
    )


def _shares(colors: MapColors) -> FloatArray:
    low, high = colors.limits
    values = np.asarray(colors.values, float)
    return np.asarray(np.clip((values - low) / ((high - low) or 1.0), 0.0, 1.0))
