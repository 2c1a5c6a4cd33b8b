import numpy as np
import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import apply_pose, compose, invert, make_pose
from spatialmeta_core.types import Pose

CORNERS = np.array([[0.0, 0.0], [3.0, 1.0], [-2.0, 5.0]])


def test_a_quarter_turn_takes_x_to_y() -> None:
    np.testing.assert_allclose(apply_pose(make_pose(90), [[1.0, 0.0]]), [[0.0, 1.0]], atol=1e-12)


def test_a_pose_flips_then_scales_then_turns_then_shifts() -> None:
    pose = make_pose(90, 2.0, 3.0, shift=(10.0, 20.0), flipped=True)

    # (1, 1) -> flip (1, -1) -> scale (2, -3) -> turn (3, 2) -> shift
    np.testing.assert_allclose(apply_pose(pose, [[1.0, 1.0]]), [[13.0, 22.0]])


def test_the_center_only_shifts() -> None:
    pose = make_pose(37, 1.4, 0.7, shift=(5.0, -6.0), flipped=True, center=(100.0, 50.0))

    np.testing.assert_allclose(apply_pose(pose, [[100.0, 50.0]]), [[105.0, 44.0]])


def test_a_pose_reads_back_as_it_was_made() -> None:
    pose = make_pose(-25, 1.5, 0.8, shift=(3.0, 4.0), flipped=True)

    assert pose.angle_deg == pytest.approx(-25)
    assert (pose.scale_x, pose.scale_y) == pytest.approx((1.5, 0.8))
    assert pose.shift_px == pytest.approx((3.0, 4.0))
    assert pose.flipped


def test_inverting_undoes_and_composing_chains() -> None:
    first, second = make_pose(20, 2, 0.5, (1.0, 2.0), True), make_pose(-70, 1, 1.2, (3.0, 0.0))

    np.testing.assert_allclose(
        apply_pose(compose(invert(first), first), CORNERS), CORNERS, atol=1e-12
    )
    np.testing.assert_allclose(
        apply_pose(compose(second, first), CORNERS),
        apply_pose(second, apply_pose(first, CORNERS)),
    )


def test_a_scale_of_zero_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="scales must be above 0"):
        make_pose(scale_x=0.0)


def test_a_flat_pose_cannot_be_undone() -> None:
    with pytest.raises(InvalidDataError, match="onto a line"):
        invert(Pose(np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]])))
