"""Integrate ST and SM of the same spots: the one call that joins data, network and training."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch

from spatialmeta_core.errors import InvalidParamsError, SpatialMetaError
from spatialmeta_core.integrate.contribution import EVEN, contribution
from spatialmeta_core.integrate.coordinates import settle
from spatialmeta_core.integrate.data import TrainingData, prepare
from spatialmeta_core.integrate.module import JointVAE, Minibatch
from spatialmeta_core.integrate.progress import Checkpoint
from spatialmeta_core.integrate.reading import input_means, read, read_parts
from spatialmeta_core.integrate.result import Integration
from spatialmeta_core.integrate.spots import LazySpots, memory_budget
from spatialmeta_core.integrate.train import INIT_STREAM, OnEpoch, optimize, seeded
from spatialmeta_core.params import LossWeights, NetParams, TrainParams
from spatialmeta_core.types import Contribution

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from anndata import AnnData
    from torch import Tensor

    from spatialmeta_core.types import Embedding, IntArray

__all__ = ["choose_device", "integrate"]

DATA_SHARE = 0.5  # of the free memory of the graphics card that the data may take
NOT_THE_RESULT = {
    "max_epochs",
    "patience",
    "checkpoint_every",
    "memory_gb",
}  # a resume may change these
DEFAULT_NET, DEFAULT_TRAIN, DEFAULT_WEIGHTS = NetParams(), TrainParams(), LossWeights()


def integrate(
    joint: AnnData,
    net: NetParams = DEFAULT_NET,
    train: TrainParams = DEFAULT_TRAIN,
    weights: LossWeights = DEFAULT_WEIGHTS,
    *,
    batch_keys: Sequence[str] = (),
    device: str = "auto",
    on_epoch: OnEpoch | None = None,
    checkpoint: Path | None = None,
) -> Integration:
    """Train the conditional VAE on one joint matrix and read its embeddings and means.

    Parameters
    ----------
    joint
        ``X`` holds raw counts where ``var["type"]`` is ``"ST"`` and raw intensities where it is
        ``"SM"`` (NaN in spots without a metabolite pixel), dense or sparse, columns in any order.
        If ``var["spatially_variable"]`` exists, only its true columns are used. It is not changed.
    net, train, weights
        Shape of the network, its optimization, and the weights of eq. 22.
    batch_keys
        Columns of ``obs`` that name batches, any number; each gets a trained embedding that only
        the decoders see. Data of each combination are centered before they are encoded, unless
        ``net.center_batches`` is off.
    device
        ``"auto"`` (the first CUDA device if there is one, else the CPU), or a name torch knows.
    on_epoch
        Called after each epoch; a true answer stops the training and keeps the best state. What it
        raises passes through.
    checkpoint
        A file to write the state to every ``train.checkpoint_every`` epochs. If it exists and
        belongs to the same data and settings, training goes on from it and ends at the same
        numbers as without a break. It is left in place; remove it with the job.

    Returns
    -------
    Integration
        Embeddings, contribution, denoised values and the course of training. The same seed gives
        the same numbers on the same CPU and number of threads.

    Raises
    ------
    InvalidDataError
        If the data break a requirement; the message says which.
    InvalidParamsError
        If there is no such device.
    SpatialMetaError
        E-21 if the graphics card runs out of memory, E-22 if training is unstable from the start.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, "Joint embedding".
    """
    place = choose_device(device)
    data = prepare(joint, batch_keys=tuple(batch_keys), net=net, dense_bytes=memory_budget(train))
    resumable = (
        Checkpoint(checkpoint, _fingerprint(data, net, train, weights)) if checkpoint else None
    )
    try:
        module = _new_module(data, net, seed=train.seed, device=place)
        spots = _place(data, place)
        progress = optimize(module, spots, train, weights, on_epoch=on_epoch, checkpoint=resumable)
        settled = settle(module, spots, net, train)
        embedding, denoised = read(
            module,
            spots,
            used=data.used,
            feature_type=data.feature_type,
            scaling=data.scaling,
        )
    except torch.OutOfMemoryError as error:
        raise _out_of_memory(place) from error
    balance = _contribution(embedding, data, seed=train.seed)
    return Integration(
        embedding=embedding,
        contribution=balance,
        denoised=denoised,
        features=data.features,
        feature_type=data.feature_type,
        used=data.used,
        losses=tuple(progress.reports),
        best_epoch=progress.best_epoch,
        device=str(place),
        n_separating=settled.n_separating,
        notes=(
            *data.notes,
            *_mixing_note(data, weights),
            *progress.notes,
            *settled.notes,
            *_contribution_note(balance),
        ),
        net=net,
        train=train,
        weights=weights,
        batch_keys=tuple(batch_keys),
        batch_levels=data.batch_levels,
        sm_center=data.scaling.center,
        sm_scale=data.scaling.scale,
        state={name: value.cpu() for name, value in module.state_dict().items()},
    )


def _mixing_note(data: TrainingData, weights: LossWeights) -> tuple[str, ...]:
    if weights.mmd > 0 or all(len(names) < 2 for names in data.batch_levels):  # noqa: PLR2004
        return ()
    return (
        "The MMD weight is 0: the decoders know the batches, but nothing draws the batches "
        "together in the embedding.",
    )


def _contribution(embedding: Embedding, data: TrainingData, *, seed: int) -> Contribution:
    if len(data.modalities) > 1:
        return contribution(embedding, batch=_batch_of_all(data), seed=seed)
    nothing = np.full(len(data.used), np.nan)
    return Contribution(nothing, nothing.copy(), nothing.copy())


def _contribution_note(found: Contribution) -> tuple[str, ...]:
    balance = found.balance[~np.isnan(found.balance)]
    if not len(balance) or (balance != EVEN).any():
        return ()
    return (
        "The contribution is 0.5 everywhere: with one group of spots there is nothing that one "
        "modality could tell and the other could not.",
    )


def _batch_of_all(data: TrainingData) -> IntArray:
    """Return batch codes of all spots of the input; 0 for those left out."""
    codes = data.spots.batch.numpy()
    batch = np.zeros((len(data.used), codes.shape[1]), dtype=codes.dtype)
    batch[data.used] = codes
    return batch


def choose_device(name: str) -> torch.device:
    """Return the device of that name, or the best one for ``"auto"``.

    Raises
    ------
    InvalidParamsError
        If there is no such device.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InvalidParamsError(
            f"device is {name!r}; allowed is auto, cpu, cuda or cuda with a number, as cuda:0."
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidParamsError(
            f"device is {name!r}; found {torch.cuda.device_count()} CUDA devices. Choose auto or "
            "cpu."
        )
    return torch.device("cuda:0") if name == "cuda" else device


def _fingerprint(
    data: TrainingData, net: NetParams, train: TrainParams, weights: LossWeights
) -> str:
    schedule = {k: v for k, v in asdict(train).items() if k not in NOT_THE_RESULT}
    text = repr((data.fingerprint(), asdict(net), schedule, asdict(weights)))
    return hashlib.sha256(text.encode()).hexdigest()


def _new_module(data: TrainingData, net: NetParams, *, seed: int, device: torch.device) -> JointVAE:
    with seeded(seed, INIT_STREAM, torch.device("cpu")):
        module = JointVAE(
            data.modalities,
            batch_sizes=tuple(len(names) for names in data.batch_levels),
            params=net,
        )
    totals = _column_totals(data)
    for decoder in module.all_decoders:
        if decoder.modality.is_counts:
            total = totals[decoder.modality.name]
            decoder.start_at(total / total.sum())
        else:
            decoder.zero.copy_(torch.from_numpy(data.scaling.zero))
    level = module.level_of(data.spots.batch)
    means = input_means(module, data.spots, level)
    module.center_inputs(means, shift=net.center_batches and len(data.batch_levels) > 0)
    return module.to(device)


def _column_totals(data: TrainingData) -> dict[str, Tensor]:
    """Return each modality's sums over spots, by name."""
    sums = [torch.zeros(m.n_features, dtype=torch.float64) for m in data.modalities]
    for _, part in read_parts(data.spots, torch.device("cpu")):
        for total, values in zip(sums, part.values, strict=True):
            total.add_(values.sum(0, dtype=torch.float64))
    return {m.name: total.float() for m, total in zip(data.modalities, sums, strict=True)}


def _place(data: TrainingData, device: torch.device) -> Minibatch | LazySpots:
    """Put the data beside the network where it fits, else leave it for copies by minibatch."""
    if device.type != "cuda" or isinstance(data.spots, LazySpots):
        return data.spots
    free, _ = torch.cuda.mem_get_info(device)
    size = sum(tensor.nbytes for tensor in data.spots.tensors)
    return data.spots.to(device) if size <= DATA_SHARE * free else data.spots


def _out_of_memory(device: torch.device) -> SpatialMetaError:
    free, total = torch.cuda.mem_get_info(device) if device.type == "cuda" else (0, 0)
    size = f" Free now: {free / 1e9:.1f} of {total / 1e9:.1f} GB." if total else ""
    return SpatialMetaError(
        f"Training needs more memory than the graphics card has.{size} Choose a smaller batch, "
        "fewer features (such as 1,000 genes and 400 metabolites), or the CPU. Your settings are "
        "kept.",
        code="E-21",
        title="The graphics card ran out of memory.",
    )
