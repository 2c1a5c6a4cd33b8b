"""A small variational autoencoder for the latent values of one section.

Eqs 5 and 6 of the paper compare the means of two such networks, one for each modality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.nets import Gaussian, GaussianHead, hidden_layer

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray

N_HIDDEN = 128
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-6
BATCH = 256
N_STEPS = 400  # minibatches, whatever the number of spots
WARM_UP = 0.5  # of the steps, until the KL term has its full weight
LOG_SD_MIN = -3.0  # keeps the likelihood bounded


class SmallVAE(nn.Module):
    """Gaussian encoder and decoder with one hidden layer each; one spread per feature."""

    def __init__(self, n_features: int, n_latent: int) -> None:
        super().__init__()
        self.encoder = hidden_layer(n_features, N_HIDDEN)
        self.head = GaussianHead(N_HIDDEN, n_latent)
        self.decoder = nn.Sequential(
            hidden_layer(n_latent, N_HIDDEN), nn.Linear(N_HIDDEN, n_features)
        )
        self.log_sd = nn.Parameter(torch.zeros(n_features))

    def encode(self, x: Tensor) -> Gaussian:
        """Distribution of the latent values of ``x`` ``(n, n_features)``."""
        code: Gaussian = self.head(self.encoder(x))
        return code

    def loss(self, x: Tensor, kl_weight: float) -> Tensor:
        """Negative evidence lower bound, mean per spot, up to a constant."""
        code = self.encode(x)
        z = code.mean + torch.sqrt(code.variance) * torch.randn_like(code.mean)
        log_sd = self.log_sd.clamp(min=LOG_SD_MIN)
        misfit = (0.5 * ((x - self.decoder(z)) * torch.exp(-log_sd)) ** 2 + log_sd).sum(dim=1)
        kl = 0.5 * (code.variance + code.mean**2 - 1 - torch.log(code.variance)).sum(dim=1)
        total: Tensor = (misfit + kl_weight * kl).mean()
        return total


def vae_latents(standard: FloatArray, n_latent: int, seed: int) -> FloatArray:
    """Train on one section and return the latent means.

    Parameters
    ----------
    standard
        Standardized values, shape ``(n, n_features)``.
    n_latent
        Width of the result, shape ``(n, n_latent)``.
    seed
        The same seed gives the same numbers; torch's own generator is left as it was.

    Raises
    ------
    InvalidDataError
        If the training diverges.
    """
    x = torch.as_tensor(np.ascontiguousarray(standard, dtype=np.float32))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = SmallVAE(x.shape[1], n_latent)
        optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        net.train()
        for step in range(N_STEPS):
            spots = torch.randint(len(x), (min(BATCH, len(x)),))
            loss = net.loss(x[spots], min(1.0, (step + 1) / (WARM_UP * N_STEPS)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()
    with torch.no_grad():
        means = torch.cat([net.encode(part).mean for part in torch.split(x, 4096)])
    if not bool(torch.isfinite(means).all()):
        raise InvalidDataError(
            "The autoencoder did not settle on these values. Use principal components instead."
        )
    return means.numpy().astype(float)
