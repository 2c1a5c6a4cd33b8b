import numpy as np
import pytest

from spatialmeta_core.align.frame import Frame
from spatialmeta_core.align.shape import spots_shape
from spatialmeta_core.align.warp import LANDMARK_NOISE, fit_warp, pair_landmarks
from spatialmeta_core.types import Landmarks


def prepared(pair, keep=None):
    whole, target = spots_shape(pair.moving), spots_shape(pair.target)
    frame = Frame.between(whole, target, None)
    kept = slice(None) if keep is None else keep
    moving = spots_shape(pair.moving[kept]).scaled(frame.moving_center, frame.moving_length)
    goal = target.scaled(frame.target_center, frame.target_length)
    matrix = frame.matrix_of(pair.pose)
    place = (pair.moving[kept] - frame.moving_center) / frame.moving_length
    place = place @ matrix[:, :2].T + matrix[:, 2]
    truth = (pair.truth[kept] - frame.target_center) / frame.target_length
    return matrix, moving, goal, place, truth


def test_a_bend_is_undone(bent) -> None:
    matrix, moving, target, place, truth = prepared(bent)
    before = np.linalg.norm(place - truth, axis=1)

    after = np.linalg.norm(place + fit_warp(matrix, moving, target).at(place) - truth, axis=1)

    assert np.median(after) < 0.4 * np.median(before)


def test_what_fits_already_hardly_moves(section) -> None:
    matrix, moving, target, place, _ = prepared(section)

    moved = np.linalg.norm(fit_warp(matrix, moving, target).at(place), axis=1)

    assert np.median(moved) < 0.005


def test_a_cut_does_not_pull(section) -> None:
    keep = section.truth[:, 0] < 5900  # a fifth of the section is lost
    matrix, moving, target, place, truth = prepared(section, keep)

    error = np.linalg.norm(place + fit_warp(matrix, moving, target).at(place) - truth, axis=1)

    assert np.median(error) < 0.006
    assert error.max() < 0.06


def test_a_displacement_knows_its_linear_part_and_its_improbability(bent) -> None:
    matrix, moving, target, _, _ = prepared(bent)

    warp = fit_warp(matrix, moving, target)

    assert warp.improbability() > 0
    np.testing.assert_allclose(warp.linear(), np.eye(2), atol=0.1)
    assert warp.at(np.empty((0, 2))).shape == (0, 2)
    assert warp.at(np.array([[50.0, 50.0]])) == pytest.approx(
        np.array([[50.0, 50.0]]) @ (warp.linear() - np.eye(2)).T + warp.weights[2]
    )


def test_landmarks_pull_the_inside_that_the_outline_leaves_alone(section) -> None:
    matrix, moving, target, _, _ = prepared(section)
    place = np.array([[0.1, 0.05]])
    there = place @ matrix[:, :2].T + matrix[:, 2]
    pairs = Landmarks(place, there + np.array([[0.03, 0.0]]))

    alone = fit_warp(matrix, moving, target).at(there)
    pulled = fit_warp(matrix, moving, target, landmarks=pairs).at(there)

    off = np.linalg.norm(there + pulled - pairs.target, axis=1)
    before = np.linalg.norm(there + alone - pairs.target, axis=1)
    assert off[0] < 0.75 * before[0]


def test_a_landmark_far_from_its_goal_hardly_counts() -> None:
    place = np.array([[0.5, 0.5], [0.0, 0.0], [0.1, 0.0]])
    goal = np.array([[0.001, 0.0], [0.4, 0.3]])

    pairs = pair_landmarks(place, np.zeros((3, 2)), goal, 0.012)

    assert pairs.point.tolist() == [1, 2, 1, 2]
    np.testing.assert_allclose(pairs.offset, [0.001, 0.3, 0.0, 0.3])
    np.testing.assert_allclose(pairs.direction, [[1, 0], [1, 0], [0, 1], [0, 1]])
    assert pairs.trust[0] == pytest.approx(LANDMARK_NOISE**-2, rel=0.01)
    assert pairs.trust[1] < 1e-3 * pairs.trust[0]


def test_without_the_outline_only_landmarks_warp(bent) -> None:
    matrix, moving, target, place, _ = prepared(bent)

    warp = fit_warp(matrix, moving, target, outline_weight=0.0)

    np.testing.assert_allclose(warp.at(place), 0, atol=1e-12)
