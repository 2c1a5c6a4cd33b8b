import re
from collections import Counter
from itertools import chain

from spatialmeta_core.resources import demo_genes, demo_metabolites
from spatialmeta_core.resources.masses import monoisotopic_mass


def all_metabolites() -> list[tuple[str, str]]:
    tables = [*demo_metabolites.MARKERS.values(), demo_metabolites.GRADIENT]
    return list(chain.from_iterable(table.items() for table in [*tables, demo_metabolites.COMMON]))


def test_no_gene_is_listed_twice_and_there_are_enough() -> None:
    symbols = [*chain(*demo_genes.MARKERS.values()), *demo_genes.GRADIENT, *demo_genes.COMMON]

    assert [name for name, times in Counter(symbols).items() if times > 1] == []
    assert len(symbols) >= 600


def test_genes_are_written_as_mouse_symbols() -> None:
    symbols = chain(*demo_genes.MARKERS.values(), demo_genes.GRADIENT, demo_genes.COMMON)

    odd = [s for s in symbols if not re.fullmatch(r"(mt-)?[A-Z][A-Za-z0-9]*(-\d)?", s)]
    assert odd == []


def test_no_metabolite_is_listed_twice_and_every_formula_has_a_mass() -> None:
    names = [name for name, _ in all_metabolites()]

    assert len(names) == len(set(names)) >= 120
    assert all(50 < monoisotopic_mass(formula) < 1000 for _, formula in all_metabolites())


def test_lipids_have_the_formula_of_their_sum_composition() -> None:
    head = {  # carbons and hydrogens beyond the chains, then the other atoms
        "PC": (8, 16, "NO8P"),
        "PE": (5, 10, "NO8P"),
        "PS": (6, 10, "NO10P"),
        "PI": (9, 15, "O13P"),
        "PA": (3, 5, "O8P"),
        "PG": (6, 11, "O10P"),
        "LPC": (8, 18, "NO7P"),
        "LPE": (5, 12, "NO7P"),
        "SM": (5, 13, "N2O6P"),
        "Cer": (0, 1, "NO3"),
        "HexCer": (6, 11, "NO8"),
        "SHexCer": (6, 11, "NO11S"),
        "DG": (3, 4, "O5"),
        "TG": (3, 2, "O6"),
    }
    lipids = [(re.fullmatch(r"(\w+)\(d?(\d+):(\d+)\)", n), f) for n, f in all_metabolites()]

    for match, formula in lipids:
        if match:
            carbons, hydrogens, rest = head[match[1]]
            n, bonds = int(match[2]), int(match[3])
            assert formula == f"C{n + carbons}H{2 * n + hydrogens - 2 * bonds}{rest}", match[0]
