import numpy as np
import pytest

from spatialmeta_core.align.frame import Frame, min_jacobian, quarter_turns
from spatialmeta_core.align.shape import spots_shape
from spatialmeta_core.geometry import apply_pose, make_pose
from spatialmeta_core.types import Displacement


def on_grid(function, n: int = 12, step: float = 2.0) -> Displacement:
    x, y = np.meshgrid(np.arange(n) * step, np.arange(n) * step)
    return Displacement(np.stack(function(x, y), axis=-1), (0.0, 0.0), step)


def test_no_change_has_a_jacobian_of_one() -> None:
    nothing = on_grid(lambda x, y: (0 * x + 3, 0 * y - 1))

    assert min_jacobian(nothing) == 1


def test_a_linear_change_has_its_determinant() -> None:
    matrix = np.array([[1.2, 0.3], [-0.1, 0.7]])
    change = matrix - np.eye(2)

    linear = on_grid(
        lambda x, y: [row[0] * x + row[1] * y for row in change],
    )

    assert min_jacobian(linear) == pytest.approx(np.linalg.det(matrix))


def test_a_mirrored_section_is_below_zero() -> None:
    mirror = on_grid(lambda x, y: (-2 * x, 0 * y))

    assert min_jacobian(mirror) == pytest.approx(-1)


def test_no_point_between_the_nodes_is_lower() -> None:
    rng = np.random.default_rng(0)
    bumpy = Displacement(rng.normal(0, 0.8, (6, 7, 2)), (0.0, 0.0), 2.0)
    inner = np.linspace(0.001, 1.999, 15)
    x = (2 * np.arange(6)[:, None] + inner).ravel()
    y = (2 * np.arange(5)[:, None] + inner).ravel()
    xy = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)

    right, down = 1e-4 * np.eye(2)
    along_x = (bumpy.at(xy + right) - bumpy.at(xy - right)) / 2e-4
    along_y = (bumpy.at(xy + down) - bumpy.at(xy - down)) / 2e-4
    sampled = (1 + along_x[:, 0]) * (1 + along_y[:, 1]) - along_x[:, 1] * along_y[:, 0]

    assert min_jacobian(bumpy) <= sampled.min() + 1e-6
    assert min_jacobian(bumpy) == pytest.approx(sampled.min(), abs=0.01)


def test_a_pose_survives_the_way_through_the_frames(section) -> None:
    frame = Frame.between(spots_shape(section.moving), spots_shape(section.target), None)

    back = frame.pose_from(frame.matrix_of(section.pose))

    np.testing.assert_allclose(back.matrix, section.pose.matrix)


def test_quarter_turns_keep_scales_and_put_the_centers_together() -> None:
    start = make_pose(20, 3.0, 2.0, (5.0, 6.0))

    turned = quarter_turns(start, np.array([1.0, 2.0]), np.array([50.0, 60.0]))

    assert len(turned) == 8
    assert sum(pose.flipped for pose in turned) == 4
    for pose in turned:
        np.testing.assert_allclose(apply_pose(pose, np.array([[1.0, 2.0]])), [[50.0, 60.0]])
        np.testing.assert_allclose(np.linalg.svd(pose.matrix[:, :2])[1], [3.0, 2.0])
