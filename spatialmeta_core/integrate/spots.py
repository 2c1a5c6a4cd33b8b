"""The spots of a joint matrix, made dense a few at a time.

Reading twice by blocks (once to check every value and see which spots can be used, once to learn
the scaling) needs no dense copy of the data. The same reader then either fills the tensors of all
spots, or, where they would not fit, goes on making each minibatch dense when it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import torch

from spatialmeta_core import keys
from spatialmeta_core.integrate.columns import read_raw
from spatialmeta_core.integrate.module import Minibatch
from spatialmeta_core.integrate.scaling import Moments, Scaling, network_scale

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anndata import AnnData
    from numpy.typing import NDArray
    from torch import Tensor

    from spatialmeta_core.integrate.columns import Raw
    from spatialmeta_core.params import TrainParams
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

__all__ = ["LazySpots", "Learned", "Survey", "in_blocks", "learn", "memory_budget", "survey"]

GB = 1e9
FREE_SHARE = 1 / 3  # of the free memory: as much again is needed for the answers
BLOCK_VALUES = 2**22  # made dense at a time: 16 MB in single precision


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What each row lacks, each ``(n_rows,)``.

    Attributes
    ----------
    total
        Intensity over all its metabolites, chosen or not; NaN where one is missing.
    without_intensity, without_counts
        Whether the row has no value of the modality at all (NaN).
    no_counts
        Whether it has no count in the chosen genes.
    normalize
        Whether the total is divided by.
    """

    total: FloatArray
    without_intensity: BoolArray
    without_counts: BoolArray
    no_counts: BoolArray
    normalize: bool


def in_blocks(n_rows: int, width: int) -> Iterator[slice]:
    """Yield consecutive rows, as many as are made dense at a time."""
    size = max(1, BLOCK_VALUES // max(1, width))
    for start in range(0, n_rows, size):
        yield slice(start, min(n_rows, start + size))


def memory_budget(train: TrainParams) -> float:
    """Return the bytes that dense data may take."""
    if train.memory_gb is not None:
        return train.memory_gb * GB
    return FREE_SHARE * float(psutil.virtual_memory().available)


def survey(joint: AnnData, kept: dict[str, BoolArray], *, normalize: bool) -> Survey:
    """Check every value and see what each row lacks.

    Parameters
    ----------
    joint, kept, normalize
        As for ``read_raw``.

    Raises
    ------
    InvalidDataError
        As ``read_raw``.
    """
    parts = [
        _lacking(read_raw(joint[rows], kept, normalize=normalize))
        for rows in in_blocks(joint.n_obs, joint.n_vars)
    ]
    total, without_intensity, without_counts, no_counts = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Survey(total, without_intensity, without_counts, no_counts, normalize)


def _lacking(raw: Raw) -> tuple[FloatArray, BoolArray, BoolArray, BoolArray]:
    has_st, has_sm = raw.counts.shape[1] > 0, raw.intensity.shape[1] > 0
    return (
        raw.total,
        np.isnan(raw.intensity).all(axis=1) & has_sm,
        raw.without_counts,
        (raw.counts.sum(axis=1) == 0) & has_st,
    )


@dataclass(frozen=True, slots=True, eq=False)
class LazySpots:
    """Stands for a ``Minibatch`` of all spots, of which only those asked for are dense.

    Attributes
    ----------
    matrix
        The joint matrix, dense or CSR, shape ``(n_rows, n_columns)``; never copied.
    rows
        Those of the spots, ascending, shape ``(n_spots,)``.
    columns
        Those of each modality, in the network's order.
    total
        Total intensity of the spots, shape ``(n_spots,)``.
    scaling
        Of the metabolites.
    batch
        Batch codes, shape ``(n_spots, n_batch_keys)``.
    """

    matrix: Any
    rows: IntArray
    columns: Mapping[str, IntArray]
    total: FloatArray
    scaling: Scaling
    batch: Tensor
    n_values: int = field(init=False)

    def __post_init__(self) -> None:
        """Count the values of one spot."""
        object.__setattr__(self, "n_values", sum(map(len, self.columns.values())))

    @property
    def n_spots(self) -> int:
        """Number of spots."""
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Size of the dense tensors of all spots, bytes."""
        return 4 * self.n_spots * self.n_values + self.batch.nbytes

    def take(self, rows: Tensor | slice) -> Minibatch:
        """Return the dense tensors of some spots."""
        chosen = np.arange(self.n_spots)[rows] if isinstance(rows, slice) else rows.numpy()
        part = self.matrix[self.rows[chosen]]
        values = []
        for name, columns in self.columns.items():
            dense = _dense(part, columns)
            if name == keys.SM:
                dense = self.scaling.forward(dense, self.total[chosen])
            values.append(torch.from_numpy(dense))
        return Minibatch(tuple(values), self.batch[torch.from_numpy(chosen)])

    def dense(self) -> Minibatch:
        """Return the tensors of all spots."""
        values = [torch.empty(self.n_spots, len(columns)) for columns in self.columns.values()]
        for rows in in_blocks(self.n_spots, self.matrix.shape[1]):
            for whole, part in zip(values, self.take(rows).values, strict=True):
                whole[rows] = part
        return Minibatch(tuple(values), self.batch)


def _dense(part: Any, columns: IntArray) -> NDArray[np.float32]:
    found = part[:, columns]
    found = found.toarray() if hasattr(found, "toarray") else found
    return np.ascontiguousarray(found, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """The scaling, and how many features are the same in all spots."""

    scaling: Scaling
    n_constant_metabolites: int
    n_constant_genes: int


def learn(
    matrix: Any,
    rows: IntArray,
    columns: Mapping[str, IntArray],
    total: FloatArray,
    *,
    normalize: bool,
) -> Learned:
    """Learn the scaling of metabolites from the spots used, block by block.

    Parameters
    ----------
    matrix, rows, columns, total
        As for ``LazySpots``; either modality may have no columns.
    normalize
        As for ``learn_scaling``.
    """
    genes, metabolites = columns[keys.ST], columns[keys.SM]
    moments = Moments(len(metabolites))
    low, high = np.full(len(genes), np.inf), np.full(len(genes), -np.inf)
    for block in in_blocks(len(rows), matrix.shape[1]):
        part = matrix[rows[block]]
        counts = _dense(part, genes)
        low, high = np.minimum(low, counts.min(axis=0)), np.maximum(high, counts.max(axis=0))
        moments.add(network_scale(_dense(part, metabolites), total[block], normalize=normalize))
    scaling, n_constant = moments.scaling(normalize=normalize)
    return Learned(scaling, n_constant, int((low == high).sum()))
