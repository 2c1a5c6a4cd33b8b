from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
import torch

from spatialmeta_core.errors import InvalidParamsError, SpatialMetaError
from spatialmeta_core.integrate import fit, integrate
from spatialmeta_core.integrate.data import prepare
from spatialmeta_core.integrate.module import JointVAE
from spatialmeta_core.params import LossWeights, TrainParams


def same(a, b) -> None:
    """Assert that two results hold the same numbers, bit for bit."""
    for name in ("joint", "st", "sm"):
        np.testing.assert_array_equal(getattr(a.embedding, name), getattr(b.embedding, name))
    np.testing.assert_array_equal(a.denoised, b.denoised)
    np.testing.assert_array_equal(a.contribution.balance, b.contribution.balance)
    assert a.losses == b.losses
    assert a.best_epoch == b.best_epoch


@pytest.fixture
def trained(joint, net):
    return integrate(joint, net, TrainParams(max_epochs=60, batch_size=32, learning_rate=0.01))


def mean_correlation(a, b):
    return np.mean([np.corrcoef(x, y)[0, 1] for x, y in zip(a.T, b.T, strict=True)])


def test_the_result_has_one_row_per_spot_and_one_column_per_feature(trained, joint) -> None:
    for part in (trained.embedding.joint, trained.embedding.st, trained.embedding.sm):
        assert part.shape == (120, 3)
        assert np.isfinite(part).all()
    assert trained.denoised.shape == (120, 42)
    assert trained.denoised.dtype == np.float32
    assert trained.features == tuple(joint.var_names)
    assert trained.used.all()


def test_denoised_values_are_nearer_the_truth_than_the_data(trained, joint, truth) -> None:
    gene, metabolite = truth
    log_truth = np.log1p(metabolite / metabolite.sum(1, keepdims=True) * 1e4)
    observed = joint.X[:, 30:].astype(float)
    log_observed = np.log1p(observed / observed.sum(1, keepdims=True) * 1e4)

    assert mean_correlation(trained.denoised[:, :30], gene) > mean_correlation(
        joint.X[:, :30], gene
    )
    assert mean_correlation(trained.denoised[:, 30:], log_truth) > mean_correlation(
        log_observed, log_truth
    )


def test_denoised_genes_keep_each_spots_depth(trained, joint) -> None:
    np.testing.assert_allclose(trained.denoised[:, :30].sum(1), joint.X[:, :30].sum(1), rtol=1e-4)


def test_domains_are_apart_in_the_embedding(trained) -> None:
    joint, domain = trained.embedding.joint, np.arange(120) % 2
    centers = np.stack([joint[domain == d].mean(0) for d in (0, 1)])
    nearest = np.linalg.norm(joint[:, None] - centers, axis=2).argmin(1)

    assert (nearest == domain).mean() > 0.95


@pytest.fixture
def sections():
    """Three hundred spots in three domains of 100, as ``joint`` but larger."""
    rng = np.random.default_rng(3)
    domain = np.arange(300) % 3
    gene = rng.gamma(2.0, 4.0, (1, 40)) * np.exp(rng.normal(0, 0.8, (3, 40)))[domain]
    metabolite = rng.gamma(2.0, 50.0, (1, 20)) * np.exp(rng.normal(0, 0.8, (3, 20)))[domain]
    values = np.hstack(
        [rng.poisson(gene), metabolite * np.exp(rng.normal(0, 0.2, metabolite.shape))]
    )
    names = [f"gene{i}" for i in range(40)] + [f"mz{i}" for i in range(20)]
    var = pd.DataFrame({"type": ["ST"] * 40 + ["SM"] * 20}, index=names)
    return anndata.AnnData(values.astype(np.float32), var=var), domain


