from dataclasses import fields

import numpy as np
import pytest
import torch

from spatialmeta_core.integrate.losses import (
    LossTensors,
    batch_mmd,
    loss_tensors,
    mmd,
    mmd_by_random_features,
)
from spatialmeta_core.integrate.modalities import Modality
from spatialmeta_core.integrate.module import JointVAE, Minibatch
from spatialmeta_core.params import LossWeights, NetParams
from spatialmeta_core.types import LossTerms


def test_weights_and_terms_have_the_same_names_in_the_same_order() -> None:
    names = tuple(field.name for field in fields(LossWeights))

    assert names == LossTensors._fields
    assert (*names, "total") == LossTerms._fields


def test_the_total_is_the_weighted_sum() -> None:
    terms = LossTensors(*torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))

    assert terms.total(LossWeights(1, 10, 100, 1000, 0, 2)).item() == 1 + 20 + 300 + 4000 + 12


def test_terms_are_means_per_spot() -> None:
    torch.manual_seed(0)
    modalities = (
        Modality("ST", 5, "zinb", is_counts=True),
        Modality("SM", 4, "gaussian", is_counts=False),
    )
    module = JointVAE(modalities, params=NetParams(n_hidden=8)).eval()
    once = Minibatch(
        (torch.randint(1, 9, (6, 5)).float(), torch.randn(6, 4)), torch.empty(6, 0).long()
    )
    twice = once.take(torch.arange(6).repeat(2))
    outputs, doubled = module(once), module(twice)

    first, second = loss_tensors(outputs, once), loss_tensors(doubled, twice)

    for name in ("st_from_st", "sm_from_sm", "kl"):  # those without sampling
        torch.testing.assert_close(getattr(first, name), getattr(second, name))


def slow_mmd(a, b):
    both = np.vstack([a, b])
    squared = ((both[:, None] - both[None]) ** 2).sum(2)
    bandwidth = squared.mean()
    total = 0.0
    for s in (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1, 4):
        k = np.exp(-squared / (s * bandwidth))
        n, m = len(a), len(b)
        within_a = sum(k[i, j] for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
        later = range(n, n + m)
        within_b = sum(k[i, j] for i in later for j in later if i != j) / (m * (m - 1))
        total += (within_a + within_b - 2 * k[:n, n:].mean()) / 7
    return total


def test_mmd_agrees_with_the_sum_over_pairs() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(7, 3)), rng.normal(1, 1, (9, 3))

    assert mmd(torch.tensor(a), torch.tensor(b)).item() == pytest.approx(slow_mmd(a, b))


def test_mmd_averages_zero_over_draws_from_one_distribution() -> None:
    generator = torch.Generator().manual_seed(0)

    values = [mmd(*torch.randn(2, 8, 3, generator=generator)).item() for _ in range(400)]

    assert np.mean(values) == pytest.approx(0.0, abs=3 * np.std(values) / 20)


def test_mmd_grows_with_distance() -> None:
    a, b = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0))

    values = [mmd(a, b + shift).item() for shift in (0.0, 0.5, 1.0, 3.0)]

    assert values == sorted(values)


@pytest.mark.parametrize("n", [200, 600])  # exact, and by random features
def test_following_the_gradient_of_the_mmd_joins_two_batches(n) -> None:
    latent = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
    batch = (torch.arange(n) % 2)[:, None]
    latent = (latent + 3 * batch).requires_grad_()
    optimizer = torch.optim.Adam([latent], lr=0.1)

    def gap():
        return (latent[::2].mean(0) - latent[1::2].mean(0)).norm().item()

    before = gap()
    for _ in range(200):
        optimizer.zero_grad()
        batch_mmd(latent, batch).backward()
        optimizer.step()

    assert gap() < 0.2 * before
    assert latent.std().item() > 0.5  # joined, not collapsed


def test_mmd_does_not_depend_on_the_scale_of_the_latent_space() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 30, 3, generator=generator, dtype=torch.float64)

    torch.testing.assert_close(mmd(a, b), mmd(a * 100, b * 100))


def test_random_features_come_near_the_exact_mmd() -> None:
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(200, 4, generator=generator)
    b = torch.randn(300, 4, generator=generator) + 1

    assert mmd_by_random_features(a, b).item() == pytest.approx(mmd(a, b).item(), rel=0.1)


def test_batches_are_compared_in_pairs_and_keys_add_up() -> None:
    latent = torch.randn(12, 2, generator=torch.Generator().manual_seed(0))
    three = torch.tensor([0, 1, 2] * 4)
    two = torch.tensor([0, 1] * 6)
    groups = [latent[three == i] for i in range(3)]
    pairs = [mmd(groups[1], groups[0]), mmd(groups[2], groups[0]), mmd(groups[2], groups[1])]
    expected = sum(pairs) / 3 + mmd(latent[two == 1], latent[two == 0])

    torch.testing.assert_close(batch_mmd(latent, torch.stack([three, two], 1)), expected)


@pytest.mark.parametrize("codes", [[0, 0, 0, 0, 0], [0, 0, 0, 1, 1]])
def test_a_batch_alone_or_of_two_spots_is_not_compared(codes) -> None:
    batch = torch.tensor(codes)[:, None]

    assert batch_mmd(torch.randn(5, 2), batch).item() == 0.0
    assert batch_mmd(torch.randn(5, 2), torch.empty(5, 0).long()).item() == 0.0


def test_the_batch_term_counts_once_for_every_feature() -> None:
    torch.manual_seed(0)
    modalities = (
        Modality("ST", 5, "zinb", is_counts=True),
        Modality("SM", 4, "gaussian", is_counts=False),
    )
    module = JointVAE(modalities, batch_sizes=(2,), params=NetParams(n_hidden=8)).eval()
    values = (torch.randint(1, 9, (12, 5)).float(), torch.randn(12, 4))
    data = Minibatch(values, torch.arange(12)[:, None] % 2)
    outputs = module(data)

    expected = 9 * batch_mmd(outputs.codes.joint.mean, data.batch)

    torch.testing.assert_close(loss_tensors(outputs, data).mmd, expected)
    assert loss_tensors(outputs, data, with_mmd=False).mmd == 0
