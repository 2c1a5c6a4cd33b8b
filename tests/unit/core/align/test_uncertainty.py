from dataclasses import replace

import numpy as np
import pytest

from spatialmeta_core.align import align, uncertainty
from spatialmeta_core.align.extra import Terms
from spatialmeta_core.align.frame import Frame, Placed
from spatialmeta_core.align.search import Placement
from spatialmeta_core.align.shape import spots_shape
from spatialmeta_core.align.uncertainty import Spread, chances, posterior, radius, spot_sd
from spatialmeta_core.align.velocity import fit_flow
from spatialmeta_core.align.warp import SD_SHIFT, fit_warp, normal_equations
from spatialmeta_core.geometry import apply_pose, compose, make_pose
from spatialmeta_core.params import AlignParams
from spatialmeta_core.types import Alignment, Landmarks, Pose


def near(pair) -> Pose:
    return compose(make_pose(3, center=tuple(pair.truth.mean(axis=0))), pair.pose)


def fitted(pair, keep=None, landmarks: Landmarks | None = None, params=None):
    """A section placed by its true pose and warped, and what that was fitted to."""
    kept = slice(None) if keep is None else keep
    goal, whole = spots_shape(pair.target), spots_shape(pair.moving)
    frame = Frame.between(whole, goal, None)
    moving, target = frame.normalized(spots_shape(pair.moving[kept]), goal)
    terms = Terms(moving, target, params or AlignParams(), None, landmarks)
    matrix = frame.matrix_of(pair.pose)
    warp = fit_warp(matrix, moving, target, landmarks=landmarks)
    return Placed(Placement(matrix, 0.0), warp, 0.0), terms, frame


def crooked(pair, by: float):
    """The section with its target bent by up to ``by`` px more."""

    def bend(xy: np.ndarray) -> np.ndarray:
        return xy + by * np.sin((xy[:, ::-1] - 5000) / 700)

    return pair._replace(target=bend(pair.target), truth=bend(pair.truth))


def source_of(frame: Frame, xy: np.ndarray) -> np.ndarray:
    return (xy - frame.moving_center) / frame.moving_length


def test_errors_on_a_line_or_equal_all_around_have_their_exact_radius() -> None:
    nothing = np.zeros((2, 2))
    spread = Spread(np.array([4.0, 1.0]), np.array([0.0, 0.0]), np.array([0.0, 1.0]))

    found = radius(spread, nothing)

    share = uncertainty.ONE_SD
    np.testing.assert_allclose(found, [2 * 1.0, np.sqrt(-2 * np.log(1 - share))], rtol=1e-4)


@pytest.mark.parametrize("missing", [(0.0, 0.0), (2.0, 1.0), (6.0, -6.0)])
@pytest.mark.parametrize("covariance", [[[4.0, 1.5], [1.5, 1.0]], [[1.0, 0.0], [0.0, 0.01]]])
def test_two_thirds_of_drawn_errors_are_within_the_radius(missing, covariance) -> None:
    drawn = np.random.default_rng(0).multivariate_normal(missing, covariance, 20_000)
    (xx, xy), (_, yy) = covariance

    found = radius(Spread(*np.array([[xx], [xy], [yy]])), np.array([missing]))

    within = (np.linalg.norm(drawn, axis=1) <= found).mean()
    assert within == pytest.approx(0.68, abs=0.05)


def test_a_larger_unit_makes_the_radius_larger_by_as_much() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(2, 2))
    xx, xy, yy = (root @ root.T)[[0, 0, 1], [0, 1, 1]]
    offset = rng.normal(size=(1, 2))

    one, other = (
        radius(Spread(*np.array([[xx], [xy], [yy]]) * unit**2), offset * unit) for unit in (1, 250)
    )

    np.testing.assert_allclose(other, 250 * one)


