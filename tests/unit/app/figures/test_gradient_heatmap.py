import numpy as np
import pandas as pd

from app.figures.gradient_heatmap import gradient_heatmap
from app.figures.trajectory import Ribbon, gradient_figure
from spatialmeta_core import keys


def table():
    rows = [
        (name, kind, distance, 0.0, 0.0, 0.0, z, z - 1, z + 1, 9)
        for name, kind, sign in (("Late", keys.ST, 1.0), ("m/z <1>", keys.SM, -1.0))
        for distance, z in zip((50.0, 150.0, 250.0), sign * np.array([-1.0, 0.0, 1.0]), strict=True)
    ]
    return pd.DataFrame(rows, columns=list(keys.GRADIENT_COLUMNS))


def test_rows_keep_their_order_and_the_strip_tells_the_modality():
    strip, values = gradient_heatmap(table(), unit="px").data

    np.testing.assert_array_equal(values.z, [[-1, 0, 1], [1, 0, -1]])
    np.testing.assert_array_equal(values.x, [50, 150, 250])
    np.testing.assert_array_equal(np.ravel(strip.z), [0, 1])
    assert np.ravel(strip.customdata).tolist() == ["gene", "metabolite"]


def test_names_are_escaped_and_the_distance_has_its_unit():
    figure = gradient_heatmap(table(), unit="px")

    assert figure.layout.yaxis.ticktext == ("Late", "m/z &lt;1&gt;")
    assert figure.layout.xaxis2.title.text == "Distance (px)"


def test_the_ribbon_shows_each_bins_cluster_under_the_chart():
    edges = np.array([0.0, 100.0, 200.0, 300.0])
    ribbon = Ribbon(edges, np.array([1, -1, 0]), ("a", "b"), ("#111111", "#222222"))

    figure = gradient_figure(table(), ribbon=ribbon, origin="the edge")

    bands = {each.name: each for each in figure.data if str(each.name).startswith("Cluster")}
    assert list(bands["Cluster b"].x) == [50.0]
    assert list(bands["Cluster a"].x) == [250.0]
    assert bands["Cluster a"].marker.color == "#111111"
    assert figure.layout.xaxis3.title.text == "Distance from the edge (µm)"
