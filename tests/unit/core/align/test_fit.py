import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from spatialmeta_core.align import align
from spatialmeta_core.align.fit import orientations, score
from spatialmeta_core.align.shape import spots_shape
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import apply_pose, compose, invert, make_pose
from spatialmeta_core.params import AlignParams
from spatialmeta_core.types import Landmarks, TissueImage


def off(pair, placed: np.ndarray) -> float:
    """Median error, as a fraction of the target's width."""
    return float(np.median(np.linalg.norm(placed - pair.truth, axis=1)) / pair.width)


def hand(pair, angle_deg: float = 10.0, shift: float = 0.06):
    center = tuple(pair.truth.mean(axis=0))
    error = make_pose(angle_deg, shift=(shift * pair.width, 0.0), center=center)
    return compose(error, pair.pose)


@pytest.fixture(scope="module")
def found(section):
    return align(section.moving, section.target)


@pytest.fixture(scope="module")
def from_hand(bent):
    return align(bent.moving, bent.target, start=hand(bent))


def test_a_mirrored_turned_section_is_found_without_a_start(section, found) -> None:
    assert off(section, found.apply(section.moving)) < 0.006
    assert found.pose.flipped
    assert not found.ambiguous
    assert found.margin > 20


def test_candidates_are_ranked_and_the_first_is_the_result(found) -> None:
    costs = [c.cost for c in found.candidates]

    assert 2 <= len(costs) <= 5
    assert costs == sorted(costs)
    assert found.margin >= costs[1] - costs[0]
    np.testing.assert_array_equal(found.candidates[0].pose.matrix, found.pose.matrix)


def test_the_result_scores_itself_and_names_its_target(section, found) -> None:
    assert found.score.overlap > 0.98
    assert found.score.covered > 0.99
    assert found.score.outline_distance_px < 0.005 * section.width
    assert found.score_before is None
    assert found.target == "spots"
    assert "no tissue image" in found.notes[0]
    assert len(found.loss) > 5


def test_a_hand_start_is_improved_and_scored_before_and_after(bent, from_hand) -> None:
    assert off(bent, apply_pose(hand(bent), bent.moving)) > 0.05
    assert off(bent, from_hand.apply(bent.moving)) < 0.01
    assert from_hand.score_before.overlap < from_hand.score.overlap
    assert from_hand.displacement is not None


def test_the_local_warp_can_be_left_out(bent, from_hand) -> None:
    rigid = align(bent.moving, bent.target, AlignParams(nonrigid=False), start=hand(bent))

    assert rigid.displacement is None
    assert off(bent, rigid.apply(bent.moving)) > off(bent, from_hand.apply(bent.moving))
    assert off(bent, rigid.apply(bent.moving)) < 0.02


def test_a_hand_start_never_changes_the_flip(section) -> None:
    wrong = make_pose(0, 80.0, 80.0, (5000.0, 5000.0))

    assert not align(section.moving, section.target, start=wrong).pose.flipped


def test_a_similarity_keeps_the_stretch_of_the_start(section) -> None:
    params = AlignParams(transform="similarity", nonrigid=False)

    found = align(section.moving, section.target, params, start=hand(section))

    assert np.linalg.cond(found.pose.matrix[:, :2]) == pytest.approx(
        np.linalg.cond(hand(section).matrix[:, :2])
    )
    assert off(section, found.apply(section.moving)) < 0.006


def test_sections_in_one_unit_are_turned_and_shifted_only(section) -> None:
    pose = make_pose(150, shift=(300.0, -200.0), flipped=True)
    moving = apply_pose(invert(pose), section.truth)

    found = align(moving, section.target, AlignParams(transform="rigid"))

    np.testing.assert_allclose(np.linalg.svd(found.pose.matrix[:, :2])[1], 1)
    assert found.displacement is None
    assert off(section, found.apply(moving)) < 0.004


def test_a_rigid_fit_keeps_the_scale_of_the_start(section) -> None:
    start = hand(section, 6.0, 0.03)

    found = align(section.moving, section.target, AlignParams(transform="rigid"), start=start)

    np.testing.assert_allclose(
        np.linalg.svd(found.pose.matrix[:, :2])[1], np.linalg.svd(start.matrix[:, :2])[1]
    )
    assert off(section, found.apply(section.moving)) < 0.006


