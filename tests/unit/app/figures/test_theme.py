import math

import numpy as np
import pytest

from app.figures import theme

# Machado et al. 2009, severity 1
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def linear(color):
    rgb = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return lab @ np.cbrt(lms @ rgb)


def smallest_distance(colors, vision):
    seen = [oklab(np.clip(np.asarray(VISION[vision]) @ linear(color), 0, 1)) for color in colors]
    return min(np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i])


@pytest.mark.parametrize(
    ("vision", "least"), [("normal", 0.11), ("protanopia", 0.06), ("deuteranopia", 0.06)]
)
def test_twenty_colors_can_be_told_apart(vision, least):
    assert smallest_distance(theme.category_colors(20), vision) >= least


def test_added_colors_stand_out_from_white():
    luminance = [linear(color) @ [0.2126, 0.7152, 0.0722] for color in theme.EXTENDED[8:]]
    assert min(1.05 / (value + 0.05) for value in luminance) >= 3


def test_colors_never_repeat_and_never_depend_on_how_many_follow():
    many = theme.category_colors(200)
    assert len(set(many)) == 200
    assert theme.category_colors(12) == many[:12]


def test_more_groups_than_colors_can_tell_come_with_a_note():
    assert theme.category_note(20) == ""
    assert "21 groups" in theme.category_note(21)


def test_names_cannot_start_markup_or_template_fields():
    assert theme.escape("<b>%{x} & co") == "&lt;b&gt;%&#123;x} &amp; co"


def test_typed_arrays_decode_to_the_same_numbers(decode):
    values = np.array([0.5, -2.0, np.nan])
    np.testing.assert_array_equal(decode(theme.typed(values, "f4")), values.astype("f4"))


@pytest.mark.parametrize(
    ("span", "parts", "step"), [(10, 5, 2), (10, 10, 1), (0.3, 6, 0.05), (1010, 10, 200)]
)
def test_steps_are_round_and_few_enough(span, parts, step):
    assert theme.round_step(span, parts) == pytest.approx(step)


def test_a_length_axis_labels_pixels_in_millimeters():
    axis = theme.length_axis("x", (0, 6000), 0.5)
    assert axis["title"]["text"] == "x (mm)"
    places = dict(zip(axis["ticktext"], axis["tickvals"], strict=True))
    assert places["2"] == 4000
    assert list(places) == ["0", "0.5", "1", "1.5", "2", "2.5", "3"]


def test_an_unknown_pixel_size_reads_px_in_the_color_of_a_warning():
    axis = theme.length_axis("y", (900, 100), None)
    assert axis["title"] == {"text": "y (px)", "font": {"color": theme.WARN}}
    assert axis["ticktext"][0] == "200"


def test_short_lengths_are_micrometers():
    unit, px = theme.length_unit(100, 0.5)
    assert (unit, px) == ("µm", 2.0)


def test_the_empty_figure_says_what_is_missing():
    figure = theme.empty_figure("No <regions> yet.")
    assert figure.layout.annotations[0].text == "No &lt;regions&gt; yet."
    assert not figure.layout.xaxis.visible


def test_graphs_have_no_modebar():
    assert theme.GRAPH_CONFIG["displayModeBar"] is False


def test_translucent_keeps_the_color():
    assert theme.translucent("#0072b2", 0.5) == "rgba(0,114,178,0.5)"
    assert math.isclose(float(theme.translucent("#000000", 0.1).split(",")[-1][:-1]), 0.1)
