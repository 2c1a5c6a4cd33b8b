import numpy as np
import pytest

from spatialmeta_core.align.frame import Frame
from spatialmeta_core.align.shape import spots_shape
from spatialmeta_core.align.warp import fit_warp


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
