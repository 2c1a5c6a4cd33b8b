import numpy as np
import pandas as pd
import pytest

from app.pages.explore import tables
from app.pages.explore.tables import TableView

TABLE = pd.DataFrame(
    {
        "feature": ["Ldha", "Gfap", "124.0074", "281.2480"],
        "type": ["ST", "ST", "SM", "SM"],
        "log2fc": [1.0, -3.0, 0.5, np.nan],
        "auc": [0.9, 0.2, 0.6, np.nan],
        "fraction_in": [1.0, 0.5, 1.0, 0.0],
        "fraction_out": [0.5, 0.9, 1.0, 0.0],
        "p": [1e-9, 0.02, 0.5, np.nan],
        "p_adj": [1e-8, 0.04, 0.5, np.nan],
    }
)


def order(view):
    return tables.arranged(TABLE, view)["feature"].tolist()


def test_without_a_choice_the_strongest_first_order_stays():
    assert order(TableView()) == TABLE["feature"].tolist()


def test_effects_are_sorted_by_strength_and_missing_ones_come_last():
    assert order(TableView(sort="log2fc")) == ["Gfap", "Ldha", "124.0074", "281.2480"]
    assert order(TableView(sort="auc")) == ["Ldha", "Gfap", "124.0074", "281.2480"]
    assert order(TableView(sort="p", descending=False)) == [
        "Ldha",
        "Gfap",
        "124.0074",
        "281.2480",
    ]


def test_one_modality_can_be_shown_alone():
    assert order(TableView(only="SM")) == ["124.0074", "281.2480"]


def test_the_same_heading_again_turns_the_order_round():
    once = tables.changed(TableView(), {"type": "explore-sort", "column": "p"}, "all")
    twice = tables.changed(once, {"type": "explore-sort", "column": "p"}, "all")

    assert (once.sort, once.descending) == ("p", True)
    assert (twice.sort, twice.descending) == ("p", False)


def test_more_shows_another_page_and_a_new_filter_starts_over():
    more = tables.changed(TableView(), {"type": "explore-more"}, "all")
    only = tables.changed(more, "explore-only", "SM")

    assert more.rows == 2 * tables.PAGE
    assert (only.rows, only.only) == (tables.PAGE, "SM")


def test_the_browser_form_comes_back_the_same_and_nonsense_is_the_default():
    view = TableView("auc", descending=False, only="ST", rows=75)

    assert TableView.from_json(view.to_json()) == view
    assert TableView.from_json(None) == TableView()
    assert TableView.from_json({"only": "<b>"}).only == "all"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5, "0.5"), (0.0123, "0.012"), (1.84e-8, "1.8e−8"), (0.0, "< 1e−300"), (np.nan, "–")],
)
def test_probabilities_are_short_and_never_zero(value, shown):
    assert tables.p_value(value) == shown


def test_each_row_colors_the_map_by_its_feature(section):
    drawn = tables.feature_rows(
        TABLE, section.features, tables.MARKERS, TableView(), name="markers"
    )
    rows = drawn.children[0].children.children[1].children
    first = rows[2].children[0].children.to_plotly_json()["props"]

    assert len(rows) == 4
    assert first["children"] == "Taurine (m/z 124.0074)"
    assert first["data-explore-color"] == "feature/124.0074"


def test_headings_tell_the_order_to_screen_readers(section):
    view = TableView(sort="auc")
    drawn = tables.feature_rows(TABLE, section.features, tables.MARKERS, view, name="markers")
    heads = drawn.children[0].children.children[0].children.children

    sorts = [head.to_plotly_json()["props"].get("aria-sort") for head in heads]
    assert sorts == [None, None, "none", "descending", "none", "none", "none", "none"]
