import json

import numpy as np
from plotly.utils import PlotlyJSONEncoder

from app.pages.align import panels, verdict
from app.pages.align.coverage import Coverage
from spatialmeta_core.types import Alignment, FitScore, Pose

SCORE = FitScore(0.95, 10.0, 0.99, 1.0)
LINES = verdict.lines(SCORE, pitch_px=100.0, um_per_px=1.0)


def text_of(*components):
    return json.dumps([c.to_plotly_json() for c in components], cls=PlotlyJSONEncoder)


def test_the_score_card_shows_values_limits_and_words():
    text = text_of(*panels.score_card(LINES))
    for part in ("0.95", "\\u2265 0.90", "10 \\u00b5m", "Good"):
        assert part in text
    assert "E-18" not in text


def test_sections_that_do_not_overlap_are_announced():
    text = text_of(*panels.score_card(LINES, "0 of 9 spots have metabolite pixels nearby."))
    assert "E-18" in text
    assert '"role": "alert"' in text


def test_a_fit_that_lost_against_the_start_says_so_with_its_code():
    note = "Automatic alignment made it worse (overlap 0.62, was 0.81). Your pose was kept."
    found = Alignment(Pose(np.eye(2, 3)), notes=("The target is the spots.", note))
    text = text_of(*panels.review_card(found, LINES, LINES))
    assert "E-19" in text
    assert note in text


def test_a_search_without_a_start_has_nothing_before():
    found = Alignment(Pose(np.eye(2, 3)))
    assert "\\u2014" in text_of(*panels.review_card(found, LINES, None))


def test_the_preview_counts_kept_and_dropped_spots():
    found = Coverage(np.array([0, 3, 5, 5]), np.zeros(4), 10.0)
    text = text_of(panels.preview(found, n_neighbors=5, accepted=False))
    assert "3 of 4 spots" in text
    assert "1 (25.0 %)" in text
    assert "not accepted yet" in text


def test_reassignment_says_what_it_needs_what_it_made_and_when_it_is_old():
    record = {
        "summary": {"covered": 90, "n_spots": 100},
        "params": {"reassign": {"n_neighbors": 5, "distance_factor": 1.5}},
        "created": 0.0,
    }
    waiting = text_of(panels.reassign_state(None, current=False, ready=False))
    assert "Accept an alignment first" in waiting
    done = text_of(panels.reassign_state(record, current=True, ready=True))
    assert "90 of 100 spots" in done
    old = text_of(panels.reassign_state(record, current=False, ready=True))
    assert "Out of date." in old
    assert "E-28" in old


def test_a_missing_image_and_a_large_image_are_explained():
    assert "E-08" in text_of(*panels.scene_messages("spots", "why", has_image=False))
    assert "over the ST spots" in text_of(*panels.scene_messages("spots", "why", has_image=True))
    assert panels.scene_messages("image", "why", has_image=True) == []
