"""Which columns of a metabolomics table are the positions, and what to offer when none looks so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.labels import parse_mz, position_columns
from spatialmeta_core.io.tables import is_numeric

if TYPE_CHECKING:
    from spatialmeta_core.io.tables import Table

ID: Final = re.compile(r"(spot|pixel|cell|spectrum)?[ _.-]?(id|index|barcode|name)?", re.IGNORECASE)
"""Label of a column of pixel ids; an empty one too."""

_MOST_CHOICES: Final = 200  # columns offered as x and y; thousands of m/z would bury them


def has_positions(table: Table) -> bool:
    """Whether two columns look like x and y."""
    return position_columns(table.labels) is not None


def no_xy(table: Table) -> InvalidDataError:
    """Build E-13, with the columns that could hold positions."""
    shown = table.labels if any(table.labels) else [str(cell) for cell in table.frame.iloc[0]]
    return InvalidDataError(
        f"{table.name}: no pair of columns (or rows) looks like x and y. Columns start "
        f"{'; '.join(shown[:4])!r}. {_spelling(table)}Choose the two columns, or name them x and y "
        "in the file.",
        code="E-13",
        title="Could not find x and y.",
        choices=_column_choices(table),
    )


def _spelling(table: Table) -> str:
    return " ".join([*table.notes, ""])


def _column_choices(table: Table) -> dict[str, list[str]]:
    """Name the columns of numbers: those not named by an m/z, or all if that leaves too few."""
    usable = [i for i, label in enumerate(table.labels) if label and is_numeric(table, i)]
    usable = [i for i in usable if not ID.fullmatch(table.labels[i])]
    others = [i for i in usable if parse_mz(table.labels[i]) is None]
    offered = others if len(others) > 1 else usable
    labels = list(dict.fromkeys(table.labels[i] for i in offered[:_MOST_CHOICES]))
    return {"columns": labels} if len(labels) > 1 else {}


def position_index(
    table: Table, x_column: str | None, y_column: str | None
) -> tuple[int, int] | None:
    """Return the numbers of the columns of x and y, or None if they are neither named nor found.

    Raises
    ------
    InvalidDataError
        E-13 if a named column is absent.
    """
    if x_column is None and y_column is None:
        pair = position_columns(table.labels)
        return None if pair is None else (table.labels.index(pair[0]), table.labels.index(pair[1]))
    wanted = [(x_column or "x").strip(), (y_column or "y").strip()]
    absent = [name for name in wanted if name not in table.labels]
    if absent:
        raise InvalidDataError(
            f"{table.name} has no column {absent[0]!r}. Columns start "
            f"{'; '.join(table.labels[:6])!r}. Choose the two columns.",
            code="E-13",
            title="Could not find x and y.",
            choices=_column_choices(table),
        )
    return table.labels.index(wanted[0]), table.labels.index(wanted[1])
