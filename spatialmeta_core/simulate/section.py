"""Put the simulated section together as two AnnData and the truth behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from anndata import AnnData

from spatialmeta_core import geometry, keys
from spatialmeta_core.errors import InvalidParamsError
from spatialmeta_core.simulate.anatomy import (
    DEEP,
    DOMAINS,
    LATERAL,
    MEDIAL,
    UPPER,
    Anatomy,
    SmoothField,
)
from spatialmeta_core.simulate.frame import UM_PER_PX, Frame, lay_pixels, lay_spots, picture_box
from spatialmeta_core.simulate.genes import measure_genes
from spatialmeta_core.simulate.metabolites import measure_metabolites
from spatialmeta_core.simulate.patterns import N_NUISANCE, Place
from spatialmeta_core.simulate.stain import paint
from spatialmeta_core.types import Displacement, Pose, Trajectory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatialmeta_core.simulate.anatomy import Contour
    from spatialmeta_core.simulate.patterns import Measured
    from spatialmeta_core.types import FloatArray, IntArray

SPOT_DIAMETER_UM: Final = 55.0  # Visium
SWATH_UM: Final = 400.0  # width of the planted trajectory
LIMITS: Final = {
    "n_spots": (60, 100_000),
    "n_genes": (20, 737),
    "n_metabolites": (12, 450),
    "image_px": (64, 8000),
}


@dataclass(frozen=True, slots=True, eq=False)
class SectionTruth:
    """What was planted.

    Attributes
    ----------
    domain_names
        Names of the domains; the integers below point into it.
    st_domain, sm_domain
        Domain of each spot and pixel, shapes ``(n_spots,)`` and ``(n_pixels,)``.
    split_only_by_st, split_only_by_sm
        The pair of domains with one metabolome, and the pair with one transcriptome.
    sm_xy
        True position of each pixel, shape ``(n_pixels, 2)``, ST px.
    pose, displacement
        The map from pixel indices to ``sm_xy``: the affine part, and the smooth rest added after
        it.
    trajectory
        The path that some features follow, ST px.
    followers
        Those features: ``feature``, ``type``, ``shape`` (rise, fall or peak), ``midpoint_um``
        along the path, ``lag_um`` (how much later than the genes'; contained in the midpoint),
        ``log2_range``.
    markers
        Features raised in a domain: ``feature``, ``type``, ``domain``, ``log2fc``.
    st_mean, sm_mean
        Expected values without noise, float32, shapes as ``st.X`` and ``sm.X``.
    """

    domain_names: tuple[str, ...]
    st_domain: IntArray
    sm_domain: IntArray
    split_only_by_st: tuple[int, int]
    split_only_by_sm: tuple[int, int]
    sm_xy: FloatArray
    pose: Pose
    displacement: Displacement
    trajectory: Trajectory
    followers: pd.DataFrame
    markers: pd.DataFrame
    st_mean: FloatArray
    sm_mean: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class PairedSection:
    """A section measured twice: ``st`` as from Visium, ``sm`` as from imaging mass spectrometry."""

    st: AnnData
    sm: AnnData
    truth: SectionTruth


def paired_section(
    seed: int = 0,
    *,
    n_spots: int = 2000,
    n_genes: int = 600,
    n_metabolites: int = 150,
    sample: str = "demo",
    median_counts: float = 4000.0,
    pixel_um: float = 50.0,
    angle_deg: float | None = None,
    flipped: bool | None = None,
    warp_um: float = 80.0,
    lost_share: float = 0.04,
    image_px: int = 1600,
    contour: Contour = "hemisphere",
) -> PairedSection:
    """Simulate one tissue section with both modalities and known truth.

    The tissue is shaped like a brain hemisphere: no symmetry, two fissures, a ventricle, six
    curved domains. The two layers of the cortex share one metabolome (only ST splits them) and the
    two halves of the thalamus one transcriptome (only SM does). Spots form a hexagonal lattice of
    100 um; pixels a square raster, turned, perhaps flipped, unevenly scaled and warped against it.
    Along a path through the thalamus some genes rise, fall or peak, and some metabolites do so 200
    um later.

    Parameters
    ----------
    seed
        The same seed gives the same section.
    n_spots, n_genes, n_metabolites
        Size; metabolites are counted as ions. Pixels follow from the area and ``pixel_um``.
    sample
        Name in ``obs`` and of the image.
    median_counts
        Counts per spot over the simulated genes, before dropout.
    pixel_um
        Nominal step of the raster, um.
    angle_deg, flipped
        Turn and flip of the raster against the ST image; drawn if None.
    warp_um
        Longest smooth displacement beyond the affine map, um.
    lost_share
        How much of the section's extent is missing from the raster at one side, 0 to 0.3.
    image_px
        Long side of the H&E-like image.
    contour
        ``"ellipse"`` and ``"disc"`` keep the inside but give it an outline that looks the same
        flipped, or turned.

    Returns
    -------
    ``st`` (raw counts, CSR float32) and ``sm`` (raw intensities, dense float32) as the readers of
    files return them, marked as simulated in ``uns["spatialmeta"]``, and the truth.

    Raises
    ------
    InvalidParamsError
        If a size is out of range.

    References
    ----------
    The setting is that of Tian et al. (2025), doi 10.1038/s41467-025-63915-z; the generator is our
    own.
    """
    sizes = {"n_spots": n_spots, "n_genes": n_genes, "n_metabolites": n_metabolites}
    for name, value in (sizes | {"image_px": image_px}).items():
        low, high = LIMITS[name]
        if not low <= value <= high:
            raise InvalidParamsError(f"{name} is {value}; allowed is {low} to {high}.")
    if not 0.0 <= lost_share <= 0.3:  # noqa: PLR2004, the documented range
        raise InvalidParamsError(f"lost_share is {lost_share}; allowed is 0 to 0.3.")

    # One stream per part, so that changing one part's size leaves the others as they were.
    tissue, picture, genes, ions, raster, names = np.random.default_rng(seed).spawn(6)
    anatomy = Anatomy.draw(tissue, contour)
    fields = SmoothField.draw(tissue, N_NUISANCE + 1, 0.30)
    frame, spots, lattice = lay_spots(anatomy, n_spots)
    path_px = frame.to_px(anatomy.path())
    trajectory = Trajectory("planted", "Planted trajectory", sample, path_px, SWATH_UM)
    path_um = geometry.path_length(path_px) * UM_PER_PX

    def place(px: FloatArray) -> Place:
        units = frame.to_units(px)
        along, _, distance = geometry.project_onto(path_px, px)
        smooth = fields.at(units)
        return Place(
            anatomy.read(units).domain,
            smooth[:, :N_NUISANCE],
            smooth[:, N_NUISANCE],
            along * UM_PER_PX,
            distance * UM_PER_PX,
        )

    st_place = place(spots)
    st = measure_genes(genes, st_place, path_um, n_genes=n_genes, median_counts=median_counts)
    pixels = lay_pixels(
        raster,
        frame,
        pixel_um=pixel_um,
        angle_deg=angle_deg,
        flipped=flipped,
        warp_um=warp_um,
        lost_share=lost_share,
    )
    sm_place = place(pixels.xy)
    sm = measure_metabolites(ions, sm_place, path_um, n_metabolites=n_metabolites)
    image = paint(picture, anatomy, picture_box(anatomy), frame.um_per_unit, image_px)
    truth = SectionTruth(
        domain_names=DOMAINS,
        st_domain=st_place.domain,
        sm_domain=sm_place.domain,
        split_only_by_st=(UPPER, DEEP),
        split_only_by_sm=(LATERAL, MEDIAL),
        sm_xy=pixels.xy,
        pose=pixels.pose,
        displacement=pixels.displacement,
        trajectory=trajectory,
        followers=pd.concat([st.followers, sm.followers], ignore_index=True),
        markers=pd.concat([st.markers, sm.markers], ignore_index=True),
        st_mean=st.mean,
        sm_mean=sm.mean,
    )
    notes = [f"Simulated by spatialmeta_core.simulate, seed {seed}."]
    return PairedSection(
        _st_adata(
            st,
            spots,
            lattice=lattice,
            image=image,
            frame=frame,
            sample=sample,
            notes=notes,
            rng=names,
        ),
        _sm_adata(sm, pixels.index, sample, notes),
        truth,
    )


def _barcodes(rng: np.random.Generator, n: int) -> list[str]:
    """Draw different barcodes of 16 bases."""
    codes: dict[str, None] = {}
    while len(codes) < n:
        letters = np.array(list("ACGT"))[rng.integers(0, 4, (n - len(codes), 16))]
        codes |= dict.fromkeys("".join(row) + "-1" for row in letters)
    return list(codes)


def _st_adata(
    st: Measured,
    px: FloatArray,
    *,
    lattice: IntArray,
    image: NDArray[np.uint8],
    frame: Frame,
    sample: str,
    notes: list[str],
    rng: np.random.Generator,
) -> AnnData:
    obs = pd.DataFrame(
        {keys.SAMPLE: sample, "array_row": lattice[:, 0], "array_col": lattice[:, 1]},
        index=_barcodes(rng, len(px)),
    )
    box = picture_box(frame.anatomy)
    width_px = frame.to_px(box)[1, 0]
    scalefactors = {
        "tissue_hires_scalef": image.shape[1] / float(width_px),
        "spot_diameter_fullres": SPOT_DIAMETER_UM / UM_PER_PX,
    }
    record = {keys.SCHEMA: keys.SCHEMA_VERSION, keys.UM_PER_PX: UM_PER_PX}
    return AnnData(
        st.values,
        obs=obs,
        var=st.var,
        obsm={keys.SPATIAL: px.astype(float)},
        uns={
            keys.IMAGE: {sample: {"images": {"hires": image}, "scalefactors": scalefactors}},
            keys.OURS: record | {keys.SIMULATED: True, keys.NOTES: list(notes)},
        },
    )


def _sm_adata(sm: Measured, index: FloatArray, sample: str, notes: list[str]) -> AnnData:
    names = [f"x{column:04.0f}y{row:04.0f}" for column, row in index]
    return AnnData(
        sm.values,
        obs=pd.DataFrame({keys.SAMPLE: sample}, index=names),
        var=sm.var,
        obsm={keys.SPATIAL: index},
        uns={
            keys.OURS: {
                keys.SCHEMA: keys.SCHEMA_VERSION,
                keys.SIMULATED: True,
                keys.NOTES: list(notes),
            }
        },
    )
