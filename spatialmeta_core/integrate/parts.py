"""What goes into the network and what comes out, and the code of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from spatialmeta_core.integrate.modalities import Modality, Predicted
    from spatialmeta_core.nets import Gaussian

__all__ = ["UNKNOWN_BATCH", "BatchCode", "Codes", "Minibatch", "Outputs"]

UNKNOWN_BATCH = -1  # the code of a batch that the network was not trained on


class Minibatch(NamedTuple):
    """Some spots.

    Attributes
    ----------
    values
        Raw counts or standardized values of each modality, in the order of the network's list,
        each ``(n, n_features)``.
    batch
        Batch codes, ``(n, n_batch_keys)``, int64; ``UNKNOWN_BATCH`` for one never trained on.
    level
        Which of the shifts of the inputs to use, ``(n,)``, int64; None: that of the batches.
    """

    values: tuple[Tensor, ...]
    batch: Tensor
    level: Tensor | None = None

    @property
    def n_spots(self) -> int:
        """Number of spots."""
        return len(self.batch)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The data and the batch codes, the modalities first."""
        return (*self.values, self.batch)

    def take(self, rows: Tensor | slice) -> Minibatch:
        """Return the spots ``rows``."""
        level = None if self.level is None else self.level[rows]
        return Minibatch(tuple(part[rows] for part in self.values), self.batch[rows], level)

    def to(self, device: torch.device) -> Minibatch:
        """Return the spots on ``device``."""
        moved = [part.to(device, non_blocking=True) for part in self.tensors]
        level = None if self.level is None else self.level.to(device)
        return Minibatch(tuple(moved[:-1]), moved[-1], level)


class Codes(NamedTuple):
    """Latent codes: the joint distribution, and each modality's means, ``(n, n_latent)``.

    ``single`` is empty where there is one modality only.
    """

    joint: Gaussian
    single: tuple[Tensor, ...]


class Outputs(NamedTuple):
    """What one pass returns: codes, and the modalities in their order.

    The rows of what is predicted are ``n`` joint ones, then ``n`` single ones if there are any.
    """

    codes: Codes
    modalities: tuple[Modality, ...]
    predicted: tuple[Predicted, ...]


class BatchCode(nn.Module):
    """The code of a level of one batch key: trained, or one-hot.

    A level never trained on gets the mean of all codes.

    Parameters
    ----------
    n_levels
        Number of levels.
    width
        Width of the trained code; None for one-hot.
    """

    table: Tensor

    def __init__(self, n_levels: int, width: int | None) -> None:
        super().__init__()
        if width is None:
            self.register_buffer("table", torch.eye(n_levels))
        else:
            self.table = nn.Parameter(torch.randn(n_levels, width))

    def forward(self, levels: Tensor) -> Tensor:
        """Return codes ``(n, width)`` of ``levels (n,)``."""
        table = torch.cat([self.table, self.table.mean(0, keepdim=True)])
        return functional.embedding(levels.remainder(len(table)), table)  # -1 is the last row
