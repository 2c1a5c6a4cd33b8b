"""A new sample in the coordinates of a trained model, without training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.integrate.contribution import contribution
from spatialmeta_core.integrate.data import modalities_of, usable
from spatialmeta_core.integrate.module import UNKNOWN_BATCH, JointVAE, Minibatch
from spatialmeta_core.integrate.reading import input_means, read
from spatialmeta_core.integrate.scaling import Scaling
from spatialmeta_core.integrate.spots import survey
from spatialmeta_core.types import Contribution

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from spatialmeta_core.integrate.result import Integration
    from spatialmeta_core.types import BoolArray, Embedding, FloatArray, IntArray

__all__ = ["Mapped", "map_onto"]

NAMED = 5  # missing features named in a message


@dataclass(frozen=True, slots=True, eq=False)
class Mapped:
    """A trained model's answers for spots it was not trained on.

    Attributes
    ----------
    embedding
        Latent means in the model's coordinates, each ``(n_spots, n_latent)``.
    contribution
        As of an integration, groups found among the new spots; NaN for a model of one modality.
    denoised
        Decoded means, shape ``(n_spots, n_features)``, one column for each feature of the model,
        also for those that the new sample lacks.
    features, feature_type
        Name and modality of those columns.
    used
        Which spots could be mapped, shape ``(n_spots,)``; all other rows are NaN.
    missing
        Features of the model that the new sample lacks.
    notes
        Sentences for the user.
    """

    embedding: Embedding
    contribution: Contribution
    denoised: FloatArray
    features: tuple[str, ...]
    feature_type: tuple[str, ...]
    used: BoolArray
    missing: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Where the model's features are: by modality, columns of the data, -1 where missing."""

    place: dict[str, IntArray]
    missing: tuple[str, ...]

    def found(self, n_columns: int) -> dict[str, BoolArray]:
        """Return which columns of the data are used, by modality."""
        masks = {}
        for name in (keys.ST, keys.SM):
            masks[name] = np.zeros(n_columns, dtype=bool)
            columns = self.place.get(name, np.empty(0, dtype=int))
            masks[name][columns[columns >= 0]] = True
        return masks


def map_onto(
    model: Integration, joint: AnnData, *, center: bool = True, max_missing: float = 0.2
) -> Mapped:
    """Encode and decode new spots with a trained model; see ``Integration.map``."""
    columns = _match(model, joint, max_missing)
    found = survey(joint, columns.found(joint.n_vars), normalize=model.net.normalize_sm)
    used, left_out = usable(found, at_least=2)
    scaling = Scaling(model.sm_center, model.sm_scale, model.net.normalize_sm)
    module = _module(model)
    batch, own, notes = _batches(model, joint, used)
    rows = np.flatnonzero(used)
    values = []
    for modality in module.modalities:
        place = columns.place[modality.name]
        dense = _dense(joint.X, rows, place)
        if not modality.is_counts:
            dense = scaling.forward(dense, found.total[used])
            dense[:, place < 0] = 0.0
        values.append(torch.from_numpy(dense))
    spots = Minibatch(tuple(values), batch)
    level = _shift_inputs(module, spots, own, columns, center=center)
    embedding, denoised = read(
        module,
        spots._replace(level=level),
        used=used,
        feature_type=model.feature_type,
        scaling=scaling,
    )
    groups = np.zeros((len(used), 1), dtype=int)
    groups[used, 0] = own.numpy()
    if len(module.modalities) > 1:
        balance = contribution(embedding, batch=groups, seed=model.train.seed)
    else:
        balance = Contribution(*(np.full(len(used), np.nan) for _ in range(3)))
    return Mapped(
        embedding=embedding,
        contribution=balance,
        denoised=denoised,
        features=model.features,
        feature_type=model.feature_type,
        used=used,
        missing=columns.missing,
        notes=(*left_out, *_missing_note(model, columns.missing), *notes),
    )


