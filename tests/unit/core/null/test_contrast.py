import numpy as np
import pytest
from scipy import sparse

from spatialmeta_core.geometry import spacing
from spatialmeta_core.null import Patterns, contrast_p, nearest_part, place_labels
from spatialmeta_core.null.contrast import _parts, _shares, _smooth_shares, _weights

IN_OUT = Patterns(np.array([[1.0, 0.0]]), np.zeros(1, int), np.ones(1, bool))


def hexagons(side: int) -> np.ndarray:
    row, column = np.divmod(np.arange(side**2), side)
    return np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2])


def disk_and_ring(xy: np.ndarray) -> np.ndarray:
    away = np.hypot(*(xy - xy.mean(axis=0) * 0.8).T)
    return np.where(away < 3.5, 0, np.where(away < 6, 1, -1))


def placed_pair(xy: np.ndarray, home: np.ndarray, n: int = 300):
    own = home >= 0
    locate = nearest_part(xy[own], home[own], spacing(xy))
    return place_labels(xy, home, locate, n_placements=n, keep_each=True)


def test_each_part_keeps_its_spots_and_its_place_in_the_shape() -> None:
    xy = hexagons(40)
    home = disk_and_ring(xy)
    sizes = np.bincount(home[home >= 0])

    placed = placed_pair(xy, home, 100)

    for k in range(placed.n_placements):
        part = slice(*placed.members.indptr[k : k + 2])
        spots, labels = placed.members.indices[part], placed.labels[part]
        assert (np.bincount(labels, minlength=2) >= 0.9 * sizes).all()
        center = xy[spots[labels == 0]].mean(axis=0)
        away = np.hypot(*(xy[spots] - center).T)
        assert away[labels == 0].max() < away[labels == 1].min() + 1.0


def test_placements_share_no_more_with_the_shape_than_is_allowed() -> None:
    xy = hexagons(40)
    home = disk_and_ring(xy)
    own = home >= 0
    locate = nearest_part(xy[own], home[own], spacing(xy))

    placed = place_labels(xy, home, locate, n_placements=150, max_shared=0.3)

    shared = placed.members @ own.astype(float)
    assert placed.n_placements == 150
    assert 0 < shared.max() <= 0.3 * own.sum()


def test_the_contrast_of_a_pair_is_the_difference_of_its_means() -> None:
    xy = hexagons(40)
    home = disk_and_ring(xy)
    values = np.random.default_rng(0).normal(size=(len(xy), 3))
    placed = placed_pair(xy, home, 100)

    parts, counts = _parts(home, placed, 2)
    sums = (parts @ values).reshape(101, 2, 3)
    found = np.matmul(_weights(IN_OUT.shapes, counts), sums)[:, 0]

    a, b = values[home == 0], values[home == 1]
    scale = np.sqrt(len(a) * len(b) / (len(a) + len(b)))
    np.testing.assert_allclose(found[0], scale * (a.mean(axis=0) - b.mean(axis=0)), rtol=1e-5)


def test_noise_comes_out_significant_one_time_in_twenty_and_a_step_always() -> None:
    xy = hexagons(40)
    home = disk_and_ring(xy)
    noise = np.random.default_rng(1).normal(size=(len(xy), 300))
    stepped = noise + 1.0 * (home == 0)[:, None]
    placed = placed_pair(xy, home, 400)

    assert 0.01 <= (contrast_p(noise, home, placed, IN_OUT).p <= 0.05).mean() <= 0.10
    assert (contrast_p(stepped, home, placed, IN_OUT).p <= 0.05).mean() > 0.95


def test_a_one_sided_pattern_does_not_count_its_opposite() -> None:
    xy = hexagons(40)
    home = disk_and_ring(xy)
    low = np.random.default_rng(2).normal(size=(len(xy), 20)) - 1.5 * (home == 0)[:, None]
    placed = placed_pair(xy, home)
    both = Patterns(np.array([[1.0, 0], [-1.0, 0]]), np.array([0, 1]), np.zeros(2, bool))

    found = contrast_p(low, home, placed, both)

    assert (found.family_p[0] > 0.9).all()
    assert (found.family_p[1] < 0.05).all()
    assert (found.p < 0.05).all()


def test_placements_apart_tell_small_p_from_smaller_ones() -> None:
    xy = hexagons(40)
    home = disk_and_ring(xy)
    own = home >= 0
    noise = np.random.default_rng(5).normal(size=(len(xy), 200))
    some = noise + 0.8 * (home == 0)[:, None]
    more = noise + 1.6 * (home == 0)[:, None]
    locate = nearest_part(xy[own], home[own], spacing(xy))
    placed = place_labels(xy, home, locate, n_placements=300, max_shared=0.0)

    p = [contrast_p(each, home, placed, IN_OUT, apart=xy).p for each in (noise, some, more)]
    alike = contrast_p(noise, home, placed, IN_OUT).p

    assert 0.02 <= (p[0] <= 0.05).mean() <= 0.09
    assert np.corrcoef(p[0], alike)[0, 1] > 0.99
    assert np.median(p[2]) < np.median(p[1]) < 1 / 301


def test_shares_count_the_places_that_reach_each_and_the_tail_goes_on() -> None:
    strength = np.array([[3.0, 1.0], [1.0, 1.0], [3.0, 1.0], [2.0, 1.0]])
    normal = np.random.default_rng(6).normal(size=(4001, 1)) ** 2
    normal[0] = 16.0

    np.testing.assert_array_equal(
        _shares(strength), [[0.5, 1.0], [1.0, 1.0], [0.5, 1.0], [0.75, 1.0]]
    )
    np.testing.assert_array_equal(_smooth_shares(np.ones((20, 1))), np.ones((20, 1)))
    found, plain = _smooth_shares(normal), _shares(normal)
    assert 6.3e-5 / 3 < found[0, 0] < 6.3e-5 * 3  # twice the normal tail beyond 4
    np.testing.assert_allclose(found[plain > 0.01], plain[plain > 0.01], rtol=0.15)


def test_constants_have_no_p_and_sparse_equals_dense() -> None:
    xy = hexagons(30)
    home = disk_and_ring(xy)
    values = np.random.default_rng(3).poisson(0.4, (len(xy), 5)).astype(float)
    values[:, 2] = 3.0
    placed = placed_pair(xy, home, 150)

    dense = contrast_p(values, home, placed, IN_OUT).p
    again = contrast_p(sparse.csc_matrix(values), home, placed, IN_OUT).p

    assert np.isnan(dense).tolist() == [False, False, True, False, False]
    apart = contrast_p(values, home, placed, IN_OUT, apart=xy).p
    assert np.isnan(apart).tolist() == [False, False, True, False, False]
    np.testing.assert_array_equal(dense, again)


def test_too_few_placements_give_a_reason_and_cancel_is_passed_on() -> None:
    xy = hexagons(30)
    home = disk_and_ring(xy)
    values = np.random.default_rng(4).normal(size=(len(xy), 2))

    few = contrast_p(values, home, placed_pair(xy, home, 50), IN_OUT)

    assert np.isnan(few.p).all()
    assert "100 are needed" in few.note

    def stop(_share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        contrast_p(values, home, placed_pair(xy, home, 300), IN_OUT, on_progress=stop)
