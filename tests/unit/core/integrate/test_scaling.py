import numpy as np
import pytest

from spatialmeta_core.integrate.scaling import learn_scaling, log_normalize_tic


@pytest.fixture
def intensity():
    values = np.random.default_rng(0).gamma(2.0, 50.0, (40, 6))
    values[:5, 2] = 0
    return values


def test_metabolites_are_shares_on_a_log_scale() -> None:
    found = log_normalize_tic(np.array([[1.0, 3.0]]), np.array([4.0]))

    np.testing.assert_allclose(found, np.log1p([[2500.0, 7500.0]]))


@pytest.mark.parametrize("normalize", [True, False])
def test_scaling_can_be_undone(intensity, normalize) -> None:
    total = intensity.sum(1)
    scaling, n_constant = learn_scaling(intensity, total, normalize=normalize)
    given = log_normalize_tic(intensity, total) if normalize else intensity

    found = scaling.back(scaling.forward(intensity, total))

    np.testing.assert_allclose(found, given, rtol=1e-4, atol=1e-4)
    assert n_constant == 0


@pytest.mark.parametrize("normalize", [True, False])
def test_an_intensity_of_zero_becomes_the_value_for_zero(intensity, normalize) -> None:
    total = intensity.sum(1)
    scaling, _ = learn_scaling(intensity, total, normalize=normalize)

    values = scaling.forward(intensity, total)

    assert (values[:5, 2] == scaling.zero[2]).all()
    assert (values[5:, 2] > scaling.zero[2] + 1e-3).all()


def test_as_given_means_one_divisor_for_all(intensity) -> None:
    scaling, _ = learn_scaling(intensity, intensity.sum(1), normalize=False)

    values = scaling.forward(intensity, intensity.sum(1))

    np.testing.assert_allclose(
        values / intensity.clip(1e-9),
        values[9, 3] / intensity[9, 3],
        rtol=1e-5,
        atol=1 / scaling.scale[0],
    )
    assert np.mean(values.var(0)) == pytest.approx(1.0, rel=1e-4)


def test_values_that_never_vary_are_left_finite(intensity) -> None:
    flat = np.ones_like(intensity)

    for normalize in (True, False):
        scaling, n_constant = learn_scaling(flat, flat.sum(1), normalize=normalize)

        assert n_constant == 6
        assert np.isfinite(scaling.forward(flat, flat.sum(1))).all()
