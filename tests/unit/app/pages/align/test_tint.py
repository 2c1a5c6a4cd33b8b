import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from app.pages.align import tint


@pytest.fixture
def intensities() -> np.ndarray:
    """60 pixels; the first 30 are rich in features 0..9, the others in 10..19."""
    rng = np.random.default_rng(0)
    values = rng.gamma(4, 10, (60, 40))
    values[:30, :10] *= 8
    values[30:, 10:20] *= 8
    return values


def test_the_first_pattern_separates_the_two_planted_halves(intensities):
    scores = tint.patterns(intensities)[:, 0]
    assert max(scores[:30].max(), scores[30:].max()) > 0
    assert scores[:30].min() > scores[30:].max() or scores[30:].min() > scores[:30].max()


def test_sparse_and_dense_intensities_have_the_same_patterns(intensities):
    dense, sparse = tint.patterns(intensities), tint.patterns(sp.csr_matrix(intensities))
    np.testing.assert_allclose(dense, sparse, atol=1e-8)


def test_patterns_ignore_the_overall_brightness_of_a_pixel(intensities):
    bright = intensities * np.linspace(0.5, 2, 60)[:, None]
    first, again = tint.patterns(intensities)[:, 0], tint.patterns(bright)[:, 0]
    assert abs(np.corrcoef(first, again)[0, 1]) > 0.99


def test_patterns_are_the_principal_components(intensities):
    total = intensities.sum(axis=1, keepdims=True)
    logs = np.log1p(intensities / total * np.median(total))
    logs -= logs.mean(axis=0)
    u, s, _ = np.linalg.svd(logs, full_matrices=False)
    np.testing.assert_allclose(np.abs(tint.patterns(intensities)), np.abs(u[:, :3] * s[:3]))


def test_one_feature_gives_one_pattern_and_zeros():
    scores = tint.patterns(np.arange(1.0, 9.0)[:, None])
    assert scores.shape == (8, 3)
    assert not scores[:, 1:].any()


def test_empty_pixels_do_not_break_the_patterns(intensities):
    intensities[5] = 0
    assert np.isfinite(tint.patterns(intensities)).all()


def test_stretching_ignores_a_few_extreme_values():
    values = np.concatenate([np.linspace(0, 1, 200), [1000.0]])
    assert tint.stretched(values)[100] == pytest.approx(0.5, abs=0.05)
    assert tint.stretched(np.ones(4)).tolist() == [0.5] * 4


def test_the_ramp_runs_from_dark_to_light():
    colors = tint.ramp(np.array([0.0, 0.5, 1.0]))
    assert colors.dtype == np.uint8
    assert colors.sum(axis=1).tolist() == sorted(colors.sum(axis=1).tolist())


def test_the_list_of_colors_finds_an_mz_and_keeps_the_chosen_one():
    var = pd.DataFrame({"mz": [100.25, 200.5]}, index=["mz100.25", "glutamate"])
    found = tint.options(var, "200", "mz:mz100.25")
    assert [option["value"] for option in found] == [
        *tint.FIXED,
        "mz:glutamate",
        "mz:mz100.25",
    ]
    assert found[3]["label"] == "m/z 200.5000 · glutamate"
    assert found[4]["label"] == "m/z 100.2500"


def test_the_list_of_colors_stays_short():
    var = pd.DataFrame({"mz": np.arange(500.0)}, index=[f"mz{i}" for i in range(500)])
    assert len(tint.options(var, "", None)) == len(tint.FIXED) + tint.MAX_OPTIONS
