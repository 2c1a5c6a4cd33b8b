import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from spatialmeta_core.align.outline import choose_target, image_outlines, image_tissue_mask
from spatialmeta_core.align.shape import spots_shape
from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.params import AlignParams
from spatialmeta_core.types import TissueImage

TISSUE, GLASS, INK = (190, 120, 170), (238, 236, 240), (60, 20, 120)


def picture(height: int = 300, width: int = 400, scale: float = 0.1) -> TissueImage:
    """An ellipse of tissue with a bright hole, and small fiducials at the corners."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    rgb = np.full((height, width, 3), GLASS)
    radius = np.hypot((x - 200) / 120, (y - 150) / 90)
    rgb[radius < 1] = TISSUE
    rgb[radius < 0.15] = GLASS
    rgb[:6, :6] = rgb[-6:, -6:] = INK
    return TissueImage(np.clip(rgb + rng.normal(0, 4, rgb.shape), 0, 255).astype(np.uint8), scale)


def spots(reach: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(0, 4000, 60.0), np.arange(0, 3000, 60.0))
    xy = np.column_stack([x.ravel(), y.ravel()])
    return xy[np.hypot((xy[:, 0] - 2000) / 1200, (xy[:, 1] - 1500) / 900) < reach]


def test_the_mask_is_the_tissue_without_fiducials_and_with_holes_filled() -> None:
    image = picture()
    y, x = np.mgrid[:300, :400]
    expected = np.hypot((x - 200) / 120, (y - 150) / 90) < 1

    mask = image_tissue_mask(image)

    assert mask.shape == (300, 400)
    assert (mask & expected).sum() / (mask | expected).sum() > 0.97
    assert not mask[:10, :10].any()


def test_a_large_picture_gives_a_mask_of_its_own_size() -> None:
    small = picture()
    large = TissueImage(np.kron(small.rgb, np.ones((5, 5, 1), np.uint8)), 0.5)

    mask = image_tissue_mask(large)

    assert mask.shape == (1500, 2000)
    assert (mask[2::5, 2::5] == image_tissue_mask(small)).mean() > 0.97


def test_the_outline_is_in_full_resolution_pixels() -> None:
    (outline,) = image_outlines(picture())

    np.testing.assert_allclose(np.ptp(outline.xy, axis=0), [2400, 1800], rtol=0.03)
    np.testing.assert_allclose(spots_shape(spots(1.0)).center(), [2000, 1500], atol=20)


def test_a_blank_picture_has_no_tissue() -> None:
    noise = np.random.default_rng(0).normal(235, 3, (200, 200, 3)).astype(np.uint8)

    with pytest.raises(InvalidDataError, match="hardly differ"):
        image_tissue_mask(TissueImage(noise, 1.0))
    which, reason = choose_target(spots(1.0), TissueImage(noise, 1.0), AlignParams())
    assert which == "spots"
    assert "No tissue stands out" in reason


def test_the_image_is_the_target_when_the_areas_agree() -> None:
    which, reason = choose_target(spots(1.0), picture(), AlignParams())

    assert which == "image"
    assert "1.0" in reason


def test_the_spots_are_the_target_when_the_tissue_leaves_the_capture_area() -> None:
    which, reason = choose_target(spots(0.6), picture(), AlignParams())

    assert which == "spots"
    assert "2.8 times" in reason or "2.7 times" in reason


def test_without_a_picture_the_spots_are_the_target() -> None:
    which, reason = choose_target(spots(1.0), None, AlignParams())

    assert which == "spots"
    assert "no tissue image" in reason


def test_a_choice_by_the_user_is_kept() -> None:
    assert choose_target(spots(0.6), picture(), AlignParams(target="image"))[0] == "image"
    assert choose_target(spots(1.0), picture(), AlignParams(target="spots"))[0] == "spots"
    with pytest.raises(InvalidDataError, match="no tissue image") as caught:
        choose_target(spots(1.0), None, AlignParams(target="image"))
    assert caught.value.code == "E-08"


def test_the_mouse_brain_leaves_its_spots(semisim) -> None:
    folder = semisim / "outs" / "spatial"
    table = pd.read_csv(folder / "tissue_positions.csv").query("in_tissue == 1")
    xy = table[["pxl_col_in_fullres", "pxl_row_in_fullres"]].to_numpy(float)
    factors = json.loads((folder / "scalefactors_json.json").read_text())
    with Image.open(folder / "tissue_hires_image.png") as file:
        rgb = np.asarray(file.convert("RGB"))

    which, reason = choose_target(
        xy, TissueImage(rgb, factors["tissue_hires_scalef"]), AlignParams()
    )

    assert which == "spots"
    assert "times as large" in reason
