"""Integrate ST and SM of the same spots: the one call that joins data, network and training."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidParamsError, SpatialMetaError
from spatialmeta_core.integrate.basis import Basis, separating_basis
from spatialmeta_core.integrate.contribution import EVEN, contribution
from spatialmeta_core.integrate.data import TrainingData, prepare
from spatialmeta_core.integrate.module import JointVAE, Minibatch
from spatialmeta_core.integrate.progress import Checkpoint
from spatialmeta_core.integrate.result import Integration
from spatialmeta_core.integrate.train import INIT_STREAM, OnEpoch, optimize, seeded
from spatialmeta_core.params import LossWeights, NetParams, TrainParams
from spatialmeta_core.types import Embedding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from anndata import AnnData

    from spatialmeta_core.types import Contribution, FloatArray, IntArray

__all__ = ["integrate"]

READ_SIZE = 1024  # spots per pass when nothing is learned
DATA_SHARE = 0.5  # of the free memory of the graphics card that the data may take
NOT_THE_RESULT = {"max_epochs", "patience", "checkpoint_every"}  # a resume may change these
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
        the decoders see.
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
    place = _device(device)
    data = prepare(joint, batch_keys=tuple(batch_keys))
    resumable = (
        Checkpoint(checkpoint, _fingerprint(data, net, train, weights)) if checkpoint else None
    )
    try:
        module = _new_module(data, net, seed=train.seed, device=place)
        spots = _place(data, place)
        progress = optimize(module, spots, train, weights, on_epoch=on_epoch, checkpoint=resumable)
        basis = _separate(module, spots, seed=train.seed) if train.separate else None
        embedding, denoised = _read(module, spots, data)
    except torch.OutOfMemoryError as error:
        raise _out_of_memory(place) from error
    balance = contribution(embedding, batch=_batch_of_all(data), seed=train.seed)
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
        n_separating=basis.n_separating if basis else 0,
        notes=(
            *data.notes,
            *_mixing_note(data, weights),
            *progress.notes,
            *_separation_note(basis, asked=train.separate),
            *_contribution_note(balance),
        ),
        net=net,
        train=train,
        weights=weights,
        batch_keys=tuple(batch_keys),
        batch_levels=data.batch_levels,
        sm_center=data.sm_center,
        sm_scale=data.sm_scale,
        state={name: value.cpu() for name, value in module.state_dict().items()},
    )


def _mixing_note(data: TrainingData, weights: LossWeights) -> tuple[str, ...]:
    if weights.mmd > 0 or all(len(names) < 2 for names in data.batch_levels):  # noqa: PLR2004
        return ()
    return (
        "The MMD weight is 0: the decoders know the batches, but nothing draws the batches "
        "together in the embedding.",
    )


def _separation_note(basis: Basis | None, *, asked: bool) -> tuple[str, ...]:
    if basis is not None:
        return (
            f"{basis.n_groups} groups of spots stand apart. The latent directions that separate "
            f"them ({basis.n_separating} of {len(basis.strength)}) are drawn out, the others made "
            "small.",
        )
    if not asked:
        return ()
    return (
        "No groups of spots stand apart by clear gaps, so the latent coordinates are left as "
        "trained: read clusters as parts of a continuum.",
    )


def _contribution_note(found: Contribution) -> tuple[str, ...]:
    if (found.balance[~np.isnan(found.balance)] != EVEN).any():
        return ()
    return (
        "The contribution is 0.5 everywhere: with one group of spots there is nothing that one "
        "modality could tell and the other could not.",
    )


def _separate(module: JointVAE, spots: Minibatch, *, seed: int) -> Basis | None:
    """Change the network's latent coordinates to those in which groups stand apart, if any do."""
    batch = spots.batch.cpu().numpy()
    basis = separating_basis(_joint_means(module, spots), batch=batch, seed=seed)
    if basis is not None:
        device = next(module.parameters()).device
        module.change_basis(
            torch.from_numpy(basis.matrix).to(device), torch.from_numpy(basis.origin).to(device)
        )
    return basis


def _batch_of_all(data: TrainingData) -> IntArray:
    """Return batch codes of all spots of the input; 0 for those left out."""
    codes = data.spots.batch.numpy()
    batch = np.zeros((len(data.used), codes.shape[1]), dtype=codes.dtype)
    batch[data.used] = codes
    return batch


def _device(name: str) -> torch.device:
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
            data.spots.counts.shape[1],
            data.spots.sm.shape[1],
            batch_sizes=tuple(len(names) for names in data.batch_levels),
            params=net,
        )
    total = data.spots.counts.sum(0)
    module.start_at(total / total.sum())
    return module.to(device)


def _place(data: TrainingData, device: torch.device) -> Minibatch:
    """Put the data beside the network where it fits, else leave it for copies by minibatch."""
    if device.type != "cuda":
        return data.spots
    free, _ = torch.cuda.mem_get_info(device)
    size = sum(tensor.nbytes for tensor in data.spots)
    return data.to(device) if size <= DATA_SHARE * free else data.spots


def _read_parts(spots: Minibatch, device: torch.device) -> Iterator[tuple[IntArray, Minibatch]]:
    """Yield positions and data of the spots, as many as are read at a time."""
    for rows in np.array_split(np.arange(len(spots.counts)), -(-len(spots.counts) // READ_SIZE)):
        yield rows, Minibatch(*(tensor[rows[0] : rows[-1] + 1].to(device) for tensor in spots))


@torch.no_grad()
def _joint_means(module: JointVAE, spots: Minibatch) -> FloatArray:
    device = next(module.parameters()).device
    means = [module.encode(part).joint.mean.cpu() for _, part in _read_parts(spots, device)]
    return torch.cat(means).numpy()


@torch.no_grad()
def _read(module: JointVAE, spots: Minibatch, data: TrainingData) -> tuple[Embedding, FloatArray]:
    """Return embeddings and denoised values of all spots; NaN rows for spots left out."""
    device = next(module.parameters()).device
    is_st = np.array(data.feature_type) == keys.ST
    width = module.single_head.out_features
    latent = np.full((3, len(data.used), width), np.nan, dtype=np.float32)
    denoised = np.full((len(data.used), len(is_st)), np.nan, dtype=np.float32)
    for rows, part in _read_parts(spots, device):
        codes = module.encode(part)
        mean = codes.joint.mean
        target = np.flatnonzero(data.used)[rows]
        latent[:, target] = torch.stack([mean, codes.st, codes.sm]).cpu().numpy()
        counts = torch.exp(module.decode_st(mean, part.batch, part.counts.sum(1)).log_mean)
        sm = module.decode_sm(mean, part.batch).mean.cpu().numpy() * data.sm_scale + data.sm_center
        denoised[np.ix_(target, is_st)] = counts.cpu().numpy()
        denoised[np.ix_(target, ~is_st)] = np.maximum(sm, 0.0)
    return Embedding(*latent), denoised


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
