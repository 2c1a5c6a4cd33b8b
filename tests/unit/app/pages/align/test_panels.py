import json

import numpy as np
from plotly.utils import PlotlyJSONEncoder

from app.pages.align import panels, verdict
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


def test_a_missing_image_and_a_large_image_are_explained():
    assert "E-08" in text_of(*panels.scene_messages("spots", "why", has_image=False))
    assert "over the ST spots" in text_of(*panels.scene_messages("spots", "why", has_image=True))
    assert panels.scene_messages("image", "why", has_image=True) == []
