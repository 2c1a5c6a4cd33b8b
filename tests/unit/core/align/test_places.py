import numpy as np
import pytest

from spatialmeta_core.align.places import BIN, N_BINS, blocks, correlogram, independent_places
from spatialmeta_core.simulate.anatomy import SmoothField


def scattered(n: int = 400, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (n, 2))


def waves(xy: np.ndarray, length: float) -> np.ndarray:
    return np.sin(xy @ np.array([[1.0], [0.4]]) / length)


def test_noise_is_correlated_with_itself_only() -> None:
    xy = scattered()
    found = correlogram(xy, np.random.default_rng(1).standard_normal((400, 30)))

    assert found.shape == (N_BINS,)
    assert found[0] == pytest.approx(1)
    assert np.abs(found[1:]).max() < 0.05


def test_a_smooth_map_is_correlated_until_its_first_sign_change() -> None:
    found = correlogram(scattered(), waves(scattered(), 0.1))
    end = int(np.argmax(found <= 0))

    assert found[1] > 0.9
    assert 0.1 < end * BIN < 0.25  # a quarter of the wavelength of 0.58
    assert (found[end:] == 0).all()


def test_on_a_lattice_empty_distances_are_filled_in() -> None:
    side = np.arange(20) / 20
    xy = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    found = correlogram(xy, waves(xy, 0.1))

    assert (np.diff(found[:4]) < 0).all()
    assert found[3] > 0.5


def test_noise_has_as_many_places_as_sites_and_smooth_maps_have_few() -> None:
    xy = scattered()
    noise = correlogram(xy, np.random.default_rng(1).standard_normal((400, 30)))
    smooth = correlogram(xy, waves(xy, 0.1))

    assert independent_places(xy, noise, noise) == pytest.approx(400, rel=0.05)
    assert independent_places(xy, smooth, smooth) < 40


def test_the_number_of_places_is_the_double_sum_written_out() -> None:
    xy = scattered(60)
    one, other = correlogram(xy, waves(xy, 0.1)), correlogram(xy, waves(xy, 0.2))
    total = 0.0
    for a in xy:
        for b in xy:
            apart = float(np.linalg.norm(a - b))
            found = min(1 + int(apart / BIN), N_BINS - 1) if apart else 0
            total += one[found] * other[found]

    assert np.isclose(independent_places(xy, one, other), max(60**2 / total, 4.0))


def test_unrelated_smooth_maps_correlate_as_if_there_were_so_many_places() -> None:
    """The variance of a correlation by chance is one over the number of places."""
    rng = np.random.default_rng(2)
    xy = scattered(300)
    squares, places = [], []
    for _ in range(200):
        one, other = (SmoothField.draw(rng, 1, 0.08, 60).at(xy) for _ in range(2))
        squares.append(np.corrcoef(one[:, 0], other[:, 0])[0, 1] ** 2)
        places.append(independent_places(xy, correlogram(xy, one), correlogram(xy, other)))

    assert 0.75 < np.mean(squares) * np.median(places) < 1.4


def test_blocks_are_equal_and_compact() -> None:
    xy = scattered(801)
    block = blocks(xy, 8)

    assert np.ptp(np.bincount(block)) <= 1
    for number in range(8):
        assert np.ptp(xy[block == number], axis=0).max() < 0.6
