import numpy as np
import pytest

from app.pages.align import results
from spatialmeta_core import geometry
from spatialmeta_core.types import Alignment, Candidate, Displacement

GRID = np.array([[x, y] for y in range(30) for x in range(30)], float)
POSE = geometry.make_pose(0.0, 10.0, 10.0)


def shifted(vector):
    field = np.broadcast_to(np.asarray(vector, float), (5, 5, 2))
    return Alignment(POSE, Displacement(field, (-50.0, -50.0), 100.0), min_jacobian=0.82)


def test_the_grid_moves_with_the_tissue():
    still, moved = (results.grid_lines(shifted(v), GRID) for v in ((0, 0), (7, -3)))
    assert len(still) == len(moved) > 2 * results.N_LINES
    for before, after in zip(still, moved, strict=True):
        np.testing.assert_allclose(after - before, np.full_like(before, [7, -3]), atol=1e-9)


def test_the_grid_covers_the_tissue_and_skips_a_gap():
    gap = (GRID[:, 0] > 10) & (GRID[:, 0] < 19)
    lines = results.grid_lines(shifted((0, 0)), GRID[~gap])
    points = np.concatenate(lines)
    assert points.min() >= -1e-9
    assert points.max() <= 290 + 1.5 * 10
    assert not ((points[:, 0] > 125) & (points[:, 0] < 165)).any()
    assert all(np.ptp(line[:, 0]) < 150 for line in lines)  # none jumps over the gap


def test_a_pose_without_a_warp_has_no_grid():
    assert results.grid_lines(Alignment(POSE), GRID) == []


def test_the_uncertainty_is_summed_up_in_micrometers():
    sd = np.full(len(GRID), 20.0)
    sd[: len(GRID) // 5] = 60.0
    found = Alignment(POSE, sd_px=sd)
    assert results.uncertainty_words(found, 2.0) == "typical 40 µm, worst 10 % above 120 µm"
    assert results.uncertainty_words(found, None) == "typical 20 px, worst 10 % above 60 px"
    colors = results.uncertainty(found, 2.0)
    assert colors.rgb.shape == (len(GRID), 3)
    assert (colors.low, colors.high) == ("40 µm", "≥ 120 µm")
    assert (colors.rgb[0] != colors.rgb[-1]).any()


def test_equal_uncertainty_everywhere_has_one_color():
    colors = results.uncertainty(Alignment(POSE, sd_px=np.full(len(GRID), 5.0)), None)
    assert len(np.unique(colors.rgb, axis=0)) == 1


def test_a_hand_pose_has_no_uncertainty():
    assert results.uncertainty(Alignment(POSE), 1.0) is None
    assert results.certainty(Alignment(POSE), 1.0) == "Uncertainty: not available for a hand pose."
    assert results.certainty(Alignment(POSE, candidates=(Candidate(POSE, 1.0),)), 1.0) == ""


@pytest.mark.parametrize(("least", "word"), [(0.82, "No fold"), (-0.1, "Folded somewhere")])
def test_folds_are_told(least, word):
    field = Displacement(np.zeros((3, 3, 2)), (0.0, 0.0), 1.0)
    words = results.fold_words(Alignment(POSE, field, min_jacobian=least))
    assert words == f"{word}: smallest local area change {least:.2f}."
    assert results.fold_words(Alignment(POSE)) == ""


def test_a_tie_asks_for_a_choice_and_a_clear_result_says_by_how_much():
    pair = (Candidate(POSE, 1.0), Candidate(POSE, 42.0))
    tie = Alignment(POSE, candidates=pair, margin=1.0, ambiguous=True)
    clear = Alignment(POSE, candidates=pair, margin=41.0)
    assert "cannot tell these apart" in results.margin_words(tie)
    assert "behind by 41" in results.margin_words(clear)
    assert results.margin_words(Alignment(POSE, candidates=pair[:1])) == ""
