"""The objective (eq. 22): outputs of the network and data in, one mean per spot for each term."""

from __future__ import annotations

import math
from dataclasses import astuple
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from spatialmeta_core.integrate.distributions import kl_to_standard_normal

if TYPE_CHECKING:
    from spatialmeta_core.integrate.module import Minibatch, Outputs
    from spatialmeta_core.params import LossWeights

__all__ = ["LossTensors", "batch_mmd", "loss_tensors", "mmd", "mmd_by_random_features"]

# times the mean squared distance of the two batches; the small ones see what lies apart within a
# group of spots, which wide kernels miss where groups are far from each other
BANDWIDTHS = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0, 4.0)
SCORES_REPEATS = {"zinb", "nb"}  # score each spot under several predictions at once: less work
MIN_SPOTS_PER_BATCH = 3  # fewer say nothing about a distribution
MAX_EXACT_SPOTS = 512  # above, the kernel matrix costs more than the network: random features
N_FREQUENCIES = 256  # per bandwidth; each gives a cosine and a sine
FREQUENCY_SEED = 20_250  # any fixed number: the random features must not change between steps


class LossTensors(NamedTuple):
    """Terms of eq. 22, each a scalar tensor, the mean over the minibatch's spots.

    A likelihood is a sum over features, whichever it is, so that weights mean the same for all;
    the batch term, between 0 and about 2 in itself, is multiplied by the number of features. A
    term of a modality that is absent is 0, and so is the single-modality term of one that is alone.
    """

    st: Tensor
    sm: Tensor
    st_from_st: Tensor  # from the ST-only embedding
    sm_from_sm: Tensor
    kl: Tensor
    mmd: Tensor

    def total(self, weights: LossWeights) -> Tensor:
        """Add the weighted terms."""
        parts = zip(astuple(weights), self, strict=True)
        return torch.stack([weight * term for weight, term in parts]).sum()


def loss_tensors(outputs: Outputs, data: Minibatch, *, with_mmd: bool = True) -> LossTensors:
    """Compute every term of eq. 22 for one minibatch.

    Parameters
    ----------
    outputs
        What ``JointVAE`` returned for ``data``.
    data
        The minibatch, ``n`` spots.
    with_mmd
        Whether to compute the batch term, which is quadratic in ``n`` up to 512 spots.

    Returns
    -------
    LossTensors
        Unweighted means per spot.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, eq. 22.
    """
    codes = outputs.codes
    kl = kl_to_standard_normal(*codes.joint).mean()
    terms = dict.fromkeys(LossTensors._fields, torch.zeros_like(kl))
    for modality, values, predicted in zip(
        outputs.modalities, data.values, outputs.predicted, strict=True
    ):
        name, repeats = modality.name.lower(), 1 + bool(codes.single)
        observed = values if modality.loss in SCORES_REPEATS else values.repeat(repeats, 1)
        means = predicted.nll(observed).reshape(repeats, -1).mean(1)
        terms.update(zip((name, f"{name}_from_{name}"), means, strict=False))
    terms["kl"] = kl
    if with_mmd:
        n_features = sum(modality.n_features for modality in outputs.modalities)
        terms["mmd"] = n_features * batch_mmd(codes.joint.mean, data.batch)
    return LossTensors(**terms)


def batch_mmd(latent: Tensor, batch: Tensor) -> Tensor:
    """Return how far apart the batches lie: mean over pairs of batches, summed over batch keys.

    Parameters
    ----------
    latent
        Latent means, shape ``(n, n_latent)``.
    batch
        Batch codes, shape ``(n, n_batch_keys)``; a batch with fewer than 3 spots here is left out.

    Returns
    -------
    Tensor
        Scalar; 0 when no key has two batches to compare.
    """
    distance = mmd if len(latent) <= MAX_EXACT_SPOTS else mmd_by_random_features
    total = latent.new_zeros(())
    for codes in batch.unbind(1):
        levels, sizes = torch.unique(codes, return_counts=True)
        groups = [latent[codes == level] for level in levels[sizes >= MIN_SPOTS_PER_BATCH]]
        pairs = [distance(a, b) for i, a in enumerate(groups) for b in groups[:i]]
        if pairs:
            total = total + torch.stack(pairs).mean()
    return total


def _scale(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean squared distance of two rows drawn from both sets, without gradient."""
    both = torch.cat([a, b]).detach()
    return 2 * both.var(dim=0, unbiased=False).sum().clamp(min=1e-12)


def mmd(a: Tensor, b: Tensor) -> Tensor:
    r"""Return the squared maximum mean discrepancy of two sets of rows.

    .. math:: \frac{1}{7} \sum_s E\,k_s(a, a') + E\,k_s(b, b') - 2\,E\,k_s(a, b),
        \quad k_s(x, y) = \exp(-|x - y|^2 / (s\,\sigma^2))

    with :math:`s` in 1/64, 1/32, 1/16, 1/8, 1/4, 1, 4 and :math:`\sigma^2` the mean squared
    distance of two rows of both sets, so that the value does not depend on the scale of the latent
    space. A row is not compared with itself: otherwise small minibatches would draw rows together
    more than apart. So the mean over draws from one distribution is 0, and a single value can be a
    little below.

    Parameters
    ----------
    a, b
        Shape ``(n, n_latent)`` and ``(m, n_latent)``, at least two rows each.

    References
    ----------
    Gretton et al. (2012), Journal of Machine Learning Research 13, eq. 3.
    """
    rows = torch.cat([a, b])
    squared = (rows[:, None] - rows[None]).square().sum(2) / _scale(a, b)
    kernel = torch.stack([torch.exp(-squared / s) for s in BANDWIDTHS]).mean(0)
    n, m = len(a), len(b)
    within_a = (kernel[:n, :n].sum() - n) / (n * (n - 1))
    within_b = (kernel[n:, n:].sum() - m) / (m * (m - 1))
    return within_a + within_b - 2 * kernel[:n, n:].mean()


def mmd_by_random_features(a: Tensor, b: Tensor) -> Tensor:
    """Approximate ``mmd`` in time linear in the number of rows.

    Parameters
    ----------
    a, b
        Shape ``(n, n_latent)`` and ``(m, n_latent)``, at least two rows each.

    References
    ----------
    Rahimi and Recht (2007), "Random features for large-scale kernel machines".
    """
    generator = torch.Generator().manual_seed(FREQUENCY_SEED)
    shape = (len(BANDWIDTHS), a.shape[1], N_FREQUENCIES)
    frequency = torch.randn(shape, generator=generator, dtype=a.dtype).to(a.device)
    width = (_scale(a, b) * a.new_tensor(BANDWIDTHS) / 2).sqrt()
    frequency = (frequency / width[:, None, None]).transpose(0, 1).reshape(a.shape[1], -1)
    mean_a, mean_b = (_mean_feature(rows @ frequency) for rows in (a, b))
    n, m = len(a), len(b)
    within_a = (n * mean_a.square().sum() - 1) / (n - 1)
    within_b = (m * mean_b.square().sum() - 1) / (m - 1)
    return within_a + within_b - 2 * (mean_a * mean_b).sum()


def _mean_feature(phase: Tensor) -> Tensor:
    """Average rows of cosines and sines, each row scaled to length 1."""
    length = math.sqrt(phase.shape[1])
    return torch.cat([torch.cos(phase), torch.sin(phase)], dim=1).mean(0) / length
