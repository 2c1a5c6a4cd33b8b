"""The terms as a user of ``align`` meets them."""

from types import SimpleNamespace

import numpy as np
import pytest

from spatialmeta_core import geometry
from spatialmeta_core.align import align
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.geometry import apply_pose, compose, invert, make_pose
from spatialmeta_core.params import AlignParams
from spatialmeta_core.simulate.anatomy import SmoothField
from spatialmeta_core.types import TissueImage

RADIUS = 1500.0
FEATURES = AlignParams(feature_weight=1.0, nonrigid=False)
HISTOLOGY = AlignParams(histology_weight=1.0, nonrigid=False, target="spots")


def lattice(step: float) -> np.ndarray:
    side = np.arange(-2000, 2000, step)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def drawn(edge, seed: int = 0) -> SimpleNamespace:
    """Two lattices over a tissue, with values that are linear in the same hidden maps.

    ``edge`` tells the radius at an angle.
    """
    rng = np.random.default_rng(seed)
    hidden = SmoothField.draw(rng, 4, 350.0)

    def inside(xy):
        return np.hypot(*xy.T) < edge(np.arctan2(xy[:, 1], xy[:, 0]))

    def seen(xy, n):
        mixed = hidden.at(xy) @ rng.standard_normal((4, n))
        return mixed + 0.5 * rng.standard_normal(mixed.shape)

    target = lattice(75.0)
    target = target[inside(target)] + 2500
    pose = make_pose(140.0, 55.0, 55.0, (2600.0, 2450.0), flipped=True)
    moving = apply_pose(invert(pose), lattice(55.0) + 2500)
    truth = apply_pose(pose, moving)
    moving, truth = moving[inside(truth - 2500)], truth[inside(truth - 2500)]
    pixels = np.stack(np.meshgrid(np.arange(250), np.arange(250)), axis=-1).reshape(-1, 2)
    xy = (pixels + 0.5) * 20.0 - 2500
    stain = 1 / (1 + np.exp(-hidden.at(xy)[:, :3]))
    rgb = np.where(inside(xy)[:, None], 255 * np.exp(-0.2 - 0.8 * stain), 243)
    return SimpleNamespace(
        moving=moving,
        target=target,
        truth=truth,
        pose=pose,
        width=2 * RADIUS,
        moving_values=seen(truth - 2500, 6),
        target_values=seen(target - 2500, 5),
        image=TissueImage(rgb.reshape(250, 250, 3).astype(np.uint8), 0.05),
    )


@pytest.fixture(scope="module")
def disc() -> SimpleNamespace:
    return drawn(lambda angle: np.full_like(angle, RADIUS))


@pytest.fixture(scope="module")
def lobed() -> SimpleNamespace:
    return drawn(lambda a: RADIUS * (1 + 0.2 * np.cos(2 * a) + 0.15 * np.cos(3 * a + 1)))


def off(section, found) -> float:
    apart = np.linalg.norm(found.apply(section.moving) - section.truth, axis=1)
    return float(np.median(apart) / section.width)


def test_features_find_turn_and_flip_of_a_disc(disc) -> None:
    found = align(
        disc.moving,
        disc.target,
        FEATURES,
        moving_values=disc.moving_values,
        target_values=disc.target_values,
    )

    assert off(disc, found) < 0.01
    assert found.pose.flipped
    assert not found.ambiguous


def test_histology_finds_turn_and_flip_of_a_disc(disc) -> None:
    found = align(
        disc.moving,
        disc.target,
        HISTOLOGY,
        moving_values=disc.moving_values,
        target_image=disc.image,
    )

    assert off(disc, found) < 0.01
    assert found.pose.flipped


def test_without_the_outline_the_features_hold_the_fit(disc) -> None:
    found = align(
        disc.moving,
        disc.target,
        AlignParams(outline_weight=0.0, feature_weight=1.0, nonrigid=False),
        moving_values=disc.moving_values,
        target_values=disc.target_values,
    )

    assert off(disc, found) < 0.02


def test_a_start_by_hand_is_turned_to_fit_but_never_flipped(disc) -> None:
    center = tuple(disc.truth.mean(axis=0))
    start = compose(make_pose(14.0, center=center), disc.pose)
    flipped = geometry.compose(make_pose(flipped=True, center=center), disc.pose)
    given = {"moving_values": disc.moving_values, "target_values": disc.target_values}
    near = align(disc.moving, disc.target, FEATURES, start=start, **given)
    wrong = align(disc.moving, disc.target, FEATURES, start=flipped, **given)

    assert off(disc, near) < 0.01
    assert wrong.pose.flipped == flipped.flipped != near.pose.flipped


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_misleading_values_never_overrule_a_clear_outline(lobed, seed) -> None:
    other = drawn(lambda angle: np.full_like(angle, 1.4 * RADIUS), seed=100 + seed)
    values = other.target_values[
        np.argmin(((lobed.target[:, None] - other.target[None]) ** 2).sum(axis=2), axis=1)
    ]
    found = align(
        lobed.moving,
        lobed.target,
        FEATURES,
        moving_values=lobed.moving_values,
        target_values=values,
    )

    assert off(lobed, found) < 0.01


def test_values_without_relation_are_left_out_with_a_note(lobed) -> None:
    rng = np.random.default_rng(3)
    found = align(
        lobed.moving,
        lobed.target,
        FEATURES,
        moving_values=lobed.moving_values,
        target_values=rng.standard_normal(lobed.target_values.shape),
    )

    assert off(lobed, found) < 0.01
    assert any("feature term was left out" in note and "chance" in note for note in found.notes)


def test_values_that_are_the_same_everywhere_are_left_out_with_a_note(lobed) -> None:
    found = align(
        lobed.moving,
        lobed.target,
        FEATURES,
        moving_values=np.ones((len(lobed.moving), 3)),
        target_values=lobed.target_values,
    )

    assert any("SM values are the same everywhere" in note for note in found.notes)


@pytest.mark.parametrize(
    ("settings", "given", "words"),
    [
        (FEATURES, {}, "feature_weight is above 0, but moving_values and target_values are"),
        (FEATURES, {"moving_values"}, "but target_values is missing"),
        (HISTOLOGY, {"moving_values"}, "but target_image is missing"),
        (HISTOLOGY, {"target_image"}, "but moving_values is missing"),
    ],
)
def test_what_is_missing_is_named(lobed, settings, given, words) -> None:
    everything = {"moving_values": lobed.moving_values, "target_image": lobed.image}

    with pytest.raises(InvalidParamsError, match=words):
        align(lobed.moving, lobed.target, settings, **{name: everything[name] for name in given})


def test_rows_that_do_not_match_are_counted(lobed) -> None:
    with pytest.raises(InvalidDataError, match=r"ST values have shape \(10, 5\)"):
        align(
            lobed.moving,
            lobed.target,
            FEATURES,
            moving_values=lobed.moving_values,
            target_values=lobed.target_values[:10],
        )


def test_missing_numbers_are_counted(lobed) -> None:
    values = lobed.moving_values.copy()
    values[3:5, 0] = np.nan

    with pytest.raises(InvalidDataError, match=r"2 of .* rows of SM values"):
        align(
            lobed.moving,
            lobed.target,
            FEATURES,
            moving_values=values,
            target_values=lobed.target_values,
        )
