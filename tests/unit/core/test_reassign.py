import numpy as np
import pytest
from scipy.sparse import csr_array, issparse
from sklearn.neighbors import KNeighborsRegressor

from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry import apply_pose, contains, make_pose, signed_area
from spatialmeta_core.params import ReassignParams
from spatialmeta_core.reassign import area_donors, donors_of, near_donors, reassign, sides
from spatialmeta_core.types import Alignment

RNG = np.random.default_rng(0)
SOURCE, TARGET = RNG.uniform(0, 10, (300, 2)), RNG.uniform(0, 12, (80, 2))
VALUES = RNG.gamma(1.0, size=(300, 7)) * (RNG.random((300, 7)) < 0.5)


def reassign_slowly(values, source_xy, target_xy, max_distance, n_neighbors):
    means, used = [], []
    for place in target_xy:
        distance = np.linalg.norm(source_xy - place, axis=1)
        nearest = [i for i in np.argsort(distance)[:n_neighbors] if distance[i] <= max_distance]
        used.append(len(nearest))
        means.append(values[nearest].mean(axis=0) if nearest else np.full(values.shape[1], np.nan))
    return np.array(means), np.array(used)


def test_a_target_takes_the_mean_of_its_near_neighbors() -> None:
    source_xy = np.array([[0.0, 0.0], [2.0, 0.0], [50.0, 0.0]])
    values = np.array([[1.0], [3.0], [100.0]])

    result = reassign(values, source_xy, np.array([[1.0, 0.0]]), max_distance=5.0)

    np.testing.assert_allclose(result.values, [[2.0]])
    assert result.n_used.tolist() == [2]


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
@pytest.mark.parametrize(("reach", "k"), [(0.6, 5), (0.25, 3), (np.inf, 4), (2.0, 1)])
def test_it_equals_a_plain_loop(kind, reach, k) -> None:
    means, used = reassign_slowly(VALUES, SOURCE, TARGET, reach, k)

    result = reassign(kind(VALUES), SOURCE, TARGET, max_distance=reach, n_neighbors=k)

    np.testing.assert_allclose(result.values, means)
    np.testing.assert_array_equal(result.n_used, used)


def test_a_constant_field_stays_constant() -> None:
    result = reassign(np.full((300, 3), 7.0), SOURCE, TARGET, max_distance=np.inf)

    np.testing.assert_allclose(result.values, 7.0)


def test_a_neighbor_exactly_at_the_limit_counts() -> None:
    result = reassign(np.array([[4.0]]), np.zeros((1, 2)), np.array([[0.3, 0.0]]), max_distance=0.3)

    assert result.n_used.tolist() == [1]


def test_a_target_out_of_reach_is_missing_and_not_zero() -> None:
    result = reassign(VALUES, SOURCE, TARGET + 1000, max_distance=1.0)

    assert np.isnan(result.values).all()
    assert result.n_used.sum() == 0


def test_small_units_lose_nothing() -> None:
    in_px = reassign(VALUES, SOURCE, TARGET, max_distance=0.5)
    in_mm = reassign(VALUES, SOURCE * 1e-4, TARGET * 1e-4, max_distance=0.5e-4)

    np.testing.assert_array_equal(in_mm.n_used, in_px.n_used)
    np.testing.assert_allclose(in_mm.values, in_px.values)


def test_fewer_pixels_than_neighbors_is_no_error() -> None:
    result = reassign(VALUES[:2], SOURCE[:2], TARGET[:1], max_distance=np.inf, n_neighbors=5)

    np.testing.assert_allclose(result.values[0], VALUES[:2].mean(axis=0))


def test_no_pixels_leave_everything_missing() -> None:
    result = reassign(np.empty((0, 2)), np.empty((0, 2)), TARGET, max_distance=1.0)

    assert np.isnan(result.values).all()
    assert result.values.shape == (80, 2)


