"""How the spots of a map are colored, as figures for print take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spatialmeta_core.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """Two features in one map: red, green, blue of each spot, 0 to 1, ``(n, 3)``, and the two."""

    rgb: FloatArray
    parts: tuple[MapColors, MapColors]


@dataclass(frozen=True, slots=True, eq=False)
class MapColors:
    """How to color the spots of a map.

    Attributes
    ----------
    values
        Numbers (NaN for none), or positions in ``names`` (negative for none), shape
        ``(n_spots,)``.
    label, unit
        What they are.
    limits
        Numbers at the ends of the color map; those beyond take the end's color.
    scale
        A name of ``theme.COLOR_SCALES``.
    names, colors
        Of the categories; empty for numbers.
    missing
        What spots without a value are.
    blend
        Colors of two features at once, instead of a color map.
    """

    values: FloatArray | IntArray
    label: str
    unit: str = ""
    limits: tuple[float, float] = (0.0, 1.0)
    scale: str = "viridis"
    names: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    missing: str = "not measured"
    blend: Blend | None = None
