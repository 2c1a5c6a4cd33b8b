from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from sklearn.linear_model import Ridge

from spatialmeta_core.align.fields import Field, spots_field
from spatialmeta_core.align.linear import LinearTerm, linear_term
from spatialmeta_core.align.search import rotation

SMOOTHING = 0.04
IDENTITY = np.eye(2, 3)


def disc(n: int, seed: int = 0) -> np.ndarray:
    side = (np.arange(n) + 0.5) / n * 1.2 - 0.6
    xy = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    xy = xy + np.random.default_rng(seed).normal(0, 0.1 / n, xy.shape)
    return xy[np.hypot(*xy.T) < 0.56]


def smooth(xy: np.ndarray, n: int, seed: int, length: float = 0.12) -> np.ndarray:
    """Read smoothed noise, which unlike a sum of waves never repeats, at places within 1.4."""
    noise = np.random.default_rng(seed).standard_normal((n, 300, 300))
    maps = ndimage.gaussian_filter(noise, (0, length / 0.014, length / 0.014))
    maps /= maps.std(axis=(1, 2), keepdims=True)
    place = (xy[:, ::-1] + 2.1).T / 0.014
    return np.stack([ndimage.map_coordinates(m, place, order=1) for m in maps], axis=1)


def field(xy: np.ndarray, values: np.ndarray, noise: float = 0.5, seed: int = 5) -> Field:
    noisy = values + noise * np.random.default_rng(seed).standard_normal(values.shape)
    return spots_field(xy, noisy, SMOOTHING)


def term(n_noise: int = 0, seed: int = 3, target_seed: int | None = None) -> LinearTerm:
    """Compare four hidden maps, seen through two linear maps; unrelated with a target seed."""
    moving, target = disc(50), disc(36, 1)
    mixed = np.random.default_rng(7).standard_normal((4, 6))
    latents = smooth(moving, 4, seed) @ mixed
    if n_noise:
        extra = np.random.default_rng(9).standard_normal((len(moving), n_noise))
        latents = np.column_stack([latents, extra])
    shown = smooth(target, 4, seed if target_seed is None else target_seed)
    found = linear_term(
        disc(28), field(moving, latents), disc(26), field(target, shown), base=IDENTITY
    )
    assert found is not None
    return found


@pytest.fixture(scope="module")
def related() -> LinearTerm:
    return term()


def turned(angle_deg: float, flip: float = 1.0) -> np.ndarray:
    linear = rotation(np.radians(angle_deg)) @ np.diag([1.0, flip])
    return np.column_stack([linear, np.zeros(2)])


def gain(found: LinearTerm, matrix: np.ndarray) -> float:
    return found.gain(found.sites @ matrix[:, :2].T + matrix[:, 2])


def test_the_right_turn_gains_far_more_than_any_other(related) -> None:
    wrong = [
        gain(related, turned(angle, flip))
        for angle in range(0, 360, 15)
        for flip in (1.0, -1.0)
        if (angle, flip) != (0, 1.0)
    ]

    assert gain(related, IDENTITY) > 50
    assert max(wrong) < 0.5 * gain(related, IDENTITY)
    assert related.trust > 0.8
    assert related.peak > 50


def test_the_held_out_gain_is_that_of_ridge_regressions_written_out(related) -> None:
    place = related.sites @ turned(4)[:, :2].T + np.array([0.03, -0.02])
    read = related.field.at(place)
    x, y, w = related.design[:, :-1], read.values, read.weight
    left, around = np.zeros(y.shape[1]), np.zeros(y.shape[1])
    for number in np.unique(related.block):
        here = related.block == number
        model = Ridge(alpha=related.penalty[0]).fit(x[~here], y[~here], sample_weight=w[~here])
        mean = np.average(y[~here], axis=0, weights=w[~here])
        left += w[here] @ (y[here] - model.predict(x[here])) ** 2
        around += w[here] @ (y[here] - mean) ** 2
    each = related.independent * w.mean() / 2 * np.log(1.1 * around / (left + 0.1 * around))

    assert np.isclose(related.gain(place), (np.logaddexp(each, 0) - np.log(2)).sum(), rtol=1e-6)


