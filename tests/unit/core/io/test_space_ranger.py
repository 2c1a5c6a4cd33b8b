import gzip
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from spatialmeta_core.errors import InvalidDataError, NotFoundError
from spatialmeta_core.io import read_st

UM_PER_PX = 0.5


def expect(adata, outs):
    """Compare with the truth, barcode by barcode."""
    kept = outs.in_tissue
    barcodes = np.array(outs.barcodes)[kept]
    assert sorted(adata.obs_names) == sorted(barcodes)
    ordered = adata[barcodes]
    np.testing.assert_array_equal(ordered.X.toarray(), outs.counts[kept])
    np.testing.assert_array_equal(ordered.obsm["spatial"], outs.xy[kept])


@pytest.mark.parametrize("header", [True, False])
def test_an_outs_folder_becomes_the_common_layout(make_outs, header):
    outs = make_outs(header=header)

    adata = read_st(outs.folder)

    expect(adata, outs)
    assert adata.X.format == "csr"
    assert adata.X.dtype == np.float32
    assert adata.var_names.tolist()[:3] == ["GAPDH", "ACTB", "ACTB-1"]
    assert adata.var["gene_ids"].tolist()[1:3] == ["ENSG00000001", "ENSG00000002"]
    assert set(adata.var["type"]) == {"ST"}
    assert set(adata.obs["sample"]) == {"Y7"}
    assert adata.obsm["spatial"].dtype == np.float64
    library = adata.uns["spatial"]["Y7"]
    assert library["images"]["hires"].dtype == np.uint8
    assert library["scalefactors"]["tissue_hires_scalef"] == 0.1
    record = adata.uns["spatialmeta"]
    assert record["schema"] == 1
    assert record["um_per_px"] == pytest.approx(UM_PER_PX, rel=0.01)
    assert any("48 rows, 40 in tissue; 40 spots kept" in note for note in record["notes"])


def pack(outs, kind, tmp_path):
    return shutil.make_archive(str(tmp_path / "S15_outs"), kind, outs.folder.parent.parent, "Y7")


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
def test_an_archive_gives_the_same_as_the_folder(make_outs, tmp_path, kind):
    outs = make_outs()
    workdir = tmp_path / "work"
    workdir.mkdir()

    adata = read_st(pack(outs, kind, tmp_path), workdir=workdir)

    expect(adata, outs)
    assert set(adata.obs["sample"]) == {"Y7"}
    assert not list(workdir.iterdir())


def test_files_named_by_geo_are_found_and_unpacked(make_outs):
    outs = make_outs("flat", prefix="GSM123_kidney_")
    for path in list(outs.folder.iterdir()):
        with gzip.open(f"{path}.gz", "wb") as packed:
            packed.write(path.read_bytes())
        path.unlink()

    adata = read_st(outs.folder)

    expect(adata, outs)
    assert set(adata.obs["sample"]) == {"kidney"}
    assert list(adata.uns["spatial"]["kidney"]["images"]) == ["hires"]


def test_the_two_downloads_of_10x_are_read_together(make_outs, tmp_path):
    outs = make_outs("V1/outs")
    place = tmp_path / "downloads"
    place.mkdir()
    shutil.copy(
        outs.folder / "filtered_feature_bc_matrix.h5",
        place / "V1_Brain_filtered_feature_bc_matrix.h5",
    )
    shutil.make_archive(str(place / "V1_Brain_spatial"), "gztar", outs.folder, "spatial")

    adata = read_st(place)

    expect(adata, outs)
    assert set(adata.obs["sample"]) == {"V1_Brain"}
    assert len(list(place.iterdir())) == 2  # nothing was written beside them


def test_the_raw_matrix_is_filtered_by_tissue(make_outs):
    outs = make_outs(raw=True)

    adata = read_st(outs.folder)

    expect(adata, outs)
    assert any("raw matrix" in note for note in adata.uns["spatialmeta"]["notes"])


def test_the_folder_form_of_the_matrix_is_read(make_outs, write_mtx_folder):
    outs = make_outs()
    (outs.folder / "filtered_feature_bc_matrix.h5").unlink()
    write_mtx_folder(
        outs.folder / "filtered_feature_bc_matrix", outs.counts, outs.barcodes, outs.genes
    )

    expect(read_st(outs.folder), outs)


def test_a_matrix_of_version_2_is_read(make_outs, write_count_h5):
    outs = make_outs()
    path = outs.folder / "filtered_feature_bc_matrix.h5"
    write_count_h5(path, outs.counts, outs.barcodes, outs.genes, version=2)

    expect(read_st(outs.folder), outs)


def test_protein_panels_are_left_out(make_outs, write_count_h5):
    outs = make_outs()
    types = ["Gene Expression"] * 6 + ["Antibody Capture"]
    path = outs.folder / "filtered_feature_bc_matrix.h5"
    write_count_h5(path, outs.counts, outs.barcodes, outs.genes, types=types)

    adata = read_st(outs.folder)

    assert adata.n_vars == 6
    assert "not gene expression: 1 feature." in " ".join(adata.uns["spatialmeta"]["warnings"])


def test_only_a_lowres_image_is_stored_as_such(make_outs):
    adata = read_st(make_outs(hires=False).folder)

    library = adata.uns["spatial"]["Y7"]
    assert list(library["images"]) == ["lowres"]
    assert "tissue_hires_scalef" not in library["scalefactors"]


