"""Where the target's tissue is: in the histology picture, or under the spots."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import ndimage

from spatialmeta_core.align.shape import Shape, mask_shape, spots_shape
from spatialmeta_core.errors import InvalidDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatialmeta_core.params import AlignParams
    from spatialmeta_core.types import BoolArray, FloatArray, Outline, TissueImage

WORK_SIZE = 800  # px across; larger pictures are reduced first
SMOOTHING = 1.0  # px of the reduced picture
CLOSE, OPEN = 3, 2  # px
MIN_BLOB = 0.02  # of all tissue; fiducials and dust are smaller
MIN_CONTRAST = 0.04  # between the mean saturations of tissue and glass

Which = Literal["image", "spots"]


def image_tissue_mask(image: TissueImage) -> BoolArray:
    """Find the stained tissue in a histology picture.

    Otsu's threshold on the smoothed HSV saturation, closed, opened, blobs under 2 % of the tissue
    dropped, holes filled. Optical density is not used: stain gradients on the glass mislead it.

    Parameters
    ----------
    image
        Histology picture, light background.

    Returns
    -------
    mask
        Shape ``(height, width)`` of the picture.

    Raises
    ------
    InvalidDataError
        If tissue and background hardly differ in color.
    """
    height, width = image.rgb.shape[:2]
    factor = math.ceil(max(height, width) / WORK_SIZE)
    saturation = ndimage.gaussian_filter(_saturation(_reduced(image.rgb, factor)), SMOOTHING)
    threshold = otsu(saturation)
    mask = saturation > threshold
    if saturation[mask].mean() - saturation[~mask].mean() < MIN_CONTRAST:
        raise InvalidDataError(
            "Tissue and background hardly differ in color in the image. "
            "Use the spots as the target of the alignment."
        )
    mask = _opened_closed(mask)
    labels, _ = ndimage.label(mask)
    size = np.bincount(labels.ravel())
    size[0] = 0
    mask = ndimage.binary_fill_holes((size > MIN_BLOB * size.sum())[labels])
    return np.asarray(np.repeat(np.repeat(mask, factor, 0), factor, 1)[:height, :width])


def image_shape(image: TissueImage) -> Shape:
    """Shape of the stained tissue, in full-resolution pixels.

    Raises
    ------
    InvalidDataError
        If no tissue is found.
    """
    return mask_shape(image_tissue_mask(image), image.scale)


def image_outlines(image: TissueImage) -> tuple[Outline, ...]:
    """Outline the stained tissue, in full-resolution pixels, largest first; holes count too.

    Raises
    ------
    InvalidDataError
        If no tissue is found.
    """
    return image_shape(image).outlines()


def choose_target(
    target_xy: FloatArray, image: TissueImage | None, params: AlignParams
) -> tuple[Which, str]:
    """Decide what the moving outline is fitted to, and say why.

    Parameters
    ----------
    target_xy
        Spots of the target, shape ``(n, 2)``, full-resolution px.
    image
        Its histology picture, or None.
    params
        ``target`` asks for one of the two, or leaves the choice to the areas: tissue in the picture
        that is more than ``max_image_area_ratio`` times the area of the spots leaves the capture
        area, and then the spots are the target.

    Returns
    -------
    which
        ``"image"`` or ``"spots"``.
    reason
        One sentence for the user.

    Raises
    ------
    InvalidDataError
        If the picture is asked for and there is none, or no tissue can be found in it.
    """
    which, reason, _ = find_target(target_xy, image, params)
    return which, reason


def find_target(
    target_xy: FloatArray, image: TissueImage | None, params: AlignParams
) -> tuple[Which, str, Shape]:
    """Decide as ``choose_target`` does, and return the shape of the target too."""
    spots = spots_shape(target_xy)
    if params.target == "spots":
        return "spots", "The target is the outline of the spots, as chosen.", spots
    if params.target == "image":
        if image is None:
            raise InvalidDataError(
                "The image was chosen as the target, but there is no tissue image. "
                "Add one, or choose the outline of the spots.",
                code="E-08",
                title="No tissue image found.",
            )
        return "image", "The target is the tissue in the image, as chosen.", image_shape(image)
    if image is None:
        reason = "There is no tissue image, so the target is the outline of the spots."
        return "spots", reason, spots
    return _by_area(spots, image, params.max_image_area_ratio)


def _by_area(spots: Shape, image: TissueImage, limit: float) -> tuple[Which, str, Shape]:
    try:
        tissue = image_shape(image)
    except InvalidDataError:
        reason = "No tissue stands out in the image, so the target is the outline of the spots."
        return "spots", reason, spots
    ratio = tissue.area / spots.area
    if ratio > limit:
        reason = (
            f"The tissue in the image is {ratio:.1f} times as large as the area of the spots "
            f"(the limit is {limit:g}), so the target is the outline of the spots."
        )
        return "spots", reason, spots
    reason = (
        f"The target is the tissue in the image, {ratio:.2f} times as large "
        "as the area of the spots."
    )
    return "image", reason, tissue


def _reduced(rgb: NDArray[np.uint8], factor: int) -> FloatArray:
    height, width = (-(-size // factor) * factor for size in rgb.shape[:2])
    pad = ((0, height - rgb.shape[0]), (0, width - rgb.shape[1]), (0, 0))
    padded = np.pad(rgb[..., :3].astype(np.float32), pad, mode="edge")
    blocks = padded.reshape(height // factor, factor, width // factor, factor, 3)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _saturation(rgb: FloatArray) -> FloatArray:
    high, low = rgb.max(axis=2), rgb.min(axis=2)
    return np.asarray((high - low) / np.maximum(high, 1))


def otsu(values: FloatArray) -> float:
    """Threshold with the largest variance between the two classes."""
    count, edges = np.histogram(values, bins=256)
    middle = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(count)[:-1]
    above = values.size - below
    total = np.cumsum(count * middle)
    gap = total[:-1] / np.maximum(below, 1) - (total[-1] - total[:-1]) / np.maximum(above, 1)
    return float(edges[1:-1][np.argmax(below * above * gap**2)])


def _opened_closed(mask: BoolArray) -> BoolArray:
    pad = CLOSE + OPEN  # so that tissue at the border is not eaten
    padded = np.pad(mask, pad, mode="edge")
    closed = ndimage.binary_closing(padded, iterations=CLOSE)
    opened = ndimage.binary_opening(closed, iterations=OPEN)
    return np.asarray(opened[pad:-pad, pad:-pad])
