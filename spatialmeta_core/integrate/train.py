"""The training loop: minibatches, early stop, checkpoints; it knows no data and no likelihood.

Every epoch draws its random numbers from ``(seed, epoch)`` alone, in a forked state of torch's
generator. So the caller's generator is not disturbed, nothing a callback draws can change a fit,
and a resumed training needs no stored generator to reach the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from spatialmeta_core.errors import SpatialMetaError
from spatialmeta_core.integrate import distributed
from spatialmeta_core.integrate.losses import LossTensors, loss_tensors
from spatialmeta_core.integrate.progress import Checkpoint, Progress, resume, write
from spatialmeta_core.types import EpochReport, LossTerms

if TYPE_CHECKING:
    from spatialmeta_core.integrate.module import JointVAE, Minibatch
    from spatialmeta_core.integrate.spots import LazySpots
    from spatialmeta_core.params import LossWeights, TrainParams

__all__ = ["OnEpoch", "minibatches", "optimize", "seeded", "split", "take_step"]

OnEpoch = Callable[[EpochReport], bool | None]

# streams of random numbers beside those of the epochs, which count from 1
INIT_STREAM, SPLIT_STREAM, VALIDATION_STREAM = -1, -2, -3
UNSTABLE = "E-22"


@contextmanager
def seeded(seed: int, stream: int, device: torch.device) -> Iterator[None]:
    """Draw from ``(seed, stream)`` inside, and leave torch's generators as they were.

    Parameters
    ----------
    seed
        The user's seed, 0 or more.
    stream
        Which sequence of that seed: the epoch, or one of the negative constants of this file.
    device
        Where random numbers will be drawn, beside the CPU.
    """
    devices = [device] if device.type == "cuda" else []
    entropy = [seed, abs(stream), int(stream < 0)]
    state = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(state)
        for cuda in devices:
            with torch.cuda.device(cuda):
                torch.cuda.manual_seed(state)
        yield


def split(n_spots: int, params: TrainParams) -> tuple[Tensor, Tensor]:
    """Choose training and validation spots.

    Parameters
    ----------
    n_spots
        Number of spots.
    params
        Gives the share to hold out and the seed.

    Returns
    -------
    tuple of Tensor
        Indices to train on and to validate on, each ascending; the second is empty if the share
        rounds to no spot.
    """
    n_held = round(params.validation_fraction * n_spots)
    with seeded(params.seed, SPLIT_STREAM, torch.device("cpu")):
        order = torch.randperm(n_spots)
    return order[n_held:].sort().values, order[:n_held].sort().values


def minibatches(index: Tensor, size: int, *, smallest: int = 2) -> list[Tensor]:
    """Cut ``index`` into parts of ``size``; a last one below ``smallest`` joins the one before.

    Batch normalization has no variance to compute from one spot.
    """
    parts = list(torch.split(index, max(size, smallest)))
    if len(parts) > 1 and len(parts[-1]) < smallest:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def optimize(
    module: JointVAE,
    spots: Minibatch | LazySpots,
    params: TrainParams,
    weights: LossWeights,
    *,
    on_epoch: OnEpoch | None = None,
    checkpoint: Checkpoint | None = None,
) -> Progress:
    """Train ``module`` in place and leave it, in evaluation mode, at its best state.

    Parameters
    ----------
    module
        A new network, on the device to train on.
    spots
        All spots that can be used, on the same device or on the CPU.
    params, weights
        Settings of the optimization and weights of eq. 22. The total that is reported, and that
        decides which epoch is best, has the full KL weight also during the warm-up.
    on_epoch
        Called after each epoch; a true answer stops the training and keeps the best state. What it
        raises passes through.
    checkpoint
        Where to write the state every ``params.checkpoint_every`` epochs, and to resume from.

    Returns
    -------
    Progress
        The best state and the report of every epoch, those before a resume included.

    Raises
    ------
    SpatialMetaError
        E-22, if the loss is not a number before any epoch succeeded.
    """
    optimizer = torch.optim.AdamW(
        module.parameters(),
        lr=params.learning_rate,
        weight_decay=params.weight_decay,
        fused=True,
    )
    fit = resume(checkpoint, module, optimizer) if checkpoint is not None else Progress()
    training, held_out = split(spots.n_spots, params)
    start = len(fit.reports) + 1
    for epoch in range(start, params.max_epochs + 1):
        if fit.reports and epoch - 1 - fit.best_epoch >= params.patience:
            break
        learned = _train_epoch(
            module, optimizer, spots, index=training, epoch=epoch, params=params, weights=weights
        )
        validated = learned
        if len(held_out):
            validated = _validate(module, spots, held_out, params, weights)
        if not (math.isfinite(learned.total) and math.isfinite(validated.total)):
            _give_up(fit, epoch)
            break
        is_best = validated.total < fit.best_loss
        if is_best:
            fit.best_epoch, fit.best_loss = epoch, validated.total
            fit.best = _copy_state(module)
        report = EpochReport(epoch, params.max_epochs, learned, validated, is_best)
        fit.reports.append(report)
        is_due = checkpoint is not None and epoch % params.checkpoint_every == 0
        if checkpoint is not None and is_due and distributed.is_first():
            write(checkpoint, fit, module, optimizer)
        if _is_stopped(on_epoch, report, _device_of(module)):
            break
    module.load_state_dict(fit.best)
    module.eval()
    return fit


def _train_epoch(
    module: JointVAE,
    optimizer: torch.optim.Optimizer,
    spots: Minibatch | LazySpots,
    *,
    index: Tensor,
    epoch: int,
    params: TrainParams,
    weights: LossWeights,
) -> LossTerms:
    warm_up = min(1.0, (epoch - 1) / params.kl_warmup_epochs) if params.kl_warmup_epochs else 1.0
    current = replace(weights, kl=weights.kl * warm_up)
    module.train()
    device = _device_of(module)
    sums: Tensor | None = None
    with seeded(params.seed, epoch, device):
        order = index[torch.randperm(len(index))]
        distributed.draw_apart()
        smallest = 2 * distributed.n_processes()
        for rows in minibatches(order, params.batch_size, smallest=smallest):
            own = distributed.share(rows)
            data = _take(spots, own, device)
            of_all = len(own) / len(rows)
            terms = take_step(module, optimizer, data, current, params, share_of_rows=of_all)
            part = torch.stack(terms).detach() * len(own)
            sums = part if sums is None else sums + part
    distributed.average_buffers(module)
    return _mean_terms(None if sums is None else distributed.total(sums), len(index), weights)


def take_step(
    module: JointVAE,
    optimizer: torch.optim.Optimizer,
    data: Minibatch,
    weights: LossWeights,
    params: TrainParams,
    *,
    share_of_rows: float = 1.0,
) -> LossTensors:
    """Learn from one minibatch.

    Parameters
    ----------
    module, optimizer
        What is changed.
    data
        The spots, on the module's device.
    weights, params
        Weights at this moment, and the norm at which gradients are clipped.
    share_of_rows
        Share of the minibatch that is in ``data``; the other processes have the rest.

    Returns
    -------
    LossTensors
        The terms before the step, not weighted.
    """
    optimizer.zero_grad()
    terms = loss_tensors(module(data), data, with_mmd=weights.mmd > 0)
    torch.autograd.backward(terms.total(weights))
    distributed.average_gradients(module, share_of_rows)
    torch.nn.utils.clip_grad_norm_(module.parameters(), params.gradient_clip)
    optimizer.step()
    return terms


@torch.no_grad()
def _validate(
    module: JointVAE,
    spots: Minibatch | LazySpots,
    index: Tensor,
    params: TrainParams,
    weights: LossWeights,
) -> LossTerms:
    module.eval()
    device = _device_of(module)
    sums: Tensor | None = None
    with seeded(params.seed, VALIDATION_STREAM, device):  # the same noise after every epoch
        for rows in minibatches(index, max(params.batch_size, 512)):
            data = _take(spots, rows, device)
            terms = loss_tensors(module(data), data, with_mmd=weights.mmd > 0)
            part = torch.stack(terms) * len(rows)
            sums = part if sums is None else sums + part
    return _mean_terms(None if sums is None else distributed.from_first(sums), len(index), weights)


def _mean_terms(sums: Tensor | None, n: int, weights: LossWeights) -> LossTerms:
    if sums is None:
        raise ValueError("no spots to average over")
    values = (sums / n).tolist()  # the only transfer from the device in an epoch
    total = float(LossTensors(*torch.tensor(values, dtype=torch.float64)).total(weights))
    return LossTerms._make([*values, total])


def _take(spots: Minibatch | LazySpots, rows: Tensor, device: torch.device) -> Minibatch:
    return spots.take(rows.to(spots.batch.device)).to(device)


def _is_stopped(on_epoch: OnEpoch | None, report: EpochReport, device: torch.device) -> bool:
    """Ask the callback, in the first process only, and tell the others."""
    answer = on_epoch is not None and distributed.is_first() and bool(on_epoch(report))
    return distributed.agree(answer, device)


def _device_of(module: JointVAE) -> torch.device:
    return next(module.parameters()).device


def _copy_state(module: JointVAE) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def _give_up(fit: Progress, epoch: int) -> None:
    advice = "Often a few extreme intensities cause this; a lower learning rate can help."
    if not fit.best:
        raise SpatialMetaError(
            f"The loss was not a number at epoch {epoch}, before any state could be kept. {advice}",
            code=UNSTABLE,
            title=f"Training became unstable at epoch {epoch}.",
        )
    fit.notes.append(
        f"{UNSTABLE}: Training became unstable at epoch {epoch} (loss not a number). Best state "
        f"from epoch {fit.best_epoch} is kept. {advice}"
    )