def test_the_gradient_of_the_cost_is_that_of_finite_differences(related) -> None:
    matrix = turned(6) + np.array([[0.02, -0.03, 0.04], [0.01, 0.02, -0.05]])
    _, gradient = related.cost(matrix)

    for row in range(2):
        for column in range(3):
            step = np.zeros((2, 3))
            step[row, column] = 1e-6
            slope = (related.cost(matrix + step)[0] - related.cost(matrix - step)[0]) / 2e-6
            assert np.isclose(gradient[row, column], slope, rtol=1e-3, atol=1e-5)


def test_the_cost_is_least_near_the_truth(related) -> None:
    angles = np.arange(-12, 13, 1.0)
    costs = [related.cost(turned(angle))[0] for angle in angles]

    assert abs(angles[np.argmin(costs)]) <= 1


def test_more_latents_win_nothing_by_themselves(related) -> None:
    wide = term(n_noise=20)

    # at the right turn less of the ridge falls on the four that matter; at others nothing is won
    others = [turned(angle, flip) for angle in range(30, 330, 15) for flip in (1.0, -1.0)]
    most = [max(t.above_chance(gain(t, m)) for m in others) for t in (related, wide)]

    assert most[1] < most[0] + 4
    assert gain(wide, IDENTITY) < 1.5 * gain(related, IDENTITY)


def test_more_overlap_wins_nothing_where_nothing_is_related() -> None:
    unrelated = term(target_seed=11)
    shifts = [np.column_stack([np.eye(2), (shift, 0.0)]) for shift in (0.0, 0.3, 0.6)]

    assert np.ptp([unrelated.above_chance(gain(unrelated, m)) for m in shifts]) < 4


@pytest.mark.parametrize("length", [0.03, 0.1, 0.3])
def test_unrelated_maps_hardly_ever_count(length) -> None:
    """However smooth: smooth maps agree by chance more easily."""
    moving, target, nats, trust = disc(40), disc(30, 1), [], []
    for seed in range(8):
        found = linear_term(
            disc(22),
            field(moving, smooth(moving, 5, seed, length)),
            disc(22),
            field(target, smooth(target, 4, 100 + seed, length)),
            base=IDENTITY,
        )
        trust.append(found.trust)
        nats += [
            found.trust * found.above_chance(gain(found, turned(angle + 2.5, flip)))
            for angle in range(0, 360, 15)
            for flip in (1.0, -1.0)
        ]

    assert np.mean(trust) < 0.35
    assert np.mean(np.array(nats) > 3) < 0.02


def test_two_gradients_of_the_instruments_count_for_little() -> None:
    """They fit perfectly at the turn that makes them parallel, which proves nothing."""
    moving, target = disc(40), disc(30, 1)
    found = linear_term(
        disc(22),
        field(moving, 3 * moving @ np.array([[1.0], [0.2]])),
        disc(22),
        field(target, 3 * target @ np.array([[-0.6], [0.8]])),
        base=IDENTITY,
    )

    assert found.trust * found.peak < 6


def test_evidence_is_what_is_missing_to_the_best_turn_times_the_weight(related) -> None:
    class Nothing:
        def at(self, xy):
            return np.zeros_like(xy)

    right = related.evidence(IDENTITY, Nothing())
    wrong = related.evidence(turned(90), Nothing())

    assert abs(right) < 0.1 * related.peak
    assert wrong > 0.7 * related.peak
    assert wrong <= related.weight * related.trust * related.peak


def test_starts_include_the_right_turn_and_stay_apart(related) -> None:
    starts = related.starts([])

    assert 2 <= len(starts) <= 6
    np.testing.assert_allclose(starts[0].matrix[:, :2], np.eye(2), atol=0.1)
    assert starts[0].cost < 0


def test_a_hand_start_gets_no_other_turns(related) -> None:
    assert replace(related, searches=False).starts([]) == []


def test_far_from_the_target_nothing_is_said(related) -> None:
    far = np.column_stack([np.eye(2), (5.0, 0.0)])

    assert gain(related, far) == 0
    assert related.cost(far)[0] == 0


def test_a_flat_map_makes_no_term() -> None:
    xy = disc(30)
    flat = spots_field(xy, np.ones((len(xy), 2)), SMOOTHING)
    other = field(xy, smooth(xy, 3, 0))

    assert linear_term(disc(22), flat, disc(22), other, base=IDENTITY) is None
    assert linear_term(disc(22), other, disc(22), flat, base=IDENTITY) is None
