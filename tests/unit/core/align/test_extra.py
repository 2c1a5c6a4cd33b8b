import numpy as np
import pytest

from spatialmeta_core.align.extra import Together
from spatialmeta_core.align.frame import Frame
from spatialmeta_core.align.search import Placement
from spatialmeta_core.align.shape import spots_shape
from spatialmeta_core.align.warp import fit_warp


class Bowl:
    """A quadratic cost about a placement."""

    def __init__(self, center: np.ndarray, nats: float) -> None:
        self.center, self.nats = center, nats

    def cost(self, matrix: np.ndarray) -> tuple[float, np.ndarray]:
        return float(((matrix - self.center) ** 2).sum()), 2 * (matrix - self.center)

    def evidence(self, matrix: np.ndarray, warp) -> float:
        return self.nats

    def starts(self, found: list[Placement]) -> list[Placement]:
        return [Placement(self.center, float(len(found)))]


IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@pytest.fixture
def both() -> Together:
    return Together((Bowl(IDENTITY, 2.0), Bowl(IDENTITY + 1.0, 5.5)))


def test_costs_and_gradients_add_up(both) -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(2, 3))

    value, slope = both.cost(matrix)

    assert value == pytest.approx(sum(p.cost(matrix)[0] for p in both.parts))
    step = 1e-6
    for place in np.ndindex(2, 3):
        moved = matrix.copy()
        moved[place] += step
        assert (both.cost(moved)[0] - value) / step == pytest.approx(slope[place], abs=1e-4)


def test_evidence_adds_up(both, section) -> None:
    moving, target = spots_shape(section.moving), spots_shape(section.target)
    frame = Frame.between(moving, target, None)
    matrix = frame.matrix_of(section.pose)
    warp = fit_warp(matrix, *frame.normalized(moving, target))

    assert both.evidence(matrix, warp) == pytest.approx(7.5)


def test_every_term_may_propose_starts_and_sees_those_of_the_outline(both) -> None:
    found = [Placement(IDENTITY, 0.3)]

    starts = both.starts(found)

    np.testing.assert_array_equal([s.matrix for s in starts], [p.center for p in both.parts])
    assert [s.cost for s in starts] == [1, 1]
