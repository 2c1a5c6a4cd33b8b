import numpy as np
import plotly.graph_objects as go
import pytest

from app.figures.coloring import category_patch, color_patch
from app.figures.theme import MISSING


def color_of(patch, index, decode):
    """Walk the color scale by hand."""
    value = decode(patch.trace["marker.color"])[index]
    low, high = patch.trace["marker.cmin"], patch.trace["marker.cmax"]
    share = (value - low) / (high - low)
    place, color = zip(*patch.trace["marker.colorscale"], strict=True)
    return color[max(0, np.searchsorted(place, share + 1e-6) - 1)]


def test_values_keep_their_order_and_the_scale_spans_them(decode):
    patch = color_patch(np.array([0.0, 2.0, 1.0]), title="Mbp", unit="log counts")
    np.testing.assert_allclose(decode(patch.trace["marker.color"]), [0, 2, 1])
    assert patch.trace["marker.cmax"] == 2
    assert patch.trace["marker.cmin"] == pytest.approx(0, abs=0.01)
    assert patch.trace["marker.colorbar"]["title"]["text"] == "Mbp<br>(log counts)"
    assert patch.n_missing == 0


def test_missing_values_are_gray_and_zero_is_not(decode):
    patch = color_patch(np.array([np.nan, 0.0, 5.0]), title="Mbp", unit="counts")
    assert color_of(patch, 0, decode) == MISSING
    assert color_of(patch, 1, decode) != MISSING
    assert patch.n_missing == 1
    assert patch.trace["customdata"] == ["not measured", "0 counts", "5 counts"]


def test_values_beyond_the_limits_keep_their_number_in_the_hover_text(decode):
    patch = color_patch(np.array([-3.0, 1.0, 9.0]), title="a", unit="b", limits=(0, 2))
    np.testing.assert_allclose(decode(patch.trace["marker.color"]), [0, 1, 2])
    np.testing.assert_allclose(decode(patch.trace["customdata"]), [-3, 1, 9])


def test_percentiles_set_the_limits(decode):
    values = np.arange(101.0)
    patch = color_patch(values, title="a", unit="b", percentiles=(1, 99))
    assert decode(patch.trace["marker.color"]).min() == 1
    assert patch.trace["marker.cmax"] == 99


def test_a_diverging_scale_is_symmetric_about_its_center():
    patch = color_patch(
        np.array([0.4, 1.5]), title="a", unit="b", colorscale="diverging", center=0.5
    )
    assert patch.trace["marker.cmax"] == 1.5
    assert patch.trace["marker.cmin"] == pytest.approx(-0.5, abs=0.01)


@pytest.mark.parametrize("values", [np.full(3, 7.0), np.full(3, np.nan), np.empty(0)])
def test_constant_missing_and_empty_values_have_a_usable_scale(values):
    patch = color_patch(values, title="a", unit="b")
    assert patch.trace["marker.cmax"] > patch.trace["marker.cmin"]


def test_categories_have_one_color_each_and_the_legend_counts_them(decode):
    codes = np.array([0, 1, 1, -1, 2])
    patch = category_patch(codes, ["A", "B <i>", "C"], title="Cluster")
    shown = [color_of(patch, i, decode) for i in range(5)]
    assert shown[1] == shown[2]
    assert shown[3] == MISSING
    assert len(set(shown)) == 4
    assert [entry.color for entry in patch.legend] == [shown[0], shown[1], shown[4]]
    assert [entry.n_spots for entry in patch.legend] == [1, 2, 1]
    assert patch.legend[1].label == "B <i>"
    assert patch.trace["customdata"] == ["A", "B &lt;i&gt;", "B &lt;i&gt;", "none", "C"]
    assert patch.n_missing == 1


def test_colors_of_the_file_are_respected(decode):
    patch = category_patch(np.array([0]), ["A"], title="t", colors=["#123456"])
    assert color_of(patch, 0, decode) == "#123456"


def test_names_are_escaped_in_hover_text_and_color_bar():
    patch = color_patch(np.array([1.0]), title="<a>", unit="%{x}")
    assert "<a>" not in patch.trace["hovertemplate"]
    assert "%{x}" not in patch.trace["hovertemplate"]
    assert "<a>" not in patch.trace["marker.colorbar"]["title"]["text"]


def test_a_recolor_of_two_thousand_spots_is_small():
    patch = color_patch(np.linspace(0, 1, 2000), title="a", unit="b")
    assert len(patch.trace["marker.color"]["bdata"]) < 12_000


def test_assignments_are_paths_into_the_figure_that_plotly_accepts():
    patch = color_patch(np.array([0.0, 1.0]), title="a", unit="b")
    figure = {"data": [{"type": "scattergl", "marker": {"size": 5}}]}
    for path, value in patch.assignments():
        node = figure
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value
    trace = go.Figure(figure).data[0]
    assert trace.marker.size == 5
    assert trace.marker.showscale
