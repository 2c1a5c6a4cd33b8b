"""Pairs of landmarks as CSV and JSON files."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.geometry import as_xy
from spatialmeta_core.io.tables import numbers, read_table
from spatialmeta_core.types import Landmarks

if TYPE_CHECKING:
    from pathlib import Path

    from spatialmeta_core.types import FloatArray

COLUMNS: Final = ("sm_x", "sm_y", "st_x", "st_y")
FORMAT: Final = "spatialmeta landmarks"
UNITS: Final = "moving: coordinates of the SM file; target: pixels of the full-resolution ST image"
MAX_PAIRS: Final = 1000  # by hand nobody sets more; a larger file is something else
MAX_FILE_BYTES: Final = 5_000_000


def landmarks_csv(landmarks: Landmarks) -> str:
    """Return pairs as CSV text: number, SM x and y in the file's units, ST x and y in px."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(("landmark", *COLUMNS))
    rows = np.column_stack([landmarks.moving, landmarks.target]).tolist()
    writer.writerows([number, *row] for number, row in enumerate(rows, start=1))
    return target.getvalue()


def landmarks_json(landmarks: Landmarks) -> str:
    """Return pairs as JSON text, exact to the last bit."""
    document = {
        "format": FORMAT,
        "schema": 1,
        "units": UNITS,
        "moving": np.asarray(landmarks.moving, float).tolist(),
        "target": np.asarray(landmarks.target, float).tolist(),
    }
    return json.dumps(document, indent=1)


def read_landmarks(path: Path) -> Landmarks:
    """Read pairs from JSON as ``landmarks_json`` writes it, or from a table.

    A table has the columns ``sm_x``, ``sm_y``, ``st_x`` and ``st_y``; others are ignored. A saved
    alignment with landmarks can be read too.

    Raises
    ------
    InvalidDataError
        If the file is neither, a coordinate is missing, or it holds no pair or more than 1,000.
    """
    with path.open("rb") as handle:
        first = handle.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    moving, target = _from_json(path) if first.startswith((b"{", b"[")) else _from_table(path)
    if len(moving) != len(target) or not 1 <= len(moving) <= MAX_PAIRS:
        raise InvalidDataError(
            f"'{path.name}' holds {len(moving):,} places in the SM section and {len(target):,} in "
            f"the ST section; expected equal numbers, from 1 to {MAX_PAIRS:,}."
        )
    return Landmarks(moving, target)


def _from_json(path: Path) -> tuple[FloatArray, FloatArray]:
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8-sig"))
        pairs = document.get("landmarks", document)
        moving, target = (np.asarray(pairs[name], float) for name in ("moving", "target"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidDataError(
            f"'{path.name}' has no landmarks ({error}). Expected 'moving' and 'target', each a "
            "list of x and y."
        ) from error
    return as_xy(moving, f"'{path.name}', moving"), as_xy(target, f"'{path.name}', target")


def _from_table(path: Path) -> tuple[FloatArray, FloatArray]:
    table = read_table(path, max_bytes=MAX_FILE_BYTES)
    labels = [label.strip().lower() for label in table.labels]
    missing = [name for name in COLUMNS if name not in labels]
    if missing:
        raise InvalidDataError(
            f"'{path.name}' has no column {missing[0]}; expected {', '.join(COLUMNS)} "
            f"and found {', '.join(table.labels) or 'none'}."
        )
    values = np.column_stack([numbers(table, labels.index(name)) for name in COLUMNS])
    return as_xy(values[:, :2], f"'{path.name}', SM"), as_xy(values[:, 2:], f"'{path.name}', ST")
