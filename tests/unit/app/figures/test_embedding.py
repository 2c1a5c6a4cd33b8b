import numpy as np
import plotly.graph_objects as go

from app.figures.coloring import category_patch
from app.figures.embedding import marker_size, umap_figure


def test_the_embedding_is_one_webgl_trace_with_the_colors_of_the_map(xy, spot_names, decode):
    codes = np.arange(len(xy)) % 3
    patch = category_patch(codes, ["A", "B", "C"], title="Cluster")
    figure = umap_figure(xy / 500, spot_names=spot_names, revision="run 1", coloring=patch)
    (trace,) = figure.data
    assert isinstance(trace, go.Scattergl)
    np.testing.assert_array_equal(decode(trace.marker.color), codes)
    assert figure.layout.uirevision == "umap run 1"


def test_spots_left_out_keep_their_place_in_the_trace(xy, spot_names, decode):
    partly = xy.copy()
    partly[3] = np.nan
    figure = umap_figure(partly, spot_names=spot_names, revision="a")
    assert np.isnan(decode(figure.data[0].x)[3])
    assert len(decode(figure.data[0].x)) == len(xy)


def test_axes_say_that_they_have_no_unit(xy, spot_names, has_unit):
    figure = umap_figure(xy, spot_names=spot_names, revision="a")
    assert has_unit(figure.layout.xaxis)
    assert has_unit(figure.layout.yaxis)


def test_names_are_escaped(xy):
    figure = umap_figure(xy, spot_names=["<a>"] * len(xy), revision="a")
    assert figure.data[0].text[0] == "&lt;a&gt;"


def test_markers_shrink_with_the_number_of_spots():
    sizes = [marker_size(n) for n in (0, 100, 3000, 10**6)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 2
