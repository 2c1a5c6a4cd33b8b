import json

import numpy as np
import pytest
from plotly.utils import PlotlyJSONEncoder

from app.pages.align import reassign_panels as panels
from app.pages.align.coverage import Coverage
from spatialmeta_core.params import ReassignParams

XY = np.zeros((4, 2))
TO_PIXELS = ReassignParams(direction="st_to_sm")
AREA = ReassignParams(method="area")


def text_of(*components):
    return json.dumps(
        [c.to_plotly_json() for c in components], cls=PlotlyJSONEncoder, ensure_ascii=False
    )


def test_the_preview_counts_kept_and_dropped_spots():
    found = Coverage(XY, np.array([0, 3, 5, 5]), np.zeros(4), 10.0)
    text = text_of(panels.preview(found, ReassignParams(), accepted=False))
    assert "3 of 4 spots" in text
    assert "1 (25.0 %)" in text
    assert "With all 5" in text
    assert "not accepted yet" in text


def test_the_preview_of_areas_counts_footprints_covered():
    covered = np.array([0.0, 0.4, 1.0, 0.999])
    found = Coverage(XY, np.array([0, 3, 5, 9]), np.zeros(4), covered=covered)
    text = text_of(panels.preview(found, AREA, accepted=True))
    assert "Fully covered" in text
    assert '"2"' in text
    assert "With all" not in text


def test_holes_between_spots_are_explained_with_the_factor_that_closes_them():
    found = Coverage(XY, np.array([0, 3, 5, 5]), np.zeros(4), 10.0, factor_without_holes=2.87)
    text = text_of(panels.preview(found, TO_PIXELS, accepted=True))
    assert "3 of 4 pixels" in text
    assert "distance factor of 2.9" in text


@pytest.mark.parametrize("direction", ["sm_to_st", "st_to_sm"])
@pytest.mark.parametrize("method", ["mean", "distance", "area"])
def test_every_method_is_explained_with_the_right_words(direction, method):
    params = ReassignParams(direction=direction, method=method)
    text = text_of(*panels.help_text(params))
    gets, other = (
        ("ST spot gets", "pixel gets")
        if direction == "sm_to_st"
        else (
            "pixel gets",
            "ST spot gets",
        )
    )
    assert gets in text
    assert other not in text
    assert ("cut-off" in text) is (method == "area")
    assert ("training the model not" in text) is (direction == "st_to_sm" and method != "mean")


def record(**params):
    return {
        "summary": {"covered": 90, "n_spots": 100},
        "params": {"reassign": {"n_neighbors": 5, "distance_factor": 1.5, **params}},
        "created": 0.0,
    }


def test_reassignment_says_what_it_needs_what_it_made_and_when_it_is_old():
    waiting = text_of(panels.state(None, current=False, ready=False))
    assert "Accept an alignment first" in waiting
    done = text_of(panels.state(record(), current=True, ready=True))
    assert "90 of 100 spots have metabolite values (mean of the nearest, K 5, factor 1.5" in done
    old = text_of(panels.state(record(), current=False, ready=True))
    assert "Out of date." in old
    assert "E-28" in old


def test_what_was_made_of_pixels_is_said_of_pixels():
    made = record(direction="st_to_sm", method="area")
    done = text_of(panels.state(made, current=True, ready=True))
    assert "90 of 100 pixels have counts (by shared area;" in done


def checked(n_hold=612):
    worst = [
        {"feature": f"{n}.1", "r": n / 10 - 0.2, "noise": 0.77 if n else None, "move": "-2 degrees"}
        for n in range(5)
    ]
    facts = {"n_features": 800, "n_hold": n_hold, "n_noise": 35, "threshold": 0.8, "n_blind": 9}
    facts["what"] = "metabolites"
    return {"summary": {**facts, "worst": worst}, "created": 0.0}


def test_stability_says_how_many_hold_and_which_hold_least():
    text = text_of(*panels.stability_state(checked(), current=True, ready=True))
    assert "612 of 800 metabolites hold under shift (r ≥ 0.8" in text
    assert "35 of the others differ no more" in text
    assert "made from different pixels" in text
    assert "9 are too noisy to tell" in text
    for part in ("0.1", "4.1", "−0.20", "0.20", "0.77", "–", "−2 degrees"):
        assert part in text


def test_stability_says_when_it_cannot_be_checked_and_when_it_is_old():
    assert "Reassign first" in text_of(*panels.stability_state(None, current=False, ready=False))
    assert "Not checked" in text_of(*panels.stability_state(None, current=False, ready=True))
    old = text_of(*panels.stability_state(checked(), current=False, ready=True))
    assert "Out of date." in old
    assert "−0.20" not in old
