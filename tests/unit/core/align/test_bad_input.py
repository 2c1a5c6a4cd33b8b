"""What the alignment does with input that no section should be like."""

import numpy as np
import pytest
from scipy.spatial import KDTree

from spatialmeta_core.align import align
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry import apply_pose, compose, invert, make_pose
from spatialmeta_core.params import AlignParams
from spatialmeta_core.types import Landmarks

AFFINE = AlignParams(nonrigid=False)


def off(pair, placed: np.ndarray, truth: np.ndarray | None = None) -> float:
    """Median error, as a fraction of the target's width."""
    wanted = pair.truth if truth is None else truth
    return float(np.median(np.linalg.norm(placed - wanted, axis=1)) / pair.width)


@pytest.mark.parametrize("which", ["moving", "target"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda xy: xy[:9], "9 different spot positions"),
        (lambda xy: xy[:0], "0 different spot positions"),
        (lambda xy: np.repeat(xy[:5], 40, axis=0), "5 different spot positions"),
        (lambda xy: np.column_stack([xy[:, 0], 2 * xy[:, 0] + 1]), "lie on one line"),
        (lambda xy: np.where(np.arange(len(xy))[:, None] == 3, np.nan, xy), "missing or infinite"),
        (lambda xy: np.where(np.arange(len(xy))[:, None] == 3, np.inf, xy), "missing or infinite"),
    ],
)
def test_positions_without_an_outline_are_named(section, which, spoil, message) -> None:
    sections = {"moving": section.moving, "target": section.target}
    sections[which] = spoil(sections[which])

    with pytest.raises(InvalidDataError, match=message):
        align(sections["moving"], sections["target"])


def test_a_thousandfold_difference_of_units_changes_nothing(section) -> None:
    small = align(section.moving / 1000, section.target, AFFINE)

    assert off(section, small.apply(section.moving / 1000)) < 0.006


def test_a_thousandfold_difference_of_numbers_is_placed(section) -> None:
    lattice = np.stack(np.meshgrid(*[np.arange(3000.0, 7200.0, 550.0)] * 2), axis=-1)
    lattice = lattice.reshape(-1, 2)
    few = lattice[KDTree(section.truth).query(lattice)[0] < 40]
    steps = np.stack(np.meshgrid(*[np.linspace(-22, 22, 5)] * 2), axis=-1).reshape(-1, 2)
    fine = (section.truth[:, None] + steps).reshape(-1, 2)
    moving = apply_pose(invert(section.pose), fine)
    assert len(moving) > 1000 * len(few)
    start = compose(make_pose(8, center=(5000.0, 5000.0)), section.pose)

    found = align(moving, few, AFFINE, start=start)

    assert off(section, found.apply(moving), fine) < 0.1


def test_pieces_that_lie_apart_are_placed_together(section) -> None:
    gap = np.abs(section.truth[:, 0] - 5100) > 200

    found = align(section.moving[gap], section.target[np.abs(section.target[:, 0] - 5100) > 200])

    assert off(section, found.apply(section.moving[gap]), section.truth[gap]) < 0.01


def test_a_hand_pose_far_beside_the_target_is_brought_back(section) -> None:
    far = compose(make_pose(shift=(4 * section.width, 0.0)), section.pose)

    found = align(section.moving, section.target, AFFINE, start=far)

    assert found.score_before.covered == 0
    assert off(section, found.apply(section.moving)) < 0.006


def test_stray_pixels_do_not_pull(section) -> None:
    rng = np.random.default_rng(0)
    low, high = section.moving.min(axis=0), section.moving.max(axis=0)
    stray = rng.uniform(low - 20, high + 20, (40, 2))

    found = align(np.concatenate([section.moving, stray]), section.target, AFFINE)

    assert off(section, found.apply(section.moving)) < 0.008


def test_only_pixels_of_the_mask_have_a_say(section) -> None:
    low, high = section.moving.min(axis=0), section.moving.max(axis=0)
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    raster = np.column_stack([x.ravel(), y.ravel()])
    placed = apply_pose(section.pose, raster)
    tissue = KDTree(section.truth).query(placed)[0] < 30

    found = align(raster, section.target, AFFINE, moving_mask=tissue)

    assert tissue.mean() < 0.8
    assert off(section, found.apply(raster), placed) < 0.01


def test_a_mask_of_another_length_is_refused(section) -> None:
    with pytest.raises(InvalidDataError, match="The tissue mask has shape"):
        align(section.moving, section.target, moving_mask=np.ones(5, bool))


def test_without_any_weight_nothing_holds_the_fit(section) -> None:
    params = AlignParams(outline_weight=0.0)
    one = Landmarks(section.moving[:1], section.truth[:1])

    with pytest.raises(InvalidParamsError, match="with 0 landmarks nothing else holds the fit"):
        align(section.moving, section.target, params)
    with pytest.raises(InvalidParamsError, match="with 1 landmarks nothing else holds the fit"):
        align(section.moving, section.target, params, landmarks=one)
