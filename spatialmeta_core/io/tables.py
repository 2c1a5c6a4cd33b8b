"""Text tables as people export them: separators, decimal and thousands marks, encodings."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, NoReturn

import numpy as np
import pandas as pd

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.cells import MISSING, decimal_mark, number
from spatialmeta_core.io.source import GZIP_ERRORS, MAX_FILE_BYTES, damaged, open_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_TEXT_COLUMNS = re.compile(  # ids, and m/z as row labels, keep their leading and trailing zeros
    r"(spot|pixel|cell)?[ _.-]?(id|ids|barcode|barcodes|name)|m/?z", re.IGNORECASE
)
_SEPARATORS: Final = "\t;|, "  # a semicolon is never part of a number, a comma may be
_SAMPLE_LINES: Final = 60
_SAMPLE_CHARS: Final = 8 * 2**20  # transposed tables have lines of hundreds of kB
_LONGEST_LINE: Final = 64 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A text table with its labels kept as written (repeats included).

    Attributes
    ----------
    labels
        One per column of ``frame``; a leading label may be empty.
    frame
        The cells; columns are numbered. Numbers where all cells are numbers, else text.
    name
        File name for messages.
    notes
        What was decided on the way.
    """

    labels: list[str]
    frame: pd.DataFrame
    name: str
    decimal: str = "."
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Dialect:
    encoding: str
    separator: str
    decimal: str
    n_skipped: int  # comment and blank lines on top
    labels: tuple[str, ...]
    has_header: bool


def read_table(
    path: Path, *, decimal: Literal[".", ","] | None = None, max_bytes: int = MAX_FILE_BYTES
) -> Table:
    """Read a CSV, TSV or similar text table, packed by gzip or not.

    The separator, the decimal mark, the encoding, leading ``#`` lines and a header that lacks the
    name of the first column (as R writes it) are recognized by content.

    Parameters
    ----------
    path
        The file.
    decimal
        The decimal mark, where it is known.
    max_bytes
        Largest size, unpacked.

    Raises
    ------
    InvalidDataError
        If this is no table, is cut short, holds a row of another length, or is too large (E-15).
    """
    try:
        dialect = _recognize(path, decimal, max_bytes)
        frame = _read_frame(path, dialect, max_bytes)
    except GZIP_ERRORS as error:
        raise damaged(path.name, "is a damaged or cut gzip file") from error
    except UnicodeError as error:
        raise InvalidDataError(
            f"{path.name} is not plain text throughout. Save it again as CSV (UTF-8)."
        ) from error
    return Table(list(dialect.labels), frame, path.name, dialect.decimal, _notes(dialect))


