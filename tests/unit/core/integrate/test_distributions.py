import numpy as np
import pytest
import torch
from scipy import stats

from spatialmeta_core.integrate.distributions import (
    kl_to_standard_normal,
    normal_nll,
    zinb_nll,
)


def tensor(values):
    return torch.tensor(np.asarray(values), dtype=torch.float64)


@pytest.fixture
def zinb_case():
    rng = np.random.default_rng(0)
    counts = rng.poisson(3.0, (6, 40)) * rng.integers(0, 2, (6, 40))
    mean, theta = rng.gamma(2, 2, (6, 40)), rng.gamma(2, 2, (6, 40))
    return counts, mean, theta, rng.normal(0, 2, (6, 40))


def test_zinb_agrees_with_the_textbook_formula_of_scipy(zinb_case) -> None:
    counts, mean, theta, logit = zinb_case
    extra = 1 / (1 + np.exp(-logit))
    p = (1 - extra) * stats.nbinom.pmf(counts, theta, theta / (theta + mean))
    expected = -np.log(p + extra * (counts == 0)).sum(axis=1)

    found = zinb_nll(tensor(counts), tensor(np.log(mean)), tensor(np.log(theta)), tensor(logit))

    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_zinb_probabilities_sum_to_one() -> None:
    counts = tensor(np.arange(400.0))[:, None]
    one = torch.ones_like(counts)

    nll = zinb_nll(counts, np.log(5.0) * one, np.log(2.0) * one, -1.0 * one)

    assert torch.exp(-nll).sum().item() == pytest.approx(1.0, abs=1e-9)


def test_zinb_gradient_agrees_with_finite_differences(zinb_case) -> None:
    counts, mean, theta, logit = (tensor(x)[:2, :5] for x in zinb_case)
    parameters = [x.requires_grad_() for x in (mean.log(), theta.log(), logit)]

    assert torch.autograd.gradcheck(lambda *p: zinb_nll(counts, *p), parameters)


@pytest.mark.parametrize("extreme", [-60.0, 60.0])
def test_zinb_stays_finite_at_extreme_parameters(extreme) -> None:
    counts = torch.tensor([[0.0, 1.0, 5000.0]])
    for place in range(3):
        parameters = [torch.zeros(1, 3) for _ in range(3)]
        parameters[place] += extreme if place != 1 else extreme / 10

        assert torch.isfinite(zinb_nll(counts, *parameters)).all()


def test_normal_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    values, mean, sd = rng.normal(size=(4, 9)), rng.normal(size=(4, 9)), rng.gamma(2, 1, (4, 9))

    found = normal_nll(tensor(values), tensor(mean), tensor(sd))

    np.testing.assert_allclose(found, -stats.norm.logpdf(values, mean, sd).sum(1), rtol=1e-12)


def test_kl_agrees_with_torch_and_vanishes_at_the_prior() -> None:
    mean, variance = torch.randn(5, 3), torch.rand(5, 3) + 0.1
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, variance.sqrt()), normal(0.0, 1.0))

    torch.testing.assert_close(kl_to_standard_normal(mean, variance), expected.sum(1))
    assert kl_to_standard_normal(torch.zeros(2, 3), torch.ones(2, 3)).tolist() == [0.0, 0.0]
