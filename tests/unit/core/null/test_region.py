import numpy as np
from scipy import ndimage, sparse
from scipy.stats import rankdata

from spatialmeta_core.null import region_p


def tissue(n_side: int = 40) -> np.ndarray:
    row, column = np.divmod(np.arange(n_side**2), n_side)
    xy = np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2])
    center = xy - xy.mean(axis=0)
    angle = np.arctan2(center[:, 1], center[:, 0])
    return xy[np.hypot(*center.T) < n_side * (0.36 + 0.1 * np.cos(2 * angle + 1))]


def smooth_ranks(xy: np.ndarray, n: int, seed: int, length: float = 3.0) -> np.ndarray:
    """Fields without any true difference, drawn on a finer raster and blurred."""
    rng = np.random.default_rng(seed)
    size = int(np.ceil(xy.max())) * 2 + 40
    noise = rng.standard_normal((n, size, size))
    blurred = ndimage.gaussian_filter(noise, (0, 2 * length, 2 * length))
    place = (xy * 2 + 20).T
    fields = np.array([ndimage.map_coordinates(each, place, order=1) for each in blurred]).T
    fields /= fields.std()
    return rankdata(fields + 0.5 * rng.standard_normal(fields.shape), axis=0)


def disk(xy: np.ndarray, n: int, place: int) -> np.ndarray:
    mask = np.zeros(len(xy), bool)
    mask[np.argsort(((xy - xy[place]) ** 2).sum(axis=1))[:n]] = True
    return mask


def test_smooth_fields_without_a_difference_come_out_significant_about_one_time_in_twenty() -> None:
    xy = tissue()
    ranks = smooth_ranks(xy, 250, seed=0)
    middle = int(((xy - xy.mean(axis=0)) ** 2).sum(axis=1).argmin())
    edge = int(xy[:, 0].argmin())

    for place in (middle, edge):
        mask = disk(xy, 100, place)
        found = region_p(ranks, xy, mask, n_placements=300)
        z = (ranks[mask].mean(axis=0) - (len(xy) + 1) / 2) / (len(xy) / np.sqrt(12 * 100))
        assert (np.abs(z) > 1.96).mean() > 0.5, "a plain rank test is badly inflated here"
        assert 0.01 <= (found.p <= 0.05).mean() <= 0.11


def test_a_large_planted_difference_is_found() -> None:
    xy = tissue()
    mask = disk(xy, 100, 400)
    ranks = smooth_ranks(xy, 60, seed=1, length=1.0)

    planted = rankdata(ranks + 0.5 * len(xy) * mask[:, None], axis=0)

    assert (region_p(planted, xy, mask, n_placements=300).p <= 0.05).mean() > 0.8


def test_sparse_and_dense_values_give_the_same_p() -> None:
    xy = tissue(25)
    values = np.random.default_rng(0).poisson(0.5, (len(xy), 30)).astype(float)
    mask = disk(xy, 40, 100)

    dense = region_p(values, xy, mask, n_placements=150).p
    again = region_p(sparse.csc_matrix(values), xy, mask, n_placements=150).p

    np.testing.assert_array_equal(dense, again)


def test_a_constant_feature_has_no_p() -> None:
    xy = tissue(25)
    values = np.column_stack([np.ones(len(xy)), np.arange(len(xy), dtype=float)])

    found = region_p(values, xy, disk(xy, 40, 100), n_placements=150)

    assert np.isnan(found.p[0])
    assert 0 < found.p[1] <= 1


def test_a_region_that_fits_hardly_anywhere_gets_no_p_and_a_reason() -> None:
    xy = tissue(25)
    values = np.random.default_rng(0).standard_normal((len(xy), 3))

    found = region_p(values, xy, disk(xy, int(0.9 * len(xy)), 150), n_placements=150)

    assert np.isnan(found.p).all()
    assert "100 are needed" in found.note
