import math

import pytest
import torch

from spatialmeta_core.errors import SpatialMetaError
from spatialmeta_core.integrate.data import prepare
from spatialmeta_core.integrate.module import JointVAE
from spatialmeta_core.integrate.train import minibatches, optimize, seeded, split
from spatialmeta_core.params import LossWeights, TrainParams

CPU = torch.device("cpu")


@pytest.fixture
def data(joint):
    return prepare(joint)


@pytest.fixture
def spots(data):
    return data.spots


@pytest.fixture
def module(data, net):
    torch.manual_seed(0)
    return JointVAE(data.modalities, params=net)


@pytest.mark.parametrize("n", [2, 7, 8, 9, 12, 17])
def test_minibatches_hold_every_spot_once_and_never_one_alone(n) -> None:
    parts = minibatches(torch.arange(n), 4)

    assert torch.cat(parts).tolist() == list(range(n))
    assert min(map(len, parts)) >= 2


def test_every_process_gets_two_spots_of_each_minibatch() -> None:
    parts = minibatches(torch.arange(23), 10, smallest=4)

    assert [len(part) for part in parts] == [10, 13]
    assert [len(part) for part in minibatches(torch.arange(23), 2, smallest=8)] == [8, 15]


def test_the_held_out_spots_are_the_asked_share_and_apart() -> None:
    train, held = split(50, TrainParams(validation_fraction=0.1))

    assert len(held) == 5
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(50))
    again = split(50, TrainParams(validation_fraction=0.1))[1]
    other = split(50, TrainParams(validation_fraction=0.1, seed=1))[1]
    assert held.tolist() == again.tolist() != other.tolist()


def test_seeded_numbers_repeat_and_leave_the_generator_as_it_was() -> None:
    before = torch.get_rng_state()
    draws = []
    for seed, stream in ((0, 1), (0, 1), (0, 2), (1, 1), (0, -1)):
        with seeded(seed, stream, CPU):
            draws.append(torch.rand(1).item())

    assert draws[0] == draws[1]
    assert len(set(draws)) == 4
    assert torch.equal(torch.get_rng_state(), before)


def test_the_loss_falls_and_the_best_epoch_has_the_lowest_validation(module, spots) -> None:
    fit = optimize(module, spots, TrainParams(max_epochs=25, batch_size=32), LossWeights())

    totals = [report.validation.total for report in fit.reports]
    assert min(totals) < totals[0]
    assert fit.best_epoch == totals.index(min(totals)) + 1
    assert fit.best_loss == min(totals)
    assert [r.epoch for r in fit.reports if r.is_best][-1] == fit.best_epoch


def test_the_module_ends_at_its_best_state_in_evaluation_mode(module, spots, short) -> None:
    fit = optimize(module, spots, short, LossWeights())

    assert not module.training
    for name, value in module.state_dict().items():
        assert torch.equal(value, fit.best[name]), name


def test_reported_totals_are_weighted_sums_with_the_full_kl_weight(module, spots, short) -> None:
    weights = LossWeights(2.0, 3.0, 4.0, 5.0, 6.0, 0.0)

    for report in optimize(module, spots, short, weights).reports:
        for terms in (report.train, report.validation):
            expected = 2 * terms.st + 3 * terms.sm + 4 * terms.st_from_st + 5 * terms.sm_from_sm
            assert terms.total == pytest.approx(expected + 6 * terms.kl, rel=1e-6)


def test_training_stops_when_validation_does_not_improve(module, spots) -> None:
    params = TrainParams(max_epochs=400, patience=4, learning_rate=0.02, batch_size=32)

    fit = optimize(module, spots, params, LossWeights())

    assert len(fit.reports) == fit.best_epoch + 4 < 400


def test_without_held_out_spots_the_training_loss_decides(module, spots) -> None:
    params = TrainParams(max_epochs=3, validation_fraction=0.0)

    for report in optimize(module, spots, params, LossWeights()).reports:
        assert report.validation == report.train


def test_a_true_answer_stops_training(module, spots, short) -> None:
    fit = optimize(module, spots, short, LossWeights(), on_epoch=lambda r: r.epoch == 2)

    assert len(fit.reports) == 2


def test_what_the_callback_raises_passes_through(module, spots, short) -> None:
    def cancel(report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimize(module, spots, short, LossWeights(), on_epoch=cancel)


def test_an_unstable_training_keeps_its_best_state_and_says_so(module, spots, short) -> None:
    def poison(report):
        if report.epoch == 2:
            with torch.no_grad():
                module.decoders[1].heads["mean"].bias.fill_(math.nan)

    fit = optimize(module, spots, short, LossWeights(), on_epoch=poison)

    assert [report.epoch for report in fit.reports] == [1, 2]
    assert fit.notes[0].startswith("E-22: Training became unstable at epoch 3")
    assert f"from epoch {fit.best_epoch} is kept" in fit.notes[0]
    assert all(torch.isfinite(value).all() for value in module.state_dict().values())


def test_a_training_unstable_from_the_start_is_an_error(module, spots, short) -> None:
    with torch.no_grad():
        module.decoders[1].heads["mean"].bias.fill_(math.nan)

    with pytest.raises(SpatialMetaError, match="at epoch 1, before any state") as caught:
        optimize(module, spots, short, LossWeights())

    assert caught.value.code == "E-22"