def test_the_input_is_not_changed() -> None:
    values, source = VALUES.copy(), SOURCE.copy()

    reassign(values, source, TARGET, max_distance=1.0)

    np.testing.assert_array_equal(values, VALUES)
    np.testing.assert_array_equal(source, SOURCE)


def test_rows_and_positions_must_agree() -> None:
    with pytest.raises(InvalidDataError, match="3 rows of values for 2 source spots"):
        reassign(np.ones((3, 1)), np.zeros((2, 2)), np.zeros((1, 2)), max_distance=1.0)


@pytest.mark.parametrize("bad", [{"max_distance": -1.0}, {"max_distance": np.nan}])
def test_a_cut_off_below_zero_is_refused(bad) -> None:
    with pytest.raises(InvalidParamsError, match="max_distance"):
        reassign(VALUES, SOURCE, TARGET, **bad)


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
@pytest.mark.parametrize(("method", "weights"), [("mean", "uniform"), ("distance", "distance")])
def test_it_equals_scikit_learn(kind, method, weights) -> None:
    source = np.concatenate([SOURCE, TARGET[:3]])  # three targets have a source right on them
    values = np.concatenate([VALUES, VALUES[:3] + 1.0])
    peer = KNeighborsRegressor(6, weights=weights).fit(source, values)

    result = reassign(
        kind(values), source, TARGET, max_distance=np.inf, n_neighbors=6, method=method
    )

    np.testing.assert_allclose(result.values, peer.predict(TARGET), rtol=1e-12)


def test_nearer_neighbors_weigh_more_by_the_inverse_of_their_distance() -> None:
    source_xy = np.array([[-1.0, 0.0], [3.0, 0.0], [0.0, 50.0]])

    result = reassign(
        np.array([[4.0], [8.0], [99.0]]),
        source_xy,
        np.zeros((1, 2)),
        max_distance=5.0,
        method="distance",
    )

    np.testing.assert_allclose(result.values, [[(4.0 + 8.0 / 3) / (1 + 1 / 3)]])
    assert result.n_used.tolist() == [2]


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_inverse_distances_neither_overflow_nor_vanish(scale) -> None:
    plain = reassign(VALUES, SOURCE, TARGET, max_distance=np.inf, method="distance")

    scaled = reassign(
        VALUES, SOURCE * scale, TARGET * scale, max_distance=np.inf, method="distance"
    )

    np.testing.assert_allclose(scaled.values, plain.values)


