"""From one joint AnnData to dense tensors, and the way back for metabolites.

Genes stay raw counts. Metabolites are divided by the spot's total intensity, multiplied by
``TIC_TARGET``, taken as log(1 + x), and standardized per metabolite over the spots used.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.integrate.module import Minibatch

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from spatialmeta_core.types import BoolArray, FloatArray

__all__ = ["TrainingData", "log_normalize_tic", "prepare"]

TIC_TARGET = 1e4  # intensity per spot after normalization, the usual "counts per ten thousand"
MAX_STANDARDIZED = 10.0  # one hot pixel must not outweigh a whole section in a squared error
CONSTANT_SD = 1e-6  # of a log intensity; below this a metabolite does not vary
MIN_FEATURES = 2  # of one modality
MIN_SPOTS = 10  # a training minibatch and one spot held out


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """What the network sees, and what is needed to read its answers.

    Attributes
    ----------
    spots
        Tensors of the ``n_used`` spots that can be used, on one device.
    used
        Which spots of the input those are, shape ``(n_spots,)``.
    features, feature_type
        Names and modality of the features used, in the input's column order.
    sm_center, sm_scale
        Mean and standard deviation of each metabolite's log intensity, shape ``(n_metabolites,)``.
    batch_levels
        Level names of each batch key, in the order of their codes.
    notes
        Sentences for the user: what was left out and why.
    """

    spots: Minibatch
    used: BoolArray
    features: tuple[str, ...]
    feature_type: tuple[str, ...]
    sm_center: FloatArray
    sm_scale: FloatArray
    batch_levels: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def to(self, device: torch.device) -> Minibatch:
        """Return the tensors on ``device``."""
        return Minibatch(*(tensor.to(device) for tensor in self.spots))

    def fingerprint(self) -> str:
        """Return a digest that changes with any value, feature or batch level."""
        digest = hashlib.sha256()
        for tensor in self.spots:
            digest.update(repr(tuple(tensor.shape)).encode())
            digest.update(tensor.contiguous().numpy().data)
        digest.update(repr((self.features, self.feature_type, self.batch_levels)).encode())
        return digest.hexdigest()


def prepare(joint: AnnData, *, batch_keys: tuple[str, ...] = ()) -> TrainingData:
    """Check a joint AnnData and turn it into tensors on the CPU.

    Parameters
    ----------
    joint
        ``X`` holds raw counts where ``var["type"]`` is ``"ST"`` (all NaN in pixels without an ST
        spot) and raw intensities where it is ``"SM"`` (NaN in spots without a pixel), dense or
        sparse, columns in any order.
        If ``var["spatially_variable"]`` exists, only its true columns are used; the total
        intensity of a spot is over all its metabolites.
    batch_keys
        Columns of ``obs`` that name batches.

    Raises
    ------
    InvalidDataError
        If a modality is absent, counts are not counts, intensities are negative or infinite, a
        batch key is absent or has gaps, or fewer than 10 spots can be used.
    """
    is_st, is_sm, kept = _columns(joint)
    counts, intensity = _dense(joint.X, is_st & kept), _dense(joint.X, is_sm & kept)
    total = _total_intensity(joint.X, is_sm)
    bare = np.isnan(counts).all(axis=1)  # rows are pixels without an ST spot nearby
    _check_counts(counts[~bare])
    used, notes = _usable(counts, intensity, total)
    log_sm = log_normalize_tic(intensity[used], total[used])
    center, scale, constant = _center_and_scale(log_sm)
    standardized = np.clip((log_sm - center) / scale, -MAX_STANDARDIZED, MAX_STANDARDIZED)
    codes, levels = _batch_codes(joint, used, batch_keys)
    spots = Minibatch(
        torch.from_numpy(counts[used]),
        torch.from_numpy(standardized.astype(np.float32)),
        torch.from_numpy(codes),
    )
    notes += _constant_note(constant, int((counts[used].max(0) == counts[used].min(0)).sum()))
    notes += _batch_notes(batch_keys, levels)
    return TrainingData(
        spots=spots,
        used=used,
        features=tuple(joint.var_names[kept].astype(str)),
        feature_type=tuple(np.where(is_st, keys.ST, keys.SM)[kept].tolist()),
        sm_center=center,
        sm_scale=scale,
        batch_levels=levels,
        notes=notes,
    )


def log_normalize_tic(intensity: FloatArray, total: FloatArray) -> FloatArray:
    """Divide by each spot's total intensity, multiply by 10,000 and take log(1 + x).

    Parameters
    ----------
    intensity
        Raw intensities, 0 or more, shape ``(n_spots, n_metabolites)``.
    total
        Intensity of each spot over all its metabolites, above 0, shape ``(n_spots,)``.

    Returns
    -------
    FloatArray
        Log intensity, shape ``(n_spots, n_metabolites)``.
    """
    return np.asarray(np.log1p(intensity * (TIC_TARGET / total)[:, None]))


def _columns(joint: AnnData) -> tuple[BoolArray, BoolArray, BoolArray]:
    if keys.FEATURE_TYPE not in joint.var:
        raise InvalidDataError(
            f"The joint data has no var column {keys.FEATURE_TYPE!r}. Expected one that says "
            f"{keys.ST!r} or {keys.SM!r} for each feature. Join the two modalities first."
        )
    kind = joint.var[keys.FEATURE_TYPE].astype(str).to_numpy()
    is_st, is_sm = kind == keys.ST, kind == keys.SM
    kept = is_st | is_sm
    if keys.SELECTED in joint.var:
        kept = kept & joint.var[keys.SELECTED].to_numpy(dtype=bool)
    for name, mask in (("genes", is_st & kept), ("metabolites", is_sm & kept)):
        if mask.sum() < MIN_FEATURES:
            raise InvalidDataError(
                f"Integration needs both modalities: found {int(mask.sum())} {name} to use, "
                f"expected {MIN_FEATURES} or more. Choose more {name} as features, or add the "
                "missing data."
            )
    return is_st, is_sm, kept


def _dense(matrix: Any, columns: BoolArray) -> NDArray[np.float32]:
    part = matrix[:, np.flatnonzero(columns)]
    part = part.toarray() if sp.issparse(part) else part
    return np.ascontiguousarray(part, dtype=np.float32)


def _total_intensity(matrix: Any, is_sm: BoolArray) -> FloatArray:
    """Sum each spot's metabolites, NaN where one is missing, after checking every value."""
    part = matrix[:, np.flatnonzero(is_sm)]
    values = part.data if sp.issparse(part) else np.asarray(part)
    if np.isinf(values).any() or (values < 0).any():
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