def test_rigid_sections_in_different_units_are_refused(section) -> None:
    with pytest.raises(InvalidDataError, match="both sections must be in the same unit"):
        align(section.moving, section.target, AlignParams(transform="rigid"))


def test_the_same_input_gives_the_same_pose(section, found) -> None:
    again = align(section.moving, section.target)

    np.testing.assert_array_equal(again.pose.matrix, found.pose.matrix)


def test_units_and_order_do_not_matter(section, found) -> None:
    order = np.random.default_rng(0).permutation(len(section.moving))

    other = align(section.moving[order] * 1e-3, section.target)

    placed = other.apply(section.moving * 1e-3)
    assert np.abs(placed - found.apply(section.moving)).max() < 1e-3 * section.width


def test_a_lost_quarter_does_not_stretch_the_rest(section) -> None:
    kept = section.truth[:, 0] < 5800

    found = align(section.moving[kept], section.target, start=hand(section))

    error = np.linalg.norm(found.apply(section.moving[kept]) - section.truth[kept], axis=1)
    assert np.median(error) < 0.01 * section.width


def test_repeated_positions_are_tolerated(section, found) -> None:
    twice = np.concatenate([section.moving, section.moving])

    np.testing.assert_allclose(
        align(twice, section.target).pose.matrix, found.pose.matrix, rtol=1e-6, atol=1e-3
    )


def test_a_round_section_is_called_ambiguous() -> None:
    x, y = np.meshgrid(np.arange(-20, 21), np.arange(-20, 21))
    xy = np.column_stack([x.ravel(), y.ravel()]).astype(float)
    disc = xy[np.hypot(*xy.T) < 18]

    found = align(disc, disc * 50 + 1000)

    assert found.ambiguous
    assert "Compare the candidates" in " ".join(found.notes)


def test_the_picture_is_the_target_where_it_shows_the_section(section) -> None:
    x, y = np.meshgrid(np.arange(0, 10_000, 20), np.arange(0, 10_000, 20))
    shape = spots_shape(section.target)
    tissue = shape.at(np.column_stack([x.ravel(), y.ravel()]) + 10.0)[0].reshape(x.shape) < 0
    rgb = np.where(tissue[..., None], (190, 110, 160), (240, 240, 240)).astype(np.uint8)
    image = TissueImage(rgb, 1 / 20)

    found = align(section.moving, section.target, start=hand(section), target_image=image)

    assert found.target == "image"
    assert off(section, found.apply(section.moving)) < 0.01


def test_a_result_worse_than_the_start_is_not_taken(section, monkeypatch) -> None:
    def spoil(placed, moving, frame, transform):
        return make_pose(50, 60.0, 60.0, (5600.0, 5000.0), flipped=True)

    monkeypatch.setattr("spatialmeta_core.align.outcome.pose_of", spoil)
    start, params = hand(section, 1.0, 0.0), AlignParams(nonrigid=False)

    found = align(section.moving, section.target, params, start=start)

    np.testing.assert_array_equal(found.pose.matrix, start.matrix)
    assert found.score == found.score_before
    assert found.notes[-1].startswith("Automatic alignment made it worse (overlap 0.")
    assert found.notes[-1].endswith("Add 4 or more landmarks and try again.")
    assert found.candidates == ()


