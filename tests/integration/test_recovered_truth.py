"""What was planted is found again; loose bounds, the figures are in ``benchmarks/main_job.py``."""

from __future__ import annotations

import pytest

from benchmarks import main_job


@pytest.mark.slow
def test_the_demo_gives_its_truth_back() -> None:
    figures = main_job.simulated(0)

    assert figures["start"] > 6.0, "the hand start must be off by more than the bound"
    assert figures["median"] < 3.0
    assert figures["ari_best"] > 0.7
    assert figures["markers"] > 0.6
    assert figures["gradient"] > 0.4
