"""The simulated tissue at full size, and where the two instruments measure it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from spatialmeta_core import geometry
from spatialmeta_core.simulate.anatomy import SmoothField
from spatialmeta_core.simulate.msi import Raster, draw_warp, lay_raster, lose_edge

if TYPE_CHECKING:
    from spatialmeta_core.simulate.anatomy import Anatomy
    from spatialmeta_core.types import BoolArray, FloatArray, IntArray

SPOT_PITCH_UM: Final = 100.0  # Visium
UM_PER_PX: Final = 0.5  # of the full-resolution image
MARGIN: Final = 0.07  # glass around the tissue, as a share of its size


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The anatomy at full size: converts its units to px and um."""

    anatomy: Anatomy
    um_per_unit: float
    origin: FloatArray  # of the picture, in units

    def to_px(self, units: FloatArray) -> FloatArray:
        return (units - self.origin) * (self.um_per_unit / UM_PER_PX)

    def to_units(self, px: FloatArray) -> FloatArray:
        return np.asarray(px) * (UM_PER_PX / self.um_per_unit) + self.origin

    def inside(self, px: FloatArray) -> BoolArray:
        return self.anatomy.inside(self.to_units(px))


def picture_box(anatomy: Anatomy) -> FloatArray:
    bounds = anatomy.bounds()
    margin = MARGIN * (bounds[1] - bounds[0])
    return np.stack([bounds[0] - margin, bounds[1] + margin])


def lay_spots(anatomy: Anatomy, n_spots: int) -> tuple[Frame, FloatArray, IntArray]:
    """Scale the tissue to ``n_spots`` of a hexagonal lattice; returns px, array row and column."""
    box = picture_box(anatomy)
    side = np.linspace(0.0, 1.0, 200)
    probe = box[0] + np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2) * (box[1] - box[0])
    area = anatomy.inside(probe).mean() * np.prod(box[1] - box[0])
    per_spot = SPOT_PITCH_UM**2 * np.sqrt(0.75)
    um_per_unit = float(np.sqrt(n_spots * per_spot / area))
    while True:
        frame = Frame(anatomy, um_per_unit, box[0])
        width, height = (box[1] - box[0]) * um_per_unit
        row = np.arange(1, int(height / (SPOT_PITCH_UM * np.sqrt(0.75))))
        column = np.arange(1, int(width / SPOT_PITCH_UM))
        lattice = np.stack(np.meshgrid(row, column, indexing="ij"), axis=-1).reshape(-1, 2)
        lattice[:, 1] = 2 * lattice[:, 1] + lattice[:, 0] % 2  # Visium counts half steps
        um = lattice[:, ::-1] * SPOT_PITCH_UM * np.array([0.5, np.sqrt(0.75)])
        px = np.round(um / UM_PER_PX)
        found = np.flatnonzero(frame.inside(px))
        if len(found) >= n_spots:
            outermost = np.argsort(anatomy.reach(frame.to_units(px[found])), kind="stable")
            kept = np.sort(found[outermost[:n_spots]])
            return frame, px[kept], lattice[kept]
        um_per_unit *= 1.002


def lay_pixels(
    rng: np.random.Generator,
    frame: Frame,
    *,
    pixel_um: float,
    angle_deg: float | None,
    flipped: bool | None,
    warp_um: float,
    lost_share: float,
) -> Raster:
    """Lay the raster over the tissue; its edge differs a little, as a next section's does."""
    drawn_angle, drawn_flip = rng.uniform(-180.0, 180.0), bool(rng.integers(2))
    stretch = float(np.exp(rng.uniform(0.01, 0.04) * rng.choice([-1.0, 1.0])))
    box = frame.to_px(frame.anatomy.bounds())
    survived = lose_edge(rng, box, lost_share)
    edge = SmoothField.draw(rng, 1, 0.12)

    def measured(px: FloatArray) -> BoolArray:
        units = frame.to_units(px)
        near = frame.anatomy.reach(units) < 1.0 + 0.008 * edge.at(units)[:, 0]
        return near & (frame.anatomy.ventricle(units) > 1.0) & survived(px)

    warp = draw_warp(rng, frame.inside, box, warp_um / UM_PER_PX)
    linear = geometry.make_pose(
        drawn_angle if angle_deg is None else angle_deg,
        stretch * pixel_um / UM_PER_PX,
        pixel_um / UM_PER_PX / stretch,
        flipped=drawn_flip if flipped is None else flipped,
    )
    return lay_raster(measured, box, linear, warp)
