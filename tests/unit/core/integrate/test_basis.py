import numpy as np
import pytest
from scipy.spatial.distance import pdist

from spatialmeta_core.integrate.basis import (
    batch_parts,
    groups_apart,
    separating_basis,
    within_groups,
)
from spatialmeta_core.partition import adjusted_rand, leiden


def patches(seed=0, *, rare=90):
    """Four domains in three patches each, which lie apart along two gradients all domains share.

    The gradients are wider than the distance of two domains, so each patch is a cloud of its own.
    The last domain has ``rare`` spots, in one patch below 60; all others have 270; 8 dimensions.
    """
    rng = np.random.default_rng(seed)
    domain = np.repeat(np.arange(4), [270, 270, 270, rare])
    place = rng.integers(0, 3, len(domain))
    if rare < 60:
        place[domain == 3] = 0
    latent = rng.normal(size=(len(domain), 8))
    latent[:, :4] += 9 * np.eye(4)[domain]
    start = rng.uniform(-25, 25, (4, 3, 2))
    latent[:, 6:] += start[domain, place] + rng.uniform(-9, 9, (len(domain), 2))
    return latent, domain


def moved(latent, basis):
    return (latent - basis.origin) @ basis.matrix


def test_patches_of_one_domain_come_together_and_domains_stay_apart() -> None:
    latent, domain = patches()

    basis = separating_basis(latent)
    before = adjusted_rand(domain, leiden(latent, resolution=0.3))
    after = adjusted_rand(domain, leiden(moved(latent, basis), resolution=0.3))

    assert before < 0.8
    assert after > 0.99
    assert (basis.n_groups, basis.n_separating) == (4, 3)


def test_a_rare_domain_is_not_lost() -> None:
    latent, domain = patches(rare=25)

    labels = leiden(moved(latent, separating_basis(latent)), resolution=0.3)

    rare = labels == np.bincount(labels[domain == 3]).argmax()
    assert (rare == (domain == 3)).all()


def test_the_change_of_coordinates_can_be_undone_and_keeps_the_total_variance() -> None:
    latent, _ = patches()

    basis = separating_basis(latent)

    new = moved(latent, basis)
    back = new @ np.linalg.inv(basis.matrix) + basis.origin
    np.testing.assert_allclose(back, latent, atol=1e-9)
    assert new.var(axis=0).sum() == pytest.approx(latent.var(axis=0).sum())
    np.testing.assert_allclose(new.mean(axis=0), 0, atol=1e-9)
    assert (np.diff(basis.strength) <= 0).all()


def test_strength_is_the_variance_between_over_the_variance_within() -> None:
    rng = np.random.default_rng(0)
    domain = np.arange(400) % 2
    latent = rng.normal(size=(400, 3)) + domain[:, None] * [10.0, 0.0, 0.0]

    basis = separating_basis(latent)

    assert basis.strength[0] == pytest.approx(25.0, rel=0.15)  # means at -5 and 5, spread 1
    assert basis.n_separating == 1


@pytest.mark.parametrize("n_spots", [40, 150, 600])
@pytest.mark.parametrize("shape", ["noise", "heavy tails", "a gradient", "a plane", "collapsed"])
def test_nothing_is_separated_where_there_are_no_gaps(shape, n_spots) -> None:
    rng = np.random.default_rng(1)
    latent = rng.normal(size=(n_spots, 6))
    if shape == "heavy tails":
        latent = rng.standard_t(3, size=(n_spots, 6))
    if shape == "a gradient":
        latent[:, 0] += rng.uniform(-15, 15, n_spots)
    if shape == "a plane":
        latent[:, :2] += rng.uniform(-8, 8, (n_spots, 2))
    if shape == "collapsed":
        latent[:, 2:] *= 1e-5

    assert separating_basis(latent) is None


def test_a_few_outliers_beside_one_cloud_do_not_shrink_the_cloud() -> None:
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(800, 6)) * [4, 4, 2, 1, 1, 1]
    latent[:50, 5] += 20

    assert separating_basis(latent) is None


@pytest.mark.parametrize("latent", [np.zeros((50, 4)), np.ones((12, 3)), np.eye(5)])
def test_an_embedding_that_says_nothing_is_left_alone(latent) -> None:
    assert separating_basis(latent) is None


def test_directions_that_collapsed_beside_real_domains_are_harmless() -> None:
    latent, domain = patches()
    latent = np.column_stack([latent, 1e-6 * np.random.default_rng(0).normal(size=(900, 2))])

    new = moved(latent, separating_basis(latent))

    assert np.isfinite(new).all()
    assert adjusted_rand(domain, leiden(new, resolution=0.3)) > 0.99


