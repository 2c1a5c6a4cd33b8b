import numpy as np
import plotly.graph_objects as go
import pytest

from app.figures.coloring import color_patch
from app.figures.overlays import region_shapes
from app.figures.spatial import marker_size, tissue_figure, view_box
from spatialmeta_core.types import Region


@pytest.fixture
def figure(xy, spot_names):
    return tissue_figure(
        xy,
        sample="S1",
        spot_diameter=66,
        spot_names=spot_names,
        um_per_px=0.5,
        image_url="/images/S1",
        image_size_px=(600, 500),
        image_scale=0.2,
    )


def test_spots_are_one_webgl_trace_at_their_positions(figure, xy, decode):
    (trace,) = figure.data
    assert isinstance(trace, go.Scattergl)
    np.testing.assert_array_equal(decode(trace.x), xy[:, 0])
    np.testing.assert_array_equal(decode(trace.y), xy[:, 1])


def test_y_points_down_and_both_axes_have_one_scale(figure):
    low, high = figure.layout.yaxis.range
    assert low > high
    assert figure.layout.yaxis.scaleanchor == "x"


def test_both_axes_name_their_unit(figure, has_unit):
    assert has_unit(figure.layout.xaxis)
    assert has_unit(figure.layout.yaxis)


def test_the_picture_comes_by_address_and_covers_its_own_pixels(figure):
    (image,) = figure.layout.images
    assert image.source == "/images/S1"
    assert (image.sizex, image.sizey) == (3000, 2500)
    assert (image.x, image.y, image.yanchor) == (0, 0, "top")
    assert image.layer == "below"
    assert "base64" not in str(image.source)


def test_the_view_survives_a_recolor_and_resets_with_the_sample(xy, spot_names):
    def revision(sample, values):
        patch = color_patch(values, title="a", unit="b")
        return tissue_figure(
            xy, sample=sample, spot_diameter=66, spot_names=spot_names, coloring=patch
        ).layout.uirevision

    ones, ramp = np.ones(len(xy)), np.arange(float(len(xy)))
    assert revision("S1", ones) == revision("S1", ramp)
    assert revision("S1", ones) != revision("S2", ones)


def test_coloring_reaches_the_trace(xy, spot_names, decode):
    values = np.arange(float(len(xy)))
    patch = color_patch(values, title="Mbp", unit="counts")
    figure = tissue_figure(xy, sample="S1", spot_diameter=66, spot_names=spot_names, coloring=patch)
    marker = figure.data[0].marker
    np.testing.assert_array_equal(decode(marker.color), values)
    assert marker.colorbar.title.text == "Mbp<br>(counts)"
    assert marker.size > 0


def test_spot_names_are_escaped(xy):
    figure = tissue_figure(xy, sample="S", spot_diameter=66, spot_names=["<img>"] * len(xy))
    assert figure.data[0].text[0] == "&lt;img&gt;"


def test_regions_join_the_scale_bar(xy, spot_names):
    ring = np.array([[1000.0, 2000], [1200, 2000], [1200, 2200]])
    shapes = region_shapes([Region("r1", "A", "S1", ((ring,),))])
    figure = tissue_figure(
        xy, sample="S1", spot_diameter=66, spot_names=spot_names, um_per_px=0.5, shapes=shapes
    )
    assert [shape.name for shape in figure.layout.shapes] == ["r1", "scale-bar"]


def test_the_view_shows_all_spots_without_a_picture_and_the_picture_with_one(xy):
    (x0, x1), (y0, y1) = view_box(xy)
    assert x0 < xy[:, 0].min()
    assert y1 > xy[:, 1].max()
    assert (x1, y0) != (0, 0)
    assert view_box(xy, image_size_px=(600, 800), image_scale=0.2) == ((0, 3000), (0, 4000))


def test_markers_cover_the_area_of_the_spots():
    assert marker_size(60, (0, 3000), (0, 1500), (600, 600)) == pytest.approx(12)
    assert marker_size(60, (0, 1500), (1500, 0), (600, 600)) == pytest.approx(24)
    assert marker_size(1, (0, 3000), (0, 3000), (600, 600)) == 2


def test_the_figure_says_nothing_of_a_modebar_button(figure):
    assert figure.layout.modebar.to_plotly_json() == {}
