"""Files that hold several samples: which there are, and which one to take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatialmeta_core.io.record import Findings
    from spatialmeta_core.types import BoolArray

Several = Literal["refuse", "first"]
"""What to do with several samples of which none is named."""

_SAMPLE_COLUMNS: Final = (keys.SAMPLE, "sample_id", "library_id", "list_ID")
_NAMES_SHOWN: Final = 8


def sample_column(obs: pd.DataFrame, libraries: Sequence[str] = ()) -> str | None:
    """Find the column that tells the samples apart.

    A column whose values name several of the ``libraries`` (pictures) comes first, then the first
    known column with several values, then the first with one.
    """
    by_picture = [c for c in obs if len(libraries) > 1 and _names_several(obs[c], libraries)]
    present = [c for c in _SAMPLE_COLUMNS if c in obs and obs[c].notna().all()]
    several = [c for c in present if len(set(obs[c])) > 1]
    found = next(iter([*by_picture, *several, *present]), None)
    return None if found is None else str(found)


def _names_several(column: pd.Series, libraries: Sequence[str]) -> bool:
    if pd.api.types.is_numeric_dtype(column.dtype) or column.isna().any():
        return False
    values = {str(value) for value in column.unique()}
    return len(values) > 1 and values <= set(libraries)


def sample_counts(obs: pd.DataFrame, libraries: Sequence[str] = ()) -> dict[str, int]:
    """Count the spots of each sample, by name; empty where no column tells samples."""
    column = sample_column(obs, libraries)
    if column is None:
        return {}
    names, counts = np.unique(obs[column].astype(str).to_numpy(dtype=object), return_counts=True)
    return {str(name): int(n) for name, n in zip(names, counts, strict=True)}


def choose_sample(
    obs: pd.DataFrame,
    sample: str | None,
    findings: Findings,
    *,
    several: Several = "refuse",
    libraries: Sequence[str] = (),
    what: str = "spots",
) -> tuple[BoolArray, str | None]:
    """Return the mask of the wanted spots, and the name the file gives to them.

    Parameters
    ----------
    obs
        One row per spot.
    sample
        The one to take, if the file has several.
    findings
        Receives the samples there are and the choice.
    several
        ``"first"`` takes the first in alphabetical order when ``sample`` is none of them.
    libraries
        Names of the pictures in the file.
    what
        What a row is called.

    Raises
    ------
    InvalidDataError
        If there are several samples, ``sample`` is none of them, and ``several`` is ``"refuse"``.
    """
    everything = np.ones(len(obs), bool)
    counts = sample_counts(obs, libraries)
    names = list(counts)
    if len(names) <= 1:
        return everything, names[0] if names else None
    column = sample_column(obs, libraries)
    if sample not in names and several == "refuse":
        raise InvalidDataError(
            f"This file holds {len(names)} samples (obs column {column}): "
            f"{', '.join(names[:_NAMES_SHOWN])}. Sections have coordinates of their own, so load "
            "one at a time by giving its name.",
            title="Several samples in one file.",
            choices={"samples": names},
        )
    taken = sample if sample in names else names[0]
    tell_choice(findings, counts, str(taken), named=sample in names, what=what)
    return obs[column].astype(str).to_numpy(dtype=object) == taken, taken


def tell_choice(
    findings: Findings, counts: dict[str, int], taken: str, *, named: bool, what: str
) -> None:
    """Write down the samples of a file, and whether the one taken was asked for.

    A count of 0 says that the spots of a sample were not counted.
    """
    findings.samples, findings.taken = counts, taken
    share = f"{counts[taken]:,} of {sum(counts.values()):,} {what}" if counts[taken] else ""
    if named:
        findings.notes.append(f"Sample {taken} was taken{f': {share}' if share else ''}.")
        return
    findings.warnings.append(
        f"The file holds {len(counts)} samples; {taken} was taken{f' ({share})' if share else ''}."
    )
