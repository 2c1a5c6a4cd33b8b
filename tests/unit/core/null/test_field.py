import numpy as np
from scipy import sparse
from scipy.spatial.distance import cdist

from spatialmeta_core.null import field
from spatialmeta_core.null.placements import Placements


def lattice(side: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) * 10.0


def gaussian_field(xy: np.ndarray, length: float, nugget: float, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    covariance = np.exp(-cdist(xy, xy, "sqeuclidean") / (2 * length**2))
    root = np.linalg.cholesky(covariance + (nugget + 1e-6) * np.eye(len(xy)))
    return root @ rng.standard_normal((len(xy), n))


def test_kernel_sums_are_those_over_all_pairs() -> None:
    xy = lattice(25)

    found = field.kernels(xy)

    for length, reach in zip(found.lengths[1:], found.reach.T[1:], strict=True):
        wanted = np.exp(-cdist(xy, xy, "sqeuclidean") / (2 * length**2)).sum(axis=1)
        np.testing.assert_allclose(reach, wanted, rtol=0.05)


def test_the_variogram_of_a_known_field_is_found() -> None:
    xy = lattice(40)
    values = gaussian_field(xy, length=40.0, nugget=0.3, n=300, seed=0)
    tissue = field.kernels(xy)
    pairs = field.sample_pairs(xy, np.random.default_rng(0))

    weights = field.fit_variogram(values, pairs, tissue.lengths)

    at = np.array([10.0, 30.0, 60.0, 120.0])
    model = np.column_stack([np.ones(4), 1 - np.exp(-(at[:, None] ** 2) / (2 * tissue.lengths**2))])
    truth = 0.3 + 1 - np.exp(-(at**2) / (2 * 40.0**2))
    np.testing.assert_allclose((model @ weights).mean(axis=1), truth, rtol=0.1)
    assert (weights >= 0).all()


def test_the_variance_of_a_contrast_is_that_of_the_covariance_matrix() -> None:
    xy = lattice(25)
    tissue = field.kernels(xy)
    mask = (xy[:, 0] < 100) & (xy[:, 1] < 120)
    weights = np.zeros((1 + len(tissue.lengths), 2))
    weights[0] = 0.4
    weights[3, 0], weights[5, 1] = 1.0, 0.7
    own = field.own_kernels(xy[mask], tissue.lengths, np.random.default_rng(0))
    placed = Placements(sparse.csr_array(mask[None].astype(float)), 1)

    found = field.contrast_variance(weights, tissue, placed, own)[0]

    contrast = np.where(mask, 1 / mask.sum(), -1 / (~mask).sum())
    squared = cdist(xy, xy, "sqeuclidean")
    for k, (kernel, height) in enumerate([(2, 1.0), (4, 0.7)]):
        covariance = height * np.exp(-squared / (2 * tissue.lengths[kernel] ** 2))
        covariance += 0.4 * np.eye(len(xy))
        np.testing.assert_allclose(found[k], contrast @ covariance @ contrast, rtol=0.05)


def test_pairs_are_different_spots_at_their_distance() -> None:
    xy = lattice(30)

    pairs = field.sample_pairs(xy, np.random.default_rng(1))

    assert (pairs.first != pairs.second).all()
    apart = np.linalg.norm(xy[pairs.first] - xy[pairs.second], axis=1)
    assert (np.abs(apart - pairs.distance[pairs.group]) < 25).all()
