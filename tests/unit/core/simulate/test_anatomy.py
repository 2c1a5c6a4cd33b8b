from itertools import pairwise

import numpy as np
import pytest

from spatialmeta_core.simulate.anatomy import DOMAINS, Anatomy, SmoothField


@pytest.fixture(params=[0, 1, 2])
def anatomy(request) -> Anatomy:
    return Anatomy.draw(np.random.default_rng(request.param))


@pytest.fixture
def probe(anatomy) -> np.ndarray:
    low, high = anatomy.bounds()
    side = np.linspace(0, 1, 150)
    return low + np.stack(np.meshgrid(side, side), -1).reshape(-1, 2) * (high - low)


def test_every_domain_has_a_fair_share(anatomy, probe) -> None:
    domain = anatomy.read(probe[anatomy.inside(probe)]).domain

    share = np.bincount(domain, minlength=len(DOMAINS)) / len(domain)
    assert share.min() > 0.05
    assert share.max() < 0.35


def test_no_turn_or_flip_maps_the_outline_onto_itself(anatomy) -> None:
    angle = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    radius = anatomy.radius(angle)

    turned = [np.roll(radius, degrees) for degrees in range(20, 341)]
    flipped = [np.roll(radius[::-1], degrees) for degrees in range(360)]

    difference = [np.abs(other - radius).mean() / radius.mean() for other in turned + flipped]
    assert min(difference) > 0.02


def test_the_ventricle_is_a_hole_inside_the_tissue(anatomy, probe) -> None:
    hole = anatomy.ventricle(probe) < 1.0

    assert hole.any()
    assert not anatomy.inside(probe[hole]).any()
    assert anatomy.reach(probe[hole]).max() < 0.9


@pytest.mark.parametrize(("contour", "turn"), [("ellipse", 180), ("disc", 77)])
def test_symmetric_outlines_fit_turned_and_flipped_but_the_inside_does_not(contour, turn) -> None:
    anatomy = Anatomy.draw(np.random.default_rng(0), contour)
    angle = np.radians(np.arange(360.0))
    radius = anatomy.radius(angle)
    ring = 0.6 * radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    domain = anatomy.read(ring + np.array([0.05, 0.05])).domain

    np.testing.assert_allclose(np.roll(radius, turn), radius)
    np.testing.assert_allclose(radius[-np.arange(360)], radius)
    assert (np.roll(domain, turn) != domain).mean() > 0.3
    assert (domain[-np.arange(360)] != domain).mean() > 0.3


@pytest.mark.parametrize("contour", ["ellipse", "disc"])
def test_symmetric_sections_have_no_hole_and_hold_every_domain(contour, probe) -> None:
    anatomy = Anatomy.draw(np.random.default_rng(1), contour)
    inside = anatomy.inside(probe)
    share = np.bincount(anatomy.read(probe[inside]).domain, minlength=len(DOMAINS)) / inside.sum()

    assert (anatomy.ventricle(probe) > 1).all()
    assert (inside == (anatomy.reach(probe) < 1)).all()
    assert share.min() > 0.04
    assert anatomy.inside(anatomy.path()).all()


def test_the_path_stays_in_the_tissue(anatomy) -> None:
    path = anatomy.path()
    steps = np.linspace(0, 1, 50)[:, None]
    walked = np.vstack([a + steps * (b - a) for a, b in pairwise(path)])

    assert anatomy.inside(walked).all()


def test_smooth_fields_have_unit_size_and_are_smooth() -> None:
    field = SmoothField.draw(np.random.default_rng(0), 200, 0.3)
    xy = np.random.default_rng(1).uniform(-1, 1, (50, 2))

    values = field.at(xy)

    assert values.shape == (50, 200)
    assert values.mean() == pytest.approx(0.0, abs=0.1)
    assert values.std() == pytest.approx(1.0, abs=0.1)
    assert np.abs(field.at(xy + 1e-4) - values).max() < 0.01
