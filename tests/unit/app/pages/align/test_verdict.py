import pytest

from app.pages.align import verdict
from spatialmeta_core.types import FitScore


def card(**changes: float) -> list[verdict.Line]:
    values = {"overlap": 0.95, "outline_distance_px": 40.0, "covered": 0.99, "stretch": 1.02}
    return verdict.lines(FitScore(**{**values, **changes}), pitch_px=100.0, um_per_px=0.5)


def test_a_close_fit_is_good_in_every_line():
    assert {line.word for line in card()} == {"Good"}
    assert verdict.overall(card()) == "Good"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"overlap": 0.90}, "Good"),
        ({"overlap": 0.85}, "Check"),
        ({"overlap": 0.79}, "Poor"),
        ({"outline_distance_px": 100.0}, "Good"),
        ({"outline_distance_px": 150.0}, "Check"),
        ({"outline_distance_px": 201.0}, "Poor"),
        ({"covered": 0.94}, "Check"),
        ({"stretch": 1.4}, "Poor"),
    ],
)
def test_the_worst_line_decides(changes, word):
    assert verdict.overall(card(**changes)) == word


def test_lengths_are_in_micrometers_when_the_pixel_size_is_known():
    distance = card()[1]
    assert distance.value == "20 µm"
    assert distance.good == "≤ 50 µm"


def test_lengths_are_in_pixels_when_the_pixel_size_is_unknown():
    score = FitScore(0.9, 40.0, 1.0, 1.0)
    distance = verdict.lines(score, pitch_px=100.0, um_per_px=None)[1]
    assert (distance.value, distance.good) == ("40 px", "≤ 100 px")


def test_no_overlap_is_said_in_plain_words():
    assert "0 of 2,018 spots" in verdict.no_overlap(FitScore(0.0, 900.0, 0.0, 1.0), 2018)
    assert verdict.no_overlap(FitScore(0.1, 900.0, 0.1, 1.0), 2018) == ""