def test_the_spread_is_that_of_the_conditional_process(bent, monkeypatch) -> None:
    """The same Gaussian model, written over the observations instead of the coefficients."""
    monkeypatch.setattr(uncertainty, "AMPLITUDES", (0.03,))
    placed, terms, frame = fitted(bent)
    source = source_of(frame, bent.moving[::400])

    found = posterior(placed, source, terms, 0.014)

    pairs, place = uncertainty._observed(placed, terms, 0.014)
    trusted = pairs.trust > 0
    direction, rows = pairs.direction[trusted], placed.warp.features(place)[pairs.point[trusted]]
    seen = np.hstack([direction[:, :1] * rows, direction[:, 1:] * rows])
    matrix = placed.placement.matrix
    asked = placed.warp.features(source @ matrix[:, :2].T + matrix[:, 2])
    variance = np.full(rows.shape[1], 0.03**2)
    variance[:3] = uncertainty.SD_LINEAR**2, uncertainty.SD_LINEAR**2, SD_SHIFT**2
    prior = np.diag(np.tile(variance, 2))
    gain = np.linalg.inv(seen @ prior @ seen.T + np.diag(1 / pairs.trust[trusted]))
    covariance = prior - prior @ seen.T @ gain @ seen @ prior
    n = rows.shape[1]
    beyond = 0.03**2 * np.maximum(0, 1 - (asked[:, 3:] ** 2).sum(axis=1))
    wanted = [
        np.einsum("ij,jk,ik->i", asked, covariance[a, b], asked) + extra
        for a, b, extra in (
            (slice(n), slice(n), beyond),
            (slice(n), slice(n, None), 0),
            (slice(n, None), slice(n, None), beyond),
        )
    ]
    np.testing.assert_allclose(np.array(found), wanted, rtol=1e-4, atol=1e-9)


def test_a_section_that_bends_more_is_less_sure(section) -> None:
    straight, bending = (
        radius(
            posterior(placed, source_of(frame, pair.moving[::50]), terms),
            np.zeros((len(pair.moving[::50]), 2)),
        )
        for pair in (section, crooked(section, 200.0))
        for placed, terms, frame in [fitted(pair)]
    )

    assert np.median(bending) > 1.5 * np.median(straight)


def test_where_the_edge_is_lost_the_place_is_less_sure(section) -> None:
    keep = section.truth[:, 0] < 5900
    sides = {}
    for name, kept in (("whole", None), ("cut", keep)):
        placed, terms, frame = fitted(section, kept)
        ask = keep & (section.truth[:, 0] > 5700)
        spread = posterior(placed, source_of(frame, section.moving[ask]), terms)
        sides[name] = np.median(radius(spread, np.zeros((int(ask.sum()), 2))))

    assert sides["cut"] > 1.2 * sides["whole"]


def test_a_landmark_makes_its_surroundings_surer(bent) -> None:
    frame = fitted(bent)[2]
    middle = bent.moving[np.argmin(np.linalg.norm(bent.truth - [5300, 4600], axis=1))]
    goal = bent.truth[np.argmin(np.linalg.norm(bent.truth - [5300, 4600], axis=1))]
    pair = Landmarks(
        source_of(frame, middle)[None], (goal - frame.target_center)[None] / frame.target_length
    )

    without, with_it = (
        radius(posterior(placed, source_of(frame, middle)[None], terms), np.zeros((1, 2)))[0]
        for placed, terms, _ in (fitted(bent), fitted(bent, landmarks=pair))
    )

    assert with_it < 0.9 * without


def test_along_a_straight_edge_the_place_is_less_sure_than_across() -> None:
    x, y = np.meshgrid(np.arange(60.0), np.arange(40.0))
    block = np.column_stack([x.ravel(), y.ravel()])
    shape = spots_shape(block)
    frame = Frame.between(shape, shape, None)
    moving, target = frame.normalized(shape, shape)
    matrix = np.eye(2, 3)
    placed = Placed(Placement(matrix, 0.0), fit_warp(matrix, moving, target), 0.0)
    top = source_of(frame, np.array([[30.0, 0.0]]))

    spread = posterior(placed, top, Terms(moving, target, AlignParams()))

    assert spread.xx[0] > 3 * spread.yy[0]


def test_equal_hypotheses_are_as_unsure_as_they_are_apart(section) -> None:
    placed, terms, frame = fitted(section)
    turned = placed._replace(
        placement=Placement(np.diag([-1.0, -1.0]) @ placed.placement.matrix, 0.0)
    )
    alignment = Alignment(section.pose)
    ask = section.moving[::40]

    alone, both, far_behind = (
        np.median(spot_sd(found, alignment, ask, terms, frame, pitch=65.0))
        for found in ([placed], [placed, turned], [placed, turned._replace(cost=60.0)])
    )

    assert both > 0.2 * section.width
    assert far_behind == pytest.approx(alone, rel=0.01)


