import anndata
import numpy as np
import pandas as pd
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.integrate import Integration, integrate
from spatialmeta_core.params import NetParams, TrainParams

N_GENES, N_METABOLITES = 40, 20


def section(name, *, seed, effect=0.0, n_spots=150):
    """Three domains; all sections share their means, but for a batch effect on every feature."""
    shared, own = np.random.default_rng(3), np.random.default_rng(seed)
    gene = shared.gamma(2.0, 4.0, (1, N_GENES)) * np.exp(shared.normal(0, 0.8, (3, N_GENES)))
    metabolite = shared.gamma(2.0, 50.0, (1, N_METABOLITES)) * np.exp(
        shared.normal(0, 0.8, (3, N_METABOLITES))
    )
    domain = own.integers(0, 3, n_spots)
    gene = gene * np.exp(effect * own.normal(0, 1, (1, N_GENES)))
    metabolite = metabolite * np.exp(effect * own.normal(0, 1, (1, N_METABOLITES)))
    noise = np.exp(own.normal(0, 0.2, (n_spots, N_METABOLITES)))
    values = np.hstack([own.poisson(gene[domain]), metabolite[domain] * noise])
    names = [f"gene{i}" for i in range(N_GENES)] + [f"mz{i}" for i in range(N_METABOLITES)]
    return anndata.AnnData(
        values.astype(np.float32),
        pd.DataFrame(
            {"sample": name, "domain": domain}, index=[f"{name}{i}" for i in range(n_spots)]
        ),
        pd.DataFrame({"type": ["ST"] * N_GENES + ["SM"] * N_METABOLITES}, index=names),
    )


@pytest.fixture(scope="module")
def trained():
    table = anndata.concat(
        [section("a", seed=1, effect=0.4), section("b", seed=2, effect=0.4)], merge="same"
    )
    params = TrainParams(max_epochs=40, batch_size=32, learning_rate=0.01)
    net = NetParams(n_hidden=16, n_latent=4)
    return table, integrate(table, net, params, batch_keys=("sample",))


def own_domain(trained, mapped, domain):
    """Share of mapped spots whose nearest trained spot is of their domain."""
    table, result = trained
    distance = np.linalg.norm(
        mapped.embedding.joint[:, None] - result.embedding.joint[None], axis=2
    )
    return (table.obs["domain"].to_numpy()[distance.argmin(1)] == domain).mean()


def batch_gap(trained, mapped, domain):
    """Mean distance of each domain's mapped spots from its trained ones, by their centers."""
    table, result = trained
    known, new = result.embedding.joint, mapped.embedding.joint
    return np.mean(
        [
            np.linalg.norm(known[table.obs["domain"] == k].mean(0) - new[domain == k].mean(0))
            for k in range(3)
        ]
    )


def test_the_training_data_map_to_the_trained_numbers(trained, tmp_path) -> None:
    table, result = trained
    result.save(tmp_path / "run")

    mapped = Integration.load(tmp_path / "run").map(table)

    for name in ("joint", "st", "sm"):
        np.testing.assert_allclose(
            getattr(mapped.embedding, name), getattr(result.embedding, name), atol=1e-4
        )
    np.testing.assert_allclose(mapped.denoised, result.denoised, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(mapped.contribution.balance, result.contribution.balance, atol=1e-3)
    assert mapped.notes == ()
    assert mapped.missing == ()


def test_a_held_out_sample_lands_among_its_own_domains(trained) -> None:
    held_out = section("c", seed=9, effect=1.0)

    mapped = trained[1].map(held_out)
    left = trained[1].map(held_out, center=False)

    domain = held_out.obs["domain"].to_numpy()
    assert own_domain(trained, mapped, domain) > 0.95
    assert batch_gap(trained, mapped, domain) < 0.7 * batch_gap(trained, left, domain)
    assert mapped.notes == (
        "New to the model for batch key 'sample': c. Denoised values are those of an average "
        "batch.",
    )


def test_columns_are_matched_by_name_in_any_order(trained) -> None:
    held_out = section("c", seed=9)
    mixed = held_out[:, np.random.default_rng(0).permutation(held_out.n_vars)].copy()

    first, second = trained[1].map(held_out), trained[1].map(mixed)

    np.testing.assert_allclose(second.embedding.joint, first.embedding.joint, atol=1e-4)
    assert second.features == trained[1].features


def test_some_missing_features_are_read_as_average_and_told(trained) -> None:
    held_out = section("c", seed=9)
    fewer = held_out[:, [i for i in range(60) if i not in (3, 50)]].copy()

    mapped = trained[1].map(fewer)

    assert mapped.missing == ("gene3", "mz10")
    assert any(note.startswith("2 of the model's 60 features are missing") for note in mapped.notes)
    assert np.isfinite(mapped.denoised).all()
    assert own_domain(trained, mapped, held_out.obs["domain"].to_numpy()) > 0.95


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (
            range(10, 60),
            r"lacks 10 of the 40 ST features .*gene0, gene1, gene2, gene3, gene4, \.\.\.",
        ),
        (range(40), "lacks 20 of the 20 SM features"),
    ],
)
def test_too_many_missing_features_are_refused(trained, kept, message) -> None:
    with pytest.raises(InvalidDataError, match=message):
        trained[1].map(section("c", seed=9)[:, list(kept)].copy())


def test_the_same_name_in_the_other_modality_is_not_a_match(trained) -> None:
    swapped = section("c", seed=9)
    swapped.var["type"] = swapped.var["type"].map({"ST": "SM", "SM": "ST"})

    with pytest.raises(InvalidDataError, match="lacks 40 of the 40 ST features"):
        trained[1].map(swapped)


def test_spots_that_cannot_be_mapped_are_left_out_and_told(trained) -> None:
    held_out = section("c", seed=9)
    held_out.X[3, 40:] = np.nan
    held_out.X[5, :40] = 0

    mapped = trained[1].map(held_out)

    assert np.flatnonzero(~mapped.used).tolist() == [3, 5]
    assert np.isnan(mapped.embedding.joint[[3, 5]]).all()
    assert np.isnan(mapped.contribution.balance[[3, 5]]).all()
    assert sum("Left out 1 of 150" in note for note in mapped.notes) == 2


def test_the_input_is_not_written_to(trained) -> None:
    held_out = section("c", seed=9)
    before = held_out.X.copy()

    trained[1].map(held_out)

    np.testing.assert_array_equal(held_out.X, before)


@pytest.mark.parametrize("kind", ["ST", "SM"])
def test_a_model_of_one_modality_maps_without_a_contribution(kind) -> None:
    net = NetParams(n_hidden=16, n_latent=4, train_on=kind)
    result = integrate(section("a", seed=1), net, TrainParams(max_epochs=3, batch_size=32))

    mapped = result.map(section("c", seed=9))

    assert np.isnan(mapped.contribution.balance).all()
    assert np.isfinite(mapped.embedding.joint).all()
    assert mapped.features == result.features
