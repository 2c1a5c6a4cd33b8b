import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError, NotFoundError, NotReadyError
from spatialmeta_core.joint import normalized_counts, normalized_intensities
from spatialmeta_core.metrics import Modality, Spots, measure, modalities, report
from spatialmeta_core.metrics.scores import METRICS, OVERALL, SCORES


def lattice(n_samples=1):
    x, y = np.meshgrid(np.arange(20.0), np.arange(15.0))
    xy = np.column_stack([x.ravel(), y.ravel()])
    return np.vstack([xy] * n_samples), np.repeat(np.arange(n_samples), len(xy))


def section(n_samples=1, shift=0.0):
    """Three stripes; genes and metabolites with their own levels in each, and samples apart."""
    rng = np.random.default_rng(0)
    xy, sample = lattice(n_samples)
    truth = np.minimum((xy[:, 0] // 7).astype(int), 2)
    genes = rng.normal(2, 0.7, (3, 25))[truth] + shift * rng.normal(0, 1, (n_samples, 25))[sample]
    ions = rng.normal(3, 0.7, (3, 12))[truth] + shift * rng.normal(0, 1, (n_samples, 12))[sample]
    clean = [np.maximum(genes, 0), np.maximum(ions, 0)]
    noisy = [np.maximum(part + rng.normal(0, 0.8, part.shape), 0) for part in clean]
    embedding = 4 * np.eye(4)[truth] + rng.normal(0, 0.5, (len(xy), 4))
    both = tuple(
        Modality(name, sparse.csr_matrix(part), truly)
        for name, part, truly in zip(("ST", "SM"), noisy, clean, strict=True)
    )
    return embedding, truth, Spots(xy, both), sample


def value(found, metric, column="value"):
    return found.table.set_index("metric")[column][metric]


def test_the_report_lists_every_metric_and_score_once():
    embedding, truth, spots, _ = section()

    table = report(embedding, truth, spots).table

    assert tuple(table.columns) == keys.QUALITY_COLUMNS
    assert sorted(table["metric"]) == sorted([*METRICS, *SCORES, *OVERALL])
    assert list(table["metric"][:4]) == ["overall", "horizontal", "vertical", "reconstruction"]
    assert (table["name"] != "").all()
    assert (table["meaning"].str.endswith(".")).all()
    known = table.dropna(subset="value")
    assert (known["value"] >= known["low"]).all()
    assert (known["value"] <= known["high"]).all()
    assert known["scaled"].between(0, 1).all()


def test_without_known_groups_all_but_their_agreement_is_measured():
    embedding, truth, spots, _ = section()

    found = report(embedding, truth, spots)

    missing = found.table.set_index("metric")["value"].isna()
    assert missing[[*SCORES["biology"], *SCORES["batch"], "biology", "batch"]].all()
    assert not missing[[*SCORES["continuity"], *SCORES["marker"], *SCORES["reconstruction"]]].any()
    assert value(found, "overall") == value(found, "vertical")
    assert value(found, "overall", "partial")
    assert not value(found, "vertical", "partial")
    assert any("No known groups" in note for note in found.notes)
    assert any("one sample" in note for note in found.notes)


def test_true_clusters_and_clean_values_score_above_random_ones():
    embedding, truth, spots, _ = section()
    order = np.random.default_rng(1).permutation(len(truth))

    good = report(embedding, truth, spots)
    bad = report(embedding, truth[order], spots)

    for name in ("continuity", "marker"):
        assert value(good, name) > value(bad, name) + 0.1
    assert value(good, "pcc") > 0.4


def test_the_baseline_is_the_same_whatever_the_embedding_as_long_as_clusters_are_as_many():
    embedding, truth, spots, _ = section()

    one = report(embedding, truth, spots).table["baseline"]
    other = report(embedding[::-1], truth, spots).table["baseline"]

    pd.testing.assert_series_equal(one, other)


def test_the_same_seed_gives_the_same_report():
    embedding, truth, spots, _ = section()

    pd.testing.assert_frame_equal(
        report(embedding, truth, spots, max_spots=150, seed=3).table,
        report(embedding, truth, spots, max_spots=150, seed=3).table,
    )


def test_mixed_samples_beat_components_that_keep_them_apart():
    embedding, truth, spots, sample = section(n_samples=2, shift=1.5)
    several = Spots(spots.xy, spots.modalities, batch=sample, truth=truth)

    found = report(embedding, truth, several)

    assert value(found, "ilisi") > 0.7 > value(found, "ilisi", "baseline") + 0.3
    assert value(found, "pcr") > 0.8
    assert value(found, "pcr", "baseline") == 0
    assert value(found, "ari") == 1.0
    assert len(found.notes) == 1


def test_without_known_groups_overlap_is_within_clusters():
    embedding, truth, spots, sample = section(n_samples=2)

    found = report(embedding, truth, Spots(spots.xy, spots.modalities, batch=sample))

    assert value(found, "batch_asw") > 0.8
    assert any("within clusters" in note for note in found.notes)


def test_large_data_are_drawn_from_but_areas_are_of_all_spots():
    embedding, truth, spots, _ = section()

    whole = report(embedding, truth, spots)
    drawn = report(embedding, truth, spots, max_spots=120)

    assert value(drawn, "pas") == value(whole, "pas")
    assert value(drawn, "chaos") == value(whole, "chaos")
    assert value(drawn, "pcc") == pytest.approx(value(whole, "pcc"), abs=0.1)
    assert value(drawn, "pas", "baseline") == pytest.approx(
        value(whole, "pas", "baseline"), abs=0.1
    )
    assert any("120 drawn at random" in note for note in drawn.notes)


def test_spots_without_an_embedding_or_values_are_left_out():
    embedding, truth, spots, _ = section()
    embedding[:3] = np.nan
    labels = truth.copy()
    labels[5] = -1
    values = spots.modalities[1].measured.toarray()
    values[9] = np.nan
    gaps = Spots(
        spots.xy,
        (spots.modalities[0], Modality("SM", sparse.csr_matrix(values), None)),
    )

    found = report(embedding, labels, gaps)

    assert found.notes[1].startswith("Left out 5 of 300 spots")


def test_one_modality_alone_is_measured():
    embedding, truth, spots, _ = section()

    found = report(embedding, truth, Spots(spots.xy, spots.modalities[:1]))

    assert np.isfinite(value(found, "vertical"))


def test_one_cluster_is_measured_as_far_as_it_goes():
    embedding, truth, spots, _ = section()

    found = report(embedding, truth * 0, spots)

    assert np.isnan(value(found, "logistic"))
    assert value(found, "pas") == 0
    assert any("one cluster" in note for note in found.notes)


def test_the_baseline_has_as_many_dimensions_as_the_embedding():
    embedding, truth, spots, _ = section()

    assert report(embedding, truth, spots).baseline.startswith("4 principal components")
    assert report(embedding, truth, spots, n_components=7).baseline.startswith("7 principal")


def test_too_few_spots_are_refused():
    embedding, truth, spots, _ = section()
    embedding[20:] = np.nan

    with pytest.raises(InvalidDataError, match="20 of 300 spots"):
        report(embedding, truth, spots)


def test_arguments_must_be_of_the_same_spots():
    embedding, truth, spots, _ = section()

    with pytest.raises(InvalidDataError, match=r"\[299, 300\] spots"):
        report(embedding[:-1], truth, spots)


def test_measures_of_modalities_are_averaged():
    embedding, truth, spots, _ = section()

    each = [
        measure(embedding, truth, Spots(spots.xy, (one,)))["specificity"]
        for one in spots.modalities
    ]

    assert measure(embedding, truth, spots)["specificity"] == pytest.approx(np.mean(each))


@pytest.fixture
def joint():
    rng = np.random.default_rng(0)
    counts = rng.poisson(3.0, (40, 6)).astype(float)
    ions = rng.gamma(2.0, 50.0, (40, 4))
    normalized = np.hstack(
        [normalized_counts(sparse.csr_matrix(counts)).toarray(), normalized_intensities(ions)]
    )
    return ad.AnnData(
        X=sparse.csr_matrix(np.hstack([counts, ions])),
        var=pd.DataFrame({"type": ["ST"] * 6 + ["SM"] * 4}, index=[f"f{i}" for i in range(10)]),
        layers={"normalized": sparse.csr_matrix(normalized)},
    )


def test_perfectly_denoised_values_come_out_on_the_normalized_scale(joint):
    x = joint.X.toarray()
    ions = x[:, 6:]
    as_returned = np.log1p(ions / ions.sum(axis=1, keepdims=True) * 1e4)
    order = [7, 0, 9, 3]
    perfect = np.column_stack([as_returned[:, 1], x[:, 0], as_returned[:, 3], x[:, 3]])

    st, sm = modalities(joint, [f"f{i}" for i in order], perfect)

    assert (st.name, sm.name) == ("ST", "SM")
    np.testing.assert_allclose(st.denoised, st.measured.toarray(), rtol=1e-6)
    np.testing.assert_allclose(sm.denoised, sm.measured.toarray(), rtol=1e-6)


def test_intensities_taken_as_given_come_out_on_the_normalized_scale(joint):
    perfect = joint.X.toarray()[:, 6:]

    (sm,) = modalities(joint, [f"f{i}" for i in range(6, 10)], perfect, normalized_sm=False)

    np.testing.assert_allclose(sm.denoised, sm.measured.toarray(), rtol=1e-6)


def test_without_denoised_values_there_are_none(joint):
    assert all(one.denoised is None for one in modalities(joint, ["f0", "f8"]))


def test_features_must_be_in_the_table(joint):
    with pytest.raises(NotFoundError, match="1 of 2 features"):
        modalities(joint, ["f0", "unknown"])


def test_the_table_must_be_normalized(joint):
    del joint.layers["normalized"]
    with pytest.raises(NotReadyError, match="Join the two modalities first"):
        modalities(joint, ["f0"])
