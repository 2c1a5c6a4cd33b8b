import numpy as np
import pytest

from spatialmeta_core import features, keys
from spatialmeta_core.errors import InvalidDataError


def grid(side: int) -> np.ndarray:
    x, y = np.meshgrid(np.arange(float(side)), np.arange(float(side)))
    return np.column_stack([x.ravel(), y.ravel()])


def test_moran_table_has_the_agreed_columns_and_names() -> None:
    xy = grid(8)
    values = np.column_stack([xy[:, 0], np.random.default_rng(0).random(64)])

    table = features.morans_i(values, xy, names=["slope", "noise"])

    assert tuple(table.columns) == keys.MORAN_COLUMNS
    assert table.loc["slope", keys.MORAN_I] > 0.8
    assert table.loc["slope", keys.MORAN_P_ADJ] < 1e-6
    assert table.loc["noise", keys.MORAN_P] > 0.01
    assert features.morans_i(values, xy).index.tolist() == [0, 1]


def test_p_is_uniform_for_noise() -> None:
    noise = np.random.default_rng(0).normal(size=(144, 1000))

    p = features.morans_i(noise, grid(12))[keys.MORAN_P]

    assert abs((p < 0.05).mean() - 0.05) < 0.025
    assert abs((p < 0.5).mean() - 0.5) < 0.06


def test_counts_must_agree() -> None:
    with pytest.raises(InvalidDataError, match="9 rows of values for 4 positions"):
        features.morans_i(np.ones((9, 1)), grid(2))
    with pytest.raises(InvalidDataError, match="1 names for 2 features"):
        features.morans_i(np.ones((9, 2)), grid(3), names=["a"])
