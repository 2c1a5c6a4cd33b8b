"""The readers on the data beside the project; skipped where they are absent."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from spatialmeta_core.io import check_sm, check_st, read_sm, read_st

DATA = Path(__file__).parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no shared data beside the project")


def errors(report):
    return [item.text for item in report if item.level == "error"]


def test_a_zip_of_real_outs_gives_the_same_as_the_folder(tmp_path):
    source = DATA / "paired-mouse-brain-semisim"
    archive = shutil.make_archive(str(tmp_path / "brain"), "zip", source, "outs")

    folder, packed = read_st(source / "outs"), read_st(archive)

    assert folder.shape == packed.shape == (624, 634)
    assert (folder.X != packed.X).nnz == 0
    assert set(packed.obs["sample"]) == {"brain"}
    assert not errors(check_st(folder))
    assert folder.uns["spatialmeta"]["um_per_px"] == pytest.approx(0.725, rel=0.005)


def test_one_section_as_outs_and_as_h5ad_holds_the_same_counts():
    outs = read_st(DATA / "paired-mouse-brain-semisim" / "outs")
    h5ad = read_st(DATA / "visium-mouse-brain-giotto/derived/mouse_brain_DG_visium.h5ad")

    assert outs.obs_names.tolist() == h5ad.obs_names.tolist()
    assert (outs[:, h5ad.var_names].X != h5ad.X).nnz == 0
    np.testing.assert_allclose(outs.obsm["spatial"], h5ad.obsm["spatial"], atol=1)


@pytest.mark.parametrize(("sample", "n_spots"), [("NP", 987), ("CP", 1340)])
def test_each_prostate_sample_is_read_by_its_name(sample, n_spots):
    path = DATA / "visium-mouse-brain-giotto/derived/human_prostate_NP_CP.h5ad"

    adata = read_st(path, sample=sample)

    assert adata.n_obs == n_spots
    assert adata.uns["spatialmeta"]["um_per_px"] == pytest.approx(0.344, rel=0.01)


def test_the_simulated_table_is_read_in_full():
    adata = read_sm(DATA / "paired-mouse-brain-semisim" / "msi.csv.gz")

    assert adata.shape == (2762, 360)
    assert np.isfinite(adata.var["mz"]).all()
    assert adata.uns["spatialmeta"]["step"] == 1
    assert not errors(check_sm(adata))


def test_real_maldi_data_are_read_in_full():
    adata = read_sm(DATA / "msi-mouse-bladder/derived/mouse_bladder_msi.h5ad", polarity="positive")

    assert adata.shape == (34_840, 79)
    assert adata.var["mz"].between(426, 971).all()
    assert not errors(check_sm(adata))