def _usable(
    counts: FloatArray, intensity: FloatArray, total: FloatArray
) -> tuple[BoolArray, tuple[str, ...]]:
    nothing = np.isnan(intensity).all(axis=1)
    reasons = {
        "without a metabolite pixel nearby": nothing,
        "without some metabolite values": np.isnan(total),
        "with a total intensity of 0": total == 0,
        "without a transcriptomics spot nearby": np.isnan(counts).all(axis=1),
        "without counts in the chosen genes": counts.sum(axis=1) == 0,
    }
    used, notes = np.ones(len(counts), dtype=bool), []
    for reason, bad in reasons.items():
        n_bad = int((bad & used).sum())
        used &= ~bad
        if n_bad:
            notes.append(f"Left out {n_bad:,} of {len(counts):,} spots, {reason}.")
    if used.sum() < MIN_SPOTS:
        raise InvalidDataError(
            f"{int(used.sum())} of {len(counts):,} spots have both counts and metabolites; "
            f"expected {MIN_SPOTS} or more. {' '.join(notes)} Check the alignment and the "
            "reassignment distance."
        )
    return used, tuple(notes)


def _center_and_scale(log_sm: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    center, scale = log_sm.mean(axis=0), log_sm.std(axis=0)
    constant = scale < CONSTANT_SD
    return center, np.where(constant, 1.0, scale), int(constant.sum())


def _batch_codes(
    joint: AnnData, used: BoolArray, batch_keys: tuple[str, ...]
) -> tuple[NDArray[np.int64], tuple[tuple[str, ...], ...]]:
    codes = np.zeros((int(used.sum()), len(batch_keys)), dtype=np.int64)
    levels = []
    for i, key in enumerate(batch_keys):
        if key not in joint.obs:
            raise InvalidDataError(
                f"Batch key {key!r} is not among the spot columns "
                f"({', '.join(map(str, joint.obs.columns)) or 'there are none'}). Choose one of "
                "them, or none."
            )
        column = joint.obs[key][used]
        if column.isna().any():
            raise InvalidDataError(
                f"Batch key {key!r} is empty for {int(column.isna().sum()):,} spots; expected a "
                "value for every spot. Fill it in, or choose another column."
            )
        names, codes[:, i] = np.unique(column.astype(str).to_numpy(), return_inverse=True)
        levels.append(tuple(names.tolist()))
    return codes, tuple(levels)


def _constant_note(n_metabolites: int, n_genes: int) -> tuple[str, ...]:
    if not n_metabolites + n_genes:
        return ()
    return (
        "Constant over the spots used, so without information: "
        f"genes {n_genes:,}, metabolites {n_metabolites:,}.",
    )


def _batch_notes(
    batch_keys: tuple[str, ...], levels: tuple[tuple[str, ...], ...]
) -> tuple[str, ...]:
    return tuple(
        f"Batch key {key!r} has one value ({names[0]}), so there is nothing to correct for it."
        for key, names in zip(batch_keys, levels, strict=True)
        if len(names) == 1
    )
