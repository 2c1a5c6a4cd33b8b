import numpy as np
import pytest

from benchmarks import alignment
from benchmarks.cases import simulated


@pytest.fixture(scope="module")
def case():
    return simulated(1, "medium")


def test_nothing_known_and_a_hand_pose_lead_to_the_same_place(case) -> None:
    unaided = case.error(alignment.auto(case.moving, case.fixed))
    from_hand = case.error(alignment.hand(case.hand, case.fixed))

    assert max(unaided[0], from_hand[0]) < 1.5


def test_candidates_are_moved_spots_best_first(case) -> None:
    found = alignment.candidates(case.moving, case.fixed)

    assert 2 <= len(found) <= 5
    assert all(np.shape(placed) == case.moving.shape for placed in found)
    assert case.error(found[0])[0] < 1.5 < case.error(found[1])[0]
    assert not found.ambiguous
    assert found.margin > 6


def test_the_table_counts_what_the_flag_is_worth(capsys) -> None:
    rows = [
        {"median": 1.0, "ambiguous": True, "others": [1.0]},
        {"median": 9.0, "ambiguous": False, "others": [9.0, 1.0]},
        {"median": 9.0, "ambiguous": True, "others": [9.0]},
    ]

    alignment.doubts(rows)

    said = capsys.readouterr().out
    assert "candidates 2/3" in said
    assert "not flagged 1; right but flagged 1" in said
