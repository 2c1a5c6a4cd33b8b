import numpy as np
import pytest

from app.figures.training import loss_figure
from spatialmeta_core.types import EpochReport, LossTerms


def history(n=5, sm=3.0, best=4, validation=1.1):
    def terms(epoch, factor):
        return LossTerms(
            10 * factor / epoch, sm * factor, 0.0, 0.0, 0.5 * factor, 0.0, 20 * factor / epoch
        )

    return [
        EpochReport(e, 120, terms(e, 1.0), terms(e, validation), e <= best) for e in range(1, n + 1)
    ]


def named(figure, name):
    (trace,) = [trace for trace in figure.data if trace.name == name]
    return trace


def test_training_is_solid_and_validation_dashed_in_one_color_per_term():
    figure = loss_figure(history())
    solid, dashed = named(figure, "Total"), named(figure, "Total, validation")
    assert (solid.line.dash, dashed.line.dash) == ("solid", "dash")
    assert solid.line.color == dashed.line.color
    colors = {trace.line.color for trace in figure.data}
    assert len(colors) == 4
    np.testing.assert_allclose(solid.y, [20, 10, 20 / 3, 5, 4])
    assert list(solid.x) == [1, 2, 3, 4, 5]


def test_positive_losses_share_one_logarithmic_axis_with_its_unit():
    figure = loss_figure(history())
    assert figure.layout.yaxis.type == "log"
    assert figure.layout.yaxis.title.text == "Nats per spot, log"
    assert figure.layout.xaxis.title.text == "Epoch (count)"
    assert "yaxis2" not in figure.layout


def test_a_term_below_zero_moves_to_a_linear_panel_and_nothing_is_lost():
    figure = loss_figure(history(sm=-3.0))
    assert (figure.layout.yaxis.type, figure.layout.yaxis2.type) == ("log", "linear")
    assert figure.layout.yaxis2.title.text == "Nats per spot, linear"
    assert named(figure, "SM").yaxis == "y2"
    assert named(figure, "ST").yaxis == "y"
    np.testing.assert_allclose(named(figure, "SM").y, -3)
    assert figure.layout.xaxis2.title.text == "Epoch (count)"


def test_only_linear_terms_need_one_panel():
    figure = loss_figure(history(sm=-3.0), terms=("sm",))
    assert figure.layout.yaxis.type == "linear"
    assert "yaxis2" not in figure.layout


def test_the_last_best_epoch_is_marked():
    figure = loss_figure(history(best=4))
    (line,) = figure.layout.shapes
    assert (line.name, line.x0) == ("best-epoch", 4)
    assert "best: epoch 4" in [note.text for note in figure.layout.annotations]


def test_the_zoom_survives_a_new_epoch():
    assert loss_figure(history(3)).layout.uirevision == loss_figure(history(4)).layout.uirevision


@pytest.mark.parametrize("reports", [[], history(3, validation=float("nan"))])
def test_no_epoch_yet_and_no_validation_are_fine(reports):
    figure = loss_figure(reports)
    assert len(figure.data) == 8
    assert figure.layout.yaxis.type == "log"
