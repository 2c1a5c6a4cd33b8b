"""From one joint AnnData to what the network is trained on.

Genes stay raw counts. Metabolites are, unless asked otherwise, divided by the spot's total
intensity, taken as log(1 + x), and standardized per metabolite over the spots used.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
import torch

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.integrate.columns import chosen_columns
from spatialmeta_core.integrate.modalities import Modality
from spatialmeta_core.integrate.spots import LazySpots, Survey, in_blocks, learn, survey
from spatialmeta_core.params import NetParams

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from spatialmeta_core.integrate.module import Minibatch
    from spatialmeta_core.integrate.scaling import Scaling
    from spatialmeta_core.types import BoolArray

__all__ = ["TrainingData", "modalities_of", "prepare", "usable"]

MIN_SPOTS = 10  # a training minibatch and one spot held out
DEFAULT_NET = NetParams()


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """What the network sees, and what is needed to read its answers.

    Attributes
    ----------
    spots
        The ``n_used`` spots that can be used: their tensors, or where those would be too large,
        what makes some of them dense when asked.
    modalities
        Those in use, in the order of ``spots.values``.
    used
        Which spots of the input those are, shape ``(n_spots,)``.
    features, feature_type
        Names and modality of the features used, in the input's column order.
    scaling
        How metabolite intensities became values of about unit spread.
    batch_levels
        Level names of each batch key, in the order of their codes.
    notes
        Sentences for the user: what was left out and why.
    """

    spots: Minibatch | LazySpots
    modalities: tuple[Modality, ...]
    used: BoolArray
    features: tuple[str, ...]
    feature_type: tuple[str, ...]
    scaling: Scaling
    batch_levels: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def fingerprint(self) -> str:
        """Return a digest that changes with any value, feature or batch level."""
        digest = hashlib.sha256()
        for rows in in_blocks(self.spots.n_spots, len(self.features)):
            for tensor in self.spots.take(rows).tensors:
                digest.update(repr(tuple(tensor.shape)).encode())
                digest.update(tensor.contiguous().numpy().data)
        digest.update(repr((self.features, self.feature_type, self.batch_levels)).encode())
        return digest.hexdigest()


def prepare(
    joint: AnnData,
    *,
    batch_keys: tuple[str, ...] = (),
    net: NetParams = DEFAULT_NET,
    dense_bytes: float = math.inf,
) -> TrainingData:
    """Check a joint AnnData and turn it into tensors on the CPU.

    Parameters
    ----------
    joint
        ``X`` holds raw counts where ``var["type"]`` is ``"ST"`` (all NaN in pixels without an ST
        spot) and raw intensities where it is ``"SM"`` (NaN in spots without a pixel), dense or
        sparse, columns in any order. One of the two may be absent.
        If ``var["spatially_variable"]`` exists, only its true columns are used; the total
        intensity of a spot is over all its metabolites.
    batch_keys
        Columns of ``obs`` that name batches.
    net
        Which modalities to use, how they are scored, and whether intensities are normalized.
    dense_bytes
        What the tensors of all spots may take. If they need more, ``spots`` stay as they are in
        ``joint``, which must not change while they are in use, and only those taken are dense.

    Raises
    ------
    InvalidDataError
        If no modality can be used, counts are not counts, intensities are negative or infinite, a
        batch key is absent or has gaps, or fewer than 10 spots can be used.
    """
    kept, notes = chosen_columns(joint, net.train_on)
    found = survey(joint, kept, normalize=net.normalize_sm)
    used, left_out = usable(found, at_least=MIN_SPOTS)
    rows, columns = np.flatnonzero(used), {n: np.flatnonzero(m) for n, m in kept.items()}
    matrix = joint.X.tocsr() if sp.issparse(joint.X) else joint.X
    learned = learn(matrix, rows, columns, found.total[used], normalize=net.normalize_sm)
    scaling = learned.scaling
    modalities = modalities_of({name: len(found) for name, found in columns.items()}, net)
    codes, levels = _batch_codes(joint, used, batch_keys)
    any_kept = kept[keys.ST] | kept[keys.SM]
    spots = LazySpots(
        matrix,
        rows,
        {m.name: columns[m.name] for m in modalities},
        found.total[used],
        scaling,
        torch.from_numpy(codes),
    )
    return TrainingData(
        spots=spots.dense() if spots.nbytes <= dense_bytes else spots,
        modalities=modalities,
        used=used,
        features=tuple(joint.var_names[any_kept].astype(str)),
        feature_type=tuple(np.where(kept[keys.ST], keys.ST, keys.SM)[any_kept].tolist()),
        scaling=scaling,
        batch_levels=levels,
        notes=(
            *notes,
            *left_out,
            *_constant_note(learned.n_constant_metabolites, learned.n_constant_genes),
            *_as_given_note(scaling),
            *_batch_notes(batch_keys, levels),
        ),
    )


def modalities_of(n_features: dict[str, int], net: NetParams) -> tuple[Modality, ...]:
    """Return the list that a network is made of, of those modalities that have features."""
    return tuple(
        Modality(name, n_features[name], loss, is_counts=name == keys.ST)
        for name, loss in ((keys.ST, net.st_loss), (keys.SM, net.sm_loss))
        if n_features[name]
    )


def usable(found: Survey, *, at_least: int) -> tuple[BoolArray, tuple[str, ...]]:
    """Say which spots have all that is needed, and in sentences why others have not.

    Raises
    ------
    InvalidDataError
        If there are fewer than ``at_least``.
    """
    reasons = {
        "without a metabolite pixel nearby": found.without_intensity,
        "without some metabolite values": np.isnan(found.total),
        "with a total intensity of 0": (found.total == 0) & found.normalize,
        "without a transcriptomics spot nearby": found.without_counts,
        "without counts in the chosen genes": found.no_counts,
    }
    n_spots = len(found.total)
    used, notes = np.ones(n_spots, dtype=bool), []
    for reason, bad in reasons.items():
        n_bad = int((bad & used).sum())
        used &= ~bad
        if n_bad:
            notes.append(f"Left out {n_bad:,} of {n_spots:,} spots, {reason}.")
    if used.sum() < at_least:
        raise InvalidDataError(
            f"{int(used.sum())} of {n_spots:,} spots have all the values that are needed; "
            f"expected {at_least} or more. {' '.join(notes)} Check the alignment and the "
            "reassignment distance."
        )
    return used, tuple(notes)


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


def _as_given_note(scaling: Scaling) -> tuple[str, ...]:
    if scaling.normalize or not len(scaling.scale):
        return ()
    return (
        "Metabolite values are used as given, all divided by one number "
        f"({scaling.scale[0]:.3g}): differences in a spot's total intensity and strong metabolites "
        "have their full weight.",
    )


def _batch_notes(
    batch_keys: tuple[str, ...], levels: tuple[tuple[str, ...], ...]
) -> tuple[str, ...]:
    return tuple(
        f"Batch key {key!r} has one value ({names[0]}), so there is nothing to correct for it."
        for key, names in zip(batch_keys, levels, strict=True)
        if len(names) == 1
    )
