import json

import numpy as np
import pytest

from app.figures.contribution import contribution_violin, density

NAMES, COLORS = ["0", "<1>"], ["#0072b2", "#d55e00"]


def test_the_outline_is_the_density_of_the_values() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, 20_000)

    grid, height = density(values)

    expected = np.exp(-0.5 * ((grid - 0.5) / 0.1) ** 2)
    np.testing.assert_allclose(height, expected, atol=0.05)


def test_equal_values_have_an_outline_too() -> None:
    _, height = density(np.full(20, 0.5))

    assert np.isfinite(height).all()


def test_the_figure_is_as_small_for_many_spots_as_for_few() -> None:
    rng = np.random.default_rng(1)
    sizes = []
    for n in (200, 20_000):
        figure = contribution_violin(
            rng.random(n), rng.integers(0, 2, n), names=NAMES, colors=COLORS
        )
        sizes.append(len(json.dumps(figure.to_dict(), default=lambda x: x.tolist())))

    assert sizes[1] < 1.1 * sizes[0]


def test_medians_leave_out_spots_without_cluster_or_value() -> None:
    contribution = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.9, np.nan])
    cluster = np.array([0, 0, 0, 0, 0, -1, 0])

    figure = contribution_violin(contribution, cluster, names=NAMES, colors=COLORS)

    (dot,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert dot.y[0] == pytest.approx(0.3)
    assert "5 spots" in dot.hovertemplate


def test_few_spots_are_drawn_one_by_one_and_names_are_safe() -> None:
    figure = contribution_violin(np.array([0.4, 0.6]), np.array([1, 1]), names=NAMES, colors=COLORS)

    assert len(figure.data[0].x) == 2
    assert "&lt;1&gt;" in figure.data[0].hovertemplate


def test_nothing_known_is_said() -> None:
    figure = contribution_violin(
        np.full(3, np.nan), np.zeros(3, int), names=["0"], colors=COLORS[:1]
    )

    assert "not known" in figure.layout.annotations[0].text
