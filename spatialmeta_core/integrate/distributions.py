r"""Negative log-likelihoods and divergences, one number per spot.

The zero-inflated negative binomial is kept in logarithms. With :math:`r = \log(\mu / \theta)`,
:math:`t = \log(1 + \mu / \theta)` and the zero logit :math:`c`,

.. math::
    -\log p(0) &= s(c) + \theta t - s(c + \theta t) \\
    -\log p(x) &= s(c) + \theta t - x (r - t)
                  - \log\frac{\Gamma(x + \theta)}{\Gamma(\theta)\, x!}, \quad x > 0

where :math:`s` is the softplus. The gamma functions cost more than all else together, and they
are needed only where something was counted, so they are evaluated on those entries alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["kl_to_standard_normal", "normal_nll", "zinb_nll"]

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
        Logarithm of the mean of the negative binomial part, same shape.
    log_dispersion
        Logarithm of the inverse dispersion theta (variance = mean + mean**2 / theta), same shape.
    zero_logit
        Logit of the probability of an extra zero, same shape.

    Returns
    -------
    Tensor
        Negative log-likelihood in nats, shape ``(n,)``.

    References
    ----------
    Tian et al. (2025), doi 10.1038/s41467-025-63915-z, "ST decoder".
    """
    theta = torch.exp(log_dispersion)
    log_ratio = log_mean - log_dispersion
    softplus_ratio = functional.softplus(log_ratio)
    theta_t = theta * softplus_ratio
    nll = functional.softplus(zero_logit) + theta_t - counts * (log_ratio - softplus_ratio)
    zeros_only = functional.softplus(zero_logit + theta_t) * (counts == 0)
    return (nll - zeros_only).sum(1) - _log_gamma_ratio(counts, theta)


def _log_gamma_ratio(counts: Tensor, theta: Tensor) -> Tensor:
    """Sum ``log(Gamma(x + theta) / (Gamma(theta) x!))`` over genes where ``x > 0``."""
    row, column = torch.nonzero(counts, as_tuple=True)
    seen, theta = counts[row, column], theta[row, column]
    terms = torch.lgamma(seen + theta) - torch.lgamma(theta) - torch.lgamma(seen + 1)
    return terms.new_zeros(len(counts)).index_add(0, row, terms)


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
