from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from spatialmeta_core.align import evidence
from spatialmeta_core.align.evidence import misfit, read_runs, turned_normals
from spatialmeta_core.align.extra import Terms
from spatialmeta_core.align.frame import Frame
from spatialmeta_core.align.search import rotation
from spatialmeta_core.align.shape import spots_shape
from spatialmeta_core.align.warp import fit_warp
from spatialmeta_core.params import AlignParams


@pytest.fixture(scope="module")
def shapes(section):
    moving, target = spots_shape(section.moving), spots_shape(section.target)
    frame = Frame.between(moving, target, None)
    return *frame.normalized(moving, target), frame.matrix_of(section.pose)


def test_a_cut_is_read_as_one_lost_run() -> None:
    distance = np.full(300, 0.003)
    distance[120:180] = 0.1

    runs = read_runs(distance, np.ones(300))

    np.testing.assert_array_equal(runs.matched, distance < 0.05)


def test_a_single_stray_point_is_not_a_run() -> None:
    distance = np.zeros(60)
    distance[30] = 0.02

    assert read_runs(distance, np.ones(60)).matched.all()


def test_edges_that_cross_do_not_match() -> None:
    cosine = np.ones(90)
    cosine[30:60] = -1

    np.testing.assert_array_equal(read_runs(np.zeros(90), cosine).matched, cosine > 0)


def test_the_reading_is_the_best_of_all(monkeypatch) -> None:
    monkeypatch.setattr(evidence, "POINTS_PER_BLOCK", 1)
    rng = np.random.default_rng(0)
    distance, cosine = rng.exponential(0.03, 9), rng.uniform(-1, 1, 9)
    n = evidence.POINTS_PER_OBSERVATION
    gain = (
        -0.5 * (distance / evidence.NOISE) ** 2
        - np.log(evidence.NOISE * np.sqrt(2 * np.pi))
        + evidence.DIRECTION_WEIGHT * (cosine - 1)
    ) / n
    loss = -np.log(evidence.LOST_REACH) / n

    def likelihood(states: tuple[bool, ...]) -> float:
        total, before = 0.0, True
        for step, state in zip(gain, states, strict=True):
            if state != before:
                total += np.log((evidence.CHANCE_FOUND if state else evidence.CHANCE_LOST) / n)
            total, before = total + (step if state else loss), state
        return total

    best = max(product([True, False], repeat=9), key=likelihood)

    runs = read_runs(distance, cosine)

    assert runs.log_likelihood == pytest.approx(likelihood(best))
    assert tuple(runs.matched) == best


def test_normals_stay_normal_to_a_stretched_line() -> None:
    linear = np.array([[2.0, 0.3], [-0.1, 0.7]])
    along, normal = np.array([[0.6, 0.8]]), np.array([[-0.8, 0.6]])

    assert (turned_normals(normal, linear) @ (along @ linear.T).T).item() == pytest.approx(0)


def test_the_true_placement_is_the_most_believable(shapes) -> None:
    moving, target, truth = shapes

    def cost(matrix: np.ndarray) -> float:
        terms = Terms(moving, target, AlignParams())
        return misfit(matrix, fit_warp(matrix, moving, target), terms)

    assert 0 < cost(truth) < 40
    for degrees in (90, 180, 270):
        assert cost(rotation(np.deg2rad(degrees)) @ truth) > cost(truth) + 30


def test_other_terms_count_in_full_and_the_outline_by_its_weight(shapes) -> None:
    class Flat:
        def evidence(self, matrix, warp) -> float:
            return 7.0

    moving, target, truth = shapes
    warp = fit_warp(truth, moving, target)

    def cost(weight: float, extra: Flat | None) -> float:
        return misfit(truth, warp, Terms(moving, target, AlignParams(outline_weight=weight), extra))

    assert cost(1.0, Flat()) == pytest.approx(cost(1.0, None) + 7)
    prior = cost(0.0, None)
    assert cost(2.0, None) - prior == pytest.approx(2 * (cost(1.0, None) - prior))
    assert 0 < prior < 5


def test_each_outline_counts_half_as_both_see_the_same_pairs(shapes) -> None:
    moving, target, truth = shapes
    warp = fit_warp(truth, moving, target)
    terms = Terms(moving, target, AlignParams())
    lost = terms._replace(moving=replace(moving, outline=moving.outline + 5.0))

    n = len(moving.outline) / evidence.POINTS_PER_OBSERVATION
    ratio = evidence.LOST_REACH / (evidence.NOISE * np.sqrt(2 * np.pi))
    most = n * np.log(ratio) / 2

    assert misfit(truth, warp, lost) > misfit(truth, warp, terms) + 0.5 * most
