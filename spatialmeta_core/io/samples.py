"""Files that hold several samples: which there are, and which one to take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from spatialmeta_core import keys
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    import pandas as pd

    from spatialmeta_core.types import BoolArray

_SAMPLE_COLUMNS: Final = (keys.SAMPLE, "sample_id", "library_id", "list_ID")


def sample_column(obs: pd.DataFrame) -> str | None:
    """Find the first known column with several samples, else the first with one."""
    present = [c for c in _SAMPLE_COLUMNS if c in obs and obs[c].notna().all()]
    several = [c for c in present if len(set(obs[c])) > 1]
    return next(iter([*several, *present]), None)


def choose_sample(obs: pd.DataFrame, sample: str | None) -> tuple[BoolArray, str | None]:
    """Return the mask of the wanted spots, and the name the file gives to them.

    Raises
    ------
    InvalidDataError
        If there are several samples and ``sample`` is none of them.
    """
    everything = np.ones(len(obs), bool)
    column = sample_column(obs)
    if column is None:
        return everything, None
    labels = obs[column].astype(str).to_numpy()
    names = sorted(set(labels))
    if len(names) <= 1:
        return everything, names[0] if names else None
    if sample in names:
        return labels == sample, sample
    raise InvalidDataError(
        f"This file holds {len(names)} samples (obs column {column}): {', '.join(names[:8])}. "
        "Sections have coordinates of their own, so load one at a time by giving its name.",
        title="Several samples in one file.",
    )
