import numpy as np
import pytest
import scipy.sparse as sp

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.integrate.data import prepare


def test_counts_stay_raw_and_metabolites_are_standardized(joint) -> None:
    data = prepare(joint)

    np.testing.assert_array_equal(data.spots.values[0], joint.X[:, :30])
    np.testing.assert_allclose(data.spots.values[1].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(data.spots.values[1].std(0, correction=0), 1, atol=1e-5)


def test_standardizing_can_be_undone(joint) -> None:
    data = prepare(joint)
    intensity = joint.X[:, 30:].astype(float)
    expected = np.log1p(intensity / intensity.sum(1, keepdims=True) * 1e4)

    np.testing.assert_allclose(
        data.spots.values[1].numpy() * data.scaling.scale + data.scaling.center, expected, rtol=1e-4
    )


def test_the_unit_of_intensity_does_not_matter(joint) -> None:
    scaled = joint.copy()
    scaled.X[:, 30:] *= 1000

    np.testing.assert_allclose(
        prepare(scaled).spots.values[1], prepare(joint).spots.values[1], atol=1e-4
    )


def test_sparse_and_dense_give_the_same_tensors(joint) -> None:
    dense = prepare(joint)
    for kind in (sp.csr_matrix, sp.csc_matrix, sp.csr_array):
        other = joint.copy()
        other.X = kind(other.X)

        sparse = prepare(other)

        np.testing.assert_allclose(sparse.spots.values[0], dense.spots.values[0])
        np.testing.assert_allclose(sparse.spots.values[1], dense.spots.values[1], atol=1e-5)


def test_the_input_is_not_written_to(joint) -> None:
    joint.X.flags.writeable = False
    before = joint.X.copy()

    data = prepare(joint)
    data.spots.values[0].add_(1)

    np.testing.assert_array_equal(joint.X, before)


def test_only_selected_features_are_used_in_the_input_order(joint) -> None:
    mixed = joint[:, np.random.default_rng(0).permutation(42)].copy()
    mixed.var["spatially_variable"] = np.arange(42) % 2 == 0

    data = prepare(mixed)

    assert data.features == tuple(mixed.var_names[::2])
    assert data.feature_type == tuple(mixed.var["type"][::2])
    genes = [name for name in data.features if name.startswith("gene")]
    np.testing.assert_array_equal(data.spots.values[0], mixed[:, genes].X)


def test_total_intensity_counts_metabolites_that_were_not_selected(joint) -> None:
    all_used = prepare(joint)
    joint.var["spatially_variable"] = joint.var_names != "mz3"

    data = prepare(joint)

    np.testing.assert_allclose(data.scaling.center, np.delete(all_used.scaling.center, 3))


def test_spots_that_cannot_be_used_are_left_out_counted_and_told(joint) -> None:
    joint.X[:2, 30:] = np.nan
    joint.X[2, 35] = np.nan
    joint.X[3, 30:] = 0
    joint.X[4, :30] = 0

    data = prepare(joint)

    assert np.flatnonzero(~data.used).tolist() == [0, 1, 2, 3, 4]
    assert len(data.spots.values[0]) == 115
    assert data.notes == (
        "Left out 2 of 120 spots, without a metabolite pixel nearby.",
        "Left out 1 of 120 spots, without some metabolite values.",
        "Left out 1 of 120 spots, with a total intensity of 0.",
        "Left out 1 of 120 spots, without counts in the chosen genes.",
    )


def test_features_that_do_not_vary_do_no_harm_and_are_told(joint) -> None:
    joint.X[:, 0] = 0
    joint.X[:, 30] = 0

    data = prepare(joint)

    assert np.isfinite(data.spots.values[1].numpy()).all()
    assert data.notes == (
        "Constant over the spots used, so without information: genes 1, metabolites 1.",
    )


def test_one_hot_spot_is_limited_to_ten_deviations(joint) -> None:
    joint.X[:, 30] = 0
    joint.X[0, 30] = 1e6

    assert prepare(joint).spots.values[1].max().item() == pytest.approx(10, abs=1e-4)


def test_batch_keys_become_codes_with_named_levels(joint) -> None:
    data = prepare(joint, batch_keys=("sample", "slide", "one"))

    assert data.batch_levels == (("a", "b"), ("x", "y"), ("only",))
    assert data.spots.batch[:4].tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert data.notes == (
        "Batch key 'one' has one value (only), so there is nothing to correct for it.",
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (0, -1, "go down to -1"),
        (0, 0.5, "found decimals"),
        (0, np.nan, "missing or infinite"),
        (30, -1, "negative or infinite"),
        (30, np.inf, "negative or infinite"),
    ],
)
def test_impossible_values_are_refused(joint, column, value, message) -> None:
    joint.X[5, column] = value

    with pytest.raises(InvalidDataError, match=message):
        prepare(joint)


def test_decimals_among_genes_carry_their_catalog_number(joint) -> None:
    joint.X[:, :30] = np.log1p(joint.X[:, :30])

    with pytest.raises(InvalidDataError) as caught:
        prepare(joint)

    assert caught.value.code == "E-10"


def test_one_feature_of_a_modality_or_none_at_all_is_refused(joint) -> None:
    with pytest.raises(InvalidDataError, match="found 1 genes and 12 metabolites"):
        prepare(joint[:, 29:].copy())
    joint.var["spatially_variable"] = False
    with pytest.raises(InvalidDataError, match="found 0 genes and 0 metabolites"):
        prepare(joint)


def test_features_without_a_modality_are_refused(joint) -> None:
    del joint.var["type"]

    with pytest.raises(InvalidDataError, match="no var column 'type'"):
        prepare(joint)


def test_too_few_usable_spots_are_refused_with_the_reason(joint) -> None:
    joint.X[9:, 30:] = np.nan

    with pytest.raises(InvalidDataError, match=r"9 of 120 spots.*Left out 111 of 120"):
        prepare(joint)


def test_an_absent_or_incomplete_batch_key_is_refused(joint) -> None:
    with pytest.raises(InvalidDataError, match="'lane' is not among the spot columns"):
        prepare(joint, batch_keys=("lane",))
    joint.obs["slide"] = joint.obs["slide"].where(joint.obs["slide"] == "x")
    with pytest.raises(InvalidDataError, match="'slide' is empty for 80 spots"):
        prepare(joint, batch_keys=("slide",))


def test_the_fingerprint_changes_with_any_value_name_or_batch(joint) -> None:
    first = prepare(joint).fingerprint()
    renamed, changed = joint.copy(), joint.copy()
    renamed.var_names = ["other", *renamed.var_names[1:]]
    changed.X[0, 0] += 1

    assert prepare(joint.copy()).fingerprint() == first
    others = {prepare(x).fingerprint() for x in (renamed, changed)}
    others.add(prepare(joint, batch_keys=("sample",)).fingerprint())
    assert len(others | {first}) == 4


def test_pixels_without_a_transcriptomics_spot_are_left_out_and_counted(joint) -> None:
    joint.X[3:6, :30] = np.nan

    data = prepare(joint)

    assert not data.used[3:6].any()
    assert data.used.sum() == len(joint.X) - 3
    assert any("3 of" in note and "transcriptomics spot" in note for note in data.notes)


def test_single_missing_counts_are_still_refused(joint) -> None:
    joint.X[3, 5] = np.nan

    with pytest.raises(InvalidDataError, match="missing"):
        prepare(joint)
