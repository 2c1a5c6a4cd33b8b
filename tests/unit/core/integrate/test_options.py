"""Choices of the model and of what it learns from, through ``integrate``."""

from dataclasses import replace

import numpy as np
import pytest

from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.integrate import Integration, integrate
from spatialmeta_core.params import LossWeights, NetParams, TrainParams

LONGER = TrainParams(max_epochs=40, batch_size=32, learning_rate=0.01)


def mean_correlation(a, b):
    return np.mean([np.corrcoef(x, y)[0, 1] for x, y in zip(a.T, b.T, strict=True)])


def domains_found(latent):
    """Share of spots nearest to their own domain's mean."""
    domain = np.arange(len(latent)) % 2
    centers = np.stack([latent[domain == d].mean(0) for d in (0, 1)])
    return (np.linalg.norm(latent[:, None] - centers, axis=2).argmin(1) == domain).mean()


@pytest.mark.parametrize(
    "choice",
    [
        {"st_loss": "nb"},
        {"st_loss": "mse"},
        {"sm_loss": "mse"},
        {"sm_loss": "zig"},
        {"shared_decoders": False},
    ],
)
def test_every_loss_learns_the_means_on_the_same_scales(joint, truth, net, choice) -> None:
    gene, metabolite = truth
    log_truth = np.log1p(metabolite / metabolite.sum(1, keepdims=True) * 1e4)

    result = integrate(joint, replace(net, **choice), LONGER)

    assert mean_correlation(result.denoised[:, :30], gene) > 0.7
    assert mean_correlation(result.denoised[:, 30:], log_truth) > 0.8
    totals = result.denoised[:, :30].sum(1)
    np.testing.assert_allclose(totals, joint.X[:, :30].sum(1), rtol=1e-4)
    assert np.abs(result.denoised[:, 30:] - log_truth).mean() < 0.5
    assert domains_found(result.embedding.joint) > 0.95


def test_metabolites_of_zero_are_zero_for_the_zero_inflated_normal(joint, net) -> None:
    absent = np.arange(120) % 2 == 0
    joint.X[absent, 35] = 0

    result = integrate(joint, replace(net, sm_loss="zig"), LONGER)

    assert result.denoised[absent, 35].mean() < 0.5
    assert result.denoised[~absent, 35].mean() > 3


def test_intensities_used_as_given_train_safely_in_any_unit_and_are_told(joint, net, short) -> None:
    as_given = replace(net, normalize_sm=False)
    plain = integrate(joint, as_given, short)
    joint.X[:, 30:] *= 1e6

    result = integrate(joint, as_given, short)

    assert any("Metabolite values are used as given" in note for note in result.notes)
    assert result.losses[0].train.total < 1e3
    np.testing.assert_allclose(
        result.denoised[:, 30:] / 1e6, plain.denoised[:, 30:], rtol=1e-3, atol=1e-3
    )


def test_values_below_zero_can_be_used_as_given(joint, net, short) -> None:
    joint.X[:, 30:] = np.log(joint.X[:, 30:]) - 4

    result = integrate(joint, replace(net, normalize_sm=False), short)

    assert result.used.all()
    assert np.isfinite(result.denoised).all()


@pytest.mark.parametrize(("kind", "other", "words"), [("SM", "st", "no genes"), ("ST", "sm", "no")])
def test_one_modality_alone_is_integrated_and_the_other_said_to_be_absent(
    joint, net, kind, other, words
) -> None:
    alone = joint[:, joint.var["type"] == kind].copy()

    result = integrate(alone, net, LONGER, LossWeights(mmd=1.0), batch_keys=("sample",))

    own = getattr(result.embedding, kind.lower())
    np.testing.assert_array_equal(own, result.embedding.joint)
    assert np.isnan(getattr(result.embedding, other)).all()
    assert np.isnan(result.contribution.balance).all()
    assert np.isnan(result.contribution.theta_st).all()
    assert result.denoised.shape == alone.shape
    assert np.isfinite(result.denoised).all()
    assert domains_found(result.embedding.joint) > 0.95
    assert any(words in note and "no contribution" in note for note in result.notes)
    assert getattr(result.losses[-1].train, f"{other}_from_{other}") == 0
    assert not any("0.5 everywhere" in note for note in result.notes)


def test_one_of_two_modalities_can_be_chosen_and_the_other_is_not_looked_at(joint, net, short):
    alone = joint[:, joint.var["type"] == "SM"].copy()
    joint.X[:3, :30] = np.nan  # pixels without an ST spot

    chosen = integrate(joint, replace(net, train_on="SM"), short)
    given = integrate(alone, net, short)

    assert chosen.used.all()
    assert chosen.features == given.features
    np.testing.assert_array_equal(chosen.embedding.joint, given.embedding.joint)


def test_a_result_with_other_choices_comes_back_from_disk(joint, net, short, tmp_path) -> None:
    params = replace(net, train_on="ST", st_loss="nb", batch_code="onehot")
    result = integrate(joint, params, short, batch_keys=("sample",))
    result.save(tmp_path / "run")

    loaded = Integration.load(tmp_path / "run")

    assert loaded.net == params
    np.testing.assert_array_equal(loaded.embedding.sm, result.embedding.sm)


def test_presets_are_starting_points_that_never_overwrite_a_choice() -> None:
    assert LossWeights.single() == LossWeights(5, 1, 5, 1, 0.5, 0)
    assert LossWeights.multi() == LossWeights(8, 2, 8, 2, 1, 10)
    assert LossWeights.single(kl=7.0).kl == 7.0
    assert LossWeights.multi(mmd=0.0).mmd == 0.0
    with pytest.raises(InvalidParamsError, match="Unknown setting 'speed'"):
        LossWeights.multi(speed=1.0)


@pytest.mark.parametrize(
    "choice",
    [{"st_loss": "gaussian"}, {"sm_loss": "nb"}, {"batch_code": "none"}, {"train_on": "both"}],
)
def test_a_choice_that_does_not_exist_is_refused(choice) -> None:
    with pytest.raises(InvalidParamsError, match=r"allowed is"):
        NetParams(**choice)


def test_batches_are_centered_before_encoding_unless_asked_otherwise(joint, net, short) -> None:
    joint.X[:60, 30:] *= np.exp(np.random.default_rng(1).normal(0, 1, 12))

    def gap(centered):
        params = replace(net, center_batches=centered)
        z = integrate(joint, params, short, LossWeights(mmd=0.0), batch_keys=("sample",)).embedding
        return np.linalg.norm(z.sm[:60].mean(0) - z.sm[60:].mean(0)) / z.sm.std(0).mean()

    assert gap(True) < 0.5 * gap(False)


def test_one_sample_is_the_same_whether_batches_are_centered_or_not(joint, net, short) -> None:
    first = integrate(joint, net, short)
    second = integrate(joint, replace(net, center_batches=False), short)

    np.testing.assert_array_equal(first.embedding.joint, second.embedding.joint)


def test_genes_alone_may_be_trained_with_metabolites_as_given(joint, net, short) -> None:
    alone = joint[:, joint.var["type"] == "ST"].copy()

    result = integrate(alone, replace(net, normalize_sm=False), short)

    assert not any("as given" in note for note in result.notes)
