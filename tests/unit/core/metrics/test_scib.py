"""Values that scib-metrics 0.5.10 gives (single precision), which is too large a dependency."""

import numpy as np
import pytest

from spatialmeta_core.metrics import batch_asw, clisi, ilisi, isolated_asw, label_asw, pcr_batch


@pytest.fixture
def spots():
    t = np.arange(240)
    place = np.column_stack(
        [
            np.sin(t * 0.7) * (1 + t % 3),
            np.cos(t * 1.3) + (t % 4),
            np.sin(t * 2.1) + 0.8 * (t % 2),
        ]
    )
    return place, t % 4, np.where(t % 4 == 1, t % 2, t % 3)


def test_the_mixing_of_batches_is_that_of_ilisi_knn(spots):
    place, _, batch = spots

    assert ilisi(place, batch) == pytest.approx(0.4740529, abs=2e-6)


def test_the_purity_of_groups_is_that_of_clisi_knn(spots):
    place, group, _ = spots

    assert clisi(place, group) == pytest.approx(0.559112, abs=2e-6)


def test_the_widths_are_those_of_scib(spots):
    place, group, batch = spots

    assert label_asw(place, group) == pytest.approx(0.5271243, abs=1e-6)
    assert isolated_asw(place, group, batch) == pytest.approx(0.51551336, abs=1e-6)
    assert batch_asw(place, group, batch) == pytest.approx(0.8689892, abs=1e-6)


def test_the_removed_share_is_that_of_pcr_comparison(spots):
    place, _, batch = spots
    means = np.stack([place[batch == level].mean(axis=0) for level in range(3)])

    found = pcr_batch(place, place - 0.5 * means[batch], batch)

    assert found == pytest.approx(0.7332923, abs=5e-6)
