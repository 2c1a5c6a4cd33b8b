import numpy as np
import pytest

from spatialmeta_core.align.fields import Field, image_field, spots_field
from spatialmeta_core.types import TissueImage


def lattice(n: int = 40) -> np.ndarray:
    side = (np.arange(n) + 0.5) / n - 0.5
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


@pytest.fixture
def wavy() -> Field:
    xy = lattice()
    values = np.column_stack([np.sin(4 * xy[:, 0]), np.cos(5 * xy[:, 1]), xy[:, 0] * xy[:, 1]])
    return spots_field(xy, values, 0.04)


def test_a_constant_stays_constant() -> None:
    field = spots_field(lattice(), np.full((1600, 2), 3.5), 0.04)

    np.testing.assert_allclose(field.at(lattice(17)).values, 3.5)
    assert field.is_flat(lattice(17))


def test_a_smooth_map_is_read_back_where_no_spot_is(wavy) -> None:
    xy = np.random.default_rng(0).uniform(-0.35, 0.35, (200, 2))
    read = wavy.at(xy)

    np.testing.assert_allclose(read.values[:, 0], np.sin(4 * xy[:, 0]), atol=0.03)
    np.testing.assert_allclose(read.values[:, 1], np.cos(5 * xy[:, 1]), atol=0.03)
    np.testing.assert_allclose(read.weight, 1, atol=1e-6)
    assert not wavy.is_flat(xy)


def test_the_weight_falls_to_nothing_outside(wavy) -> None:
    away = np.column_stack([np.linspace(0.5, 1.5, 60), np.zeros(60)])
    weight = wavy.at(away).weight

    assert weight[0] > 0.8
    assert (np.diff(weight) <= 1e-9).all()
    assert (weight[away[:, 0] > 0.7] == 0).all()


def test_gradients_are_those_of_finite_differences(wavy) -> None:
    xy = np.random.default_rng(1).uniform(-0.55, 0.55, (100, 2))
    read, h = wavy.at(xy), 1e-7

    for axis, step in enumerate(np.eye(2) * h):
        ahead, behind = wavy.at(xy + step), wavy.at(xy - step)
        slope = (ahead.values - behind.values) / (2 * h)
        by_weight = (ahead.weight - behind.weight) / (2 * h)
        np.testing.assert_allclose(read.slope[..., axis], slope, atol=1e-4)
        np.testing.assert_allclose(read.weight_slope[:, axis], by_weight, atol=1e-4)


def test_repeated_spots_are_averaged() -> None:
    xy = np.repeat(lattice(), 2, axis=0)
    values = np.tile([0.0, 2.0], len(xy) // 2)[:, None]

    np.testing.assert_allclose(spots_field(xy, values, 0.05).at(lattice(9)).values, 1, atol=1e-9)


def picture() -> TissueImage:
    """Left half pink, right half purple with dark dots, 200 by 160, at 0.5 px per px."""
    rgb = np.full((160, 200, 3), (230, 160, 190), np.uint8)
    rgb[:, 100:] = (170, 110, 190)
    rgb[::8, 100::8] = (60, 20, 90)
    return TissueImage(rgb, 0.5)


def test_stain_is_read_as_optical_density_at_the_right_place() -> None:
    image = picture()
    field = image_field(image, np.ones((160, 200), bool), np.array([200.0, 160.0]), 400.0, 0.03)
    read = field.at(np.array([[-0.25, 0.0], [-0.2, 0.1], [0.25, 0.0]]))

    pink = -np.log((np.array([230, 160, 190]) + 1) / 256)
    np.testing.assert_allclose(read.values[0, :3], pink, atol=0.01)
    np.testing.assert_allclose(read.values[1, :3], pink, atol=0.01)
    assert (read.values[2, :2] > pink[:2] + 0.2).all()
    # the border between the halves lies at x = 200 px, which is 0 in the normalized frame
    across = np.column_stack([np.linspace(-0.2, 0.2, 401), np.full(401, 0.01)])
    red = field.at(across).values[:, 0]
    middle = across[np.argmax(red > (red[0] + red[-1]) / 2), 0]
    assert abs(middle) < 0.01


def test_contrast_is_high_where_dots_are_and_none_where_color_is_even() -> None:
    field = image_field(picture(), np.ones((160, 200), bool), np.array([200.0, 160.0]), 400.0, 0.03)
    contrast = field.at(np.array([[-0.25, 0.0], [0.25, 0.0]])).values[:, 3]

    assert contrast[0] < 0.01
    assert contrast[1] > 0.1


def test_glass_says_nothing() -> None:
    image = picture()
    tissue = np.zeros((160, 200), bool)
    tissue[:, :100] = True
    field = image_field(image, tissue, np.array([200.0, 160.0]), 400.0, 0.03)
    read = field.at(np.array([[-0.02, 0.0], [0.25, 0.0]]))

    pink = -np.log((np.array([230, 160, 190]) + 1) / 256)
    np.testing.assert_allclose(read.values[0, :3], pink, atol=0.01)
    assert read.weight[1] == 0