@pytest.mark.parametrize(("n_pairs", "advice"), [(1, "Add 3 or more"), (4, "do not agree")])
def test_advice_after_a_worse_fit_knows_the_landmarks_given(
    section, monkeypatch, n_pairs, advice
) -> None:
    far = make_pose(50, 60.0, 60.0, (5600.0, 5000.0), flipped=True)
    monkeypatch.setattr("spatialmeta_core.align.outcome.pose_of", lambda *_: far)
    start = hand(section, 1.0, 0.0)
    moving = section.moving[:: len(section.moving) // 4][:n_pairs]
    pairs = Landmarks(moving, apply_pose(start, moving))

    found = align(
        section.moving, section.target, AlignParams(nonrigid=False), start=start, landmarks=pairs
    )

    assert advice in found.notes[-1]


def test_sections_that_do_not_meet_are_an_error(section, monkeypatch) -> None:
    far = compose(make_pose(shift=(1e6, 0.0)), section.pose)
    monkeypatch.setattr("spatialmeta_core.align.outcome.pose_of", lambda *_: far)

    with pytest.raises(InvalidDataError, match="spots have metabolite pixels nearby") as caught:
        align(section.moving, section.target, AlignParams(nonrigid=False), start=far)
    assert caught.value.code == "E-18"


def test_progress_rises_and_may_cancel(section) -> None:
    seen = []

    class CancelledError(Exception):
        pass

    def stop(fraction: float, message: str) -> None:
        seen.append(fraction)
        if fraction > 0.9:
            raise CancelledError

    with pytest.raises(CancelledError):
        align(section.moving, section.target, start=hand(section), on_progress=stop)
    assert seen == sorted(seen)
    assert seen[0] == 0


@pytest.mark.parametrize(
    ("moving", "message"),
    [
        (np.zeros((50, 2)), "1 different spot positions"),
        (np.column_stack([np.arange(50.0)] * 2), "lie on one line"),
        (np.full((50, 2), np.nan), "50 of 50 positions in the moving section"),
        (np.zeros((50, 3)), "the moving section has shape \\(50, 3\\)"),
    ],
)
def test_positions_that_cannot_be_aligned_are_named(section, moving, message) -> None:
    with pytest.raises(InvalidDataError, match=message):
        align(moving, section.target)


def test_the_input_is_not_changed(section) -> None:
    moving, target = section.moving.copy(), section.target.copy()

    score(section.truth, target)
    align(moving, target, start=hand(section))

    np.testing.assert_array_equal(moving, section.moving)
    np.testing.assert_array_equal(target, section.target)


def test_a_perfect_placement_scores_one(section) -> None:
    reached = score(section.target, section.target)

    assert reached.overlap == pytest.approx(1, abs=0.005)
    assert reached.outline_distance_px < 1
    assert (reached.covered, reached.stretch) == (1, 1)


def test_overlap_is_the_dice_of_two_squares() -> None:
    x, y = np.meshgrid(np.arange(100.0), np.arange(100.0))
    square = np.column_stack([x.ravel(), y.ravel()])

    reached = score(square + np.array([50.0, 0.0]), square, pose=make_pose(30, 2.0, 1.0))

    assert reached.overlap == pytest.approx(0.5, abs=0.01)
    assert reached.covered == pytest.approx(0.51, abs=0.01)
    assert reached.stretch == pytest.approx(2.0)


def test_a_shift_moves_the_outlines_apart_by_as_much() -> None:
    x, y = np.meshgrid(np.arange(80.0), np.arange(80.0))
    square = np.column_stack([x.ravel(), y.ravel()])

    reached = score(square + 3.0, square)

    assert reached.outline_distance_px == pytest.approx(3.0, abs=0.3)


def test_apart_sections_score_zero(section) -> None:
    reached = score(section.truth + 1e6, section.target)

    assert (reached.overlap, reached.covered) == (0, 0)


def test_the_right_one_of_eight_orientations_is_first(section) -> None:
    turned = compose(make_pose(180, center=tuple(section.truth.mean(axis=0))), section.pose)

    first, *others = orientations(section.moving, section.target, turned)

    assert len(others) == 7
    assert first.pose.flipped
    assert off(section, apply_pose(first.pose, section.moving)) < 0.02
    assert [first.cost, *[c.cost for c in others]] == sorted(c.cost for c in [first, *others])


def test_aligning_needs_no_torch() -> None:
    code = "import sys, spatialmeta_core.align as a; sys.exit('torch' in sys.modules)"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_mouse_brain_is_found_from_a_hand_start(semisim) -> None:
    table = pd.read_csv(semisim / "outs" / "spatial" / "tissue_positions.csv")
    table = table.query("in_tissue == 1")
    st_xy = table[["pxl_col_in_fullres", "pxl_row_in_fullres"]].to_numpy(float)
    sm_xy = pd.read_csv(semisim / "msi.csv.gz", usecols=["x", "y"]).to_numpy(float)
    with np.load(semisim / "truth.npz") as file:
        truth = file["sm_xy_true"].astype(float)
    width = np.sqrt(np.prod(np.ptp(st_xy, axis=0)))
    corners = np.column_stack([sm_xy, np.ones(len(sm_xy))])
    best = type(make_pose())(np.linalg.lstsq(corners, truth, rcond=None)[0].T)
    center = tuple(truth.mean(axis=0))
    start = compose(make_pose(10, shift=(0.042 * width, 0.042 * width), center=center), best)

    found = align(sm_xy, st_xy, start=start)

    error = np.linalg.norm(found.apply(sm_xy) - truth, axis=1)
    assert np.median(error) < 0.015 * width
