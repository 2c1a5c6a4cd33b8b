"""How long a training will take on this machine, and how much memory, before it starts."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.integrate.fit import choose_device
from spatialmeta_core.integrate.losses import loss_tensors
from spatialmeta_core.integrate.modalities import Modality
from spatialmeta_core.integrate.module import JointVAE, Minibatch
from spatialmeta_core.integrate.spots import memory_budget
from spatialmeta_core.integrate.train import seeded, take_step
from spatialmeta_core.params import LossWeights, NetParams, TrainParams

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Forecast", "forecast"]

DEFAULT_NET, DEFAULT_TRAIN, DEFAULT_WEIGHTS = NetParams(), TrainParams(), LossWeights()
CALIBRATION_STREAM = -9
WARM_UP, MIN_STEPS, MAX_STEPS, ENOUGH_S = 2, 4, 40, 1.0
# early stop is a matter of steps more than of epochs: on simulated sections of 600 and 2,000 spots
# at the default rate and batch size, the best epoch came after about this many steps
STEPS_TO_BEST = 550
MIN_EPOCHS_TO_BEST = 22  # and not before the KL weight has its full size
VALUE = 4  # bytes, single precision
SPARSE_VALUE = 8  # with its column number
STATES = 6  # weights, gradients, two moments, the best state and its copy in the answer
ACTIVATIONS = 9  # per decoded value of a minibatch: outputs, slopes, and what autograd keeps
BLOCK_BYTES = 150e6  # scratch while data are read


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a training is expected to take.

    Attributes
    ----------
    seconds
        Elapsed time at the present load of the machine, from the data in memory to the answers.
    cpu_seconds
        The same in processor time, which other programs hardly change.
    peak_bytes
        Largest size of the process in main memory, its programs and the joint matrix included.
    device_bytes
        Of the graphics card's memory; 0 on the CPU.
    epochs_expected
        Until early stopping.
    is_dense
        Whether the data are kept dense, see ``TrainParams.memory_gb``.
    basis
        In words, what the numbers rest on.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    device_bytes: int
    epochs_expected: int
    is_dense: bool
    basis: str


def forecast(
    n_spots: int,
    n_genes: int,
    n_metabolites: int,
    net: NetParams = DEFAULT_NET,
    train: TrainParams = DEFAULT_TRAIN,
    *,
    weights: LossWeights = DEFAULT_WEIGHTS,
    device: str = "auto",
    density: float = 0.3,
) -> Forecast:
    """Time a few training steps on made-up data of this shape and reckon the whole from them.

    Takes one to a few seconds, and about the memory of one minibatch.

    Parameters
    ----------
    n_spots, n_genes, n_metabolites
        What will be trained on; one of the two numbers of features may be 0.
    net, train, weights
        As for ``integrate``.
    device
        As for ``integrate``.
    density
        Share of the counts that are not 0, for the size of sparse data and of the joint matrix.

    Returns
    -------
    Forecast
        Within a factor of 1.5 where the data stop as early as simulated ones do; the upper bound
        of the time is ``train.max_epochs / epochs_expected`` times as long.

    Raises
    ------
    InvalidParamsError
        If a number is too small to train on, or there is no such device.
    """
    for name, number, least in (
        ("n_spots", n_spots, 10),
        ("the number of features", n_genes + n_metabolites, 2),
    ):
        if number < least:
            raise InvalidParamsError(f"{name} is {number}; allowed is {least} or more.")
    place = choose_device(device)
    shape = _Shape(n_spots, n_genes, n_metabolites, density, train)
    module, data = _made_up(shape, net, train, place)
    step_s, step_cpu_s = _time_steps(module, data, train, weights)
    read_s, read_cpu_s = _time_reading(module, data)
    n_validated = shape.n_spots - shape.n_trained
    n_steps = shape.epochs * math.ceil(shape.n_trained / train.batch_size)
    passes = (shape.epochs * n_validated + 2 * shape.n_spots) / data.n_spots
    n_parameters = sum(p.numel() for p in module.parameters())
    peak, on_device = _memory(shape, n_parameters, place)
    return Forecast(
        seconds=n_steps * step_s + passes * read_s,
        cpu_seconds=n_steps * step_cpu_s + passes * read_cpu_s,
        peak_bytes=round(peak),
        device_bytes=round(on_device),
        epochs_expected=shape.epochs,
        is_dense=shape.is_dense,
        basis=(
            f"{1000 * step_s:.0f} ms per step of {data.n_spots} spots on {place}, measured now; "
            f"about {shape.epochs} epochs until early stopping, as on simulated sections "
            f"(at most {train.max_epochs}); data kept "
            f"{'dense' if shape.is_dense else 'sparse, each minibatch made dense'}."
        ),
    )


class _Shape:
    """Numbers that follow from the shape of the data and the training."""

    def __init__(
        self, n_spots: int, n_genes: int, n_metabolites: int, density: float, train: TrainParams
    ) -> None:
        self.n_spots, self.n_genes, self.n_metabolites = n_spots, n_genes, n_metabolites
        self.n_trained = n_spots - round(train.validation_fraction * n_spots)
        self.batch_size = min(train.batch_size, self.n_trained)
        self.n_features = n_genes + n_metabolites
        self.joint_bytes = SPARSE_VALUE * n_spots * (density * n_genes + n_metabolites)
        self.dense_bytes = VALUE * n_spots * self.n_features
        self.is_dense = self.dense_bytes <= memory_budget(train)
        self.epochs = _expected_epochs(math.ceil(self.n_trained / train.batch_size), train)


def _expected_epochs(steps_per_epoch: int, train: TrainParams) -> int:
    to_best = max(STEPS_TO_BEST / steps_per_epoch, MIN_EPOCHS_TO_BEST, train.kl_warmup_epochs)
    return min(train.max_epochs, round(to_best) + train.patience)


def _made_up(
    shape: _Shape, net: NetParams, train: TrainParams, device: torch.device
) -> tuple[JointVAE, Minibatch]:
    """Return a new network and one minibatch of random data."""
    n = shape.batch_size
    made: list[tuple[Modality, Tensor]] = []
    with seeded(train.seed, CALIBRATION_STREAM, torch.device("cpu")):
        if shape.n_genes and net.train_on != keys.SM:
            counts = torch.poisson(torch.rand(n, shape.n_genes)).clamp_(max=30.0)
            counts[:, 0] = 1.0  # no spot without a count
            made.append((Modality(keys.ST, shape.n_genes, net.st_loss, is_counts=True), counts))
        if shape.n_metabolites and net.train_on != keys.ST:
            values = torch.randn(n, shape.n_metabolites)
            made.append(
                (Modality(keys.SM, shape.n_metabolites, net.sm_loss, is_counts=False), values)
            )
        module = JointVAE([modality for modality, _ in made], params=net)
    batch = torch.zeros(n, 0, dtype=torch.int64)
    data = Minibatch(tuple(values for _, values in made), batch)
    return module.to(device), data.to(device)


def _time_steps(
    module: JointVAE, data: Minibatch, train: TrainParams, weights: LossWeights
) -> tuple[float, float]:
    """Return elapsed and processor time of one training step, seconds."""
    optimizer = torch.optim.AdamW(module.parameters(), lr=train.learning_rate, fused=True)
    module.train()
    device = data.batch.device
    elapsed: list[float] = []
    cpu: list[float] = []
    with seeded(train.seed, CALIBRATION_STREAM, device):
        while len(elapsed) < WARM_UP + MIN_STEPS or (
            sum(elapsed) < ENOUGH_S and len(elapsed) < MAX_STEPS
        ):
            started = _clocks(device)
            take_step(module, optimizer, data, weights, train)
            ended = _clocks(device)
            elapsed.append(ended[0] - started[0])
            cpu.append(ended[1] - started[1])
    return float(np.median(elapsed[WARM_UP:])), float(np.median(cpu[WARM_UP:]))


@torch.no_grad()
def _time_reading(module: JointVAE, data: Minibatch) -> tuple[float, float]:
    """Return elapsed and processor time of one pass without learning, seconds."""
    module.eval()
    device = data.batch.device
    with seeded(0, CALIBRATION_STREAM, device):
        loss_tensors(module(data), data)
        started = _clocks(device)
        loss_tensors(module(data), data)
        ended = _clocks(device)
    return ended[0] - started[0], ended[1] - started[1]


def _clocks(device: torch.device) -> tuple[float, float]:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter(), time.process_time()


def _memory(shape: _Shape, n_parameters: int, device: torch.device) -> tuple[float, float]:
    """Return the largest size in main memory and on the graphics card, bytes."""
    programs = float(psutil.Process().memory_info().rss)
    answers = VALUE * shape.n_spots * shape.n_features
    minibatch = ACTIVATIONS * VALUE * 2 * shape.batch_size * _decoded(shape)
    training = STATES * VALUE * n_parameters + minibatch
    data = shape.dense_bytes if shape.is_dense else 0.0
    host = programs + shape.joint_bytes + data + answers + BLOCK_BYTES
    if device.type == "cpu":
        return host + training, 0.0
    return host, training + data


def _decoded(shape: _Shape) -> int:
    """Return how many numbers the decoders say of one spot."""
    return 3 * shape.n_genes + 2 * shape.n_metabolites
