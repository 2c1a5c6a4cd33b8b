"""Numbers of spots to colors in the browser: assets/explore_scale.js alone on an empty page."""

from __future__ import annotations

import base64
import math
from pathlib import Path

import numpy as np
import pytest

from app.pages.explore.paint import Legend, Paint

SCRIPT = Path(__file__).parents[3] / "assets" / "explore_scale.js"
COLORS = ["#000000", "#ffffff"]
GRAY = "#c3cad1"


@pytest.fixture
def scale(page):
    """Call a function of the script; NaN travels as None."""
    page.set_content("<title>scale</title>")
    page.add_script_tag(path=SCRIPT)

    def call(expression, argument=None):
        return page.evaluate(
            f"(given) => {{ const s = SpatialMetaExplore.scale; return {expression}; }}", argument
        )

    return call


def number(**more):
    parts = {"units": ("log", "plain"), "full": (0.0, 4.0), "clip": (0.5, 3.0)} | more
    return Legend(key="feature/a", kind="number", label="a", group="Gene", **parts)


def legend(scale, made, values):
    data = base64.b64encode(Paint(np.array(values), made).to_bytes()).decode()
    read = (
        "(() => { const d = s.decode(Uint8Array.from(atob(given), (c) => c.charCodeAt(0)).buffer);"
        " return {legend: d.legend, values: [...d.values], kind: d.values.constructor.name}; })()"
    )
    return scale(read, data)


def test_the_servers_bytes_are_read_back(scale):
    found = legend(scale, number(), [0.0, 1.5, np.nan])
    codes = legend(
        scale,
        Legend("c", "category", "Clusters", "Section", names=("0", "1"), colors=("#111", "#222")),
        [0, -1, 1],
    )

    assert found["kind"] == "Float32Array"
    assert found["values"][:2] == [0.0, 1.5]
    assert math.isnan(found["values"][2])
    assert codes["values"] == [0, -1, 1]
    assert found["legend"]["label"] == "a"


def test_the_linear_scale_undoes_the_logarithm_of_values_and_limits(scale):
    made = legend(scale, number(), [1.0])["legend"]

    values = scale("[...s.shownValues(Float32Array.of(1), given, false)]", made)
    low, high = scale("s.limits(given, true, false)", made)

    assert values[0] == pytest.approx(math.expm1(1.0), rel=1e-6)
    assert (low, high) == pytest.approx((math.expm1(0.5), math.expm1(3.0)))
    assert scale("s.limits(given, false, true)", made) == [0.0, 4.0]


def test_a_two_sided_scale_is_symmetric(scale):
    made = legend(scale, number(units=("x", ""), center=0.5, clip=(0.4, 0.9)), [0.5])["legend"]

    assert scale("s.limits(given, true, true)", made) == pytest.approx([0.1, 0.9])


def test_limits_are_never_empty(scale):
    made = legend(scale, number(full=(2.0, 2.0), clip=(2.0, 2.0)), [2.0])["legend"]

    assert scale("s.limits(given, true, true)", made) == [2.0, 3.0]


def test_only_missing_values_fall_into_the_gray_even_far_from_zero(scale):
    given = [[1e6, 1e6 - 5, 1e6 + 1, None], [1e6, 1e6 + 1], COLORS, GRAY]
    marker = scale(
        "(() => { const values = given[0].map((v) => v === null ? NaN : v);"
        " const m = s.numberMarker(values, ...given.slice(1));"
        " return {...m, color: [...m.color]}; })()",
        given,
    )
    edge = marker["cmin"] + (marker["cmax"] - marker["cmin"]) * marker["colorscale"][1][0]

    assert [color > edge for color in marker["color"]] == [True, True, True, False]
    assert marker["color"][2] == marker["cmax"]
    assert marker["colorscale"][0][1] == marker["colorscale"][1][1] == GRAY


def test_categories_not_shown_are_gray(scale):
    made = {"colors": ["#111111", "#222222"], "names": ["0", "1"]}
    marker = scale(
        f"(() => {{ const m = s.categoryMarker([0, 1, -1], given, new Set([1]), '{GRAY}');"
        " return {...m, color: [...m.color]}; })()",
        made,
    )

    assert marker["color"] == [-1, 1, -1]
    assert len(marker["colorscale"]) == 8
    assert (marker["cmin"], marker["cmax"]) == (-2.5, 1.5)


def test_hidden_categories_are_clear_even_when_shown_alone(scale):
    made = {"colors": ["#111111", "#222222"], "names": ["0", "1"], "hidden": [0]}
    marker = scale(
        f"(() => {{ const m = s.categoryMarker([0, 1, -1], given, new Set([0]), '{GRAY}');"
        " return {...m, color: [...m.color]}; })()",
        made,
    )

    assert marker["color"] == [-2, -1, -1]
    assert marker["colorscale"][0][1].endswith(",0)")


def test_a_blend_is_magenta_green_white_black_and_gray(scale):
    found = scale(
        f"s.blendMarker([1, 0, 1, 0, NaN, 0.5], [0, 1, 1, 0, 1, 0.5], '{GRAY}').color", None
    )

    assert found == [
        "rgb(255,0,255)",
        "rgb(0,255,0)",
        "rgb(255,255,255)",
        "rgb(0,0,0)",
        GRAY,
        "rgb(128,128,128)",
    ]


def test_ends_set_by_hand_replace_the_percentiles_on_either_scale(scale):
    made = legend(scale, number(), [1.0])["legend"]

    assert scale("s.limits(given, true, true, [1, 2])", made) == [1, 2]
    low, high = scale("s.limits(given, true, false, [1, 2])", made)
    assert (low, high) == pytest.approx((math.expm1(1), math.expm1(2)))
    assert scale("s.stored(s.limits(given, true, false, [1, 2])[1], given, false)", made) == (
        pytest.approx(2.0)
    )


def test_colors_for_drawing_by_hand_follow_the_scale(scale):
    given = [[0, 5, 20, None], [0, 10], COLORS, GRAY]
    found = scale(
        "s.cssColors(given[0].map((v) => v === null ? NaN : v), ...given.slice(1))", given
    )

    assert found == ["rgb(0,0,0)", "rgb(128,128,128)", "rgb(255,255,255)", GRAY]


@pytest.mark.parametrize(("most", "length"), [(999, 500), (1000, 1000), (0.03, 0.02), (4.9, 2)])
def test_scale_bars_have_round_lengths(scale, most, length):
    assert scale("s.roundLength(given)", most) == pytest.approx(length)


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (-1.234567, "−1.23"), (123456, "1.23e+5"), (0.00012, "1.20e−4")]
)
def test_numbers_are_short(scale, value, shown):
    assert scale("s.format(given)", value) == shown
