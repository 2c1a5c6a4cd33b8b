"""Value layers of single features, on a toy section with a run on disk."""

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from app.layers import Layers, _read_denoised, denoised_table
from app.store import ProjectStore
from spatialmeta_core import keys, metrics
from spatialmeta_core.errors import NotFoundError, NotReadyError
from spatialmeta_core.io import write_h5ad

N = 60
GENES, MASSES = ["Gfap", "Mbp", "Snap25"], ["124.0074", "281.2480"]
TRAINED = ["Mbp", "Gfap", "281.2480"]  # not in the order of the table


@pytest.fixture
def joint():
    rng = np.random.default_rng(1)
    counts = rng.poisson(4.0, (N, len(GENES))).astype(np.float32)
    masses = rng.gamma(5.0, 100.0, (N, len(MASSES))).astype(np.float32)
    masses[-5:] = np.nan
    normal = [np.log1p(counts / counts.sum(1, keepdims=True) * 1e4)]
    total = masses.sum(1, keepdims=True)
    normal.append(np.log1p(masses / total * np.nanmedian(total)))
    return ad.AnnData(
        sp.csr_matrix(np.hstack([counts, masses])),
        obs=pd.DataFrame(index=[f"spot{k}" for k in range(N)]),
        var=pd.DataFrame({keys.FEATURE_TYPE: ["ST"] * 3 + ["SM"] * 2}, index=GENES + MASSES),
        layers={keys.NORMALIZED: sp.csr_matrix(np.hstack(normal).astype(np.float32))},
    )


@pytest.fixture
def denoised():
    values = np.random.default_rng(2).gamma(3.0, 1.0, (N, len(TRAINED))).astype(np.float32)
    values[0] = np.nan  # left out of training
    return values


@pytest.fixture
def store(tmp_path):
    return ProjectStore(tmp_path / "projects")


@pytest.fixture
def project(store, joint):
    project = store.create("Toy")
    for name in ("st", "sm", "alignment"):
        store.commit(project, name, lambda folder: None)
    store.commit(project, "joint", lambda folder: write_h5ad(joint, folder / "joint.h5ad"))
    store.commit(project, "features", lambda folder: None)
    return project


@pytest.fixture
def train(store, project, denoised):
    def commit(*, earlier=False):
        def write(folder):
            record = {"features": TRAINED, "net": {"normalize_sm": True}}
            (folder / "integration.json").write_text(json.dumps(record))
            if earlier:
                np.savez(folder / "integration.npz", denoised=denoised)
            else:
                np.save(folder / "denoised.npy", np.ascontiguousarray(denoised.T))

        store.commit(project, "integration", write)

    return commit


@pytest.fixture
def layers(store, project, joint):
    return Layers(store, project, joint)


def test_raw_and_normalized_values_are_those_of_the_table(layers, joint):
    raw, normalized = layers.values("raw", "Mbp"), layers.values("normalized", "281.2480")

    np.testing.assert_allclose(raw, np.log1p(joint.X.toarray()[:, 1]), rtol=1e-6)
    np.testing.assert_allclose(normalized, joint.layers[keys.NORMALIZED].toarray()[:, 4])
    assert np.isnan(layers.values("raw", "281.2480")[-5:]).all()


@pytest.mark.parametrize("earlier", [False, True])
def test_denoised_values_are_found_by_name_on_the_scale_of_the_metrics(
    layers, train, joint, denoised, earlier
):
    train(earlier=earlier)
    genes, masses = metrics.modalities(joint, TRAINED, denoised)

    np.testing.assert_allclose(layers.values("denoised", "Gfap"), genes.denoised[:, 1], rtol=1e-6)
    np.testing.assert_allclose(
        layers.values("denoised", "281.2480"), masses.denoised[:, 0], rtol=1e-6
    )
    assert np.isnan(layers.values("denoised", "Gfap")[0])


def test_a_feature_the_model_never_saw_has_no_denoised_value(layers, train):
    train()

    assert np.isnan(layers.values("denoised", "Snap25")).all()
    assert not layers.is_denoised("Snap25")
    with pytest.raises(NotReadyError, match="not trained on 'Snap25'"):
        layers.agreement("Snap25")


def test_agreement_is_the_pearson_and_cosine_of_the_spots_that_have_both(layers, train):
    train()
    measured, denoised = (layers.values(name, "281.2480") for name in ("normalized", "denoised"))
    both = np.isfinite(measured) & np.isfinite(denoised)
    a, b = measured[both], denoised[both]

    found = layers.agreement("281.2480")

    assert found.n_spots == N - 6
    assert found.pearson == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert found.cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_without_a_model_the_layer_says_what_to_do(layers):
    assert "Train it" in layers.missing
    with pytest.raises(NotReadyError, match="Train it"):
        layers.values("denoised", "Gfap")


def test_denoised_values_of_another_reassignment_are_not_shown(
    layers, train, store, project, joint
):
    train()
    store.commit(project, "joint", lambda folder: write_h5ad(joint, folder / "joint.h5ad"))

    assert "before the metabolite values" in layers.missing


def test_unknown_features_and_layers_are_refused(layers):
    with pytest.raises(NotFoundError, match="no gene or metabolite called 'Nope'"):
        layers.values("raw", "Nope")
    with pytest.raises(NotFoundError, match="no layer of values"):
        layers.values("smooth", "Gfap")


def test_one_feature_of_a_run_is_read_without_the_others(tmp_path):
    values = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    np.save(tmp_path / "denoised.npy", values)
    (tmp_path / "integration.json").write_text(json.dumps({"features": ["a", "b", "c"]}))

    run = _read_denoised(tmp_path)
    stored, place = run.values, run.row["b"]  # noqa: PD011  # a field, not a table's
    names, table = denoised_table(tmp_path)

    assert isinstance(stored, np.memmap)  # on disk, a row in one piece
    assert stored[place].flags.c_contiguous
    np.testing.assert_array_equal(stored[place], values[1])
    assert names == ["a", "b", "c"]
    np.testing.assert_array_equal(table, values.T)
