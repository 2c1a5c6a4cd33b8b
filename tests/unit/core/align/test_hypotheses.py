import math

import numpy as np
import pytest

from spatialmeta_core.align import hypotheses
from spatialmeta_core.align.extra import Terms
from spatialmeta_core.align.frame import Frame
from spatialmeta_core.align.hypotheses import (
    corrected,
    distinct,
    in_doubt,
    margin,
    rank_hypotheses,
)
from spatialmeta_core.align.search import Placement, hand_starts, rotation
from spatialmeta_core.align.shape import spots_shape
from spatialmeta_core.params import AlignParams


@pytest.fixture(scope="module")
def terms(section):
    moving, target = spots_shape(section.moving), spots_shape(section.target)
    frame = Frame.between(moving, target, None)
    return Terms(*frame.normalized(moving, target), AlignParams())


@pytest.fixture(scope="module")
def truth(section) -> np.ndarray:
    frame = Frame.between(spots_shape(section.moving), spots_shape(section.target), None)
    return frame.matrix_of(section.pose)


@pytest.fixture(scope="module")
def right(terms, truth):
    return corrected(Placement(truth, 0.0), terms)


def silent(_fraction: float, _message: str) -> None:
    return


def moved(placed, x: float, cost: float, degrees: float = 0.0):
    matrix = rotation(math.radians(degrees)) @ placed.placement.matrix
    matrix[:, 2] += [x, 0.0]
    return placed._replace(placement=Placement(matrix, 0.0), cost=cost)


def test_the_best_of_two_that_agree_is_kept(terms, right) -> None:
    kept = distinct(
        [moved(right, 0.01, 9.0), moved(right, 0.0, 5.0), moved(right, 0.3, 7.0)], terms.moving
    )

    assert [p.cost for p in kept] == [5.0, 7.0]


def test_slid_variants_leave_room_for_other_directions(terms, right) -> None:
    slid = [moved(right, 0.1 * k, 5.0 + k) for k in range(4)]
    turned = moved(right, 0.0, 30.0, degrees=180)

    kept = distinct([*slid, turned], terms.moving)

    assert [p.cost for p in kept] == [5.0, 6.0, 30.0]


def test_the_margin_looks_at_what_would_mislead(terms, right) -> None:
    best, near, far = moved(right, 0, 5.0), moved(right, 0.05, 6.0), moved(right, 0.2, 16.0)

    assert margin([best, near, far], terms.moving) == pytest.approx(11.0)
    assert margin([best, near], terms.moving) == math.inf
    assert margin([best], terms.moving) == math.inf


def test_a_rival_far_away_is_ruled_out_later_than_one_nearby(terms, right) -> None:
    best, near, far = moved(right, 0, 5.0), moved(right, 0.05, 9.0), moved(right, 0.2, 10.0)

    assert in_doubt([best, near, far], terms.moving)
    assert not in_doubt([best, near], terms.moving)
    assert in_doubt([best, near._replace(cost=6.5)], terms.moving)
    assert not in_doubt([best, far._replace(cost=13.0)], terms.moving)


def test_another_term_chooses_among_placements_and_adds_its_own(terms, truth) -> None:
    upside_down = rotation(math.pi) @ truth

    class Believer:
        def cost(self, matrix: np.ndarray) -> tuple[float, np.ndarray]:
            return 0.0, np.zeros((2, 3))

        def evidence(self, matrix: np.ndarray, warp) -> float:
            return 0.0 if np.trace(matrix[:, :2] @ upside_down[:, :2].T) > 0 else 500.0

        def starts(self, found: list[Placement]) -> list[Placement]:
            return [Placement(upside_down, 0.0)]

    found = rank_hypotheses([Placement(truth, 0.0)], terms._replace(extra=Believer()), silent)

    assert np.trace(found[0].placement.matrix[:, :2] @ upside_down[:, :2].T) > 0
    alone = rank_hypotheses([Placement(truth, 0.0), Placement(upside_down, 0.0)], terms, silent)
    assert np.trace(alone[0].placement.matrix[:, :2] @ truth[:, :2].T) > 0


def test_a_cut_section_is_not_stretched_over_what_is_lost(section, monkeypatch) -> None:
    kept = section.truth[:, 0] < 5600
    moving, target = spots_shape(section.moving[kept]), spots_shape(section.target)
    frame = Frame.between(moving, target, section.pose)
    truth = frame.matrix_of(section.pose)
    terms = Terms(*frame.normalized(moving, target), AlignParams())

    def error(found) -> float:
        place = hypotheses.placed_at(found[0], terms.moving.interior)
        wanted = terms.moving.interior @ truth[:, :2].T + truth[:, 2]
        return float(np.median(np.linalg.norm(place - wanted, axis=1)))

    with_parts = error(rank_hypotheses(hand_starts(truth), terms, silent))
    monkeypatch.setattr(hypotheses, "N_PARTIAL", 0)
    without = error(rank_hypotheses(hand_starts(truth), terms, silent))

    assert with_parts < 0.01
    assert with_parts <= without + 1e-9
