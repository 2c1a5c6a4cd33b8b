"""Colors of the SM pixels on the overlay: total intensity, main patterns, or one m/z."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import scipy.sparse as sp

from app.figures.theme import COLOR_SCALES
from app.placement import open_adata
from spatialmeta_core import keys
from spatialmeta_core.errors import NotFoundError

if TYPE_CHECKING:
    import anndata as ad
    import pandas as pd
    from numpy.typing import NDArray

    from app.store import ProjectStore
    from spatialmeta_core.types import FloatArray

FIXED: Final = {
    "total": "Total intensity",
    "pc1": "Main pattern (PC1)",
    "rgb": "Three patterns as colors (PC1-3)",
}
MZ_PREFIX: Final = "mz:"
CLIP_PERCENT: Final = (2.0, 98.0)  # a few hot pixels must not darken all others
N_PATTERN_FEATURES: Final = 300  # the most variable m/z carry the anatomy
BLOCK: Final = 256  # columns normalized at a time, to bound memory
MAX_OPTIONS: Final = 100

RAMP: Final = np.array(
    [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in COLOR_SCALES["viridis"]], float
)


@dataclass(frozen=True, slots=True, eq=False)
class Tint:
    """Colors of the SM pixels and what they mean.

    Attributes
    ----------
    rgb
        Shape ``(n_pixels, 3)``.
    label
        What is shown, for people.
    low, high
        What the two ends of the color ramp stand for; empty where colors have no order.
    """

    rgb: NDArray[np.uint8]
    label: str
    low: str = ""
    high: str = ""


def tint(store: ProjectStore, project: str, by: str) -> Tint:
    """Color the SM pixels of a project.

    Parameters
    ----------
    by
        ``"total"``, ``"pc1"``, ``"rgb"``, or ``"mz:"`` and the name of a metabolite feature.

    Raises
    ------
    NotFoundError
        If ``by`` is none of these.
    """
    sm = open_adata(store, project, "sm")
    if by == "total":
        total = np.asarray(sm.X.sum(axis=1), float).ravel()
        return _ramped(np.log1p(total), "Total intensity, log scale", np.expm1)
    if by in FIXED:
        found = store.load(project, "sm", "sm.h5ad", _Patterns(sm))
        return _patterns(found, by)
    name = by.removeprefix(MZ_PREFIX)
    if not by.startswith(MZ_PREFIX) or name not in sm.var_names:
        raise NotFoundError(f"There is no m/z called '{name}' in the metabolomics section.")
    values = np.log1p(_dense(sm.X[:, [sm.var_names.get_loc(name)]]).ravel())
    return _ramped(values, f"{feature_label(sm.var, name)}, log scale", np.expm1)


def options(var: pd.DataFrame, search: str, chosen: str | None) -> list[dict[str, str]]:
    """Return what the color list offers: the fixed choices, then m/z that contain ``search``.

    The chosen one is always among them, since a list drops a value it does not offer.
    """
    text = search.strip().lower()
    labels = [(name, feature_label(var, name)) for name in var.index.astype(str)]
    found = [(name, label) for name, label in labels if text in label.lower()][:MAX_OPTIONS]
    name = (chosen or "").removeprefix(MZ_PREFIX)
    if name in var.index and name not in dict(found):
        found.append((name, feature_label(var, name)))
    fixed = [{"value": value, "label": label} for value, label in FIXED.items()]
    return fixed + [{"value": f"{MZ_PREFIX}{name}", "label": label} for name, label in found]


def feature_label(var: pd.DataFrame, name: str) -> str:
    """Return a feature's m/z for people, with its name when that says more."""
    if keys.MZ not in var or not np.isfinite(var.loc[name, keys.MZ]):
        return name
    mz = f"{float(var.loc[name, keys.MZ]):.4f}"
    digits = "".join(c for c in name if c.isdigit() or c == ".").rstrip("0")
    return f"m/z {mz}" if digits and mz.startswith(digits[:6]) else f"m/z {mz} · {name}"


def patterns(values: Any, n: int = 3) -> FloatArray:
    """Return the main spatial patterns of an intensity matrix: scores of its first principal axes.

    Each pixel is scaled to the median total and log-transformed; the most variable features are
    used. The sign, which is arbitrary, is chosen so that the largest loading is positive.

    Parameters
    ----------
    values
        Raw intensities, dense or sparse, shape ``(n_pixels, n_features)``.
    n
        Number of patterns; with fewer features the rest is zero.

    Returns
    -------
    array of shape ``(n_pixels, n)``
    """
    total = np.asarray(values.sum(axis=1), float).ravel()
    factor = np.where(total > 0, np.median(total) / np.maximum(total, 1e-300), 0.0)
    columns = sp.csc_matrix(values) if sp.issparse(values) else np.asarray(values)
    spread = np.concatenate(
        [
            _normalized(columns[:, first : first + BLOCK], factor).var(axis=0)
            for first in range(0, columns.shape[1], BLOCK)
        ]
    )
    chosen = np.sort(np.argsort(-spread, kind="stable")[:N_PATTERN_FEATURES])
    centered = _normalized(columns[:, chosen], factor)
    centered -= centered.mean(axis=0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    axes = axes[:, ::-1][:, :n]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    scores = np.zeros((len(total), n))
    scores[:, : axes.shape[1]] = centered @ axes
    return scores


def stretched(values: FloatArray) -> FloatArray:
    """Return values scaled to 0..1 between their 2nd and 98th percentile; no spread gives 0.5."""
    low, high = np.percentile(values, CLIP_PERCENT)
    if high <= low:
        low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.full(len(values), 0.5)
    return np.asarray(np.clip((values - low) / (high - low), 0, 1))


def ramp(fraction: FloatArray) -> NDArray[np.uint8]:
    """Return viridis colors for fractions 0..1, shape ``(n, 3)``."""
    place = np.linspace(0, 1, len(RAMP))
    channels = [np.interp(fraction, place, RAMP[:, channel]) for channel in range(3)]
    return np.asarray(np.rint(np.column_stack(channels)), np.uint8)


def _ramped(values: FloatArray, label: str, back: Any) -> Tint:
    low, high = np.percentile(values, CLIP_PERCENT)
    texts = [f"{float(back(value)):,.3g}" for value in (low, high)]
    return Tint(ramp(stretched(values)), label, f"≤ {texts[0]}", f"≥ {texts[1]}")


def _patterns(scores: FloatArray, by: str) -> Tint:
    if by == "pc1":
        label = "First principal component of the normalized log intensities"
        return Tint(ramp(stretched(scores[:, 0])), label, "low", "high")
    channels = np.column_stack([stretched(column) for column in scores.T])
    rgb = np.asarray(np.rint(40 + 215 * channels), np.uint8)
    return Tint(rgb, "Principal components 1, 2 and 3 as red, green and blue")


def _normalized(columns: Any, factor: FloatArray) -> FloatArray:
    return np.asarray(np.log1p(_dense(columns) * factor[:, None]), float)


def _dense(values: Any) -> FloatArray:
    return np.asarray(values.toarray() if sp.issparse(values) else values, float)


class _Patterns:
    """Reader of the main patterns; a class so that the cache can name it."""

    def __init__(self, sm: ad.AnnData) -> None:
        self._sm = sm
        self.__qualname__ = "patterns"

    def __call__(self, _path: object) -> FloatArray:
        return patterns(self._sm.X)
