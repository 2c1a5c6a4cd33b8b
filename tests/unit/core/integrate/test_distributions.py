import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional

from spatialmeta_core.integrate import count_likelihood
from spatialmeta_core.integrate.distributions import (
    kl_to_standard_normal,
    nb_nll,
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


def autograd_nll(counts, log_mean, log_dispersion, zero_logit=None):
    """The textbook formula, differentiated by torch."""
    theta = log_dispersion.exp()
    log_total = torch.logaddexp(log_mean, log_dispersion)
    seen = (
        torch.lgamma(counts + theta)
        - torch.lgamma(theta)
        - torch.lgamma(counts + 1)
        + theta * (log_dispersion - log_total)
        + counts * (log_mean - log_total)
    )
    if zero_logit is None:
        return -seen.sum(1)
    log_extra, log_not = (functional.logsigmoid(sign * zero_logit) for sign in (1, -1))
    return -torch.where(
        counts == 0, torch.logaddexp(log_extra, log_not + seen), log_not + seen
    ).sum(1)


def nll_and_slopes(score, counts, parameters):
    leaves = [values.clone().requires_grad_() for values in parameters]
    nll = score(counts, *leaves)
    (nll * torch.arange(1.0, len(nll) + 1, dtype=nll.dtype)).sum().backward()
    return [nll.detach(), *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize("score", [zinb_nll, nb_nll])
def test_values_and_gradients_are_those_of_autograd(score, zinb_case) -> None:
    counts, mean, theta, logit = (tensor(values) for values in zinb_case)
    parameters = [mean.log(), theta.log(), logit][: 3 if score is zinb_nll else 2]

    found = nll_and_slopes(score, counts, parameters)

    for ours, expected in zip(found, nll_and_slopes(autograd_nll, counts, parameters), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("score", [zinb_nll, nb_nll])
def test_single_precision_is_as_good_as_its_digits(score) -> None:
    rng = np.random.default_rng(1)
    counts = tensor(rng.poisson(rng.gamma(0.3, 20.0, (20, 300))))
    counts[0, :3] = torch.tensor([3e4, 900.0, 1.0])
    parameters = [
        tensor(rng.normal(0, 2, counts.shape)),
        tensor(rng.uniform(-6, 8, counts.shape)),  # the whole range that the network may say
        tensor(rng.normal(-1, 3, counts.shape)),
    ][: 3 if score is zinb_nll else 2]

    found = nll_and_slopes(score, counts.float(), [values.float() for values in parameters])

    expected = nll_and_slopes(autograd_nll, counts, parameters)
    torch.testing.assert_close(found[0].double(), expected[0], rtol=1e-5, atol=0)
    for ours, slope in zip(found[1:], expected[1:], strict=True):
        torch.testing.assert_close(ours.double(), slope, rtol=1e-3, atol=3e-3)


def test_one_row_of_counts_is_scored_under_several_rows_of_parameters(zinb_case) -> None:
    counts, *parameters = (tensor(values) for values in zinb_case)
    parameters = [torch.cat([values, values + 0.3, values - 0.3]) for values in parameters]

    found = nll_and_slopes(zinb_nll, counts, parameters)

    for ours, expected in zip(
        found, nll_and_slopes(zinb_nll, counts.repeat(3, 1), parameters), strict=True
    ):
        torch.testing.assert_close(ours, expected)


def test_blocks_of_rows_do_not_change_the_numbers(zinb_case, monkeypatch) -> None:
    counts, *parameters = (tensor(values).float() for values in zinb_case)
    whole = nll_and_slopes(zinb_nll, counts, parameters)

    monkeypatch.setattr(count_likelihood, "BLOCK_VALUES", 90)  # two rows of forty

    for ours, expected in zip(nll_and_slopes(zinb_nll, counts, parameters), whole, strict=True):
        torch.testing.assert_close(ours, expected)


def test_without_gradients_the_value_is_the_same(zinb_case) -> None:
    counts, *parameters = (tensor(values).float() for values in zinb_case)
    expected = nll_and_slopes(zinb_nll, counts, parameters)[0]

    with torch.no_grad():
        assert torch.equal(zinb_nll(counts, *parameters), expected)


def test_a_parameter_that_is_not_a_number_shows_in_the_loss(zinb_case) -> None:
    counts, *parameters = (tensor(values).float() for values in zinb_case)
    for place in range(3):
        broken = [values.clone() for values in parameters]
        broken[place][2, 5] = float("nan")

        assert zinb_nll(counts, *broken).isnan().tolist() == [False] * 2 + [True] + [False] * 3


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
