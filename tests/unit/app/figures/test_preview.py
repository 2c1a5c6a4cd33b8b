from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from app.figures import preview

GRID = np.stack(np.meshgrid(np.arange(4.0), np.arange(3.0)), axis=-1).reshape(-1, 2)


def at(picture, x, y):
    """Color at a place given in shares of width and height."""
    return picture.getpixel((int(x * picture.width), int(y * picture.height)))


def test_a_raster_has_its_axes_as_an_image_and_low_to_high_colors():
    values = GRID[:, 0] + 10 * GRID[:, 1]  # grows to the right and, faster, downward

    picture = preview.value_map(GRID, values, 1.0, square=True)

    assert picture.width / picture.height == pytest.approx(4 / 3)
    assert at(picture, 0.05, 0.05)[:3] == (68, 1, 84)  # viridis' dark end, top left
    assert at(picture, 0.95, 0.95)[:3] == (253, 231, 37)  # and its bright end, bottom right


def test_a_pixel_that_was_not_measured_is_clear_and_an_unknown_value_gray():
    values = np.arange(11.0)
    values[0] = np.nan

    picture = preview.value_map(GRID[:-1], values, 1.0, square=True)

    assert at(picture, 0.95, 0.95)[3] == 0
    assert at(picture, 0.05, 0.05) == (0xC3, 0xCA, 0xD1, 255)


def test_a_constant_or_empty_measurement_is_drawn_too():
    for values in (np.full(12, 7.0), np.full(12, np.nan)):
        for square in (True, False):
            assert preview.value_map(GRID, values, 1.0, square=square).size[0] > 0


def test_spots_are_discs_with_clear_ground_between():
    picture = preview.value_map(GRID * 100, np.arange(12.0), 100.0, square=False)

    step = 1 / 5  # columns at 1, 2, 3, 4 of 5 spacings
    assert at(picture, step, 0.25)[3] == 255
    assert at(picture, 1.5 * step, 0.375)[3] == 0


def test_very_many_positions_are_binned_to_a_picture_of_limited_size():
    side = np.arange(2000.0)
    xy = np.column_stack([side, side])

    picture = preview.value_map(xy, side, 1.0, square=True)

    assert max(picture.size) <= preview.LONGEST_SIDE


def test_rings_lie_where_the_spots_are_on_the_histology():
    # two spots on a picture of 400 x 200 px that shows 4000 x 2000 full-resolution px
    overlay = preview.spot_overlay(
        np.array([[1000.0, 500.0], [3000.0, 1500.0]]), 400.0, (400, 200), 0.1
    )

    assert overlay.size == (1000, 500)
    alpha = np.asarray(overlay)[:, :, 3]
    assert alpha[125, 250] == 0  # the middle of a ring is clear
    assert alpha[125, 250 + 50] > 150  # its edge is not
    assert alpha[375, 750 + 50] > 150
    assert alpha[375, 250] == 0


def test_a_thumbnail_is_small_opaque_and_keeps_its_proportions():
    histology = Image.new("RGB", (2000, 1000), "red")
    rings = Image.new("RGBA", (1000, 500), (0, 0, 255, 255))

    assert preview.thumbnail(histology).size == (320, 160)
    assert preview.thumbnail(histology, rings).getpixel((10, 10)) == (0, 0, 255)
    assert preview.thumbnail(Image.new("RGBA", (50, 40), (0, 0, 0, 0))).getpixel((5, 5)) == (
        255,
        255,
        255,
    )


def test_spots_beside_the_histology_are_drawn_with_it():
    histology = Image.new("RGB", (100, 50), (255, 0, 0))
    xy = np.array([[10.0, 10.0], [190.0, 90.0]])  # full-resolution px; the second is far outside

    assert preview.any_outside(xy, histology.size, 1.0)
    assert not preview.any_outside(xy, histology.size, 0.5)
    picture = preview.whole_section(histology, xy, 8.0, 1.0)

    assert max(picture.size) == preview.LONGEST_SIDE
    assert at(picture, 0.3, 0.3) == (255, 0, 0)
    assert at(picture, 0.8, 0.3) == (255, 255, 255)
    ring = np.abs(np.asarray(picture, int) - preview.RING[:3]).sum(axis=2) < 60
    _rows, columns = np.nonzero(ring[int(0.7 * picture.height) :])
    assert columns.mean() / picture.width == pytest.approx(0.96, abs=0.01)
