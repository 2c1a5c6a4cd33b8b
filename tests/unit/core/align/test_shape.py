import numpy as np
import pytest

from spatialmeta_core.align.shape import main_pieces, mask_shape, spots_shape
from spatialmeta_core.errors import InvalidDataError


def disc(step: float, radius: float = 10.0) -> np.ndarray:
    line = np.arange(-radius, radius + step, step)
    spots = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return spots[np.hypot(*spots.T) < radius]


@pytest.mark.parametrize("step", [1.0, 0.5, 0.11])
def test_a_disc_of_spots_has_the_distances_of_a_disc(step) -> None:
    spots = disc(step)

    shape = spots_shape(spots)

    assert shape.area == pytest.approx(len(spots) * step**2, rel=0.02)
    points = np.random.default_rng(0).uniform(-12, 12, (500, 2))
    distance, slope = shape.at(points)
    radius = np.sqrt(len(spots) * step**2 / np.pi)  # of the disc that the spots fill
    error = distance - (np.hypot(*points.T) - radius)
    assert np.abs(error).max() < 0.9 * step + 0.1
    assert abs(error.mean()) < 0.1 * step + 0.03
    far = points[np.abs(distance) > 2]
    outward = far / np.hypot(*far.T)[:, None]
    cosine = (slope[np.abs(distance) > 2] * outward).sum(axis=1)
    assert np.median(cosine) > 0.95


def test_normals_point_out_and_outline_points_lie_on_the_edge() -> None:
    shape = spots_shape(disc(0.5))

    assert np.abs(shape.at(shape.outline)[0]).max() < 0.05
    assert ((shape.normal * shape.outline).sum(axis=1) / 10 > 0.8).all()
    assert (shape.at(shape.interior)[0] < 0).all()


def test_the_area_does_not_depend_on_the_lattice() -> None:
    hexagonal = disc(0.5)
    hexagonal[:, 1] *= np.sqrt(0.75)
    rows = np.round(hexagonal[:, 1] / (0.5 * np.sqrt(0.75))).astype(int)
    hexagonal[rows % 2 == 1, 0] += 0.25

    assert spots_shape(hexagonal).area == pytest.approx(np.pi * 100 * np.sqrt(0.75), rel=0.02)


def test_stray_pixels_and_missing_spots_do_not_change_the_shape() -> None:
    spots = disc(0.5)
    torn = np.delete(spots, [300, 301, 700], axis=0)
    dirty = np.concatenate([torn, [[40.0, 40.0], [41.0, 40.0]], spots[:50]])

    assert spots_shape(dirty).area == pytest.approx(spots_shape(spots).area, rel=2e-3)


def test_a_lumen_is_an_outline_of_its_own() -> None:
    spots = disc(0.5)

    outlines = spots_shape(spots[np.hypot(*spots.T) > 4]).outlines()

    assert len(outlines) == 2
    assert np.hypot(*outlines[1].xy.T).mean() == pytest.approx(4, abs=0.4)


def test_scaling_keeps_the_field() -> None:
    shape = spots_shape(disc(0.5))
    center = np.array([1.0, -2.0])
    points = np.array([[3.0, 4.0], [9.0, 0.0], [40.0, 0.0]])

    small = shape.scaled(center, 5.0)

    np.testing.assert_allclose(small.at((points - center) / 5)[0], shape.at(points)[0] / 5)


def test_the_gradient_is_that_of_the_field() -> None:
    shape = spots_shape(disc(0.5))
    points = np.random.default_rng(1).uniform(-30, 30, (50, 2))
    e = 1e-6

    for axis in (0, 1):
        step = np.eye(2)[axis] * e
        slope = (shape.at(points + step)[0] - shape.at(points - step)[0]) / (2 * e)
        np.testing.assert_allclose(shape.at(points)[1][:, axis], slope, atol=1e-5)


def test_a_mask_has_the_shape_it_shows() -> None:
    y, x = np.mgrid[:200, :300]
    shape = mask_shape(np.hypot(x + 0.5 - 150, y + 0.5 - 90) < 60, scale=0.1)

    assert shape.area == pytest.approx(np.pi * 600**2, rel=0.01)
    np.testing.assert_allclose(shape.center(), [1500, 900], atol=20)
    np.testing.assert_allclose(np.hypot(*(shape.outline - [1500, 900]).T), 600, atol=8)


def test_a_mask_may_touch_the_border() -> None:
    assert mask_shape(np.ones((50, 80), bool), 1.0).area == pytest.approx(4000, rel=0.02)


def test_pieces_below_the_limit_are_dropped_but_never_all() -> None:
    spots = np.concatenate([disc(0.5), disc(0.5, 3.0) + 40, disc(0.5, 0.8) + 80])

    kept = main_pieces(spots, 0.8)

    assert kept.sum() == len(disc(0.5)) + len(disc(0.5, 3.0))
    assert main_pieces(np.arange(40.0).reshape(-1, 2) * 9, 0.1).all()


@pytest.mark.parametrize(
    ("spots", "message"),
    [
        (disc(0.5)[:9], "9 different spot positions"),
        (np.repeat(disc(5.0, 6.0)[:4], 9, axis=0), "4 different spot positions"),
        (np.column_stack([np.arange(50.0), np.arange(50.0)]), "lie on one line"),
        (np.where(disc(0.5) == 0, np.nan, disc(0.5)), "missing or infinite"),
        (np.zeros((20, 3)), "shape \\(20, 3\\)"),
    ],
)
def test_what_has_no_outline_is_refused(spots, message) -> None:
    with pytest.raises(InvalidDataError, match=message):
        spots_shape(spots)


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="No tissue"):
        mask_shape(np.zeros((9, 9), bool), 1.0)
