"""Metabolomics tables: which cells are positions, which are intensities, and in which direction.

Three layouts are known by content: (a) a row per pixel with x, y and one column per m/z; (b) the
same turned by 90 degrees, with x and y as rows or in the column names; (c) two tables, intensities
and positions, joined by a pixel id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.labels import parse_mz, plain_label, position_columns
from spatialmeta_core.io.msi_xy import ID, no_xy, position_index
from spatialmeta_core.io.tables import Table, is_numeric, numbers
from spatialmeta_core.io.wording import counted

if TYPE_CHECKING:
    from spatialmeta_core.io.record import Findings
    from spatialmeta_core.types import FloatArray

_PIXEL = re.compile(r"x[_=: ]?(\d+)[_,; ]*y[_=: ]?(\d+)", re.IGNORECASE)
_PIXEL_INFO: Final = frozenset(
    (
        *("id", "index", "no", "number", "spot", "pixel", "barcode", "name", "sample", "section"),
        *("slide", "tissue", "region", "roi", "cluster", "class", "label", "group", "batch"),
        *("polarity", "z", "run", "tic", "total", "sum", "unnamed"),
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """A metabolomics table taken apart.

    Attributes
    ----------
    intensities
        Shape ``(n_pixels, n_features)``, float32, NaN where the cell is empty.
    xy
        Shape ``(n_pixels, 2)``.
    labels
        One per feature: the m/z as written, without a prefix such as ``mz-``; or a name.
    mz
        One per feature, NaN where the label is no m/z.
    obs
        Other columns; the index is the pixel's id.
    """

    intensities: FloatArray
    xy: FloatArray
    labels: list[str]
    mz: FloatArray
    obs: pd.DataFrame


def take_apart(
    table: Table, findings: Findings, *, x_column: str | None = None, y_column: str | None = None
) -> Pixels:
    """Find positions and intensities in one table.

    Parameters
    ----------
    table
        As read.
    findings
        Receives what was decided.
    x_column, y_column
        Labels of the position columns; found by their names if None.

    Raises
    ------
    InvalidDataError
        E-13 without positions; if no column holds intensities, or a cell is not a number.
    """
    findings.notes.extend(table.notes)
    columns = position_index(table, x_column, y_column)
    if columns is None:
        table = turned(table, findings)
        columns = position_index(table, None, None)
    if columns is None:
        raise no_xy(table)
    xy = np.column_stack([numbers(table, column) for column in columns])
    return _pixels(table, set(columns), xy, findings)


def join(
    intensities: Table,
    positions: Table,
    findings: Findings,
    *,
    x_column: str | None = None,
    y_column: str | None = None,
) -> Pixels:
    """Put two tables together by their pixel ids, which must match letter by letter.

    Parameters
    ----------
    intensities, positions
        As read; both with a column of ids.
    findings
        Receives what was decided.
    x_column, y_column
        Labels of the position columns; found by their names if None.

    Raises
    ------
    InvalidDataError
        E-14 if ids of the intensities have no position, E-13 without positions; repeated ids.
    """
    findings.notes.extend([*intensities.notes, *positions.notes])
    columns = position_index(positions, x_column, y_column)
    if columns is None:
        raise no_xy(positions)
    position_ids, ids = _ids(positions), _ids(intensities)
    for name, index in ((positions.name, position_ids), (intensities.name, ids)):
        if not index.is_unique:
            raise InvalidDataError(
                f"{name} lists {index[index.duplicated()][0]!r} twice. Each pixel needs an id of "
                "its own."
            )
    row_of = position_ids.get_indexer(ids)
    missing = ids[row_of < 0]
    if len(missing):
        raise InvalidDataError(
            f"{counted(len(missing), 'spot_id is', 'spot_ids are')} in {intensities.name} but not "
            f"in {positions.name}, first {', '.join(map(repr, missing[:3]))}. They must match "
            "letter by letter: correct one of the tables and load both again.",
            code="E-14",
            title="The ids of the two tables do not match.",
            listing=tuple(missing),
        )
    n_unused = len(position_ids) - len(ids)
    if n_unused:
        findings.warnings.append(f"Left out, without intensities: {counted(n_unused, 'position')}.")
    findings.notes.append(f"{intensities.name} and {positions.name} were joined by their ids.")
    xy = np.column_stack([numbers(positions, column) for column in columns])[row_of]
    return _pixels(intensities, set(), xy, findings)


def n_mz(table: Table) -> int:
    """Count the columns whose label is an m/z."""
    return sum(parse_mz(label) is not None for label in table.labels)


def _ids(table: Table) -> pd.Index:
    column = next((i for i, text in enumerate(table.labels) if ID.fullmatch(text)), 0)
    return pd.Index([str(cell) for cell in table.frame[column]], dtype=object)


def turned(table: Table, findings: Findings) -> Table:
    """Turn a table whose columns are pixels, or return it as it is.

    It is turned if the first cells of its rows name x and y, or if most column names do, such as
    ``x12_y7``.
    """
    pixels = [_PIXEL.fullmatch(label) for label in table.labels]
    columns = [i for i, match in enumerate(pixels) if match]
    if len(columns) > len(table.labels) / 2:
        xy = np.array([[int(n) for n in match.groups()] for match in pixels if match], dtype=float)
        names = _row_names(table, [i for i, match in enumerate(pixels) if not match])
        result = _turn(table, columns, names)
        frame = pd.concat(
            [result.frame, pd.DataFrame(xy, columns=[len(names), len(names) + 1])], axis=1
        )
        result = replace(result, labels=[*names, "x", "y"], frame=frame)
    else:
        names = [str(cell).strip() for cell in table.frame[0]]
        if table.frame[0].dtype != object or position_columns(names) is None:
            return table
        result = _turn(table, list(range(1, len(table.labels))), names)
    findings.warnings.append(
        f"{table.name} has one column per pixel; it was turned to one row per pixel."
    )
    return result


def _row_names(table: Table, others: list[int]) -> list[str]:
    """Name the rows by the column that holds m/z, else by the first that differs in every row."""
    by_name = [i for i in others if re.fullmatch(r"m/?z", table.labels[i], re.IGNORECASE)]
    unique = [i for i in others if table.frame[i].is_unique]
    chosen = next(iter([*by_name, *unique, *others]), None)
    if chosen is None:
        return [f"row {number}" for number in range(1, len(table.frame) + 1)]
    return [str(cell).strip() for cell in table.frame[chosen]]


def _turn(table: Table, columns: list[int], names: list[str]) -> Table:
    cells = np.vstack([numbers(table, column) for column in columns])
    return replace(table, labels=names, frame=pd.DataFrame(cells))


def _pixels(table: Table, used: set[int], xy: FloatArray, findings: Findings) -> Pixels:
    mz = [parse_mz(label) for label in table.labels]
    candidates = [i for i in range(len(table.labels)) if i not in used]
    features = _feature_columns(table, candidates, mz)
    if not features:
        raise InvalidDataError(
            f"{table.name} has no intensities: no column is named by an m/z and none but the "
            f"positions holds numbers. Columns start {'; '.join(table.labels[:6])!r}."
        )
    others = [i for i in candidates if i not in set(features) and table.labels[i]]
    kept = [table.labels[i] for i in others]
    if kept:
        findings.notes.append(
            f"Kept as information about pixels, not as metabolites: {', '.join(kept[:8])}."
        )
    obs = pd.DataFrame({table.labels[i]: table.frame[i] for i in others})
    ids = _ids(table) if ID.fullmatch(table.labels[0]) else pd.Index([])
    obs.index = (
        ids
        if len(ids) and ids.is_unique
        else pd.Index([f"pixel_{n}" for n in range(1, len(xy) + 1)], dtype=object)
    )
    labels = [plain_label(table.labels[i], mz[i]) for i in features]
    return Pixels(_matrix(table, features), xy, labels, _floats(mz, features), obs)


def _feature_columns(table: Table, candidates: list[int], mz: list[float | None]) -> list[int]:
    named = [i for i in candidates if mz[i] is not None]
    if len(named) * 2 >= len(candidates) - sum(_is_info(table.labels[i]) for i in candidates):
        return named
    return [
        i
        for i in candidates
        if mz[i] is not None or (not _is_info(table.labels[i]) and is_numeric(table, i))
    ]


def _is_info(label: str) -> bool:
    words = [word for word in re.split(r"[^a-z]+", label.lower()) if word]
    return not label or (bool(words) and _PIXEL_INFO.issuperset(words))


def _floats(mz: list[float | None], features: list[int]) -> FloatArray:
    return np.array([np.nan if mz[i] is None else mz[i] for i in features], dtype=float)


def _matrix(table: Table, features: list[int]) -> FloatArray:
    matrix = np.empty((len(table.frame), len(features)), dtype=np.float32)
    for place, column in enumerate(features):
        matrix[:, place] = numbers(table, column)
    return matrix
