import numpy as np
import pandas as pd
import pytest

from app.figures.theme import SURFACE, WARN
from app.figures.trajectory import gradient_figure
from spatialmeta_core.keys import GRADIENT_COLUMNS, SM, ST

COUNTS = [2, 8, 0, 9, 7]


@pytest.fixture
def table():
    rows = []
    for shift, (name, kind) in enumerate([("Mbp", ST), ("m/z <303>", SM)]):
        for k, n in enumerate(COUNTS):
            z = np.nan if n == 0 else np.sin(k) + shift
            rows.append((name, kind, 50.0 * k + 25, z, z, z, z, z - 0.1, z + 0.1, n))
    return pd.DataFrame(rows, columns=GRADIENT_COLUMNS)


def lines(figure):
    """Traces with data; those without are keys of the legend."""
    drawn = [trace for trace in figure.data if trace.type == "scatter"]
    return [t for t in drawn if t.mode == "lines+markers" and len(t.x) > 1]


def test_genes_are_solid_circles_and_metabolites_dashed_diamonds(table):
    gene, metabolite = lines(gradient_figure(table))
    assert (gene.line.dash, gene.marker.symbol) == ("solid", "circle")
    assert (metabolite.line.dash, metabolite.marker.symbol) == ("dash", "diamond")
    assert gene.line.color != metabolite.line.color


def test_bins_with_few_spots_are_hollow_and_bins_without_spots_a_gap(table):
    gene, _ = lines(gradient_figure(table))
    hollow = [color == SURFACE for color in gene.marker.color]
    assert hollow == [True, False, True, False, False]
    assert np.isnan(gene.y[2])
    assert gene.connectgaps is False


def test_the_band_is_drawn_only_where_bins_hold_enough_spots(table):
    band = gradient_figure(table).data[0]
    assert band.fill == "toself"
    breaks = np.flatnonzero(np.isnan(band.x))
    np.testing.assert_array_equal(breaks, [2, 7])  # one bin there and back, then two more
    z = np.sin(1)
    np.testing.assert_allclose(band.y[:2], [z + 0.1, z - 0.1])


def test_spots_per_bin_stand_beneath(table):
    figure = gradient_figure(table)
    (bars,) = [trace for trace in figure.data if trace.type == "bar"]
    np.testing.assert_array_equal(bars.y, COUNTS)
    assert bars.yaxis == "y2"


def test_every_axis_has_its_unit(table, has_unit):
    layout = gradient_figure(table, revision="t1").layout
    assert layout.xaxis2.title.text == "Distance from the start (µm)"
    assert has_unit(layout.yaxis)
    assert has_unit(layout.yaxis2)
    assert layout.uirevision == "t1"


def test_an_unknown_pixel_size_is_a_warning(table):
    layout = gradient_figure(table, unit="px").layout
    assert layout.xaxis2.title.text == "Distance from the start (px)"
    assert layout.xaxis2.title.font.color == WARN


def test_names_are_escaped_and_features_can_be_chosen(table):
    figure = gradient_figure(table, features=["m/z <303>"])
    (line,) = lines(figure)
    assert line.name == "m/z &lt;303&gt;"


def test_the_legend_shows_filled_markers_once_per_feature(table):
    shown = [t for t in gradient_figure(table).data if t.showlegend is not False]
    assert [trace.name for trace in shown] == ["Mbp", "m/z &lt;303&gt;"]
    assert all(trace.marker.color != SURFACE for trace in shown)
