"""Names of genes and metabolites: how to show them, and how to find them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pandas as pd

from spatialmeta_core import keys

if TYPE_CHECKING:
    from spatialmeta_core.types import BoolArray, FloatArray

DEFAULT_PPM: Final = 10.0
MOST_SHOWN: Final = 12  # per modality
MASS: Final = re.compile(
    r"(?:m/?z\s*)?(\d+(?:[.,]\d+)?)(?:\s*(?:±|\+/?-)?\s*(\d+(?:\.\d+)?)\s*ppm)?", re.IGNORECASE
)


class FeatureParts(NamedTuple):
    """A feature's name and, of a metabolite, its m/z as given and its assigned name and adduct."""

    name: str
    kind: str
    given: str = ""
    adduct: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One feature found: its name, how to show it, and a detail in small print."""

    name: str
    label: str
    detail: str = ""


def feature_parts(var: pd.DataFrame, name: str) -> FeatureParts:
    """Return the parts of a feature's name from its row of ``var``."""
    row = var.loc[name]
    given, adduct = (_text(row.get(column)) for column in (keys.METABOLITE, keys.ADDUCT))
    return FeatureParts(name, str(row[keys.FEATURE_TYPE]), given, adduct)


def feature_label(parts: FeatureParts) -> str:
    """Return how to show a feature: a gene's symbol, or ``Taurine (m/z 126.0219)``."""
    if parts.kind == keys.ST:
        return parts.name
    return f"{parts.given} (m/z {parts.name})" if parts.given else f"m/z {parts.name}"


def find(var: pd.DataFrame, query: str, *, most: int = MOST_SHOWN) -> tuple[list[Hit], list[Hit]]:
    """Find genes and metabolites by name, identifier, or mass.

    Parameters
    ----------
    var
        One row per feature, with ``type`` and, where known, ``gene_ids``, ``mz``, ``metabolite``.
    query
        Part of a gene symbol, of a gene identifier or of a metabolite's name, or an m/z such as
        ``281.248`` or ``281.248 ± 5 ppm``. Empty: the features with the highest Moran's I where it
        is known, else the first.
    most
        Largest number of hits of each modality.

    Returns
    -------
    genes, metabolites
        The best first: masses by distance, an exact name, names that begin so, then the others.
    """
    query = query.strip().lower()
    rank = _by_variability(var) if not query else _text_rank(var, query)
    mass = MASS.fullmatch(query)
    if mass is not None and keys.MZ in var:
        ppm = float(mass[2] or DEFAULT_PPM)
        rank = np.fmin(rank, _mass_rank(var[keys.MZ], float(mass[1].replace(",", ".")), ppm))
    is_gene = (var[keys.FEATURE_TYPE] == keys.ST).to_numpy()
    return _hits(var, rank, is_gene, most), _hits(var, rank, ~is_gene, most)


def _hits(var: pd.DataFrame, rank: FloatArray, of_kind: BoolArray, most: int) -> list[Hit]:
    found = np.flatnonzero(np.isfinite(rank) & of_kind)
    best = found[np.argsort(rank[found], kind="stable")][:most]
    return [_hit(var, name) for name in var.index[best]]


def _hit(var: pd.DataFrame, name: str) -> Hit:
    parts = feature_parts(var, name)
    if parts.kind == keys.ST:
        return Hit(name, parts.name, _text(var.loc[name].get(keys.GENE_ID)))
    return Hit(name, parts.given or f"m/z {name}", f"m/z {name} {parts.adduct}".strip())


def _by_variability(var: pd.DataFrame) -> FloatArray:
    order = np.arange(len(var), dtype=float)
    if keys.MORAN_I not in var:
        return order
    return np.asarray(-var[keys.MORAN_I].fillna(-1.0), float)


def _text_rank(var: pd.DataFrame, query: str) -> FloatArray:
    """Rank by how the best of a feature's texts matches; NaN where none does."""
    rank = np.full(len(var), np.nan)
    texts = [var.index.to_series(), *(var[c] for c in (keys.METABOLITE, keys.GENE_ID) if c in var)]
    for penalty, column in enumerate(texts):
        text = column.fillna("").astype(str).str.lower()
        own = np.select(
            [text == query, text.str.startswith(query), text.str.contains(query, regex=False)],
            [0.0, 10.0, 20.0],
            default=np.nan,
        )
        length = text.str.len().to_numpy(float)
        rank = np.fmin(rank, own + penalty + length / (length + 1.0))
    return rank


def _mass_rank(mz: pd.Series, wanted: float, ppm: float) -> FloatArray:
    """Rank by distance within the tolerance, below every match of text; NaN outside it."""
    away = (pd.to_numeric(mz, errors="coerce") / wanted - 1.0).abs().to_numpy(float) * 1e6
    return np.where(away <= ppm, away / (ppm + 1e-9) - 1.0, np.nan)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
