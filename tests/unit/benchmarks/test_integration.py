import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import sections
from benchmarks.integration import ONE, SAMPLES, cell, truth
from benchmarks.integration_scores import contribution, evaluate
from benchmarks.peers import published
from benchmarks.peers.integration_pca import pca
from spatialmeta_core import keys, metrics
from spatialmeta_core.integrate.distributions import normal_nll, zinb_nll

ROOT = Path(__file__).parents[3]
PAIR = ROOT.parent / "shared" / "data" / "paired-mouse-brain-semisim"
SHORT = published.TUTORIAL._replace(epochs=4)


@pytest.fixture(scope="module")
def one():
    return sections.simulated(0, n_spots=150)


@pytest.fixture(scope="module")
def three():
    return sections.simulated_samples(0, n_spots=120)


def test_the_true_values_are_those_behind_the_measured_ones(one) -> None:
    np.testing.assert_allclose(one.true_counts.sum(axis=1), one.counts.sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(np.expm1(one.true_log_sm).sum(axis=1), 1e4, rtol=1e-6)
    assert np.nanmean(metrics.pearson(one.log_sm, one.true_log_sm)) > 0.3
    assert np.nanmean(metrics.pearson(one.counts, one.true_counts)) > 0.3
    assert set(one.only_st) | set(one.only_sm) <= set(range(6))


def test_three_samples_differ_by_more_than_their_places(three) -> None:
    assert sorted(np.unique(three.sample)) == ["a", "b", "c"]
    assert (three.counts == np.rint(three.counts)).all()
    before = pca(three, 0)["embedding"]
    assert metrics.batch_share(before, three.sample) > 0.2
    assert metrics.ilisi(before, three.sample) < 0.2


def test_sections_are_the_same_for_a_seed(one) -> None:
    again = sections.simulated(0, n_spots=150)

    np.testing.assert_array_equal(again.counts, one.counts)
    np.testing.assert_array_equal(again.true_log_sm, one.true_log_sm)


def test_the_truth_has_every_best_figure_but_those_noise_lowers(one) -> None:
    row = evaluate(one, truth(one, 0) | {"cpu": 0.0})

    assert row["best"] == row["true_ST"] == row["true_SM"] == 1.0
    assert row["pcc"] < 0.8
    assert row["vertical_true"] > row["vertical"]
    assert {"one", "own", "vertical", "horizontal", "overall"} <= row.keys()


def test_rebuilding_counts_only_where_both_modalities_are_rebuilt(one) -> None:
    row = evaluate(one, pca(one, 0, kinds=("SM",)) | {"cpu": 0.0})

    assert row["partial"]
    assert np.isnan(row["reconstruction"])
    assert row["vertical"] == pytest.approx((row["continuity"] + row["marker"]) / 2)
    assert row["true_SM"] > 0.3


def test_every_column_is_measured(three) -> None:
    found = published.fit(three, 0, SHORT._replace(mmd=10.0))

    row = evaluate(three, found | {"cpu": 1.0})

    assert {*ONE.values(), *SAMPLES.values()} <= row.keys()
    assert np.isfinite([row[key] for key in SAMPLES.values()]).all()


def test_shares_of_the_contribution_are_of_the_right_domains(one) -> None:
    balance = np.full(len(one.domain), 0.5)
    balance[np.isin(one.domain, one.only_st)] = 0.9
    balance[one.domain == one.only_sm[0]] = 0.1

    found = contribution(one, {"balance": balance})

    assert found["only_st"] == 1.0
    assert (
        found["only_sm"]
        == (one.domain == one.only_sm[0]).sum() / np.isin(one.domain, one.only_sm).sum()
    )
    assert found["even"] == 0.5


def test_the_published_likelihoods_are_those_of_the_paper() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.poisson(torch.full((6, 9), 1.5), generator=generator).double()
    mean, theta = torch.rand(2, 6, 9, generator=generator, dtype=torch.double) + 0.3
    zero = torch.randn(6, 9, generator=generator, dtype=torch.double)

    ours = zinb_nll(x, mean.log(), theta.log(), zero)
    torch.testing.assert_close(published.zinb(x, mean, theta, zero), ours, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(published.normal(x, zero, theta), normal_nll(x, zero, theta))


def test_the_published_model_learns_and_repeats_itself(one) -> None:
    few = one._replace(joint=one.joint[:, [*range(80), *range(600, 680)]])  # features
    short = published.fit(few, 0, SHORT._replace(epochs=1))
    long = SHORT._replace(epochs=60, learning_rate=3e-3)
    longer, again = published.fit(few, 0, long), published.fit(few, 0, long)

    fits = [np.nanmean(metrics.pearson(few.log_sm, found["SM"])) for found in (short, longer)]
    assert fits[1] > fits[0] + 0.05
    np.testing.assert_array_equal(longer["embedding"], again["embedding"])
    assert longer["ST"].shape == few.counts.shape
    assert ((longer["balance"] > -0.5) & (longer["balance"] < 1.5)).all()


def test_batches_that_differ_have_a_discrepancy() -> None:
    z = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    batch = torch.arange(60) % 2

    assert published.mmd(z, batch) < published.mmd(z + 5 * batch[:, None], batch)
    assert published.mmd(z, batch * 0) == 0


def test_no_minibatch_is_one_spot() -> None:
    assert min(len(part) for part in published.minibatches(257)) > 1
    assert sum(len(part) for part in published.minibatches(257)) == 257


def test_components_of_one_modality_rebuild_that_one_only(one) -> None:
    found = pca(one, 0, kinds=("SM",))

    assert set(found) == {"embedding", "SM"}
    assert found["SM"].shape == one.log_sm.shape


def test_the_peers_elsewhere_can_be_listed_without_their_packages() -> None:
    code = "import benchmarks.peers.integration_external as e; print(sorted(e.METHODS))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)

    assert b"harmony" in done.stdout


def test_cells_hold_mean_and_spread() -> None:
    assert cell([0.25, 0.35], "own") == "0.300±0.071"
    assert cell([float("nan")], "own") == "-"
    assert cell([12.0], "cpu") == "12.0"


@pytest.mark.skipif(not PAIR.is_dir(), reason="no shared data beside the project")
def test_a_measured_section_is_scored_by_what_is_known_of_it() -> None:
    pair = sections.measured(PAIR)
    row = evaluate(pair, pca(pair, 0) | {"cpu": 0.0})

    assert len(np.unique(pair.domain)) == 8
    assert np.nanmean(metrics.pearson(pair.log_sm, pair.true_log_sm)) > 0.5
    assert row["best"] > 0.3
    assert row["true_SM"] > 0.5
    assert np.isnan(row["vertical_true"])
    assert not {"true_ST", "only_st"} & row.keys()
    assert set(truth(pair, 0)) == {"embedding", "SM"}


def test_spots_without_metabolites_are_not_in_a_section(one) -> None:
    assert np.isfinite(one.joint.X.data).all()
    assert one.joint.obsm[keys.SPATIAL].shape == (len(one.domain), 2)
