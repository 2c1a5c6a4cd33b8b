"""Numbers as people write them: decimal marks, thousands marks, and what stands for nothing."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from spatialmeta_core.errors import InvalidDataError

MISSING: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "-")
SPACES: Final = "'\u2019 \u00a0\u202f"  # thousands marks, never decimal marks
_GROUPED: Final = {  # by the decimal mark
    ".": re.compile(rf"[+-]?\d{{1,3}}([,{SPACES}]\d{{3}})+(\.\d+)?"),
    ",": re.compile(rf"[+-]?\d{{1,3}}([.{SPACES}]\d{{3}})+(,\d+)?"),
}
_PLAIN: Final = {
    mark: re.compile(rf"[+-]?(\d+(\{mark}\d*)?|\{mark}\d+)([eE][+-]?\d+)?") for mark in ".,"
}


def number(text: str, decimal: str) -> float:
    """Convert one cell; infinity marks what is not a number (``tables.numbers`` refuses it)."""
    text = text.strip()
    if text in MISSING:
        return np.nan
    if _GROUPED[decimal].fullmatch(text):
        text = re.sub(rf"[^\d{decimal}+-]", "", text)
    if not _PLAIN[decimal].fullmatch(text):
        return np.inf
    return float(text.replace(decimal, "."))


def decimal_mark(name: str, separator: str, rows: list[list[str]]) -> str:
    """Decide whether decimals are written with a point or a comma, from the first rows.

    Raises
    ------
    InvalidDataError
        If every sign of it could as well be a thousands mark.
    """
    if separator == ",":
        return "."
    cells = {cell.strip() for row in rows[1:] for cell in row}
    cells |= {
        re.sub(r"^(mz|m/z)?[ _-]*", "", cell.strip(), flags=re.IGNORECASE) for cell in rows[0]
    }
    cells = {re.sub(rf"(?<=\d)[{SPACES}](?=\d{{3}})", "", cell) for cell in cells}
    cells = {cell for cell in cells if re.fullmatch(r"[+-]?\d[\d.,]*([eE][+-]?\d+)?", cell)}
    commas = {cell for cell in cells if "," in cell}
    grouped = {cell for cell in commas if re.fullmatch(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?", cell)}
    if commas - grouped:
        return ","
    points = any(re.search(r"\.\d+", cell) for cell in cells)
    if grouped and not points and all(cell.count(",") == 1 for cell in grouped):
        raise InvalidDataError(
            f"{name}: numbers such as {min(grouped)!r} could mean a decimal comma or a "
            "thousands mark. Say which it is, or save the table with points as decimal marks and "
            "no thousands marks.",
            code="E-13",
            title="Decimal commas or thousands marks?",
            choices={"decimal": (",", ".")},
        )
    return "."
