import numpy as np
import pytest

from app.pages.align import marks as marked
from spatialmeta_core.errors import InvalidDataError, InvalidParamsError
from spatialmeta_core.params import OutlineParams
from spatialmeta_core.types import Landmarks

ROWS = [[1.0, 2.0, 30.0, 40.0], [5.0, 6.0, 70.0, 80.0]]


def test_landmarks_survive_the_way_to_the_browser_and_back():
    found = marked.landmarks_of({"landmarks": ROWS})
    assert found.moving.tolist() == [[1.0, 2.0], [5.0, 6.0]]
    assert found.target.tolist() == [[30.0, 40.0], [70.0, 80.0]]
    assert marked.with_landmarks({}, found) == {"landmarks": ROWS}


def test_what_is_empty_or_default_leaves_no_mark():
    marks = {"landmarks": ROWS, "outline": {"closing": 2.0}, "same_section": True}
    none = Landmarks(np.empty((0, 2)), np.empty((0, 2)))
    assert marked.with_landmarks(marks, none) == {"outline": {"closing": 2.0}, "same_section": True}
    assert marked.with_outline(marks, OutlineParams()) == {
        "landmarks": ROWS,
        "same_section": True,
    }
    assert marks["landmarks"] == ROWS


def test_a_job_gets_landmarks_and_outline_and_nothing_else():
    params = marked.job_params({"landmarks": ROWS, "same_section": True})
    assert params["landmarks"] == ROWS
    assert OutlineParams(**params["outline"]) == OutlineParams()
    assert set(params) == {"landmarks", "outline"}


@pytest.mark.parametrize(
    ("moves", "found"),
    [("free", "affine"), (None, "affine"), ("similarity", "similarity"), ("rigid", "rigid")],
)
def test_a_fit_does_what_moves_by_hand_may_do(moves, found):
    assert marked.transform({}, moves) == found
    assert marked.transform({"same_section": True}, moves) == "rigid"


def test_damaged_marks_are_refused():
    with pytest.raises(InvalidDataError, match="4 numbers"):
        marked.landmarks_of({"landmarks": [[1, 2, 3]]})
    with pytest.raises(InvalidDataError, match="missing or infinite"):
        marked.landmarks_of({"landmarks": [[1, 2, 3, None]]})
    with pytest.raises(InvalidParamsError, match="closing"):
        marked.outline_of({"outline": {"closing": 99}})
