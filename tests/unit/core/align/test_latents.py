import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import PCA

from spatialmeta_core.align.latents import latents, leading_components
from spatialmeta_core.errors import InvalidDataError


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    """Counts of 200 spots of two kinds; 40 of 120 genes differ five-fold."""
    rng = np.random.default_rng(0)
    mean = np.full((200, 120), 3.0)
    mean[100:, :40] *= 5
    return rng.poisson(mean).astype(np.float32)


def separation(scores: np.ndarray) -> float:
    """Distance of the two kinds in standard deviations, along the line between them."""
    first, second = scores[:100], scores[100:]
    axis = first.mean(axis=0) - second.mean(axis=0)
    along = [part @ axis for part in (first, second)]
    return abs(along[0].mean() - along[1].mean()) / np.hypot(along[0].std(), along[1].std())


def test_components_are_those_of_scikit_learn() -> None:
    values = np.random.default_rng(1).standard_normal((150, 60)) * 1.5 ** -np.arange(60.0)
    ours, theirs = leading_components(values, 6), PCA(6).fit_transform(values)

    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-6)


@pytest.mark.parametrize("method", ["pca", "vae"])
def test_two_kinds_of_spots_are_told_apart(counts, method) -> None:
    scores = latents(counts, method=method, n_latent=5)

    assert scores.shape == (200, 5)
    assert separation(scores) > 2.5


@pytest.mark.parametrize("method", ["pca", "vae"])
def test_the_same_seed_gives_the_same_numbers(counts, method) -> None:
    first, second = (latents(counts, method=method, n_latent=4, seed=3) for _ in range(2))

    np.testing.assert_array_equal(first, second)


def test_the_network_leaves_the_generator_of_torch_alone(counts) -> None:
    import torch

    torch.manual_seed(5)
    latents(counts[:40], method="vae", n_latent=3)
    after = torch.rand(3)
    torch.manual_seed(5)

    assert torch.equal(after, torch.rand(3))


def test_sparse_and_dense_agree_and_the_input_stays(counts) -> None:
    matrix = sparse.csr_matrix(counts)
    before = matrix.copy()

    np.testing.assert_allclose(latents(matrix), latents(counts), atol=0.02)
    assert (matrix != before).nnz == 0


def test_depth_of_a_spot_does_not_matter(counts) -> None:
    scaled = counts * np.random.default_rng(2).uniform(0.5, 5.0, (200, 1))

    np.testing.assert_allclose(latents(scaled), latents(counts), atol=0.05)


def test_a_spot_without_signal_gets_the_mean(counts) -> None:
    values = counts.copy()
    values[7] = 0
    scores = latents(values)

    np.testing.assert_allclose(scores[7], np.delete(scores, 7, axis=0).mean(axis=0), atol=1e-9)


def test_fewer_features_give_fewer_columns(counts) -> None:
    assert latents(counts[:, :3]).shape == (200, 3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.ones((5, 4)), "5 spots"),
        (np.full((20, 4), -1.0), "negative"),
        (np.full((20, 4), np.nan), "missing"),
        (np.ones((20, 4)), "No feature differs"),
        (np.zeros((20, 4)), "No feature differs"),
    ],
)
def test_values_that_cannot_be_summarized_are_named(values, words) -> None:
    with pytest.raises(InvalidDataError, match=words):
        latents(values)


def test_components_and_the_fit_never_load_torch() -> None:
    code = (
        "import sys, numpy as np, spatialmeta_core.align;"
        "from spatialmeta_core.align.latents import latents;"
        "latents(np.random.default_rng(0).random((30, 20)));"
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
