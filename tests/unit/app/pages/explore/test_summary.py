import numpy as np
import pytest

from app.pages.explore import lists, summary
from app.pages.explore.facts import facts_card
from spatialmeta_core.types import Region


def box(x0, y0, x1, y1):
    ring = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)
    return Region("r", "Region 1", "section", ((ring,),))


def text(component):
    """All words of a component."""
    if component is None or isinstance(component, (int, float)):
        return ""
    if isinstance(component, str):
        return component
    if isinstance(component, (list, tuple)):
        return " ".join(text(each) for each in component)
    return text(getattr(component, "children", None))


def test_a_region_knows_its_spots_area_and_clusters(section):
    facts = summary.summarize(section, box(450, -50, 750, 250))  # columns 5, 6, 7; rows 0, 1, 2

    assert facts.n_spots == facts.n_covered == 9
    assert (facts.area, facts.unit) == (pytest.approx(0.15 * 0.15), "mm²")
    assert [(share.cluster, round(share.inside, 3)) for share in facts.mix] == [
        ("1", 0.667),
        ("0", 0.333),
    ]
    assert facts.mix[0].everywhere == pytest.approx(72 / 143)
    assert facts.contribution == pytest.approx((3 * 0.2 + 6 * 0.8) / 9)
    assert facts.is_small


def test_spots_without_metabolites_or_training_do_not_count_as_such(section):
    row = summary.summarize(section, box(-50, 1050, 1150, 1150))  # the last row has no SM
    first = summary.summarize(section, box(-50, -50, 50, 50))  # the first spot was left out

    assert (row.n_spots, row.n_covered) == (12, 0)
    assert first.n_spots == 1
    assert first.mix == ()
    assert first.contribution is None


def test_an_empty_region_has_no_mean(section):
    facts = summary.summarize(section, box(5000, 5000, 6000, 6000))

    assert (facts.n_spots, facts.mix, facts.contribution) == (0, (), None)


def test_without_a_pixel_size_areas_are_px(plain_section):
    facts = summary.summarize(plain_section, box(0, 0, 300, 300))

    assert (facts.area, facts.unit) == (90_000.0, "px²")
    assert facts.contribution is None


def test_the_card_of_a_small_region_warns_with_e_24(section):
    small = lists.region_card(
        box(0, 0, 1, 1), summary.summarize(section, box(450, -50, 750, 250)), {}, {}
    )
    large = lists.region_card(
        box(0, 0, 1, 1), summary.summarize(section, box(-50, -50, 999, 999)), {}, {}
    )

    assert "E-24" in text(small)
    assert "This region has 9 spots." in text(small)
    assert "E-24" not in text(large)


def test_the_section_is_summed_up(section, plain_section):
    with_size, without = text(facts_card(section)), text(facts_card(plain_section))

    assert "144 (132 with metabolites)" in with_size
    assert "5 genes, 3 metabolites" in with_size
    assert "unknown, lengths are in px" in without
