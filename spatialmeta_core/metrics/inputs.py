"""From a joint table to the arrays that the report takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from spatialmeta_core import keys
from spatialmeta_core.errors import NotFoundError, NotReadyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from spatialmeta_core.types import FloatArray

__all__ = ["Modality", "modalities", "on_normalized_scale"]

TARGET = 1e4  # counts or intensity per spot behind normalized genes and denoised metabolites


@dataclass(frozen=True, slots=True, eq=False)
class Modality:
    """Features of one modality for the metrics.

    Attributes
    ----------
    name
        ``"ST"`` or ``"SM"``.
    measured
        Normalized, ``log1p`` of values at a common total, dense or sparse, shape ``(n_spots,
        n_features)``; rows of NaN where a spot has none.
    denoised
        The same as the method rebuilds it, on the same scale, or None where it does not.
    """

    name: str
    measured: Any
    denoised: FloatArray | None = None


def modalities(
    joint: AnnData,
    features: Sequence[str],
    denoised: FloatArray | None = None,
    *,
    normalized_sm: bool = True,
) -> tuple[Modality, ...]:
    """Take the features that a model was trained on from the joint table.

    Parameters
    ----------
    joint
        Counts and intensities in ``X``, ``layers["normalized"]``, ``var["type"]``.
    features
        Names of the features, in the order of the columns of ``denoised``.
    denoised
        As the integration returns it, shape ``(n_spots, n_features)``: counts at the spot's depth
        for genes, ``log1p`` of the intensity per 10,000 for metabolites; NaN for spots left out.
    normalized_sm
        False where the model took intensities as given, and denoised metabolites are intensities.

    Returns
    -------
    One for each modality among the features, ST first. Values are on the scale of
    ``layers["normalized"]``, and denoised ones are brought to it with the spot's measured total,
    so that a spot's depth, which both share, does not count as agreement.

    Raises
    ------
    NotReadyError
        If the table has no normalized values.
    NotFoundError
        If it lacks one of the features.
    """
    if keys.NORMALIZED not in joint.layers or keys.FEATURE_TYPE not in joint.var:
        raise NotReadyError(
            f'The table has no layer "{keys.NORMALIZED}" or no column "{keys.FEATURE_TYPE}". Join '
            "the two modalities first."
        )
    column = joint.var_names.get_indexer(list(features))
    if (column < 0).any():
        lost = [name for name, at in zip(features, column, strict=True) if at < 0]
        raise NotFoundError(
            f"{len(lost)} of {len(column)} features are not in the table, such as {lost[0]!r}."
        )
    kind = joint.var[keys.FEATURE_TYPE].astype(str).to_numpy()
    found = []
    for name in (keys.ST, keys.SM):
        mine = kind[column] == name
        if mine.any():
            rebuilt = None
            if denoised is not None:
                total = _total(joint.X[:, np.flatnonzero(kind == name)])
                log_scale = name == keys.SM and normalized_sm
                rebuilt = on_normalized_scale(denoised[:, mine], total, name, log_scale=log_scale)
            values = joint.layers[keys.NORMALIZED][:, column[mine]]
            found.append(Modality(name, values, rebuilt))
    return tuple(found)


def _total(part: Any) -> FloatArray:
    """Return each spot's total, NaN where a value is missing."""
    return np.asarray(part.sum(axis=1, dtype=float) if sparse.issparse(part) else part.sum(axis=1))


def on_normalized_scale(
    values: FloatArray, total: FloatArray, name: str, *, log_scale: bool
) -> FloatArray:
    """Bring denoised values to the scale of ``layers["normalized"]``.

    Parameters
    ----------
    values
        Of one modality, shape ``(n_spots, n_features)``: counts at the spot's depth, or
        intensities.
    total
        Each spot's measured total of the modality, ``(n_spots,)``; NaN where it has none.
    name
        ``"ST"`` or ``"SM"``.
    log_scale
        Whether ``values`` are ``log1p`` of the intensity per 10,000.
    """
    total = total.ravel()
    lit = total > 0  # False for NaN
    usual = TARGET if name == keys.ST else float(np.median(total[lit])) if lit.any() else 0.0
    if log_scale:
        return np.asarray(np.log1p(np.expm1(values) * (usual / TARGET)))
    factor = np.divide(usual, total, out=np.zeros(len(total)), where=lit)
    return np.asarray(np.log1p(np.maximum(values, 0.0) * factor[:, None]))
