import numpy as np
import pandas as pd
import pytest
from anndata import AnnData, concat
from scipy import sparse
from scipy.stats import false_discovery_control

from spatialmeta_core import keys, markers
from spatialmeta_core.errors import InvalidDataError


def hexagons(side: int) -> np.ndarray:
    row, column = np.divmod(np.arange(side**2), side)
    return np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2]) * 100.0


@pytest.fixture
def joint() -> AnnData:
    """900 spots; genes 0-4 and metabolite 0 are higher in a disk, one corner has no metabolites."""
    rng = np.random.default_rng(0)
    xy = hexagons(30)
    inside = disk(xy)
    genes = rng.poisson(2.0, (900, 20)).astype(float)
    genes[:, :5] += rng.poisson(3.0, (900, 5)) * inside[:, None]
    ions = rng.gamma(4.0, 1.0, (900, 4))
    ions[:, 0] += 3.0 * inside
    ions[xy.sum(axis=1) < 400] = np.nan
    values = np.log1p(np.hstack([genes, ions]))
    joint = AnnData(sparse.csr_matrix(values), obsm={"spatial": xy})
    joint.var["type"] = ["ST"] * 20 + ["SM"] * 4
    joint.layers["normalized"] = joint.X
    return joint


def disk(xy: np.ndarray) -> np.ndarray:
    return np.hypot(*(xy - xy.mean(axis=0) - 300.0).T) < 420


def ring(xy: np.ndarray) -> np.ndarray:
    return (np.hypot(*(xy - xy.mean(axis=0) - 300.0).T) < 700) & ~disk(xy)


def test_planted_differences_have_a_small_p_and_the_table_keeps_its_order(joint) -> None:
    mask = disk(joint.obsm["spatial"])
    table = markers.rank_markers(joint, mask)

    found = markers.add_spatial_p(table, joint, mask, n_placements=300)

    pd.testing.assert_frame_equal(found.table[list(keys.MARKER_COLUMNS)], table)
    p = found.table.set_index("feature")[keys.P_SPATIAL]
    assert (p[["0", "1", "2", "3", "4", "20"]] <= 0.05).all()
    assert (p.drop(["0", "1", "2", "3", "4", "20"]) <= 0.05).mean() < 0.3
    assert found.note == ""
    assert found.n_distinct >= 100
    for _, part in found.table.groupby("type"):
        np.testing.assert_allclose(
            part[keys.P_SPATIAL_ADJ], false_discovery_control(part[keys.P_SPATIAL])
        )


def test_against_a_ring_both_move_together(joint) -> None:
    xy = joint.obsm["spatial"]
    mask, around = disk(xy), ring(xy)
    table = markers.rank_markers(joint, mask, around)

    found = markers.add_spatial_p(table, joint, mask, around, n_placements=300).table

    p = found.set_index("feature")[keys.P_SPATIAL]
    assert (p[["0", "1", "2", "3", "4", "20"]] <= 0.05).all()
    assert p.notna().all()


def test_only_the_features_asked_for_are_tested_and_adjusted(joint) -> None:
    mask = disk(joint.obsm["spatial"])
    table = markers.rank_markers(joint, mask)

    found = markers.add_spatial_p(table, joint, mask, features=["3", "20"], n_placements=200).table

    tested = found[found[keys.P_SPATIAL].notna()]
    assert sorted(tested["feature"]) == ["20", "3"]
    assert found[keys.P_SPATIAL_ADJ].notna().sum() == 2


def test_a_region_that_fits_nowhere_else_says_so(joint) -> None:
    mask = joint.obsm["spatial"][:, 0] < 2500
    table = markers.rank_markers(joint, mask)

    found = markers.add_spatial_p(table, joint, mask, n_placements=150)

    assert found.table[keys.P_SPATIAL].isna().all()
    assert "100 are needed" in found.note


def test_a_region_without_metabolites_tests_genes_only(joint) -> None:
    values = joint.layers["normalized"].toarray()
    mask = disk(joint.obsm["spatial"])
    values[mask, 20:] = np.nan
    joint.layers["normalized"] = sparse.csr_matrix(values)
    table = markers.rank_markers(joint, mask)

    found = markers.add_spatial_p(table, joint, mask, n_placements=150)

    kind = found.table["type"]
    assert found.table.loc[kind == "ST", keys.P_SPATIAL].notna().all()
    assert found.table.loc[kind == "SM", keys.P_SPATIAL].isna().all()
    assert "no spots with metabolites" in found.note


def test_the_null_stays_within_the_section_of_the_region(joint) -> None:
    mask = disk(joint.obsm["spatial"])
    alone = markers.add_spatial_p(
        markers.rank_markers(joint, mask), joint, mask, n_placements=150
    ).table.set_index("feature")
    two = concat({"a": joint, "b": joint}, label="sample", index_unique="-", merge="same")
    both = np.r_[mask, np.zeros(900, bool)]

    found = markers.add_spatial_p(
        markers.rank_markers(two, both), two, both, n_placements=150
    ).table.set_index("feature")

    np.testing.assert_array_equal(found.loc[alone.index, keys.P_SPATIAL], alone[keys.P_SPATIAL])
    with pytest.raises(InvalidDataError, match="lie in 2 samples"):
        markers.add_spatial_p(markers.rank_markers(two, both), two, both, ~both)
