from __future__ import annotations

import pytest

from app.pages.data.checks import area_mm2, pair_report

ST = {"n_spots": 600, "area": 4e6, "um_per_px": 0.5, "image": {"width": 10}}
SM = {"n_spots": 2400, "area": 1e4, "step": 2.0, "step_um": 20.0}


def levels(report):
    return [item["level"] for item in report]


def test_areas_are_in_square_millimeters():
    assert area_mm2("st", ST) == pytest.approx(4e6 * 0.25 / 1e6)
    assert area_mm2("sm", SM) == pytest.approx(1e4 * 100 / 1e6)


@pytest.mark.parametrize(
    ("slot", "facts"),
    [
        ("st", {**ST, "um_per_px": None}),
        ("st", {**ST, "area": None}),
        ("sm", {**SM, "step_um": None}),
        ("sm", {**SM, "step": None}),
        ("sm", {"area": 1.0}),
    ],
)
def test_an_area_without_a_scale_is_unknown(slot, facts):
    assert area_mm2(slot, facts) is None


def test_a_pair_that_fits_has_no_complaint():
    assert set(levels(pair_report(ST, SM))) == {"ok"}


def test_areas_more_than_twice_apart_are_pointed_out():
    small, large = {**SM, "step_um": 14.0}, {**SM, "step_um": 30.0}

    texts = [item["text"] for item in pair_report(ST, large) if item["level"] == "warning"]
    assert len(texts) == 1
    assert "1 mm² of spots, 2.25 mm² of metabolite pixels: 2.2 times apart" in texts[0]
    assert "warning" in levels(pair_report(ST, small))


def test_areas_in_unlike_units_are_not_compared():
    report = pair_report(ST, {**SM, "step_um": None})

    assert "note" in levels(report)
    assert any("enter the raster step" in item["text"] for item in report)
    other = pair_report({**ST, "um_per_px": None}, SM)
    assert any("enter the pixel size" in item["text"] for item in other)


def test_a_missing_histology_is_a_note_not_a_fault():
    assert levels(pair_report({**ST, "image": None}, SM)).count("note") == 1


def test_a_simulated_file_beside_a_real_one_is_pointed_out():
    mixed = pair_report(ST, {**SM, "simulated": True})
    both = pair_report({**ST, "simulated": True}, {**SM, "simulated": True})

    assert mixed[0]["level"] == "warning"
    assert "metabolomics file is simulated" in mixed[0]["text"]
    assert "warning" not in levels(both)
