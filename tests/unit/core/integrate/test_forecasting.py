import time
from dataclasses import asdict

import pytest

from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.integrate import forecast, integrate
from spatialmeta_core.params import NetParams, TrainParams

FEW = TrainParams(max_epochs=6, batch_size=64)


@pytest.fixture
def large(joint):
    import anndata

    return anndata.concat([joint] * 20, index_unique="-", merge="first")


def test_the_processor_time_is_about_what_training_takes(large) -> None:
    net = NetParams(n_hidden=64, n_latent=4)
    found = forecast(large.n_obs, 30, 12, net, FEW, device="cpu")

    started = time.process_time()
    integrate(large, net, TrainParams(max_epochs=6, batch_size=64, separate=False), device="cpu")
    took = time.process_time() - started

    assert found.epochs_expected == 6
    assert took / 3 < found.cpu_seconds < took * 3


def test_time_and_memory_grow_with_the_spots() -> None:
    small, large = (forecast(n, 200, 50, train=FEW, device="cpu") for n in (2_000, 20_000))

    assert 5 < large.cpu_seconds / small.cpu_seconds < 20
    added = large.peak_bytes - small.peak_bytes
    data = 18_000 * 250 * 4
    assert 2 * data < added < 6 * data  # the joint matrix, the dense data and the answers
    assert large.device_bytes == 0


def test_large_data_stay_sparse_within_the_budget() -> None:
    tight = TrainParams(max_epochs=6, memory_gb=0.01)

    found = forecast(20_000, 200, 50, train=tight, device="cpu")

    assert not found.is_dense
    assert "each minibatch made dense" in found.basis
    dense = forecast(20_000, 200, 50, train=FEW, device="cpu")
    assert found.peak_bytes < dense.peak_bytes


def test_early_stopping_is_expected_sooner_with_more_spots() -> None:
    epochs = [forecast(n, 20, 10, device="cpu").epochs_expected for n in (600, 2_000, 10_000)]

    assert epochs[0] > epochs[1] >= epochs[2] >= 22 + TrainParams().patience
    assert forecast(600, 20, 10, train=FEW, device="cpu").epochs_expected == 6


def test_one_modality_can_be_forecast() -> None:
    assert forecast(500, 0, 40, train=FEW, device="cpu").cpu_seconds > 0
    assert forecast(500, 40, 0, train=FEW, device="cpu").cpu_seconds > 0


def test_the_numbers_are_plain_and_the_basis_is_told() -> None:
    found = asdict(forecast(500, 40, 20, train=FEW, device="cpu"))

    assert {type(value) for value in found.values()} <= {int, float, bool, str}
    assert "ms per step of 64 spots on cpu" in found["basis"]
    assert "about 6 epochs" in found["basis"]


@pytest.mark.parametrize("shape", [(5, 40, 20), (500, 1, 0)])
def test_too_little_to_train_on_is_refused(shape) -> None:
    with pytest.raises(InvalidParamsError, match="allowed is"):
        forecast(*shape)
