import pandas as pd
import pytest

from app.pages.explore import names, search
from spatialmeta_core import keys


@pytest.fixture
def var(section):
    return section.features


def found(var, query):
    genes, metabolites = names.find(var, query)
    return [hit.name for hit in genes], [hit.name for hit in metabolites]


def test_an_exact_name_comes_before_names_that_begin_so(var):
    assert found(var, "ld")[0] == ["Ld", "Ldha"]


def test_gene_identifiers_are_searched_too(var):
    assert found(var, "ensg3")[0] == ["Mbp"]


def test_a_metabolite_is_found_by_its_name_and_by_part_of_its_mass(var):
    assert found(var, "taur")[1] == ["124.0074"]
    assert found(var, "760.5")[1] == ["760.5851"]


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("281.249 ± 5 ppm", ["281.2480"]),  # 3.6 ppm away
        ("281.249 ± 2 ppm", []),
        ("281,2482", ["281.2480"]),  # decimal comma, 10 ppm by default
        ("m/z 281.2481", ["281.2480"]),
        ("282.2", []),
    ],
)
def test_a_mass_is_found_within_its_tolerance(var, query, hits):
    assert found(var, query)[1] == hits


def test_an_empty_query_offers_the_most_variable_features_first(var):
    ranked = var.assign(**{keys.MORAN_I: [0.1, 0.9, 0.2, None, 0.3, 0.5, 0.7, 0.6]})

    genes, metabolites = found(ranked, "")

    assert genes[0] == "Gfap"
    assert metabolites == ["281.2480", "760.5851", "124.0074"]


def test_markup_in_a_query_is_plain_text(var):
    assert found(var, "(.*") == ([], [])


def test_labels_name_the_metabolite_and_keep_the_mass(var):
    label = [names.feature_label(names.feature_parts(var, name)) for name in var.index]

    assert label[0] == "Ldha"
    assert label[5:] == ["Taurine (m/z 124.0074)", "Oleic acid (m/z 281.2480)", "m/z 760.5851"]


def test_eighteen_thousand_features_are_searched_and_cut(var):
    many = pd.concat([var] * 2250)
    many.index = [f"{name}-{n}" for n, name in enumerate(many.index)]

    genes, _ = names.find(many, "ldha")

    assert len(genes) == names.MOST_SHOWN


def test_the_list_says_when_nothing_is_found(var):
    (answer,) = search.options(var, "no such thing")

    assert "Nothing found" in answer.children


def test_the_list_offers_what_is_not_a_feature(var):
    groups = search.options(var, "contrib", spot_keys=tuple(search.SPOT_KEYS))

    assert groups[0].children[1].to_plotly_json()["props"]["data-key"] == "spot/contribution"