def pixels(n: int, angle: float, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Square pixels turned by an angle about the middle, and their corners."""
    x, y = (part.ravel() for part in np.meshgrid(np.arange(n), np.arange(n)))
    center = np.column_stack([x, y]) - (n - 1) / 2
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    pose = make_pose(angle, step, step)
    cells = apply_pose(pose, (center[:, None] + corners).reshape(-1, 2)).reshape(-1, 4, 2)
    return apply_pose(pose, center), cells


def areas_slowly(cells, place, radius) -> np.ndarray:
    """Share of a disc in each cell, by counting a fine grid of points."""
    step = np.linspace(-radius, radius, 121)
    x, y = np.meshgrid(step, step)
    disc = np.column_stack([x.ravel(), y.ravel()])[(x**2 + y**2).ravel() <= radius**2] + place
    near = np.abs(cells - place).max(axis=(1, 2)) < 3 * radius
    counted = [contains(((cell,),), disc).mean() for cell in cells[near]]
    share = np.zeros(len(cells))
    share[near] = counted
    return share


@pytest.mark.parametrize("angle", [0.0, 30.0, 45.0])
@pytest.mark.parametrize("given", [True, False])
def test_area_weights_are_the_shares_of_ground(angle, given) -> None:
    source_xy, cells = pixels(12, angle, 0.7)
    targets = RNG.uniform(-4.5, 4.5, (8, 2))
    values = RNG.gamma(1.0, size=(144, 3))

    result = reassign(
        values,
        source_xy,
        targets,
        max_distance=0.0,
        method="area",
        source_cells=cells if given else None,
        target_radius=0.8,
    )

    for place, found in zip(targets, result.values, strict=True):
        share = areas_slowly(cells, place, 0.8)
        if share.sum() > 0.2:
            expected = share @ values / share.sum()
            np.testing.assert_allclose(found, expected, rtol=0.03, atol=0.02)


@pytest.mark.parametrize("aggregate", ["mean", "sum"])
def test_sparse_tables_of_any_size_give_the_dense_result(aggregate) -> None:
    """More targets than are worked on at a time, some of them out of reach, some pixels empty."""
    targets = np.random.default_rng(3).uniform(-3, 13, (1300, 2))
    found = near_donors(SOURCE, targets, 0.8, 5, "distance")
    values = VALUES * (np.arange(300) % 3 > 0)[:, None]

    assert 0 < (found.n_used == 0).sum() < 1300
    expected = found.carry(values, aggregate)
    np.testing.assert_allclose(found.carry(csr_array(values), aggregate), expected)
    np.testing.assert_allclose(
        found.carry(csr_array(values, dtype="f4"), aggregate), expected, 1e-6
    )


def test_the_angle_of_the_pixels_matters() -> None:
    """A disc at a pixel's corner, then the same pixels turned about their own middle."""
    source_xy, straight = pixels(2, 0.0, 1.0)
    turned = straight - source_xy[:, None]
    turned = apply_pose(make_pose(45), turned.reshape(-1, 2)).reshape(4, 4, 2) + source_xy[:, None]
    corner, reach = np.array([[0.0, 0.0]]), 0.1

    over_straight = area_donors(source_xy, corner, straight, reach)
    over_turned = area_donors(source_xy, corner, turned, reach)

    assert over_straight.n_used.tolist() == [4]
    np.testing.assert_allclose(over_straight.covered, 1.0)
    assert over_turned.covered[0] < 1.0


def test_a_disc_half_off_the_tissue_is_half_covered_and_takes_what_is_there() -> None:
    source_xy, cells = pixels(10, 0.0, 1.0)
    targets = np.array([[5.0, 0.0], [0.0, 0.0], [9.0, 0.0]])

    found = area_donors(source_xy, targets, cells, 0.5)
    carried = found.carry(np.full((100, 2), 3.0))

    np.testing.assert_allclose(found.covered, [0.5, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(carried[:2], 3.0)
    assert np.isnan(carried[2]).all()


def test_spots_lie_on_the_same_grid_as_pixels_without_trouble() -> None:
    """Targets in the middle of pixels, and a disc that touches their edges."""
    source_xy, cells = pixels(5, 0.0, 2.0)

    found = area_donors(source_xy, source_xy, cells, 1.0)

    assert found.n_used.tolist() == [1] * 25
    np.testing.assert_allclose(found.weights.toarray(), np.eye(25))


def test_sums_of_counts_stay_whole_numbers() -> None:
    counts = RNG.poisson(3.0, (300, 4)).astype(float)

    summed = reassign(counts, SOURCE, TARGET, max_distance=0.6, aggregate="sum")
    mean = reassign(counts, SOURCE, TARGET, max_distance=0.6)

    some = summed.n_used > 0
    np.testing.assert_array_equal(summed.values[some], np.rint(summed.values[some]))
    np.testing.assert_allclose(summed.values, mean.values * summed.n_used[:, None])
    assert np.isnan(summed.values[~some]).all()


def test_sparse_tables_stay_sparse_and_missing_rows_are_nan() -> None:
    found = near_donors(SOURCE, np.concatenate([TARGET, [[99.0, 99.0]]]), 0.6, 5)

    carried = found.carry_sparse(VALUES)

    assert issparse(carried)
    np.testing.assert_allclose(carried.toarray(), found.carry(VALUES))
    assert np.isnan(carried.toarray()[-1]).all()


@pytest.mark.parametrize("method", ["mean", "distance", "area"])
def test_it_follows_both_sections_when_they_move_together(method) -> None:
    source_xy, _ = pixels(12, 0.0, 0.7)
    values, pose = RNG.gamma(1.0, size=(144, 2)), make_pose(33, shift=(70.0, -9.0), flipped=True)
    options = {"max_distance": 0.9, "method": method, "target_radius": 0.5}
    targets = TARGET[:40] - 5

    here = reassign(values, source_xy, targets, **options)
    there = reassign(values, apply_pose(pose, source_xy), apply_pose(pose, targets), **options)

    np.testing.assert_allclose(there.values, here.values, rtol=1e-9)


def test_the_direction_tells_source_from_target() -> None:
    sm_xy, _ = pixels(12, 0.0, 0.7)
    st_xy = pixels(6, 0.0, 1.4)[0]
    alignment = Alignment(make_pose(10, 1.2, 0.9, shift=(3.0, 0.0)))

    to_spots = sides(st_xy, sm_xy, alignment, ReassignParams(distance_factor=2.0))
    to_pixels = sides(
        st_xy, sm_xy, alignment, ReassignParams(direction="st_to_sm", distance_factor=2.0)
    )

    np.testing.assert_array_equal(to_spots.source_xy, alignment.apply(sm_xy))
    np.testing.assert_array_equal(to_spots.target_xy, st_xy)
    assert to_spots.max_distance == pytest.approx(2 * 1.4)
    np.testing.assert_array_equal(to_pixels.source_xy, st_xy)
    np.testing.assert_array_equal(to_pixels.target_xy, alignment.apply(sm_xy))
    assert to_pixels.max_distance == pytest.approx(2 * 0.9 * 0.7)


@pytest.mark.parametrize("direction", ["sm_to_st", "st_to_sm"])
def test_area_shapes_follow_the_alignment(direction) -> None:
    sm_xy, _ = pixels(30, 0.0, 1.0)
    alignment = Alignment(make_pose(30, 3.0, 2.0, flipped=True))
    st_xy = pixels(10, 0.0, 4.0)[0]
    params = ReassignParams(method="area", direction=direction)

    where = sides(st_xy, sm_xy, alignment, params)
    covered = donors_of(where, params).covered

    if direction == "sm_to_st":
        assert where.target_radius == pytest.approx(0.55 * 4 / 2)
        cell_area = 6.0  # of a pixel, stretched
    else:
        assert np.pi * where.target_radius**2 == pytest.approx(6.0)
        cell_area = 16.0
    areas = [abs(signed_area(cell)) for cell in where.source_cells]
    np.testing.assert_allclose(areas, cell_area)
    inside = np.linalg.norm(where.target_xy, axis=1) < 12  # cells tile the plane there
    np.testing.assert_allclose(covered[inside], 1.0)


@pytest.mark.parametrize(
    "bad", [{"aggregate": "sum", "method": "area"}, {"method": "area", "target_radius": 0.0}]
)
def test_weighted_sums_and_empty_discs_are_refused(bad) -> None:
    source_xy, _ = pixels(12, 0.0, 0.7)

    with pytest.raises(InvalidParamsError, match="allowed is"):
        reassign(np.ones((144, 1)), source_xy, TARGET, max_distance=1.0, **bad)


def test_areas_need_a_grid_and_cells_of_every_source() -> None:
    with pytest.raises(InvalidDataError, match="no regular grid"):
        reassign(VALUES, SOURCE, TARGET, max_distance=1.0, method="area")
    with pytest.raises(InvalidDataError, match=r"shape \(3, 4, 2\) for 300"):
        area_donors(SOURCE, TARGET, np.zeros((3, 4, 2)), 1.0)


@pytest.mark.parametrize("n", [0, 1])
def test_areas_of_nothing_cover_nothing(n) -> None:
    cells = np.zeros((n, 4, 2)) + 1e6
    far = area_donors(cells.mean(axis=1), TARGET, cells, 1.0)

    assert far.n_used.sum() == 0
    assert far.covered.sum() == 0
