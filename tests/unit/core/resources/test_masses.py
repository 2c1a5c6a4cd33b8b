import pytest

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.resources.masses import ADDUCTS, ELECTRON_MASS, ion_mz, monoisotopic_mass


@pytest.mark.parametrize(
    ("formula", "mass"),
    [
        ("C6H12O6", 180.06338811),
        ("C42H82NO8P", 759.57780584),  # PC(34:1)
        ("C2H7NO3S", 125.01466427),  # taurine
        ("", 0.0),
    ],
)
def test_masses_are_those_of_the_literature(formula, mass) -> None:
    assert monoisotopic_mass(formula) == pytest.approx(mass, abs=2e-6)


@pytest.mark.parametrize(
    ("adduct", "mz"),
    [
        ("[M+H]+", 181.070665),
        ("[M+Na]+", 203.052609),
        ("[M+K]+", 219.026547),
        ("[M+NH4]+", 198.097214),
        ("[M-H2O+H]+", 163.060100),
        ("[M-H]-", 179.056112),
        ("[M+Cl]-", 215.032790),
    ],
)
def test_ions_of_glucose_count_their_electrons(adduct, mz) -> None:
    assert ion_mz("C6H12O6", adduct) == pytest.approx(mz, abs=2e-6)


def test_adding_an_atom_adds_its_mass() -> None:
    water, peroxide = monoisotopic_mass("H2O"), monoisotopic_mass("H2O2")

    assert peroxide - water == pytest.approx(monoisotopic_mass("O"))
    assert ion_mz("H2O", "[M+H]+") - ion_mz("H2O", "[M-H]-") == pytest.approx(
        monoisotopic_mass("H2") - 2 * ELECTRON_MASS
    )


@pytest.mark.parametrize("formula", ["C6H12O6+", "c6", "C6(H2O)6", "6C"])
def test_text_that_is_not_a_formula_is_refused(formula) -> None:
    with pytest.raises(InvalidDataError, match="not a molecular formula"):
        monoisotopic_mass(formula)


def test_unknown_elements_and_adducts_are_named() -> None:
    with pytest.raises(InvalidDataError, match="'Xx'"):
        monoisotopic_mass("C2Xx")
    with pytest.raises(InvalidDataError, match=r"\[M\+Li\]\+"):
        ion_mz("H2O", "[M+Li]+")
    assert all(adduct.charge for adduct in ADDUCTS.values())
