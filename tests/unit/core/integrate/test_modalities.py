import numpy as np
import pytest
import scipy.stats
import torch

from spatialmeta_core.integrate.losses import loss_tensors
from spatialmeta_core.integrate.modalities import (
    CountMean,
    Counts,
    Modality,
    ValueMean,
    Values,
    ZeroInflatedValues,
    stacked,
)
from spatialmeta_core.integrate.module import UNKNOWN_BATCH, JointVAE, Minibatch
from spatialmeta_core.params import LossWeights, NetParams

SHAPE = (9, 5)


def draw(seed, *, low=-1.0, high=1.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(SHAPE, generator=generator, dtype=torch.float64) * (high - low) + low


@pytest.fixture
def counts():
    return torch.randint(0, 6, SHAPE, generator=torch.Generator().manual_seed(3)).double()


def test_the_negative_binomial_agrees_with_scipy(counts) -> None:
    log_mean, log_dispersion = draw(0, high=3.0), draw(1)
    mean, theta = log_mean.exp().numpy(), log_dispersion.exp().numpy()
    expected = -scipy.stats.nbinom.logpmf(counts.numpy(), theta, theta / (theta + mean)).sum(1)

    found = Counts(log_mean, log_dispersion).nll(counts)

    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_squared_errors_are_those_of_a_normal_distribution_of_spread_one(counts) -> None:
    log_mean, mean = draw(0), draw(1)
    constant = SHAPE[1] * 0.5 * np.log(2 * np.pi)
    of_counts = scipy.stats.norm.logpdf(
        np.log1p(counts.numpy()), np.log1p(np.exp(log_mean.numpy()))
    )
    of_values = scipy.stats.norm.logpdf(draw(2).numpy(), mean.numpy())

    np.testing.assert_allclose(CountMean(log_mean).nll(counts), -of_counts.sum(1) - constant)
    np.testing.assert_allclose(ValueMean(mean).nll(draw(2)), -of_values.sum(1) - constant)


def test_the_zero_inflated_normal_is_a_coin_and_then_a_normal_distribution() -> None:
    mean, sd, logit = draw(0), draw(1, low=0.5), draw(2)
    zero = torch.full(SHAPE, -3.0, dtype=torch.float64)
    values = torch.where(draw(3) < 0, zero, draw(4))
    p_zero = 1 / (1 + np.exp(-logit.numpy()))
    normal = scipy.stats.norm.logpdf(*(part.numpy() for part in (values, mean, sd)))
    expected = np.where(values.numpy() == -3, np.log(p_zero), np.log(1 - p_zero) + normal)

    predicted = ZeroInflatedValues(mean, sd, logit, zero)

    np.testing.assert_allclose(predicted.nll(values), -expected.sum(1))
    np.testing.assert_allclose(predicted.expected(), p_zero * -3 + (1 - p_zero) * mean.numpy())


def test_without_zeros_and_with_a_sure_coin_it_is_the_normal_distribution() -> None:
    mean, sd, values = draw(0), draw(1, low=0.5), draw(2)
    sure, zero = torch.full_like(mean, -40.0), torch.full_like(mean, -9.0)

    found = ZeroInflatedValues(mean, sd, sure, zero).nll(values)

    torch.testing.assert_close(found, Values(mean, sd).nll(values))


def test_stacking_keeps_the_kind_and_puts_rows_below_each_other() -> None:
    first, second = ValueMean(draw(0)), ValueMean(draw(1))

    found = stacked(first, second)

    assert isinstance(found, ValueMean)
    assert torch.equal(found.mean, torch.cat([first.mean, second.mean]))


GENES = Modality("ST", 6, "zinb", is_counts=True)
METABOLITES = Modality("SM", 4, "gaussian", is_counts=False)


def spots(*modalities):
    generator = torch.Generator().manual_seed(0)
    values = tuple(
        torch.randint(1, 9, (12, m.n_features), generator=generator).float()
        if m.is_counts
        else torch.randn(12, m.n_features, generator=generator)
        for m in modalities
    )
    return Minibatch(values, torch.arange(12)[:, None] % 3)


@pytest.mark.parametrize("st_loss", ["zinb", "nb", "mse"])
@pytest.mark.parametrize("sm_loss", ["gaussian", "zig", "mse"])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("batch_code", ["embedding", "onehot"])
def test_every_choice_trains_every_parameter_it_has(st_loss, sm_loss, shared, batch_code) -> None:
    torch.manual_seed(0)
    modalities = (
        Modality("ST", 6, st_loss, is_counts=True),
        Modality("SM", 4, sm_loss, is_counts=False),
    )
    params = NetParams(n_hidden=8, n_latent=3, shared_decoders=shared, batch_code=batch_code)
    module = JointVAE(modalities, batch_sizes=(3,), params=params)
    data = spots(*modalities)

    terms = loss_tensors(module(data), data)
    terms.total(LossWeights(mmd=1.0)).backward()

    assert all(torch.isfinite(term) for term in terms)
    for name, parameter in module.named_parameters():
        assert parameter.grad.abs().max() > 0, name
    assert len(module.single_decoders) == (0 if shared else 2)


def test_decoders_of_their_own_rebuild_single_embeddings() -> None:
    torch.manual_seed(0)
    params = NetParams(n_hidden=8, n_latent=3, shared_decoders=False)
    module = JointVAE((GENES, METABOLITES), params=params).eval()
    data = spots(GENES, METABOLITES)._replace(batch=torch.empty(12, 0).long())
    before = module(data).predicted[1].mean
    with torch.no_grad():
        module.single_decoders[1].heads["mean"].bias.add_(1.0)
    torch.manual_seed(0)

    after = module(data).predicted[1].mean

    torch.testing.assert_close(after[12:], before[12:] + 1)


@pytest.mark.parametrize("modality", [GENES, METABOLITES])
def test_a_modality_alone_has_no_second_term_of_its_own(modality) -> None:
    module = JointVAE((modality,), params=NetParams(n_hidden=8, n_latent=3))
    data = spots(modality)._replace(batch=torch.empty(12, 0).long())

    terms = loss_tensors(module(data), data)._asdict()

    name = modality.name.lower()
    assert {key for key, term in terms.items() if term != 0} == {name, "kl"}
    assert module.single_head is None


def test_a_third_modality_joins_by_being_listed() -> None:
    torch.manual_seed(0)
    image = Modality("Image", 7, "mse", is_counts=False)
    modalities = (GENES, METABOLITES, image)
    module = JointVAE(modalities, batch_sizes=(3,), params=NetParams(n_hidden=8, n_latent=3))
    data = spots(*modalities)

    outputs = module(data)

    assert len(outputs.codes.single) == 3
    assert outputs.predicted[2].expected().shape == (24, 7)
    assert outputs.predicted[2].nll(data.values[2].repeat(2, 1)).shape == (24,)


@pytest.mark.parametrize("batch_code", ["embedding", "onehot"])
def test_an_unknown_batch_has_the_mean_of_all_codes(batch_code) -> None:
    params = NetParams(n_hidden=8, n_latent=3, batch_code=batch_code)
    code = JointVAE((GENES,), batch_sizes=(3,), params=params).batch_codes[0]

    known = code(torch.arange(3))

    torch.testing.assert_close(code(torch.tensor([UNKNOWN_BATCH]))[0], known.mean(0))
    assert known.shape == (3, 8 if batch_code == "embedding" else 3)