def _match(model: Integration, joint: AnnData, max_missing: float) -> _Columns:
    if keys.FEATURE_TYPE not in joint.var:
        raise InvalidDataError(
            f"The new data has no var column {keys.FEATURE_TYPE!r}. Expected one that says "
            f"{keys.ST!r} or {keys.SM!r} for each feature. Join the two modalities first."
        )
    kind = joint.var[keys.FEATURE_TYPE].astype(str)
    at = {key: i for i, key in enumerate(zip(kind, joint.var_names.astype(str), strict=True))}
    place, missing = {}, []
    for name in dict.fromkeys(model.feature_type):
        wanted = [
            feature
            for feature, of in zip(model.features, model.feature_type, strict=True)
            if of == name
        ]
        place[name] = np.array([at.get((name, feature), -1) for feature in wanted])
        lacking = [f for f, column in zip(wanted, place[name], strict=True) if column < 0]
        if len(lacking) > max_missing * len(wanted):
            raise InvalidDataError(
                f"The new sample lacks {len(lacking):,} of the {len(wanted):,} {name} features of "
                f"the model ({', '.join(lacking[:NAMED])}{', ...' if lacking[NAMED:] else ''}); "
                f"at most {max_missing:.0%} may be missing. Check that both name features in the "
                "same way (symbols or identifiers, the same m/z list), or train on both samples."
            )
        missing += lacking
    return _Columns(place, tuple(missing))


def _module(model: Integration) -> JointVAE:
    module = JointVAE(
        modalities_of({n: model.feature_type.count(n) for n in (keys.ST, keys.SM)}, model.net),
        batch_sizes=tuple(len(names) for names in model.batch_levels),
        params=model.net,
    )
    module.load_state_dict(model.state)
    return module.eval()


def _dense(matrix: Any, rows: IntArray, place: IntArray) -> NDArray[np.float32]:
    """Return one modality's data in the model's column order, 0 in columns that are missing."""
    part = matrix[rows][:, place[place >= 0]]
    dense = np.zeros((len(rows), len(place)), dtype=np.float32)
    dense[:, place >= 0] = part.toarray() if hasattr(part, "toarray") else part
    return dense


def _batches(
    model: Integration, joint: AnnData, used: BoolArray
) -> tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]:
    """Return batch codes, a number for each combination of the new sample's own, and notes."""
    n_used = int(used.sum())
    names = np.full((n_used, len(model.batch_keys)), "", dtype=object)
    codes = np.full(names.shape, UNKNOWN_BATCH, dtype=np.int64)
    notes = []
    for i, (key, levels) in enumerate(zip(model.batch_keys, model.batch_levels, strict=True)):
        if key in joint.obs:
            names[:, i] = joint.obs[key][used].astype(str)
        of_level = {level: code for code, level in enumerate(levels)}
        codes[:, i] = [of_level.get(name, UNKNOWN_BATCH) for name in names[:, i]]
        if (codes[:, i] == UNKNOWN_BATCH).any():
            new = sorted(set(names[codes[:, i] == UNKNOWN_BATCH, i]) - {""})
            notes.append(
                f"New to the model for batch key {key!r}: {', '.join(new) or 'all spots'}. "
                "Denoised values are those of an average batch."
            )
    text: NDArray[np.str_] = np.array(["\n".join(row) for row in names], dtype=str)
    own = np.unique(text, return_inverse=True)[1].astype(np.int64)
    return torch.from_numpy(codes), torch.from_numpy(own), tuple(notes)


def _shift_inputs(
    module: JointVAE, spots: Minibatch, own: torch.Tensor, columns: _Columns, *, center: bool
) -> torch.Tensor:
    """Add shifts of the new batches to the network's, and return each spot's row among them.

    A feature that is missing is read as the mean of the training.
    """
    n_known = len(module.get_buffer("shift_0"))
    means = input_means(module, spots, own)
    for i, (modality, mean) in enumerate(zip(module.modalities, means, strict=True)):
        reference = module.get_buffer(f"mean_{i}")
        new = mean.float() - reference if center else torch.zeros_like(mean, dtype=torch.float32)
        shift = torch.cat([module.get_buffer(f"shift_{i}"), new])
        missing = torch.from_numpy(columns.place[modality.name] < 0)
        shift[:, missing] = -reference[missing]
        setattr(module, f"shift_{i}", shift)
    unmoved = torch.zeros(len(module.offset), len(means[0]), module.offset.shape[2])
    module.offset = torch.cat([module.offset, unmoved], dim=1)
    is_new = (spots.batch == UNKNOWN_BATCH).any(1)
    if not spots.batch.shape[1]:
        is_new = torch.ones(spots.n_spots, dtype=torch.bool)
    return torch.where(is_new, n_known + own, module.level_of(spots.batch))


def _missing_note(model: Integration, missing: tuple[str, ...]) -> tuple[str, ...]:
    if not missing:
        return ()
    return (
        f"{len(missing):,} of the model's {len(model.features):,} features are missing here and "
        "read as average; their denoised values are predictions.",
    )
