"""Torch building blocks shared by the models."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Gaussian", "GaussianHead", "hidden_layer"]

LOG_VARIANCE_MAX = 10.0  # exp(10) is far wider than the standard normal prior; keeps exp finite


class Gaussian(NamedTuple):
    """A diagonal normal distribution; ``mean`` and ``variance`` are each ``(n, n_latent)``."""

    mean: Tensor
    variance: Tensor


def hidden_layer(n_in: int, n_out: int, *, dropout: float = 0.0) -> nn.Sequential:
    """Stack linear map, batch normalization, ReLU and, if asked, dropout.

    Parameters
    ----------
    n_in, n_out
        Width before and after: ``(n, n_in)`` becomes ``(n, n_out)``.
    dropout
        Share of outputs set to zero in training, 0 to 1.

    Returns
    -------
    nn.Sequential
        A layer that needs two rows or more in training, because of the batch normalization.
    """
    # the normalization subtracts the column mean, so a bias before it would be a dead parameter
    parts = [nn.Linear(n_in, n_out, bias=False), nn.BatchNorm1d(n_out, eps=1e-3), nn.ReLU()]
    return nn.Sequential(*parts, nn.Dropout(dropout)) if dropout > 0 else nn.Sequential(*parts)


class GaussianHead(nn.Module):
    r"""Read a diagonal normal distribution off hidden units.

    .. math:: \mu = W_\mu h + b_\mu, \qquad v = \exp(W_v h + b_v) + \epsilon

    where :math:`v` is the variance.

    Parameters
    ----------
    n_in
        Width of ``h``.
    n_latent
        Width of the mean and of the variance.
    variance_floor
        :math:`\epsilon`, added to the variance.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eqs 10 to 12.
    """

    def __init__(self, n_in: int, n_latent: int, *, variance_floor: float = 1e-4) -> None:
        super().__init__()
        self.mean = nn.Linear(n_in, n_latent)
        self.log_variance = nn.Linear(n_in, n_latent)
        self.variance_floor = variance_floor

    def forward(self, hidden: Tensor) -> Gaussian:
        """Return mean and variance, each ``(n, n_latent)``, for ``hidden`` of ``(n, n_in)``."""
        log_variance = self.log_variance(hidden).clamp(max=LOG_VARIANCE_MAX)
        return Gaussian(self.mean(hidden), torch.exp(log_variance) + self.variance_floor)
