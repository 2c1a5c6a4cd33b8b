"""Figures for print."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from app.figures import paper, paper_colors
from app.figures.map_colors import MapColors
from app.figures.paper_parts import spot_colors
from app.figures.theme import MISSING
from spatialmeta_core import keys
from spatialmeta_core.types import Region, TissueImage, Trajectory

XY = np.array([[x, y] for y in range(0, 1000, 100) for x in range(0, 1000, 100)], float)
CODES = np.where(XY[:, 0] < 500, 0, 1)
IMAGE = TissueImage(np.full((50, 50, 3), 200, np.uint8), 0.05)
REGION = Region("r", "Core $5", "s", ((np.array([[0, 0], [300, 0], [300, 300]], float),),))
PATH = Trajectory("t", "Edge", "s", np.array([[0.0, 500.0], [900.0, 500.0]]), 100.0)


def svg(figure):
    return paper.render(figure, "svg").decode()


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def gradient_table(**more):
    rows = {
        "feature": ["Ldha"] * 3 + ["Taurine"] * 3,
        "type": [keys.ST] * 3 + [keys.SM] * 3,
        "distance": [50.0, 150.0, 250.0] * 2,
        "z": [-1.0, 0.0, 1.0, 1.0, np.nan, -1.0],
        "z_low": [-2.0, -1.0, 0.0, 0.0, np.nan, -2.0],
        "z_high": [0.0, 1.0, 2.0, 2.0, np.nan, 0.0],
        "n_spots": [9, 2, 9, 9, 2, 9],
    }
    return pd.DataFrame(rows | more)


def test_text_stays_text_and_the_file_is_the_same_each_time():
    def draw():
        colors = paper_colors.cluster_colors(CODES)
        return svg(paper.tissue_page(XY, colors, diameter=60.0, um_per_px=0.5, regions=[REGION]))

    first = draw()

    assert "Cluster 1</text>" in first
    assert "Core $5</text>" in first
    assert first == draw()


def test_spots_without_a_value_are_gray():
    numbers = MapColors(np.array([0.0, np.nan, 10.0]), "Ldha", limits=(0.0, 10.0))
    codes = MapColors(np.array([0, -1]), "Clusters", names=("a",), colors=("#0072b2",))

    assert spot_colors(numbers)[1] == pytest.approx(to_rgba(MISSING))
    np.testing.assert_allclose(spot_colors(codes), [to_rgba("#0072b2"), to_rgba(MISSING)])


def test_values_beyond_the_limits_take_the_color_of_the_end():
    values = np.array([-5.0, 0.0, 10.0, 99.0])
    faces = spot_colors(MapColors(values, "Ldha", limits=(0.0, 10.0)))

    np.testing.assert_allclose(faces[0], faces[1])
    np.testing.assert_allclose(faces[2], faces[3])
    assert not np.allclose(faces[1], faces[2])


def test_the_scale_bar_reads_micrometers_or_px_in_warning():
    known = paper.tissue_page(XY, paper_colors.cluster_colors(CODES), diameter=60.0, um_per_px=0.5)
    unknown = paper.tissue_page(XY, paper_colors.cluster_colors(CODES), diameter=60.0)

    assert any(text.endswith("µm") for text in texts(known))
    assert any(text.endswith(" px") for text in texts(unknown))


def test_y_grows_downward_and_the_view_is_kept():
    page = paper.tissue_page(
        XY,
        paper_colors.cluster_colors(CODES),
        diameter=60.0,
        image=IMAGE,
        trajectories=[PATH],
        view=((100.0, 600.0), (800.0, 300.0)),
    )

    assert page.axes[0].get_xlim() == (100.0, 600.0)
    assert page.axes[0].get_ylim() == (800.0, 300.0)


def test_simulated_data_are_said_to_be_so():
    page = paper.tissue_page(XY, paper_colors.cluster_colors(CODES), diameter=60.0, simulated=True)

    assert "Simulated data" in texts(page)


def test_a_gradient_names_its_unit_and_its_features():
    page = paper.gradient_page(gradient_table(), title="Edge", unit="µm", simulated=False)
    shown = texts(page)

    assert "Distance from the start (µm)" in shown
    assert {"Ldha", "Taurine", "Edge"} <= set(shown)


def test_metabolites_are_dashed_and_bins_with_few_spots_hollow():
    page = paper.gradient_page(gradient_table(), title="Edge", unit="µm")
    gene, few, metabolite, _ = page.axes[0].get_lines()[:4]

    assert (gene.get_linestyle(), metabolite.get_linestyle()) == ("-", "--")
    assert few.get_xdata().tolist() == [150.0]
    assert few.get_markerfacecolor() == "#ffffff"


@pytest.mark.parametrize("clustered", [True, False])
def test_the_overview_draws_what_there_is(clustered):
    section = SimpleNamespace(
        xy=XY,
        cluster=CODES if clustered else None,
        look=None,
        contribution=CODES.astype(float) if clustered else None,
        um_per_px=0.5,
    )

    bare = [name for name, _ in paper.overview(section, IMAGE, [], [], simulated=False)]
    full = dict(paper.overview(section, None, [REGION], [PATH], simulated=True))

    assert bare == (["clusters", "contribution"] if clustered else [])
    assert "drawings" in full
    assert paper.render(full["drawings"], "png").startswith(b"\x89PNG")
    assert paper.render(full["drawings"], "pdf").startswith(b"%PDF")