def numbers(table: Table, column: int) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where empty, taking out unmistakable thousands marks.

    Raises
    ------
    InvalidDataError
        If a cell is not a finite number; the message names it.
    """
    cells = table.frame[column]
    if cells.dtype == bool:
        _not_a_number(table, column, 0, str(cells.iloc[0]))
    values = _parsed(table, column)
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        row = int(infinite[0])
        _not_a_number(table, column, row, str(cells.iloc[row]))
    return values


def is_numeric(table: Table, column: int) -> bool:
    """Whether every cell of a column is a finite number or empty, and one is not empty."""
    if table.frame[column].dtype == bool:
        return False
    values = _parsed(table, column)
    return bool(np.isfinite(values).any() and not np.isinf(values).any())


def _parsed(table: Table, column: int) -> NDArray[np.float64]:
    cells = table.frame[column]
    if cells.dtype != object:
        return np.asarray(cells.to_numpy(dtype=float))
    texts = cells.where(cells.notna(), "").astype(str)
    return np.array([number(text, table.decimal) for text in texts], dtype=float)


def _not_a_number(table: Table, column: int, row: int, text: str) -> NoReturn:
    label = table.labels[column] or f"number {column + 1}"
    raise InvalidDataError(
        f"{table.name}: {text[:40]!r} in data row {row + 1:,}, column {label[:60]!r}, is not a "
        "number. Correct this cell, or leave it empty if nothing was measured."
    )


def _notes(dialect: _Dialect) -> list[str]:
    notes = []
    if dialect.separator != ",":
        shown = {"\t": "tabs", " ": "spaces"}.get(dialect.separator, f"“{dialect.separator}”")
        mark = "commas" if dialect.decimal == "," else "points"
        notes.append(f"Columns are separated by {shown}, decimals by {mark}.")
    if dialect.encoding == "cp1252":
        notes.append("The text is not UTF-8; it was read as Windows Western text (cp1252).")
    return notes


def _recognize(path: Path, decimal: str | None, max_bytes: int) -> _Dialect:
    encoding, lines = _first_lines(path, max_bytes)
    n_skipped = 0
    while n_skipped < len(lines) and (not lines[n_skipped].strip() or lines[n_skipped][0] == "#"):
        n_skipped += 1
    lines = [line for line in lines[n_skipped:] if line.strip()]
    if len(lines) <= 1:
        raise InvalidDataError(
            f"{path.name} has no line of data. A table needs a header line and one line per pixel."
        )
    separator, rows = _split(path, lines)
    if decimal is None or separator == ",":
        decimal = decimal_mark(path.name, separator, rows)
    header, width = rows[0], len(rows[1])
    if len(header) == width - 1:
        every_line_ends_so = all(len(row) == width and not row[-1] for row in rows[1:])
        header = [*header, ""] if every_line_ends_so else ["", *header]  # R omits the first label
    elif not _is_header(header, rows[1], decimal):
        return _Dialect(encoding, separator, decimal, n_skipped, ("",) * width, has_header=False)
    labels = tuple(label.strip() for label in header)
    return _Dialect(encoding, separator, decimal, n_skipped, labels, has_header=True)


def _is_header(cells: list[str], below: list[str], decimal: str) -> bool:
    """Tell a header from data: m/z are numbers too, so the first cell may be all that says it."""
    if any(np.isinf(number(cell, decimal)) for cell in cells[1:]):
        return True
    first, next_one = (np.isinf(number(row[0], decimal)) for row in (cells, below))
    return bool(first and (not next_one or _TEXT_COLUMNS.fullmatch(cells[0].strip())))


def _first_lines(path: Path, max_bytes: int) -> tuple[str, list[str]]:
    """Return the encoding and some lines, without line ends."""
    with open_bytes(path, max_bytes=max_bytes) as stream:
        wide = stream.peek(2).startswith((b"\xff\xfe", b"\xfe\xff"))  # Excel's "Unicode text"
    encoding = "utf-16" if wide else "utf-8-sig"
    try:
        lines = _read_lines(path, encoding, max_bytes)
    except UnicodeDecodeError:
        encoding = "cp1252"
        lines = _read_lines(path, encoding, max_bytes)
    if any("\0" in line for line in lines):
        raise InvalidDataError(
            f"{path.name} is not a text table. Give a CSV or TSV file, packed by gzip or not, or "
            "an .h5ad file."
        )
    return encoding, lines


def _read_lines(path: Path, encoding: str, max_bytes: int) -> list[str]:
    lines: list[str] = []
    n_chars = 0
    with _open_text(path, encoding, max_bytes) as stream:
        while len(lines) < _SAMPLE_LINES and (n_chars < _SAMPLE_CHARS or len(lines) < 2):  # noqa: PLR2004  # header and one row
            line = stream.readline(_LONGEST_LINE)
            if not line:
                break
            n_chars += len(line)
            lines.append(line.rstrip("\r\n"))
    return lines


def _open_text(path: Path, encoding: str, max_bytes: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(open_bytes(path, max_bytes=max_bytes), encoding=encoding, newline="")


def _split(path: Path, lines: list[str]) -> tuple[str, list[list[str]]]:
    """Choose the first separator under which the header and the first row agree."""
    for separator in _SEPARATORS:
        try:
            rows = list(csv.reader(lines, delimiter=separator))
        except csv.Error:
            continue
        width = len(rows[1]) if len(rows) > 1 else 0
        if width > 1 and len(rows[0]) in (width, width - 1):
            return separator, rows
    raise InvalidDataError(
        f"{path.name}: no separator (tab, semicolon, comma or space) splits the header and the "
        f"first row alike. The file starts {lines[0][:60]!r}. Save it again as CSV."
    )


def _read_frame(path: Path, dialect: _Dialect, max_bytes: int) -> pd.DataFrame:
    width = len(dialect.labels)
    text = {i: str for i, label in enumerate(dialect.labels) if _TEXT_COLUMNS.fullmatch(label)}
    try:
        with open_bytes(path, max_bytes=max_bytes) as stream:
            frame = pd.read_csv(
                stream,
                sep=dialect.separator,
                header=None,
                names=list(range(width)),
                skiprows=dialect.n_skipped + dialect.has_header,
                encoding=dialect.encoding,
                decimal=dialect.decimal,
                na_values=list(MISSING),
                keep_default_na=False,
                low_memory=False,
                dtype=text,
            )
    except pd.errors.ParserError as error:
        _check_row_lengths(path, dialect, max_bytes)
        raise InvalidDataError(
            f"{path.name} could not be split into cells; a quotation mark may be left open. Save "
            "it again as CSV."
        ) from error
    if dialect.labels[-1] and frame[width - 1].isna().any():
        _check_row_lengths(path, dialect, max_bytes)
    return frame


def _check_row_lengths(path: Path, dialect: _Dialect, max_bytes: int) -> None:
    """Name the first row of another length than the header: a cut file or a stray separator."""
    width = len(dialect.labels)
    with _open_text(path, dialect.encoding, max_bytes) as stream:
        for _ in range(dialect.n_skipped + dialect.has_header):
            stream.readline()
        rows = (row for row in csv.reader(stream, delimiter=dialect.separator) if row)
        for number, row in enumerate(rows, start=1):
            if len(row) != width:
                raise InvalidDataError(
                    f"{path.name}: data row {number:,} has {len(row):,} cells instead of "
                    f"{width:,}. The file may be cut off, or a cell holds the separator. Export "
                    "it again.",
                    title="This table has rows of unlike length.",
                )
