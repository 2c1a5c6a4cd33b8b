import numpy as np
import pandas as pd
import pytest

from app.figures import markers
from spatialmeta_core.keys import MARKER_COLUMNS, SM, ST


def table():
    rng = np.random.default_rng(0)
    auc = np.concatenate([rng.uniform(0.2, 0.9, 40), rng.uniform(0.3, 0.8, 20)])
    frame = pd.DataFrame({name: np.zeros(60) for name in MARKER_COLUMNS})
    frame["feature"] = [f"gene {i}" for i in range(40)] + [f"m/z <{i}>" for i in range(20)]
    frame["type"] = [ST] * 40 + [SM] * 20
    frame["auc"] = auc
    frame["log2fc"] = 4 * (auc - 0.5)
    frame["p_adj"] = np.where(np.abs(auc - 0.5) > 0.1, 0.001, 0.4)
    return frame


def test_genes_are_circles_and_metabolites_diamonds_open_where_not_significant():
    figure = markers.marker_figure(table())
    assert [trace.marker.symbol for trace in figure.data] == [
        "circle",
        "circle-open",
        "diamond",
        "diamond-open",
    ]
    assert figure.data[0].marker.color != figure.data[2].marker.color
    assert {trace.type for trace in figure.data} == {"scattergl"}


def test_every_feature_is_drawn_once():
    figure = markers.marker_figure(table())
    assert sum(len(trace.x) for trace in figure.data) == 60
    assert (figure.data[1].customdata > 0.05).all()


def test_an_undefined_p_counts_as_not_significant():
    frame = table()
    frame["p_adj"] = np.nan
    figure = markers.marker_figure(frame)
    assert len(figure.data[0].x) == 0


def test_axes_have_units_and_the_view_depends_on_the_comparison_only(has_unit):
    figure = markers.marker_figure(table(), revision="r1 vs rest")
    assert has_unit(figure.layout.xaxis)
    assert has_unit(figure.layout.yaxis)
    assert figure.layout.uirevision == "r1 vs rest"


def test_the_strongest_of_each_modality_are_named_and_escaped():
    frame = table()
    figure = markers.marker_figure(frame, n_labels=3)
    texts = [note.text for note in figure.layout.annotations]
    assert len(texts) == 6
    strength = (frame["auc"] - 0.5).abs()
    best = frame.loc[strength[frame["type"] == SM].nlargest(3).index, "feature"]
    assert {name.replace("<", "&lt;").replace(">", "&gt;") for name in best} <= set(texts)


def test_labels_of_one_side_do_not_collide():
    figure = markers.marker_figure(table())
    for side in (26, -26):
        heights = np.sort([note.ay for note in figure.layout.annotations if note.ax == side])
        gap = markers.LABEL_GAP * np.ptp(table()["auc"])
        assert (np.diff(heights) >= gap * (1 - 1e-9)).all()


@pytest.mark.parametrize("heights", [[], [0.5], [0.1, 0.1, 0.1], [0, 0.01, 0.02, 0.9]])
def test_spreading_keeps_order_gap_and_middle(heights):
    heights = np.array(heights, float)
    placed = markers._spread(heights, 0.05)
    assert (np.diff(placed) >= 0.05 - 1e-12).all()
    assert placed.sum() == pytest.approx(heights.sum())


def test_an_empty_table_gives_an_empty_figure():
    figure = markers.marker_figure(table().iloc[:0])
    assert all(len(trace.x) == 0 for trace in figure.data)