def test_chances_are_shares_that_fall_with_the_cost(section) -> None:
    placed = fitted(section)[0]

    found = chances([placed._replace(cost=cost) for cost in (5.0, 5.0, 9.0)])

    assert found.sum() == pytest.approx(1)
    assert found[0] == found[1] > found[2] > 0


def test_the_true_place_is_mostly_within_two_sd(bent) -> None:
    found = align(bent.moving, bent.target, start=near(bent))

    error = np.linalg.norm(found.apply(bent.moving) - bent.truth, axis=1)
    assert found.sd_px.shape == (len(bent.moving),)
    assert (found.sd_px > 0).all()
    assert (error < 2 * found.sd_px).mean() > 0.8
    assert np.median(found.sd_px) < 0.02 * bent.width


def test_what_the_pose_leaves_out_counts(section) -> None:
    pair = crooked(section, 150.0)
    start = near(pair)
    straight = align(pair.moving, pair.target, AlignParams(nonrigid=False), start=start)
    bending = align(pair.moving, pair.target, start=start)

    assert np.median(straight.sd_px) > 1.2 * np.median(bending.sd_px)
    error = np.linalg.norm(straight.apply(pair.moving) - pair.truth, axis=1)
    assert (error < 2 * straight.sd_px).mean() > 0.8


def test_the_same_section_is_surer_than_another(section) -> None:
    start = near(section)

    same, other = (
        align(section.moving, section.target, params, start=start)
        for params in (AlignParams(transform="rigid"), AlignParams())
    )

    assert np.median(same.sd_px) < 0.75 * np.median(other.sd_px)


def test_a_flow_is_as_unsure_as_the_correction_it_replaces(bent) -> None:
    placed, terms, frame = fitted(bent)
    flow = placed._replace(warp=fit_flow(placed.placement.matrix, terms))
    source = source_of(frame, bent.moving[::50])

    one, other = (
        radius(posterior(p, source, terms), np.zeros_like(source)) for p in (placed, flow)
    )

    np.testing.assert_allclose(one, other, rtol=0.1)


def test_a_pose_by_hand_has_no_sd(section, monkeypatch) -> None:
    far = make_pose(50, 60.0, 60.0, (5600.0, 5000.0), flipped=True)
    monkeypatch.setattr("spatialmeta_core.align.outcome.pose_of", lambda *_: far)

    kept = align(section.moving, section.target, AlignParams(nonrigid=False), start=near(section))

    assert "made it worse" in kept.notes[-1]
    assert kept.sd_px is None


def test_the_unit_of_the_target_is_the_unit_of_the_sd(section) -> None:
    small = replace(AlignParams(), nonrigid=False)

    one, other = (
        align(
            section.moving, section.target * unit, small, start=Pose(near(section).matrix * unit)
        ).sd_px
        for unit in (1.0, 0.01)
    )

    np.testing.assert_allclose(other, 0.01 * one, rtol=0.05)


def test_normal_equations_solve_least_squares(bent) -> None:
    placed, terms, _ = fitted(bent)
    pairs, place = uncertainty._observed(placed, terms, 0.014)
    rows = placed.warp.features(place)

    precision, right = normal_equations(rows, np.full(rows.shape[1], 10.0), pairs)

    x, y = pairs.direction.T[:, :, None] * rows[pairs.point]
    root = np.sqrt(pairs.trust)
    stacked = np.vstack([np.hstack([x, y]) * root[:, None], np.sqrt(10.0) * np.eye(len(right))])
    wanted = np.linalg.lstsq(stacked, np.r_[root * pairs.offset, np.zeros(len(right))], rcond=None)
    np.testing.assert_allclose(np.linalg.solve(precision, right), wanted[0], atol=1e-8)


def test_applying_the_pose_alone_is_what_the_alignment_is_asked_for(section) -> None:
    placed, terms, frame = fitted(section)
    alignment = Alignment(section.pose)

    sd = spot_sd([placed], alignment, section.moving, terms, frame, pitch=85.0)

    off = np.linalg.norm(apply_pose(section.pose, section.moving) - section.truth, axis=1)
    assert (off < sd).mean() > 0.6


def test_a_coarse_lattice_leaves_the_edge_and_the_place_less_sure(section) -> None:
    placed, terms, frame = fitted(section)
    ask = section.moving[::40]

    fine, coarse = (
        np.median(spot_sd([placed], Alignment(section.pose), ask, terms, frame, pitch=pitch))
        for pitch in (65.0, 200.0)
    )

    assert coarse > 1.3 * fine
