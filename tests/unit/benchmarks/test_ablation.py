from argparse import Namespace
from dataclasses import asdict

import numpy as np
import pytest

from benchmarks import ablation
from benchmarks.ablation import ONE, SAMPLES, THIRD, Variant, choose, draw, fit, measure
from benchmarks.fits import NET, TRAIN, WEIGHTS, kept
from spatialmeta_core import keys, metrics
from spatialmeta_core.params import FeatureParams, NetParams, TrainParams

SHORT = TrainParams(max_epochs=2, separate=False)


@pytest.fixture(scope="module")
def one():
    return draw("one", 0, 150, 0.0)


@pytest.fixture
def made(one):
    """Counts how often a fit was made."""

    class Counter:
        times = 0

        def __call__(self):
            self.times += 1
            return {"embedding": np.full((2, 2), self.times)}

    return Counter()


def settings(variant: Variant) -> dict:
    parts = ("net", "train", "weights")
    return {(part, k): v for part in parts for k, v in asdict(getattr(variant, part)).items()}


@pytest.mark.parametrize("variants", [ONE, SAMPLES])
def test_each_row_differs_from_the_first_in_one_part(variants) -> None:
    first = settings(variants[0])

    assert variants[0] == Variant("the defaults", NET, TRAIN, WEIGHTS)
    assert len({variant.name for variant in variants}) == len(variants)
    for variant in variants[1:]:
        differs = {key for key, value in settings(variant).items() if value != first[key]}
        others = (variant.features, variant.biased, variant.contribution)
        assert bool(differs) != (others != (None, 0.0, "balance")), variant.name
        assert len(differs) <= 1 or {part for part, _ in differs} == {"weights"}, variant.name


@pytest.mark.parametrize("method", ["spatially_variable", "highly_variable"])
def test_at_most_a_third_of_each_modality_is_chosen(one, method) -> None:
    some = choose(one, FeatureParams(method=method, **THIRD))

    assert 50 < some.counts.shape[1] == some.true_counts.shape[1] <= THIRD["n_genes"]
    assert 20 < some.log_sm.shape[1] == some.true_log_sm.shape[1] <= THIRD["n_metabolites"]
    np.testing.assert_allclose(some.true_counts.sum(axis=1), some.counts.sum(axis=1))
    np.testing.assert_allclose(np.expm1(some.true_log_sm).sum(axis=1), 1e4, rtol=1e-5)
    assert np.nanmean(metrics.pearson(some.counts, some.true_counts)) > 0.3


def test_features_that_tell_samples_apart_are_left_out_only_when_asked() -> None:
    section = draw("samples", 0, 300, 0.1)

    without, with_them = (
        choose(section, FeatureParams(remove_biased=asked)) for asked in (True, False)
    )

    assert without.joint.n_vars < with_them.joint.n_vars
    plain = draw("samples", 0, 300, 0.0)
    all_of_them = [
        choose(plain, FeatureParams(remove_biased=asked)).joint.n_vars for asked in (True, False)
    ]
    assert all_of_them[0] == all_of_them[1]


def test_without_normalization_rebuilt_metabolites_are_log_intensities_too(one) -> None:
    found = fit(one, 0, Variant("as given", NetParams(normalize_sm=False), SHORT))

    np.testing.assert_allclose(np.expm1(found["SM"]).sum(axis=1), 1e4, rtol=1e-3)
    assert found["ST"].shape == one.counts.shape


def test_rows_of_one_fit_share_it_but_not_the_contribution(tmp_path) -> None:
    arguments = Namespace(cache=tmp_path)
    variants = [Variant(name, train=SHORT, contribution=name) for name in ("balance", "theta")]

    rows = [measure("one", variant, 0, 150, arguments) for variant in variants]

    assert len(list(tmp_path.iterdir())) == 1
    assert rows[0]["own"] == rows[1]["own"]
    assert rows[0]["even"] != rows[1]["even"]
    assert set(ablation.COLUMNS_OF["one"].values()) <= rows[0].keys()


def test_a_fit_is_made_once_for_the_same_data_settings_and_code(one, made, tmp_path) -> None:
    sources = ("benchmarks/fits.py",)

    first = kept(tmp_path, one, (0, NET), sources, made)
    again = kept(tmp_path, one, (0, NetParams()), sources, made)

    assert made.times == 1
    assert again["cpu"] == first["cpu"] >= 0
    np.testing.assert_array_equal(again["embedding"], first["embedding"])
    kept(tmp_path, one, (1, NET), sources, made)
    kept(tmp_path, one, (0, NET), ("benchmarks/sections.py",), made)
    kept(tmp_path, one._replace(domain=one.domain[::-1]), (0, NET), sources, made)
    assert made.times == 4


def test_what_could_not_be_made_is_tried_again(one, tmp_path) -> None:
    assert kept(tmp_path, one, 0, (), lambda: None) is None
    assert not list(tmp_path.iterdir())


def test_samples_have_both_modalities_and_a_name_each() -> None:
    section = draw("samples", 1, 150, 0.0)

    assert len(np.unique(section.sample)) == 3
    assert set(section.joint.var[keys.FEATURE_TYPE]) == {keys.ST, keys.SM}