def test_separating_changes_the_embedding_and_nothing_that_is_decoded(sections, net) -> None:
    table, _ = sections
    params = TrainParams(max_epochs=60, batch_size=32, learning_rate=0.01)

    plain = integrate(table, net, replace(params, separate=False))
    apart = integrate(table, net, params)

    assert plain.n_separating == 0
    assert apart.n_separating == 2
    assert any("3 groups of spots stand apart" in note for note in apart.notes)
    assert apart.losses == plain.losses
    np.testing.assert_allclose(apart.denoised, plain.denoised, rtol=2e-4, atol=2e-4)
    for name in ("joint", "st", "sm"):
        new, old = getattr(apart.embedding, name), getattr(plain.embedding, name)
        design = np.column_stack([old, np.ones(len(old))])
        error = new - design @ np.linalg.lstsq(design, new, rcond=None)[0]
        assert np.abs(error).max() < 1e-3
        assert not np.allclose(new, old, atol=0.1)


def test_the_saved_network_encodes_and_decodes_in_the_new_coordinates(sections, net) -> None:
    table, _ = sections
    result = integrate(table, net, TrainParams(max_epochs=60, batch_size=32, learning_rate=0.01))
    data = prepare(table)
    module = JointVAE(data.modalities, params=net)

    module.load_state_dict(result.state)
    module.eval()
    with torch.no_grad():
        codes = module.encode(data.spots)
        mean = module.decode(1, codes.joint.mean, data.spots).expected().numpy()

    np.testing.assert_allclose(codes.joint.mean, result.embedding.joint, atol=1e-5)
    np.testing.assert_allclose(codes.single[0], result.embedding.st, atol=1e-5)
    decoded = np.maximum(mean * data.scaling.scale + data.scaling.center, 0)
    np.testing.assert_allclose(decoded, result.denoised[:, 40:], rtol=1e-4, atol=1e-4)


def test_an_embedding_without_groups_is_left_and_said_to_be_a_continuum(joint, net) -> None:
    joint.X[:, :30] = np.random.default_rng(0).poisson(9.0, (120, 30))
    joint.X[:, 30:] = np.exp(np.random.default_rng(1).normal(5, 0.3, (120, 12)))
    params = TrainParams(max_epochs=5, batch_size=32)

    result = integrate(joint, net, params)
    plain = integrate(joint, net, replace(params, separate=False))

    assert result.n_separating == 0
    assert any("parts of a continuum" in note for note in result.notes)
    assert not any("continuum" in note for note in plain.notes)
    np.testing.assert_array_equal(result.embedding.joint, plain.embedding.joint)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(joint, net, short) -> None:
    first = integrate(joint, net, short)
    torch.manual_seed(99)
    state = torch.get_rng_state()

    again = integrate(joint, net, short, on_epoch=lambda r: torch.rand(7) is None)
    other = integrate(joint, net, replace(short, seed=1))

    same(first, again)
    assert not np.array_equal(first.embedding.joint, other.embedding.joint)
    torch.set_rng_state(state)
    integrate(joint, net, short)
    assert torch.equal(torch.get_rng_state(), state)


def test_column_order_does_not_change_what_a_name_means(joint, net) -> None:
    params = TrainParams(max_epochs=2, batch_size=32)
    metabolites_first = joint[:, [*range(30, 42), *range(30)]].copy()

    genes_first = integrate(joint, net, params)
    other = integrate(metabolites_first, net, params)

    assert other.features == tuple(metabolites_first.var_names)
    place = [other.features.index(name) for name in genes_first.features]
    np.testing.assert_allclose(other.denoised[:, place], genes_first.denoised, rtol=1e-4)


def test_a_last_minibatch_of_one_spot_is_no_obstacle(joint, net) -> None:
    params = TrainParams(max_epochs=1, batch_size=7, validation_fraction=0.0)

    assert 120 % 7 == 1
    assert len(integrate(joint, net, params).losses) == 1


def test_spots_left_out_have_rows_of_nan(joint, net, short) -> None:
    joint.X[3, 30:] = np.nan
    joint.X[8, :30] = 0

    result = integrate(joint, net, short)

    assert np.flatnonzero(~result.used).tolist() == [3, 8]
    assert np.isnan(result.embedding.joint[[3, 8]]).all()
    assert np.isnan(result.denoised[[3, 8]]).all()
    assert np.isnan(result.contribution.balance[[3, 8]]).all()
    assert np.isfinite(result.denoised[result.used]).all()
    assert sum(note.startswith("Left out 1 of 120 spots") for note in result.notes) == 2


