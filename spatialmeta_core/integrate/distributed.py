"""One training on several processes: each takes its part of every minibatch.

Started by ``torchrun``, the processes hold the same network. Each computes the gradient on its own
rows, the gradients are averaged, and all take the same step. So the course of the training is that
of one process, but for the noise that is drawn and for batch normalization, whose statistics are
those of the rows of one process. Without ``torchrun`` there is one process and nothing to average.

Used for data or minibatches that are too much for one device: the network is small, so that its
gradients are soon exchanged, but small minibatches leave each process little to do.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import distributed as dist

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

__all__ = [
    "agree",
    "average_buffers",
    "average_gradients",
    "draw_apart",
    "from_first",
    "group",
    "is_first",
    "local_device",
    "n_processes",
    "share",
    "total",
]


@contextmanager
def group() -> Iterator[None]:
    """Join the processes that ``torchrun`` started, and part at the end; nothing without it.

    Their messages go through NCCL where each has a CUDA device, else through gloo.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    on_cuda = torch.cuda.device_count() > int(os.environ["LOCAL_RANK"])
    if on_cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if on_cuda else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def local_device(name: str) -> str:
    """Return the device of this process: its own CUDA device for ``"auto"`` and ``"cuda"``."""
    if n_processes() == 1 or name not in ("auto", "cuda"):
        return name
    return f"cuda:{os.environ['LOCAL_RANK']}" if dist.get_backend() == "nccl" else "cpu"


def n_processes() -> int:
    """Return how many processes train together, 1 without ``torchrun``."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this is the process that reports and writes."""
    return n_processes() == 1 or dist.get_rank() == 0


def share(rows: Tensor) -> Tensor:
    """Return the rows that this process takes of a minibatch: in turns, one for each process."""
    return rows if n_processes() == 1 else rows[dist.get_rank() :: n_processes()]


def draw_apart() -> None:
    """Let further random numbers of the processes differ; the first goes on as if alone."""
    if not is_first():
        torch.manual_seed(torch.initial_seed() + dist.get_rank())


def average_gradients(module: nn.Module, share_of_rows: float) -> None:
    """Give all processes the mean gradient over all rows of the minibatch.

    Parameters
    ----------
    module
        Its gradients are means over the rows of this process.
    share_of_rows
        Those rows divided by all rows of the minibatch.
    """
    if n_processes() == 1:
        return
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients]) * share_of_rows
    dist.all_reduce(flat)
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def average_buffers(module: nn.Module) -> None:
    """Give all processes the mean of what batch normalization has seen."""
    if n_processes() == 1:
        return
    for buffer in module.buffers():
        if buffer.is_floating_point():
            dist.all_reduce(buffer)
            buffer.div_(n_processes())


def total(values: Tensor) -> Tensor:
    """Return the sum of ``values`` over the processes."""
    if n_processes() > 1:
        values = values.clone()
        dist.all_reduce(values)
    return values


def from_first(values: Tensor) -> Tensor:
    """Return the first process's ``values`` in all of them, so that they decide alike."""
    if n_processes() > 1:
        values = values.clone()
        dist.broadcast(values, 0)
    return values


def agree(answer: bool, device: torch.device) -> bool:
    """Return the first process's answer in all of them."""
    return bool(from_first(torch.tensor(int(answer), device=device)).item())
