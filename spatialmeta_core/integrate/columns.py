"""Which columns of a joint AnnData are used, and their checked values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from spatialmeta_core.types import BoolArray, FloatArray

__all__ = ["Raw", "chosen_columns", "read_raw"]

MIN_FEATURES = 2  # of a modality that is used


def chosen_columns(joint: AnnData, train_on: str) -> tuple[dict[str, BoolArray], tuple[str, ...]]:
    """Find the columns of each modality that are to be used, and say so if one has none.

    Parameters
    ----------
    joint
        As for ``prepare``.
    train_on
        ``"all"``, ``"ST"`` or ``"SM"``.

    Returns
    -------
    tuple
        By modality, which columns, shape ``(n_columns,)``; and sentences for the user.

    Raises
    ------
    InvalidDataError
        If columns have no modality, or a modality has one feature, or none has any.
    """
    if keys.FEATURE_TYPE not in joint.var:
        raise InvalidDataError(
            f"The joint data has no var column {keys.FEATURE_TYPE!r}. Expected one that says "
            f"{keys.ST!r} or {keys.SM!r} for each feature. Join the two modalities first."
        )
    kind = joint.var[keys.FEATURE_TYPE].astype(str).to_numpy()
    selected = np.ones(len(kind), dtype=bool)
    if keys.SELECTED in joint.var:
        selected = joint.var[keys.SELECTED].to_numpy(dtype=bool)
    kept = {
        name: (kind == name) & selected & (train_on in ("all", name)) for name in (keys.ST, keys.SM)
    }
    size = {name: int(mask.sum()) for name, mask in kept.items()}
    if any(0 < n < MIN_FEATURES for n in size.values()) or not any(size.values()):
        raise InvalidDataError(
            f"Integration found {size[keys.ST]} genes and {size[keys.SM]} metabolites to use; "
            f"expected {MIN_FEATURES} or more of each modality, or none of one of them. Choose "
            "more features, or add the missing data."
        )
    absent = [name for name, n in size.items() if not n]
    if not absent:
        return kept, ()
    used, other = ("metabolites", "genes") if absent == [keys.ST] else ("genes", "metabolites")
    return kept, (
        f"Only {used} are used, no {other}: the joint embedding is that of the {used}, and there "
        "is no contribution of one modality against the other.",
    )


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Dense values of the chosen columns.

    Attributes
    ----------
    counts, intensity
        Shape ``(n_spots, n_genes)`` and ``(n_spots, n_metabolites)``; no columns where a modality
        is not used.
    total
        Intensity of each spot over all its metabolites, chosen or not; shape ``(n_spots,)``.
    without_counts
        Which rows are pixels without an ST spot, shape ``(n_spots,)``.
    """

    counts: NDArray[np.float32]
    intensity: NDArray[np.float32]
    total: FloatArray
    without_counts: BoolArray
    normalize: bool


def read_raw(joint: AnnData, kept: dict[str, BoolArray], *, normalize: bool) -> Raw:
    """Read the chosen columns and check every value.

    Parameters
    ----------
    joint
        As for ``prepare``.
    kept
        Columns of each modality, as from ``chosen_columns``.
    normalize
        Whether intensities must be 0 or more, because their logarithm is taken.

    Raises
    ------
    InvalidDataError
        If counts are not counts, or intensities infinite or, with ``normalize``, negative.
    """
    counts = _dense(joint.X, kept[keys.ST])
    bare = np.isnan(counts).all(axis=1) & (counts.shape[1] > 0)
    _check_counts(counts[~bare])
    total: FloatArray = np.ones(len(counts))
    if kept[keys.SM].any():
        is_sm = (joint.var[keys.FEATURE_TYPE].astype(str) == keys.SM).to_numpy()
        total = _total_intensity(joint.X, is_sm, normalize=normalize)
    return Raw(counts, _dense(joint.X, kept[keys.SM]), total, bare, normalize)


def _dense(matrix: Any, columns: BoolArray) -> NDArray[np.float32]:
    part = matrix[:, np.flatnonzero(columns)]
    part = part.toarray() if sp.issparse(part) else part
    return np.ascontiguousarray(part, dtype=np.float32)


def _total_intensity(matrix: Any, is_sm: BoolArray, *, normalize: bool) -> FloatArray:
    """Sum each spot's metabolites, NaN where one is missing, after checking every value."""
    part = matrix[:, np.flatnonzero(is_sm)]
    values = part.data if sp.issparse(part) else np.asarray(part)
    if np.isinf(values).any() or (normalize and (values < 0).any()):
        raise InvalidDataError(
            "Metabolite intensities hold negative or infinite values; expected raw intensities, "
            "0 or more. Load the intensities before any scaling."
        )
    return np.asarray(part.sum(axis=1, dtype=np.float64)).ravel()


def _check_counts(counts: FloatArray) -> None:
    if not np.isfinite(counts).all():
        raise InvalidDataError(
            "Gene counts hold missing or infinite values; expected whole numbers, 0 or more. "
            "Load the original counts."
        )
    if (counts < 0).any():
        raise InvalidDataError(
            f"Gene counts go down to {counts.min():.3g}; expected whole numbers, 0 or more. "
            "Load the original counts instead of scaled values."
        )
    if (counts != np.rint(counts)).any():
        raise InvalidDataError(
            "The model needs raw counts; found decimals among the genes. Choose the layer with "
            "the counts, or load the original file.",
            code="E-10",
            title="The matrix holds decimals, not counts.",
        )
