import pytest

from app.pages.align import fitting
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.params import AlignParams

FORM = dict.fromkeys(fitting.FIELDS)


def test_an_empty_form_is_the_default_without_a_warp():
    found = fitting.params_of(FORM, same_section=False)
    assert found == AlignParams(nonrigid=False)


def test_terms_count_only_while_they_are_ticked():
    form = {**FORM, "terms": ["histology"], "histology_weight": 0.5, "feature_weight": 3.0}
    found = fitting.params_of(form, same_section=False)
    assert (found.histology_weight, found.feature_weight) == (0.5, 0.0)


def test_the_same_section_is_only_moved_and_turned():
    form = {**FORM, "transform": "affine", "warp": ["nonrigid"]}
    found = fitting.params_of(form, same_section=True)
    assert (found.transform, found.nonrigid) == ("rigid", False)


def test_the_fine_warp_asks_for_a_warp_whatever_the_form_says():
    form = {**FORM, "warp": ["diffeomorphic"]}
    found = fitting.params_of(form, same_section=False, fine=True)
    assert (found.nonrigid, found.diffeomorphic) == (True, True)


def test_a_negative_weight_is_refused():
    with pytest.raises(InvalidParamsError, match="outline_weight"):
        fitting.params_of({**FORM, "outline_weight": -1}, same_section=False)
