"""Monoisotopic masses of elements, and ions made from a formula and an adduct.

Atomic masses are those of the most abundant isotope (IUPAC / AME2020, unified atomic mass units);
the electron's mass is CODATA 2018. An ion's m/z counts its missing or extra electrons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from spatialmeta_core.errors import InvalidDataError

ELEMENT_MASS: Final[dict[str, float]] = {
    "H": 1.00782503190,
    "B": 11.009305167,
    "C": 12.0,
    "N": 14.00307400425,
    "O": 15.99491461926,
    "F": 18.99840316207,
    "Na": 22.98976928195,
    "Mg": 23.985041689,
    "Si": 27.97692653442,
    "P": 30.97376199768,
    "S": 31.97207117354,
    "Cl": 34.968852694,
    "K": 38.96370648482,
    "Ca": 39.962590851,
    "Fe": 55.934935537,
    "Co": 58.933193524,
    "Cu": 62.929597119,
    "Zn": 63.929141776,
    "Se": 79.916521761,
    "Br": 78.918337601,
    "I": 126.904471853,
}
"""Mass of the most abundant isotope, u."""

ELECTRON_MASS: Final = 0.000548579909065
"""Mass of one electron, u."""

_PART = re.compile(r"([A-Z][a-z]?)(\d*)")


@dataclass(frozen=True, slots=True)
class Adduct:
    """What a neutral molecule gains and loses to become an ion.

    Attributes
    ----------
    gained, lost
        Formulas, empty for none.
    charge
        Signed number of elementary charges.
    """

    gained: str
    lost: str
    charge: int


ADDUCTS: Final[dict[str, Adduct]] = {
    "[M+H]+": Adduct("H", "", 1),
    "[M+Na]+": Adduct("Na", "", 1),
    "[M+K]+": Adduct("K", "", 1),
    "[M+NH4]+": Adduct("NH4", "", 1),
    "[M-H2O+H]+": Adduct("H", "H2O", 1),
    "[M-H]-": Adduct("", "H", -1),
    "[M+Cl]-": Adduct("Cl", "", -1),
}
"""The common adducts of both polarities."""


def monoisotopic_mass(formula: str) -> float:
    """Sum the masses of a formula's most abundant isotopes.

    Parameters
    ----------
    formula
        Element symbols and counts without brackets or charge, such as ``"C6H12O6"``; empty weighs
        0.

    Returns
    -------
    Mass of the neutral molecule, u.

    Raises
    ------
    InvalidDataError
        If the text is not a formula or holds an unknown element.
    """
    parts = _PART.findall(formula)
    if "".join(symbol + count for symbol, count in parts) != formula:
        raise InvalidDataError(
            f"{formula!r} is not a molecular formula; "
            "expected element symbols and counts like C6H12O6."
        )
    unknown = [symbol for symbol, _ in parts if symbol not in ELEMENT_MASS]
    if unknown:
        raise InvalidDataError(
            f"The element {unknown[0]!r} in {formula!r} has no mass in the table; "
            "check the spelling of the formula."
        )
    return sum(ELEMENT_MASS[symbol] * int(count or 1) for symbol, count in parts)


def ion_mz(formula: str, adduct: str) -> float:
    """Return the m/z of a molecule as an ion.

    Parameters
    ----------
    formula
        Neutral molecule, such as ``"C6H12O6"``.
    adduct
        A key of ``ADDUCTS``, such as ``"[M+H]+"``.

    Returns
    -------
    Mass of the ion, its electrons counted, divided by its charge number.

    Raises
    ------
    InvalidDataError
        If the formula cannot be read or the adduct is not in the table.
    """
    if adduct not in ADDUCTS:
        raise InvalidDataError(f"Unknown adduct {adduct!r}; known are {', '.join(ADDUCTS)}.")
    ion = ADDUCTS[adduct]
    mass = monoisotopic_mass(formula) + monoisotopic_mass(ion.gained) - monoisotopic_mass(ion.lost)
    return (mass - ion.charge * ELECTRON_MASS) / abs(ion.charge)
