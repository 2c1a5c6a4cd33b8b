import numpy as np
import pandas as pd
import pytest

from app.figures.cluster_markers import cluster_figure, dot_plot
from app.figures.marker_limits import MarkerLimits, markers_of, named_markers

COLORS = {"0": "#112233", "Cortex": "#445566"}
FEATURES = [f"Gene{k}" for k in range(8)] + [f"10{k}.0" for k in range(5)]
LABELS = {name: name.replace("Gene", "G<") for name in FEATURES}


@pytest.fixture
def table():
    """In each cluster the features fall from 3 by 0.25; every second one is not significant."""
    rows = [
        {
            "cluster": cluster,
            "feature": name,
            "type": "ST" if name.startswith("Gene") else "SM",
            "log2fc": 3.0 - 0.25 * place,
            "p_adj": 0.001 if place % 2 == 0 else 0.2,
            "fraction_in": 0.25 if place else 1.0,
            "mean_in": 2.0 if cluster == "0" else 1.0,
        }
        for cluster in COLORS
        for place, name in enumerate(FEATURES)
    ]
    return pd.DataFrame(rows)


def test_markers_pass_both_limits(table):
    found = markers_of(table, MarkerLimits(min_log2fc=1.0, max_p_adj=0.05))

    assert (found["log2fc"] > 1.0).all()
    assert (found["p_adj"] < 0.05).all()
    assert len(found) == 2 * 4


def test_the_top_of_each_modality_is_named_per_cluster(table):
    named = named_markers(table, MarkerLimits(n_genes=2, n_metabolites=1))

    assert named[named["cluster"] == "Cortex"]["feature"].tolist() == ["Gene0", "Gene2", "100.0"]


def test_dots_grow_with_the_share_of_spots_and_names_do_not_overlap(table):
    figure = cluster_figure(table, COLORS, LABELS, MarkerLimits())
    genes, metabolites = figure.data

    assert genes.marker.size[0] > genes.marker.size[1]
    assert genes.marker.symbol != metabolites.marker.symbol  # not told apart by color alone
    assert figure.layout.xaxis.ticktext == ("0", "Cortex")
    assert [shape.fillcolor for shape in figure.layout.shapes] == list(COLORS.values())
    heights = [note.y for note in figure.layout.annotations if note.x < 1]
    gaps = np.diff(sorted(heights))
    span = figure.layout.yaxis.range[1] - 0.25
    assert gaps.min() > 0.04 * span
    assert "G&lt;0" in {note.text for note in figure.layout.annotations}


def test_the_dot_plot_has_every_named_feature_in_every_cluster(table):
    figure = dot_plot(table, list(COLORS), LABELS, MarkerLimits(n_genes=2, n_metabolites=1))
    (dots,) = figure.data

    assert len(dots.x) == 2 * 3
    assert sorted(set(dots.marker.color)) == [0.5, 1.0]  # mean relative to the highest
    assert dots.customdata[0][0] == "Gene0"


def test_limits_that_nothing_passes_are_said(table):
    for draw in (cluster_figure, dot_plot):
        figure = draw(table, COLORS, LABELS, MarkerLimits(min_log2fc=9.0))

        assert "Lower the fold change" in figure.layout.annotations[0].text
