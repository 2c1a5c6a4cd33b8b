"""Negative log-likelihoods and divergences, one number per spot."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor

from spatialmeta_core.integrate.count_likelihood import CountLikelihood

__all__ = ["HALF_LOG_TWO_PI", "kl_to_standard_normal", "nb_nll", "normal_nll", "zinb_nll"]

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def zinb_nll(
    counts: Tensor, log_mean: Tensor, log_dispersion: Tensor, zero_logit: Tensor
) -> Tensor:
    """Score counts under a zero-inflated negative binomial, summed over genes.

    Parameters
    ----------
    counts
        Whole numbers, 0 or more, shape ``(n, n_genes)``.
    log_mean
        Logarithm of the mean of the negative binomial part, shape ``(k * n, n_genes)``: row ``i``
        of the counts is scored under the rows ``i``, ``i + n``, ... of the parameters.
    log_dispersion
        Logarithm of the inverse dispersion theta (variance = mean + mean**2 / theta), as the mean.
    zero_logit
        Logit of the probability of an extra zero, as the mean; taken within -30 to 30.

    Returns
    -------
    Tensor
        Negative log-likelihood in nats, shape ``(k * n,)``. It has first derivatives only, and
        none with respect to the counts.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, "ST decoder".
    """
    return _count_nll(counts, log_mean, log_dispersion, zero_logit)


def nb_nll(counts: Tensor, log_mean: Tensor, log_dispersion: Tensor) -> Tensor:
    """Score counts under a negative binomial, summed over genes.

    Parameters
    ----------
    counts
        Whole numbers, 0 or more, shape ``(n, n_genes)``.
    log_mean, log_dispersion
        Logarithm of the mean and of the inverse dispersion theta, shape ``(k * n, n_genes)``; see
        ``zinb_nll``.

    Returns
    -------
    Tensor
        Negative log-likelihood in nats, shape ``(k * n,)``.
    """
    return _count_nll(counts, log_mean, log_dispersion, None)


def _count_nll(*tensors: Tensor | None) -> Tensor:
    return cast("Tensor", CountLikelihood.apply(*tensors))  # type: ignore[no-untyped-call]


def normal_nll(values: Tensor, mean: Tensor, sd: Tensor) -> Tensor:
    """Score values under independent normal distributions, summed over metabolites.

    Parameters
    ----------
    values, mean, sd
        Observation, mean and standard deviation (above 0), each ``(n, n_metabolites)``.

    Returns
    -------
    Tensor
        Negative log-likelihood in nats, shape ``(n,)``.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, "SM decoder".
    """
    standardized = (values - mean) / sd
    return (0.5 * standardized.square() + torch.log(sd) + HALF_LOG_TWO_PI).sum(1)


def kl_to_standard_normal(mean: Tensor, variance: Tensor) -> Tensor:
    """Return the divergence of ``N(mean, variance)`` from ``N(0, 1)``, summed over latent columns.

    Parameters
    ----------
    mean, variance
        Shape ``(n, n_latent)``; the variance is above 0.

    Returns
    -------
    Tensor
        Kullback-Leibler divergence in nats, shape ``(n,)``.
    """
    return 0.5 * (mean.square() + variance - torch.log(variance) - 1).sum(1)
