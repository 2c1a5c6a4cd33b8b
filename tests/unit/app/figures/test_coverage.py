import numpy as np
import pytest

from app.figures.coverage import (
    coverage_map,
    covered_histogram,
    distance_histogram,
    footprint_map,
)

XY = np.array([[x, y] for y in range(4) for x in range(4)], float) * 100


def test_the_map_draws_each_number_of_donors_and_none_as_crosses():
    donors = np.arange(16) % 4
    figure = coverage_map(XY, donors, n_neighbors=3, um_per_px=0.5, key="a")
    assert [trace.name for trace in figure.data] == ["0", "1", "2", "3"]
    assert {trace.type for trace in figure.data} == {"scattergl"}
    assert figure.data[0].marker.symbol == "x-thin"
    assert len({trace.marker.color for trace in figure.data[1:]}) == 3
    assert sum(len(trace.x) for trace in figure.data) == 16


def test_the_map_has_image_orientation_equal_axes_and_units():
    figure = coverage_map(XY, np.ones(16, int), n_neighbors=1, um_per_px=0.5, key="a")
    low, high = figure.layout.yaxis.range
    assert low > high
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.xaxis.title.text == "x (µm)"
    assert figure.layout.uirevision == "a"


def test_many_neighbors_are_drawn_in_groups_without_gaps():
    donors = np.arange(16) * 2
    figure = coverage_map(XY, donors, n_neighbors=30, um_per_px=None, key="a")
    assert sum(len(trace.x) for trace in figure.data) == 16
    assert len(figure.data) <= 7
    assert figure.layout.xaxis.title.text == "x (px)"


def test_the_histogram_counts_every_spot_and_marks_the_cut_off():
    nearest = np.array([0.0, 5.0, 10.0, 19.9, 500.0])
    figure = distance_histogram(nearest, limit_px=10, um_per_px=2.0, key="a")
    assert sum(figure.data[0].y) == 5
    assert figure.data[0].y[-1] == 2  # 19.9 px lies in it, and 500 px is collected there
    assert figure.layout.shapes[0].x0 == 20
    assert figure.layout.annotations[0].text == "cut-off 20 µm"
    assert figure.layout.xaxis.title.text == "Distance (µm)"
    assert figure.layout.yaxis.title.text == "ST spots"
    other = distance_histogram(
        nearest, limit_px=10, um_per_px=2.0, key="a", target="metabolite pixel"
    )
    assert other.layout.yaxis.title.text == "metabolite pixels"


def test_shares_of_footprints_are_drawn_in_steps_and_nothing_as_crosses():
    covered = np.array([0.0, 0.1, 0.25, 0.3, 0.6, 0.9, 0.96, 1.0] * 2)
    figure = footprint_map(XY, covered, um_per_px=0.5, key="a")
    names = [trace.name for trace in figure.data]
    assert names == ["0", "to 25 %", "to 50 %", "to 75 %", "to 97 %", "all"]
    assert [len(trace.x) for trace in figure.data] == [2, 4, 2, 2, 4, 2]
    assert figure.data[0].marker.symbol == "x-thin"


def test_the_histogram_of_shares_counts_every_target_and_sets_nothing_apart():
    covered = np.array([0.0, 0.0, 0.04, 0.5, 1.0])
    figure = covered_histogram(covered, key="a")
    assert sum(figure.data[0].y) == 5
    assert figure.data[0].y[0] == 2
    assert figure.data[0].y[-1] == 1
    colors = figure.data[0].marker.color
    assert colors[0] not in colors[1:]


def test_bars_beyond_the_cut_off_are_gray():
    figure = distance_histogram(np.arange(20.0), limit_px=10, um_per_px=None, key="a")
    colors = figure.data[0].marker.color
    assert len(set(colors[: len(colors) // 2])) == 1
    assert colors[0] != colors[-1]


@pytest.mark.parametrize("donors", [np.zeros(16, int), np.full(16, 5)])
def test_a_map_of_one_kind_of_spot_is_one_trace(donors):
    assert len(coverage_map(XY, donors, n_neighbors=5, um_per_px=1.0, key="a").data) == 1