def test_a_difference_between_batches_is_not_a_group() -> None:
    rng = np.random.default_rng(0)
    latent, batch = rng.normal(size=(600, 6)), np.arange(600)[:, None] % 2
    latent[:, 3] += 20 * batch[:, 0]

    assert separating_basis(latent, batch=batch) is None
    assert separating_basis(latent).n_groups == 2


def test_domains_within_batches_are_separated_and_the_batches_are_not() -> None:
    rng = np.random.default_rng(0)
    domain, batch = rng.integers(0, 3, 900), rng.integers(0, 2, (900, 1))
    latent = rng.normal(size=(900, 6))
    latent[:, :3] += 9 * np.eye(3)[domain]
    latent[:, 5] += 12 * batch[:, 0]

    basis = separating_basis(latent, batch=batch)

    assert (basis.n_groups, basis.n_separating) == (6, 2)
    assert separating_basis(latent).n_separating == 3  # untold, the batches are groups


def test_the_same_seed_gives_the_same_coordinates() -> None:
    latent, _ = patches()

    one, other = separating_basis(latent, seed=3), separating_basis(latent, seed=3)

    np.testing.assert_array_equal(one.matrix, other.matrix)


def test_scaling_the_embedding_changes_nothing_but_the_scale() -> None:
    latent, _ = patches()

    one, other = separating_basis(latent), separating_basis(latent * 1e-3)

    new, scaled = moved(latent, one), moved(latent * 1e-3, other) * 1e3
    np.testing.assert_allclose(pdist(new[::9]), pdist(scaled[::9]), rtol=1e-3)


def test_every_combination_of_batches_is_a_part() -> None:
    batch = np.array([[0, 0], [1, 0], [0, 0], [1, 1]])

    assert [part.tolist() for part in batch_parts(4, batch)] == [[0, 2], [1], [3]]
    assert [part.tolist() for part in batch_parts(3, None)] == [[0, 1, 2]]
    assert [part.tolist() for part in batch_parts(3, np.empty((3, 0)))] == [[0, 1, 2]]


def test_groups_are_clusters_joined_where_no_gap_is_between() -> None:
    rng = np.random.default_rng(0)
    domain = np.arange(3000) % 2
    latent = rng.normal(size=(3000, 5))
    latent[:, 0] += 10 * domain
    latent[:, 1] += rng.uniform(-15, 15, 3000)

    index, group = groups_apart(latent)

    assert index.tolist() == list(range(3000))
    assert adjusted_rand(domain, group) == 1.0
    assert leiden(latent, resolution=0.3).max() > 1


def test_spots_too_few_to_group_have_no_groups() -> None:
    index, group = groups_apart(np.eye(6))

    assert len(index) == len(group) == 0


def test_the_covariance_within_groups_does_not_see_their_distance() -> None:
    rng = np.random.default_rng(0)
    rows, group = rng.normal(size=(2000, 3)), np.arange(2000) % 4

    apart = within_groups([rows + 50.0 * group[:, None]], [group])

    np.testing.assert_allclose(apart, within_groups([rows], [group]), atol=1e-9)
    np.testing.assert_allclose(apart, np.eye(3), atol=0.1)


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_groups_that_have_only_begun_to_part_are_not_lost(seed) -> None:
    """As early in a training: two of four groups 5 standard deviations apart, wide gradients."""
    rng = np.random.default_rng(seed)
    domain = np.repeat(np.arange(4), 150)
    centers = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0], [5, 9, 0]])
    gradients = rng.uniform(-1.7, 1.7, (600, 3)) * [2.5, 2.0, 1.5]
    latent = np.hstack([rng.normal(size=(600, 3)) + centers[domain], gradients])

    basis = separating_basis(latent)

    before = adjusted_rand(domain, leiden(latent, resolution=0.3))
    after = adjusted_rand(domain, leiden(moved(latent, basis), resolution=0.3))
    assert basis.n_groups == 4
    assert after > before - 0.02


@pytest.mark.parametrize("apart", [3.5, 0.0])
def test_groups_that_hold_finer_parts_without_gaps_are_not_made_small(apart) -> None:
    rng = np.random.default_rng(5)
    centers = np.array([[0.0, 0, 0, 0], [30, 0, 0, 0], [0, 30, 0, 0]])
    parts = np.array([[0.0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) * apart
    latent = np.concatenate([c + p + rng.normal(size=(120, 4)) for c in centers for p in parts])

    basis = separating_basis(latent)

    assert (basis is None) == (apart > 0)
