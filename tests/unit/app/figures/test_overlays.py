import re

import numpy as np
import pytest
from matplotlib.path import Path

from app.figures import overlays
from app.figures.theme import WARN
from spatialmeta_core.types import Region, Trajectory

SQUARE = np.array([[0.0, 0], [100, 0], [100, 100], [0, 100]])


def rings(path):
    return [
        np.array([pair.split(",") for pair in part.strip("Z").split("L")], float)
        for part in path.split("M")[1:]
    ]


def signed_area(ring):
    x, y = ring.T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


@pytest.fixture
def bent():
    points = np.array([[0.0, 0], [1000, 0], [1000, 800], [300, 300]])
    return Trajectory("t1", "Margin <1>", "S1", points, width_um=100.0)


def shape(shapes, name):
    (found,) = [item for item in shapes if item["name"] == name]
    return found


def test_a_region_keeps_its_holes_and_is_named_by_its_id():
    region = Region("r1", "Tumor", "S1", ((SQUARE, SQUARE * 0.5),))
    (drawn,) = overlays.region_shapes([region])
    assert drawn["name"] == "r1"
    assert drawn["fillrule"] == "evenodd"
    np.testing.assert_allclose(rings(drawn["path"])[1], SQUARE * 0.5)


def test_only_unlocked_regions_can_be_edited():
    parts = ((SQUARE,),)
    regions = [Region("a", "A", "S1", parts), Region("b", "B", "S1", parts, locked=True)]
    assert [s["editable"] for s in overlays.region_shapes(regions, editable=True)] == [True, False]
    assert not any(s["editable"] for s in overlays.region_shapes(regions))


def test_the_selected_region_is_drawn_stronger():
    parts = ((SQUARE,),)
    regions = [Region("a", "A", "S1", parts), Region("b", "B", "S1", parts)]
    plain, strong = overlays.region_shapes(regions, selected="b")
    assert strong["line"]["width"] > plain["line"]["width"]


def test_labels_are_escaped_and_stand_at_the_top_and_the_start(bent):
    region = Region("r1", "<b>T", "S1", ((SQUARE,),))
    (label,) = overlays.region_labels([region])
    assert label["text"] == "&lt;b&gt;T"
    assert label["y"] == 0
    (start,) = overlays.trajectory_labels([bent])
    assert start["text"] == "Margin &lt;1&gt;"
    assert (start["x"], start["y"]) == (0, 0)


def test_the_band_holds_exactly_the_points_within_half_the_width(bent):
    band = shape(overlays.trajectory_shapes([bent], um_per_px=0.5), "t1/band")
    parts = rings(band["path"])
    rng = np.random.default_rng(0)
    xy = rng.uniform(-200, 1200, (4000, 2))
    drawn = np.any([Path(part).contains_points(xy) for part in parts], axis=0)

    start, end = bent.points[:-1], bent.points[1:]
    along = end - start
    share = ((xy[:, None] - start) * along).sum(-1) / (along**2).sum(-1)
    nearest = start + np.clip(share, 0, 1)[..., None] * along
    distance = np.linalg.norm(xy[:, None] - nearest, axis=-1)
    segment = distance.argmin(axis=1)
    own = share[np.arange(len(xy)), segment]
    beyond = ((segment == 0) & (own < 0)) | ((segment == len(along) - 1) & (own > 1))
    near = distance.min(axis=1)
    clear = (np.abs(near - 100) > 2) & ~beyond  # corners are drawn with 32 sides
    np.testing.assert_array_equal(drawn[clear], near[clear] < 100)
    assert not drawn[beyond & (near > 2)].any()


def test_parts_of_the_band_turn_the_same_way_so_overlaps_stay_filled(bent):
    band = shape(overlays.trajectory_shapes([bent]), "t1/band")
    signs = {np.sign(signed_area(part)) for part in rings(band["path"])}
    assert len(signs) == 1
    assert band["fillrule"] == "nonzero"


def test_ticks_come_every_hundred_micrometers(bent):
    drawn = shape(overlays.trajectory_shapes([bent], um_per_px=0.5), "t1/ticks")
    middles = [tick.mean(axis=0) for tick in rings(drawn["path"])]
    length = np.linalg.norm(np.diff(bent.points, axis=0), axis=1).sum()
    assert len(middles) == int(length * 0.5 / 100) + 1
    np.testing.assert_allclose(middles[0], [0, 0], atol=0.02)
    np.testing.assert_allclose(middles[3], [600, 0], atol=0.02)


def test_a_long_path_gets_wider_ticks():
    far = Trajectory("t", "T", "S1", np.array([[0.0, 0], [50_000, 0]]), 100.0)
    drawn = shape(overlays.trajectory_shapes([far], um_per_px=1.0), "t/ticks")
    middles = [tick.mean(axis=0)[0] for tick in rings(drawn["path"])]
    assert np.diff(middles) == pytest.approx(1000)


def test_the_arrow_points_along_the_last_segment(bent):
    arrow = shape(overlays.trajectory_shapes([bent]), "t1/arrow")
    tip, left, right = rings(arrow["path"])[0]
    heading = tip - (left + right) / 2
    last = bent.points[-1] - bent.points[-2]
    assert heading @ last == pytest.approx(np.linalg.norm(heading) * np.linalg.norm(last), rel=1e-4)


def test_only_the_center_line_can_be_edited_and_carries_the_plain_id(bent):
    shapes = overlays.trajectory_shapes([bent], editable=True)
    assert [s["name"] for s in shapes if s["editable"]] == ["t1"]


def test_repeated_points_do_no_harm(bent):
    doubled = Trajectory("t", "T", "S1", np.repeat(bent.points, 2, axis=0), 100.0)
    for drawn in overlays.trajectory_shapes([doubled], um_per_px=0.5):
        assert "nan" not in drawn["path"]


def test_the_scale_bar_is_as_long_as_it_says():
    (bar,), (text,) = overlays.scale_bar((0, 6000), (4000, 0), 0.5)
    length, unit = text["text"].split()
    assert unit == "µm"
    assert (bar["x1"] - bar["x0"]) * 0.5 == pytest.approx(float(length))
    assert 0.05 < (bar["x1"] - bar["x0"]) / 6000 <= 0.2


def test_without_a_pixel_size_the_bar_reads_px_in_the_color_of_a_warning():
    (bar,), (text,) = overlays.scale_bar((0, 6000), (4000, 0), None)
    assert re.fullmatch(r"\d+ px", text["text"])
    assert bar["line"]["color"] == WARN


def test_category_names_stand_on_a_spot_of_their_own(xy):
    codes = (xy[:, 0] > xy[:, 0].mean()).astype(int)
    labels = overlays.category_labels(xy, codes, ["left", "right", "nobody"])
    assert [label["text"] for label in labels] == ["left", "right"]
    for code, label in enumerate(labels):
        at = np.flatnonzero((xy == [label["x"], label["y"]]).all(axis=1))
        assert codes[at[0]] == code