def test_without_pictures_one_can_go_on(make_outs):
    outs = make_outs()
    for path in outs.folder.rglob("*.png"):
        path.unlink()

    adata = read_st(outs.folder)

    expect(adata, outs)
    assert adata.uns["spatial"]["Y7"]["images"] == {}
    assert "No tissue image found" in " ".join(adata.uns["spatialmeta"]["warnings"])


def test_bins_of_8_um_are_chosen_and_2_um_refused(make_outs):
    for size in (2, 16, 8):
        outs = make_outs(f"HD/outs/binned_outputs/square_{size:03}um", seed=size)
    factors = outs.folder / "spatial" / "scalefactors_json.json"
    factors.write_text('{"microns_per_pixel": 0.25, "tissue_hires_scalef": 0.1}')

    adata = read_st(outs.folder.parent.parent)

    expect(adata, outs)
    assert adata.uns["spatialmeta"]["um_per_px"] == 0.25
    finest = outs.folder.parent / "square_002um"
    (finest / "spatial" / "scalefactors_json.json").write_text('{"bin_size_um": 2}')
    with pytest.raises(InvalidDataError) as caught:
        read_st(finest)
    assert caught.value.code == "E-17"
    shutil.rmtree(outs.folder)
    shutil.rmtree(outs.folder.parent / "square_016um")
    with pytest.raises(InvalidDataError) as caught:
        read_st(outs.folder.parent.parent)
    assert caught.value.code == "E-17"


def test_of_two_samples_one_is_taken_by_name(make_outs):
    make_outs("all", prefix="GSM1_normal_", seed=1)
    second = make_outs("more", prefix="GSM2_tumor_", seed=2)
    for path in (second.folder.parent / "all").iterdir():
        shutil.move(path, second.folder)

    with pytest.raises(InvalidDataError, match="2 samples: GSM1_normal, GSM2_tumor"):
        read_st(second.folder)
    expect(read_st(second.folder, sample="tumor"), second)


def test_the_first_of_several_samples_of_an_archive_is_taken_on_request(make_outs):
    first = make_outs("all/one/outs", seed=1)
    second = make_outs("all/two/outs", seed=2)

    adata = read_st(first.folder.parents[1], several="first", name="section")

    expect(adata, first)
    assert set(adata.obs["sample"]) == {"section"}
    record = adata.uns["spatialmeta"]["samples"]
    assert record == {"name": ["one", "two"], "n_spots": [0, 0], "taken": "one"}
    assert "2 samples; one was taken." in " ".join(adata.uns["spatialmeta"]["warnings"])
    expect(read_st(first.folder.parents[1], sample="two"), second)


def test_without_positions_the_message_says_what_to_add(make_outs):
    outs = make_outs()
    (outs.folder / "spatial" / "tissue_positions.csv").unlink()

    for path in (outs.folder, outs.folder / "filtered_feature_bc_matrix.h5"):
        with pytest.raises(InvalidDataError, match="Add the whole spatial folder") as caught:
            read_st(path)
        assert caught.value.code == "E-06"


def test_positions_of_another_sample_are_refused_with_the_share(make_outs):
    outs, other = make_outs(seed=0), make_outs("other", seed=1)
    shutil.copy(other.folder / "filtered_feature_bc_matrix.h5", outs.folder)

    with pytest.raises(InvalidDataError, match="Only 0 % of barcodes match") as caught:
        read_st(outs.folder)
    assert caught.value.code == "E-07"
    assert other.barcodes[-1] in str(caught.value)


def test_a_few_barcodes_without_position_are_left_out_and_said(make_outs):
    outs = make_outs()
    path = outs.folder / "spatial" / "tissue_positions.csv"
    path.write_text("\n".join(path.read_text().split("\n")[:-3]) + "\n")

    adata = read_st(outs.folder)

    assert adata.n_obs == 38
    assert "95 %. 2 spots were left out" in " ".join(adata.uns["spatialmeta"]["warnings"])


def test_a_missing_end_of_the_barcodes_is_forgiven(make_outs):
    outs = make_outs()
    path = outs.folder / "spatial" / "tissue_positions.csv"
    path.write_text(path.read_text().replace("-1,", ","))

    expect(read_st(outs.folder), outs)


def test_damaged_parts_are_named(make_outs, tmp_path):
    outs = make_outs()
    path = outs.folder / "filtered_feature_bc_matrix.h5"
    path.write_bytes(path.read_bytes()[:3000])

    with pytest.raises(InvalidDataError, match=r"matrix\.h5 is not a complete"):
        read_st(outs.folder)


def test_counts_that_point_outside_the_matrix_are_refused(make_outs):
    import h5py

    outs = make_outs()
    with h5py.File(outs.folder / "filtered_feature_bc_matrix.h5", "r+") as file:
        file["matrix/indices"][0] = 99
    with pytest.raises(InvalidDataError, match="point outside the matrix"):
        read_st(outs.folder)


def test_what_is_no_section_is_explained(tmp_path):
    (tmp_path / "notes.txt").write_text("hello\n")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.md", "hi")

    with pytest.raises(InvalidDataError, match="No count matrix found"):
        read_st(tmp_path / "a.zip")
    with pytest.raises(InvalidDataError, match=r"notes\.txt is not a format"):
        read_st(tmp_path / "notes.txt")
    with pytest.raises(NotFoundError):
        read_st(tmp_path / "absent")


def test_the_size_limit_holds_for_what_an_archive_unpacks_to(make_outs, tmp_path):
    archive = pack(make_outs(), "zip", tmp_path)

    with pytest.raises(InvalidDataError, match="unpacks to more than") as caught:
        read_st(archive, max_bytes=Path(archive).stat().st_size)
    assert caught.value.code == "E-16"
