"""What the spots can be colored by, and its compact form for the browser. Pure, given a section.

A color key is text: ``feature/<name>`` for a gene or metabolite, ``raw/<name>`` and
``denoised/<name>`` for its other layers of values, or one of ``CLUSTER``, ``CONTRIBUTION``,
``DONORS``. The browser gets one number per spot (4 bytes, or 2 for categories)
and a small description; clipping, the log scale and the color map are then its own business, so
that changing them costs no round trip.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from app.figures.theme import category_note
from app.pages.explore.names import feature_label, feature_parts
from spatialmeta_core import keys
from spatialmeta_core.errors import NotFoundError, NotReadyError

if TYPE_CHECKING:
    from app.sections import Section
    from spatialmeta_core.types import FloatArray, IntArray

FEATURE: Final = "feature/"
PREFIX: Final = {"normalized": FEATURE, "raw": "raw/", "denoised": "denoised/"}
CLUSTER: Final = "spot/cluster"
CONTRIBUTION: Final = "spot/contribution"
DONORS: Final = "spot/donors"

UNITS: Final = {  # log scale, linear scale
    keys.ST: ("log(1 + counts per 10,000)", "counts per 10,000"),
    keys.SM: ("log(1 + normalized intensity)", "intensity, normalized to total ion current"),
}
RAW_UNITS: Final = {
    keys.ST: ("log(1 + counts)", "counts"),
    keys.SM: ("log(1 + intensity)", "intensity, as measured"),
}
NOT_IN_MODEL: Final = "not among the features of the model"
CLIP_PERCENT: Final = (1.0, 99.0)


@dataclass(frozen=True, slots=True)
class Legend:
    """How to read the numbers of a coloring.

    Attributes
    ----------
    group
        ``"Gene"``, ``"Metabolite"`` or ``"Section"``.
    units
        Of the numbers as they are and, where they are ``log(1 + x)``, of ``x``; else the second is
        empty.
    full, clip
        Lowest and highest number, and the 1st and 99th percentile.
    center
        Middle of a two-sided scale, or None.
    names, colors, counts
        Of the categories; empty for numbers.
    hidden
        Positions of the categories that are not drawn.
    layer
        Which values of a feature these are; empty for what is no feature.
    missing
        What the gray spots are.
    n_missing
        How many there are.
    """

    key: str
    kind: Literal["number", "category"]
    label: str
    group: str
    units: tuple[str, str] = ("", "")
    full: tuple[float, float] = (0.0, 1.0)
    clip: tuple[float, float] = (0.0, 1.0)
    center: float | None = None
    names: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()
    layer: str = ""
    missing: str = "not measured"
    n_missing: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Paint:
    """A coloring: one number per spot (NaN or -1 where there is none) and its legend."""

    values: FloatArray | IntArray
    legend: Legend

    def to_bytes(self) -> bytes:
        """Return the browser's form.

        Length of the description (uint32), the description as JSON padded with spaces to a
        multiple of four, then the numbers: float32 or, for categories, int16; all little-endian.
        """
        text = json.dumps(asdict(self.legend)).encode()
        text += b" " * (-len(text) % 4)
        dtype = "<f4" if self.legend.kind == "number" else "<i2"
        return struct.pack("<I", len(text)) + text + np.asarray(self.values, dtype).tobytes()


def default_key(section: Section) -> str:
    """Return what to color by at first: the clusters, or how many pixels each spot got."""
    return DONORS if section.cluster is None else CLUSTER


def paint(section: Section, key: str) -> Paint:
    """Color the spots of a section.

    Raises
    ------
    NotFoundError
        If there is no such feature or key.
    NotReadyError
        If the clusters or contributions have not been computed.
    """
    layer, name = split(key)
    if layer:
        return _feature(section, key, layer, name)
    makers = {CLUSTER: _cluster, CONTRIBUTION: _contribution, DONORS: _donors}
    if key not in makers:
        raise NotFoundError("There is nothing of this name to color by.")
    return makers[key](section)


def split(key: str) -> tuple[str, str]:
    """Return the layer and the feature of a color key; both empty where it is no feature's."""
    for layer, prefix in PREFIX.items():
        if key.startswith(prefix):
            return layer, key.removeprefix(prefix)
    return "", ""


def _feature(section: Section, key: str, layer: str, name: str) -> Paint:
    values = section.layers.values(layer, name)
    kind = str(section.features.at[name, keys.FEATURE_TYPE])
    return _number(
        values,
        key=key,
        label=feature_label(feature_parts(section.features, name)),
        group="Gene" if kind == keys.ST else "Metabolite",
        units=(RAW_UNITS if layer == "raw" else UNITS)[kind],
        missing=_missing(section, layer, name, kind),
        layer=layer,
    )


def _missing(section: Section, layer: str, name: str, kind: str) -> str:
    if layer == "denoised":
        known = section.layers.is_denoised(name)
        return "left out of training" if known else NOT_IN_MODEL
    return "no metabolite pixel in reach" if kind == keys.SM else "not measured"


def _contribution(section: Section) -> Paint:
    if section.contribution is None:
        raise NotReadyError("The modality contribution needs the integration to be run first.")
    return _number(
        section.contribution,
        key=CONTRIBUTION,
        label="Modality contribution",
        group="Section",
        units=("above 0.5 genes lead", ""),
        missing="left out of training",
        center=0.5,
    )


def _donors(section: Section) -> Paint:
    pixels = section.rows_are_pixels
    return _number(
        np.asarray(section.n_donors, float),
        key=DONORS,
        label="ST spots per pixel" if pixels else "Metabolite pixels per spot",
        group="Section",
        units=("spots used (n)" if pixels else "pixels averaged (n)", ""),
    )


def _cluster(section: Section) -> Paint:
    look = section.look
    if look is None:
        raise NotReadyError("Clusters need the integration to be run first.")
    codes, counts = look.labels, look.sizes()
    legend = Legend(
        key=CLUSTER,
        kind="category",
        label="Clusters",
        group="Section",
        names=look.names,
        colors=look.colors,
        counts=tuple(counts),
        hidden=tuple(sorted(look.hidden)),
        missing="left out of training",
        n_missing=int((codes < 0).sum()),
        note=category_note(len(counts)),
    )
    return Paint(codes, legend)


def _number(values: FloatArray, **legend: Any) -> Paint:
    finite = values[np.isfinite(values)]
    full = _ends(finite, (0.0, 100.0))
    clip = _ends(finite, CLIP_PERCENT)
    if clip[1] <= clip[0]:  # nearly all values alike, as of a rare gene
        clip = full
    n_missing = int(values.size - finite.size)
    return Paint(values, Legend(kind="number", full=full, clip=clip, n_missing=n_missing, **legend))


def _ends(finite: FloatArray, percent: tuple[float, float]) -> tuple[float, float]:
    if not finite.size:
        return (0.0, 1.0)
    low, high = np.percentile(finite, percent)
    return float(low), float(high)


def is_known(section: Section, key: str) -> bool:
    """Whether a section can be colored by a key."""
    layer, name = split(key)
    if layer:
        return name in section.features.index
    has = {
        CLUSTER: section.cluster is not None,
        CONTRIBUTION: section.contribution is not None,
        DONORS: True,
    }
    return has.get(key, False)
