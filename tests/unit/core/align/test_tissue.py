import numpy as np
import pytest

from spatialmeta_core.align import align
from spatialmeta_core.align.tissue import (
    find_tissue,
    tissue_outline,
    tissue_pixels,
    total_threshold,
)
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import apply_pose, contains, make_pose, signed_area
from spatialmeta_core.params import AlignParams, OutlineParams


@pytest.fixture
def section():
    """A bright 20 x 20 block of tissue, 40 dim pixels around it, and a bright piece of 4."""
    grid = np.array([[x, y] for y in range(20) for x in range(20)], float)
    dim = np.array([[x, -1 - y] for y in range(2) for x in range(20)], float)
    piece = np.array([[40, 5], [41, 5], [40, 6], [41, 6]], float)
    rng = np.random.default_rng(0)
    totals = np.concatenate(
        [rng.lognormal(9, 0.3, 400), rng.lognormal(4, 0.3, 40), rng.lognormal(9, 0.3, 4)]
    )
    return np.concatenate([grid, dim, piece]), totals


def area(rings):
    return abs(sum(signed_area(ring.xy) for ring in rings))


def test_by_default_only_stray_pieces_are_left_out(section):
    xy, totals = section
    found = find_tissue(xy, totals, OutlineParams())
    assert found.kept.tolist() == [True] * 440 + [False] * 4
    assert (found.n_dim, found.n_stray, found.min_total) == (0, 4, None)


def test_nothing_is_dropped_when_no_piece_is_too_small(section):
    assert tissue_pixels(*section, OutlineParams(min_piece=0)).all()


def test_the_total_parts_tissue_from_background(section):
    xy, totals = section
    found = find_tissue(xy, totals, OutlineParams(by_total=True))
    assert found.kept.tolist() == [True] * 400 + [False] * 44
    assert (found.n_dim, found.n_stray) == (40, 4)
    assert totals[400:440].max() < found.min_total <= totals[:400].min()
    assert found.separation > 0.9


def test_totals_without_a_gap_are_told_from_totals_with_one(section):
    xy, _ = section
    totals = np.random.default_rng(2).lognormal(9, 0.3, len(xy))
    found = find_tissue(xy, totals, OutlineParams(by_total=True))
    assert found.separation == pytest.approx(2 / np.pi, abs=0.05)  # of a normal distribution
    by_hand = find_tissue(xy, totals, OutlineParams(by_total=True, min_total=5000))
    assert by_hand.separation is None


def test_a_limit_set_by_hand_goes_before_the_automatic_one(section):
    xy, totals = section
    limit = float(np.median(totals[:400]))
    found = find_tissue(xy, totals, OutlineParams(by_total=True, min_total=limit, min_piece=0))
    np.testing.assert_array_equal(found.kept, totals >= limit)


def test_the_unit_of_the_positions_does_not_matter(section):
    xy, totals = section
    params = OutlineParams(by_total=True)
    np.testing.assert_array_equal(
        tissue_pixels(xy, totals, params), tissue_pixels(50 * xy - 1e4, 7 * totals, params)
    )


def test_the_threshold_is_the_one_of_otsu_on_the_logarithm():
    rng = np.random.default_rng(1)
    totals = np.exp(np.concatenate([rng.normal(2, 0.5, 300), rng.normal(8, 0.5, 700)]))
    logs = np.log(totals)
    cuts = np.linspace(logs.min(), logs.max(), 400)[1:-1]

    def between(cut):
        low, high = logs[logs < cut], logs[logs >= cut]
        return len(low) * len(high) * (low.mean() - high.mean()) ** 2

    assert between(np.log(total_threshold(totals))) > 0.999 * max(map(between, cuts))


def test_the_outline_holds_the_tissue_and_nothing_else(section):
    xy, totals = section
    params = OutlineParams(by_total=True)
    kept = tissue_pixels(xy, totals, params)
    rings = tissue_outline(xy, kept, params)
    assert len(rings) == 1
    assert area(rings) == pytest.approx(400, rel=0.03)
    inside = contains(((rings[0].xy,),), xy)
    np.testing.assert_array_equal(inside, kept)


def test_a_larger_closing_closes_a_notch(section):
    xy, _ = section
    block = xy[:400]
    notch = ~((abs(block[:, 0] - 10) < 2) & (block[:, 1] > 10))
    everything = np.ones(int(notch.sum()), bool)
    tight, wide = (
        area(tissue_outline(block[notch], everything, OutlineParams(closing=closing)))
        for closing in (0.8, 4.0)
    )
    assert tight == pytest.approx(notch.sum(), rel=0.05)
    assert wide == pytest.approx(400, rel=0.04)


@pytest.mark.parametrize(
    ("totals", "params", "says"),
    [
        (None, OutlineParams(by_total=True), "none was given"),
        (np.ones(3), OutlineParams(by_total=True), "one per pixel"),
        (np.ones(444), OutlineParams(by_total=True), "all alike"),
        (np.arange(444.0), OutlineParams(by_total=True, min_total=440), "Only 4 of 444 pixels"),
    ],
)
def test_a_mask_that_leaves_no_tissue_is_refused(section, totals, params, says):
    with pytest.raises(InvalidDataError, match=says):
        tissue_pixels(section[0], totals, params)


def test_off_tissue_pixels_do_not_pull_the_fit_but_are_carried_along():
    """A band of background beside the tissue spoils a fit that takes it for tissue."""
    grid = np.array([[x, y] for y in range(30) for x in range(24)], float)
    tissue = grid[~((grid[:, 0] > 14) & (grid[:, 1] > 18))]
    band = np.array([[x, y] for y in range(30) for x in range(24, 31)], float)
    moving = np.concatenate([tissue, band])
    kept = np.arange(len(moving)) < len(tissue)
    truth = make_pose(8.0, 5.0, 5.0, shift=(40.0, 30.0))
    target = apply_pose(truth, tissue)
    start = make_pose(4.0, 5.0, 5.0, shift=(35.0, 35.0))
    params = AlignParams(transform="similarity", nonrigid=False)

    def error(mask):
        found = align(moving, target, params, start=start, moving_mask=mask)
        return np.median(np.linalg.norm(found.apply(tissue) - target, axis=1)), found

    with_band, misled = error(None)
    without, found = error(kept)
    assert 2 * without < with_band
    assert found.score.overlap > 0.97 > misled.score.overlap
    assert found.apply(moving).shape == moving.shape
