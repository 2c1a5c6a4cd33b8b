import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from spatialmeta_core.align import align, warp
from spatialmeta_core.align.extra import Terms
from spatialmeta_core.align.frame import Frame, Placed, displacement_of, min_jacobian
from spatialmeta_core.align.search import Placement
from spatialmeta_core.align.shape import spots_shape
from spatialmeta_core.align.velocity import Flow, fit_flow, flowed
from spatialmeta_core.align.warp import Warp, fit_warp
from spatialmeta_core.geometry import compose, make_pose
from spatialmeta_core.params import AlignParams
from spatialmeta_core.types import Landmarks


def field(seed: int = 0, strength: float = 0.2) -> Warp:
    rng = np.random.default_rng(seed)
    control = rng.uniform(-0.6, 0.6, (12, 2))
    weights = rng.normal(0, strength, (15, 2))
    weights[:3] *= 0.2
    return Warp(control, 0.3 * np.eye(12), weights)


def prepared(pair, landmarks: Landmarks | None = None, outline_weight: float = 1.0):
    whole, goal = spots_shape(pair.moving), spots_shape(pair.target)
    frame = Frame.between(whole, goal, None)
    moving, target = frame.normalized(whole, goal)
    params = AlignParams(outline_weight=outline_weight)
    return frame, frame.matrix_of(pair.pose), Terms(moving, target, params, None, landmarks)


def test_drifting_is_the_solution_of_the_differential_equation() -> None:
    velocity = field()
    start = np.array([[0.1, -0.3], [0.4, 0.2]])

    drifted = flowed(velocity, start)

    for before, after in zip(start, drifted, strict=True):
        exact = solve_ivp(lambda _, x: velocity.at(x[None])[0], (0, 1), before, rtol=1e-9)
        np.testing.assert_allclose(after, exact.y[:, -1], atol=1e-5)


def test_drifting_backward_undoes_and_two_halves_are_a_whole() -> None:
    velocity = field()
    xy = np.random.default_rng(1).uniform(-0.5, 0.5, (30, 2))

    there = flowed(velocity, xy)

    assert np.abs(there - xy).max() > 0.1
    np.testing.assert_allclose(flowed(velocity, there, -1.0), xy, atol=1e-5)
    np.testing.assert_allclose(flowed(velocity, flowed(velocity, xy, 0.5), 0.5), there, atol=1e-5)


def test_a_linear_field_drifts_by_the_matrix_exponential() -> None:
    rates = np.array([[0.1, -0.3], [0.2, 0.05]])
    weights = np.vstack([rates.T, np.zeros((2, 2))])
    flow = Flow(Warp(np.zeros((1, 2)), np.ones((1, 1)), weights))
    xy = np.array([[0.3, 0.4], [-0.2, 0.1]])

    np.testing.assert_allclose(xy + flow.at(xy), xy @ expm(rates).T, atol=1e-6)
    np.testing.assert_allclose(flow.linear(), expm(rates))
    assert flow.improbability() == 0


def test_a_flow_does_not_fold_where_the_same_field_as_a_displacement_does(section) -> None:
    frame, matrix, _ = prepared(section)
    strong = field(3, strength=1.0)

    folds, least = displacement_of(
        Placed(Placement(matrix, 0.0), strong, 0.0), section.pose, frame, section.moving
    )
    flows, still = displacement_of(
        Placed(Placement(matrix, 0.0), Flow(strong), 0.0),
        section.pose,
        frame,
        section.moving,
        is_flow=True,
    )

    assert folds is None
    assert least < 0
    assert still > 0
    assert min_jacobian(flows) == still


def test_where_landmarks_ask_for_a_fold_the_flow_does_not(section, monkeypatch) -> None:
    monkeypatch.setattr(warp, "SD_WARP", 0.5)
    turn = np.linspace(0, 2 * np.pi, 9)[:-1]
    ring = np.column_stack([np.cos(turn), np.sin(turn)])
    frame, matrix, _ = prepared(section)
    inverse = np.linalg.inv(matrix[:, :2])
    # an inner ring is turned inside out, an outer one stays
    target = np.concatenate([-0.05 * ring, 0.45 * ring])
    places = np.concatenate([0.1 * ring, 0.45 * ring])
    pairs = Landmarks((places - matrix[:, 2]) @ inverse.T, target)
    _, _, terms = prepared(section, pairs, outline_weight=0.0)

    plain = fit_warp(matrix, terms.moving, terms.target, landmarks=pairs, outline_weight=0.0)
    flow = fit_flow(matrix, terms)

    placed = Placed(Placement(matrix, 0.0), plain, 0.0)
    folds, least = displacement_of(placed, section.pose, frame, section.moving)
    smooth, still = displacement_of(
        placed._replace(warp=flow), section.pose, frame, section.moving, is_flow=True
    )
    assert folds is None
    assert least < 0
    assert smooth is not None
    assert still > 0


def test_the_flow_meets_the_plain_correction_where_little_bends(bent) -> None:
    _, matrix, terms = prepared(bent)
    place = terms.moving.outline @ matrix[:, :2].T + matrix[:, 2]

    plain = fit_warp(matrix, terms.moving, terms.target).at(place)
    flow = fit_flow(matrix, terms).at(place)

    assert np.abs(plain).max() > 0.01
    assert np.linalg.norm(flow - plain, axis=1).max() < 0.02 * np.linalg.norm(plain, axis=1).max()


def test_it_is_the_flow_and_not_its_field_that_meets_the_landmarks(section, monkeypatch) -> None:
    for name, value in {"SD_WARP": 0.3, "SD_LINEAR": 0.5, "LANDMARK_WIDTHS": 50.0}.items():
        monkeypatch.setattr(warp, name, value)
    _, matrix, _ = prepared(section)
    moving = np.random.default_rng(0).uniform(-0.4, 0.4, (12, 2))
    place = moving @ matrix[:, :2].T + matrix[:, 2]
    turned = place @ np.array([[np.cos(0.6), np.sin(0.6)], [-np.sin(0.6), np.cos(0.6)]])
    _, _, terms = prepared(section, Landmarks(moving, turned), outline_weight=0.0)

    flow = fit_flow(matrix, terms)

    met = np.linalg.norm(place + flow.at(place) - turned, axis=1)
    by_field = np.linalg.norm(place + flow.velocity.at(place) - turned, axis=1)
    assert met.max() < 0.01
    assert by_field.max() > 0.05


@pytest.mark.parametrize("diffeomorphic", [False, True])
def test_an_alignment_says_how_far_from_folding_it_is(bent, diffeomorphic) -> None:
    start = compose(make_pose(4, center=tuple(bent.truth.mean(axis=0))), bent.pose)
    params = AlignParams(diffeomorphic=diffeomorphic)

    found = align(bent.moving, bent.target, params, start=start)

    assert found.min_jacobian == min_jacobian(found.displacement)
    assert 0.5 < found.min_jacobian < 1
    np.testing.assert_array_equal(found.candidates[0].pose.matrix, found.pose.matrix)
    error = np.median(np.linalg.norm(found.apply(bent.moving) - bent.truth, axis=1))
    assert error < 0.01 * bent.width