def test_batch_keys_keep_a_batch_effect_out_of_the_embedding(joint, net) -> None:
    effect = np.exp(np.random.default_rng(1).normal(0, 1, 30))
    joint.X[:60, :30] = np.rint(joint.X[:60, :30] * effect)
    params = TrainParams(max_epochs=30, batch_size=32, learning_rate=0.01)

    def gap(batch_keys, weights):
        result = integrate(joint, net, params, weights, batch_keys=batch_keys)
        z = result.embedding.joint
        return np.linalg.norm(z[:60].mean(0) - z[60:].mean(0)) / z.std(0).mean(), result

    ignored, _ = gap((), LossWeights())
    told, result = gap(["sample", "slide"], LossWeights())

    assert told < 0.3 * ignored
    assert result.batch_keys == ("sample", "slide")
    assert result.batch_levels == (("a", "b"), ("x", "y"))


def test_batches_without_an_mmd_weight_are_told(joint, net, short) -> None:
    result = integrate(joint, net, short, LossWeights(mmd=0.0), batch_keys=["sample"])

    assert "MMD weight is 0" in result.notes[0]


def test_weights_the_user_set_are_kept(joint, net, short) -> None:
    weights = LossWeights(kl=7.0)

    result = integrate(joint, net, short, weights)

    assert result.weights == weights
    terms = result.losses[0].train
    parts = terms.st + terms.sm + terms.st_from_st + terms.sm_from_sm
    assert terms.total == pytest.approx(parts + 7 * terms.kl, rel=1e-6)


def test_training_interrupted_and_resumed_ends_at_the_same_numbers(joint, net, tmp_path) -> None:
    params = TrainParams(max_epochs=9, batch_size=32, checkpoint_every=2)
    whole = integrate(joint, net, params)
    path = tmp_path / "train.pt"

    def cancel(report):
        if report.epoch == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        integrate(joint, net, params, on_epoch=cancel, checkpoint=path)
    seen = []
    resumed = integrate(
        joint, net, params, on_epoch=lambda r: seen.append(r.epoch), checkpoint=path
    )

    assert seen == [5, 6, 7, 8, 9]
    assert "Training continued from epoch 4." in resumed.notes
    same(whole, resumed)


def test_a_checkpoint_of_other_settings_is_not_used(joint, net, short, tmp_path) -> None:
    path = tmp_path / "train.pt"
    integrate(joint, net, replace(short, checkpoint_every=1), checkpoint=path)
    longer = replace(short, max_epochs=4)

    other = integrate(joint, net, replace(short, seed=5), checkpoint=path)
    integrate(joint, net, replace(short, checkpoint_every=1), checkpoint=path)
    continued = integrate(joint, net, longer, checkpoint=path)

    assert "belongs to other data or settings" in " ".join(other.notes)
    assert "Training continued from epoch 3." in continued.notes


def test_stopping_early_keeps_the_best_state(joint, net, short) -> None:
    result = integrate(joint, net, short, on_epoch=lambda r: r.epoch == 2)

    assert len(result.losses) == 2
    assert result.best_epoch in (1, 2)


def test_running_out_of_memory_is_said_in_words(joint, net, short, monkeypatch) -> None:
    def full(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(fit, "optimize", full)

    with pytest.raises(SpatialMetaError, match="smaller batch") as caught:
        integrate(joint, net, short)

    assert caught.value.code == "E-21"


@pytest.mark.parametrize("device", ["toaster", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(joint, device) -> None:
    with pytest.raises(InvalidParamsError, match=f"device is '{device}'"):
        integrate(joint, device=device)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_graphics_card_agrees_with_the_cpu(joint, net) -> None:
    params = TrainParams(max_epochs=20, batch_size=32, learning_rate=0.01)

    cpu, cuda = (integrate(joint, net, params, device=name) for name in ("cpu", "cuda"))

    assert cuda.device == "cuda:0"
    assert cuda.losses[-1].validation.total == pytest.approx(
        cpu.losses[-1].validation.total, rel=0.02
    )
