"""The facts of a region at a glance. Pure, given a section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from spatialmeta_core.regions import membership, region_area

if TYPE_CHECKING:
    from app.sections import Section
    from spatialmeta_core.types import BoolArray, FloatArray, Region

FEW_SPOTS: Final = 20
UM2_PER_MM2: Final = 1e6


@dataclass(frozen=True, slots=True)
class Share:
    """A cluster's share of a region's spots and of the whole section's."""

    cluster: str
    color: str
    inside: float
    everywhere: float


@dataclass(frozen=True, slots=True)
class RegionSummary:
    """What the summary card shows.

    Attributes
    ----------
    n_spots, n_covered
        Spots of the region, and those with carried values.
    rows, carried
        What spots are, and what was carried to them, in words.
    area, unit
        In mm² where the pixel size is known, else px².
    mix
        Clusters of the region's clustered spots, the largest share first; empty before clustering.
    contribution, contribution_everywhere
        Mean modality contribution of the region and of the section; None before integration.
    """

    n_spots: int
    n_covered: int
    area: float
    unit: str
    rows: str = "Spots"
    carried: str = "metabolites"
    mix: tuple[Share, ...] = ()
    contribution: float | None = None
    contribution_everywhere: float | None = None

    @property
    def is_small(self) -> bool:
        """Whether statistics on so few spots are unreliable (E-24)."""
        return self.n_spots < FEW_SPOTS


def spots_of(section: Section, region: Region) -> BoolArray:
    """Return which spots a region holds, shape ``(n_spots,)``."""
    return membership(region, section.xy, section.cluster_names)


def summarize(section: Section, region: Region) -> RegionSummary:
    """Collect the facts of a region."""
    inside = spots_of(section, region)
    um_per_px = section.um_per_px
    area = region_area(region, um_per_px)
    donors = section.n_donors
    return RegionSummary(
        n_spots=int(inside.sum()),
        n_covered=int((donors[inside] > 0).sum()),
        area=area if um_per_px is None else area / UM2_PER_MM2,
        unit="px²" if um_per_px is None else "mm²",
        rows="Pixels" if section.rows_are_pixels else "Spots",
        carried="genes" if section.rows_are_pixels else "metabolites",
        mix=_mix(section, inside),
        contribution=_mean(section.contribution, inside),
        contribution_everywhere=_mean(section.contribution, np.ones(len(inside), bool)),
    )


def _mix(section: Section, inside: BoolArray) -> tuple[Share, ...]:
    look = section.look
    if look is None or not (look.labels[inside] >= 0).any():
        return ()
    everywhere = np.asarray(look.sizes())
    here = np.bincount(look.labels[inside & (look.labels >= 0)], minlength=len(everywhere))
    return tuple(
        Share(
            look.names[code],
            look.colors[code],
            here[code] / here.sum(),
            everywhere[code] / everywhere.sum(),
        )
        for code in np.argsort(-here, kind="stable")
        if here[code]
    )


def _mean(values: FloatArray | None, inside: BoolArray) -> float | None:
    if values is None or not np.isfinite(values[inside]).any():
        return None
    return float(np.nanmean(values[inside]))
