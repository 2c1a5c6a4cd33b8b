"""The layout every reader returns: one AnnData per section, with what was decided written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.labels import make_unique
from spatialmeta_core.io.wording import counted

if TYPE_CHECKING:
    from spatialmeta_core.types import BoolArray, FloatArray


@dataclass(slots=True)
class Findings:
    """What a reader tells the user.

    Attributes
    ----------
    notes, warnings
        Facts, and decisions that deserve a look.
    samples, taken
        Spots by sample of a file with several (0: not counted), and the one that was read.
    """

    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    samples: dict[str, int] = field(default_factory=dict)
    taken: str = ""


@dataclass(slots=True, eq=False)
class Section:
    """One section on its way from a file to AnnData.

    Attributes
    ----------
    matrix
        Counts (ST, sparse) or intensities (SM, dense), shape ``(n_spots, n_features)``.
    obs, var
        One row per spot and per feature; the index may hold repeats.
    xy
        Positions, shape ``(n_spots, 2)``; NaN rows are dropped.
    sample
        Name, without ``/``.
    image
        ``{"images": ..., "scalefactors": ...}`` in Visium style, or None.
    record
        Goes into ``uns["spatialmeta"]`` beside the findings.
    """

    matrix: Any
    obs: pd.DataFrame
    var: pd.DataFrame
    xy: FloatArray
    sample: str
    image: dict[str, dict[str, Any]] | None = None
    record: dict[str, Any] = field(default_factory=dict)


def to_anndata(section: Section, findings: Findings, feature_type: str) -> ad.AnnData:
    """Bring a section into the common layout.

    Raises
    ------
    InvalidDataError
        If no spot has a position, or there is no feature.
    """
    placed: BoolArray = np.asarray(np.isfinite(section.xy).all(axis=1))
    if not placed.any() or not len(section.var):
        raise InvalidDataError(
            f"Sample {section.sample} has {counted(int(placed.sum()), 'spot')} with a position and "
            f"{counted(len(section.var), 'feature')}. At least one of each is needed."
        )
    if not placed.all():
        findings.warnings.append(
            f"Left out, without a position: {int((~placed).sum()):,} of {len(placed):,} spots."
        )
    obs = section.obs.loc[placed].copy()
    obs.index = pd.Index(_unique(section.obs.index[placed], "spot", findings), dtype=object)
    obs[keys.SAMPLE] = pd.Categorical([section.sample] * len(obs))
    var = section.var.copy()
    var.index = pd.Index(_unique(var.index, "feature", findings), dtype=object)
    var[keys.FEATURE_TYPE] = feature_type
    record = {
        keys.SCHEMA: keys.SCHEMA_VERSION,
        **section.record,
        keys.NOTES: findings.notes,
        keys.WARNINGS: findings.warnings,
    }
    if len(findings.samples) > 1:
        record[keys.SAMPLES] = {
            "name": list(findings.samples),
            "n_spots": list(findings.samples.values()),
            "taken": findings.taken,
        }
    return ad.AnnData(
        X=_tidy(section.matrix[placed] if not placed.all() else section.matrix),
        obs=obs,
        var=var,
        obsm={keys.SPATIAL: np.ascontiguousarray(section.xy[placed], dtype=np.float64)},
        uns={
            keys.OURS: record,
            **({keys.IMAGE: {section.sample: section.image}} if section.image else {}),
        },
    )


def _tidy(values: Any) -> Any:
    """Return CSR with sorted indices, or a dense array; float32 either way."""
    if not sp.issparse(values):
        return np.ascontiguousarray(values, dtype=np.float32)
    values = sp.csr_matrix(values, dtype=np.float32)
    values.sum_duplicates()
    return values


def _unique(index: pd.Index, what: str, findings: Findings) -> list[str]:
    names = [str(name) for name in index]
    n_repeats = len(names) - len(set(names))
    if n_repeats:
        findings.warnings.append(
            f"{counted(n_repeats, f'{what} name is', f'{what} names are')} repeated; -1, -2 ... "
            "was added to the repeats."
        )
    return make_unique(names)
