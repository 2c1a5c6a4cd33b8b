import base64

import numpy as np
import pytest
from flask import Flask

from app.pages.align import marks as marked
from app.pages.align import outline
from app.pages.align.poses import Poses, section_xy
from spatialmeta_core.align.tissue import Tissue
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.params import OutlineParams


def set_outline(store, project, **values):
    hand = Poses(store, project)
    hand.record(
        hand.current(), "outline", marked.with_outline(hand.marks(), OutlineParams(**values))
    )


def kept_of(answer):
    return np.frombuffer(base64.b64decode(answer["kept"]), np.uint8).astype(bool)


def test_a_limit_on_the_total_leaves_pixels_out_and_says_how_many(store, project):
    totals = outline.totals_of(store, project)
    limit = float(np.quantile(totals, 0.1))
    params = OutlineParams(by_total=True, min_total=limit, min_piece=0)
    answer = outline.outline_json(store, project, params)
    np.testing.assert_array_equal(kept_of(answer), totals >= limit)
    n_out = int((totals < limit).sum())
    expected = f"{n_out} of {len(totals)} pixels left out as off-tissue ({n_out} of low total)."
    assert answer["words"] == expected
    assert answer["log_total"] == pytest.approx(np.log10(limit))
    assert answer["log_range"] == pytest.approx(np.log10([totals.min(), totals.max()]))


def test_the_outline_in_force_is_the_one_that_was_set(store, project):
    def size(rings):
        return sum(float(np.prod(np.ptp(ring, axis=0))) for ring in rings)

    before = outline.rings(store, project)
    set_outline(store, project, closing=6.0)
    after = outline.rings(store, project)
    assert sum(map(len, after)) < sum(map(len, before))  # the inner corner is bridged
    assert size(after) == pytest.approx(size(before), rel=0.05)


def test_the_score_follows_the_outline_but_all_pixels_still_cover_spots(store, project, truth):
    whole = outline.placed_by_hand(store, project, truth).score
    xy = section_xy(store, project, "sm")
    totals = outline.totals_of(store, project)
    set_outline(store, project, by_total=True, min_total=float(np.median(totals)), min_piece=0)
    assert len(xy) > 2 * outline.score_options(store, project)["moving_mask"].sum() - 2
    half = outline.placed_by_hand(store, project, truth).score
    assert half.covered == whole.covered
    assert half.overlap < whole.overlap


def test_words_name_both_reasons():
    found = Tissue(np.arange(1000) > 41, 30, 12, 5.0)
    assert outline.words(found) == (
        "42 of 1,000 pixels left out as off-tissue (30 of low total, 12 in stray pieces)."
    )
    assert "no clear gap" in outline.words(Tissue(np.arange(9) > 1, 2, 0, 5.0, 0.6))
    assert "no clear gap" not in outline.words(Tissue(np.arange(9) > 1, 2, 0, 5.0, 0.9))
    assert outline.words(Tissue(np.ones(10, bool), 0, 0, None)) == (
        "All 10 pixels count as tissue."
    )


def test_an_address_is_read_with_defaults_for_what_it_lacks():
    assert outline.from_query({}) == OutlineParams()
    assert outline.from_query({"closing": "2.5", "by_total": "1", "tint": "x"}) == OutlineParams(
        closing=2.5, by_total=True
    )
    with pytest.raises(InvalidParamsError, match="expected a number"):
        outline.from_query({"closing": "wide"})


def test_settings_that_leave_no_tissue_are_answered_with_a_sentence(store, project):
    with pytest.raises(InvalidDataError, match="would count as tissue"):
        outline.outline_json(store, project, OutlineParams(by_total=True, min_total=1e9))


@pytest.fixture
def client(store):
    class App:  # only what a route needs of Dash
        server = Flask("outline")

        def clientside_callback(self, *_args, **_kwargs):
            return None

    app = App()
    outline.register(app, store)
    return app.server.test_client()


def test_the_browser_gets_the_outline_or_the_sentence(client, project):
    path = f"/api/projects/{project}/align/outline"
    good = client.get(path, query_string={"closing": 1.5})
    assert good.status_code == 200
    assert good.get_json()["words"].startswith("All ")
    bad = client.get(path, query_string={"by_total": 1, "min_total": 1e9})
    assert bad.status_code == 422
    assert "Lower the smallest total" in bad.get_json()["message"]
