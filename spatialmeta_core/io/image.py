"""Histology pictures and their scale factors, in Visium style."""

from __future__ import annotations

import io
import json
import math
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from spatialmeta_core.errors import InvalidDataError
from spatialmeta_core.io.source import read_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spatialmeta_core.io.archive import Entry
    from spatialmeta_core.io.record import Findings

NO_IMAGE_TITLE: Final = "No tissue image found."
NO_IMAGE: Final = (
    f"{NO_IMAGE_TITLE} You can go on: alignment will use the outline of the spots. Add "
    "tissue_hires_image.png to see histology."
)


def read_scale_factors(entry: Entry) -> dict[str, float]:
    """Read ``scalefactors_json.json``; what is not a number is left out.

    Raises
    ------
    InvalidDataError
        If it is not JSON, or a factor is not positive.
    """
    try:
        content = json.loads(read_bytes(entry.path))
        items = content.items()
    except (ValueError, RecursionError, AttributeError) as error:
        raise InvalidDataError(
            f"{entry.name} is not the scale factor file of Space Ranger (a JSON object). Copy it "
            "again."
        ) from error
    return checked_factors(items, entry.name)


def checked_factors(items: Any, name: str) -> dict[str, float]:
    """Return the numbers among ``(key, value)`` pairs; each must be positive and finite."""
    factors = {}
    for key, value in items:
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            continue
        if not (math.isfinite(value) and value > 0):
            raise InvalidDataError(
                f"{name}: {key} is {value}; it must be a positive number.",
                code="E-09",
                title="A scale factor is wrong.",
            )
        factors[str(key)] = float(value)
    return factors


def read_picture(entry: Entry) -> NDArray[np.uint8]:
    """Read a PNG, JPEG or TIFF file as RGB, shape ``(height, width, 3)``.

    Raises
    ------
    InvalidDataError
        If it has too many pixels (E-15) or cannot be decoded.
    """
    raw = read_bytes(entry.path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(raw), formats=("PNG", "JPEG", "TIFF")) as picture:
                plain = picture.mode in ("L", "RGB", "RGBA") or picture.mode.startswith(("I", "F"))
                pixels = np.asarray(picture if plain else picture.convert("RGBA"))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise InvalidDataError(
            f"{entry.name} has more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels. Use the "
            "tissue_hires_image.png that Space Ranger wrote, not the full-resolution scan.",
            code="E-15",
            title="This image is too large.",
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidDataError(
            f"{entry.name} could not be read as a PNG, JPEG or TIFF picture. Copy it again, or "
            "remove it to go on without histology."
        ) from error
    rgb = as_rgb(pixels)
    if rgb is None:
        raise InvalidDataError(
            f"{entry.name} has the shape {pixels.shape}; a color picture is needed."
        )
    return rgb


def as_rgb(pixels: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Turn gray, RGB or RGBA pixels of any number type into RGB ``uint8``; else None.

    Transparent pixels are laid on white. Floats are read as 0 to 1 if none is above 1; other values
    than 8 bits are scaled by their maximum.
    """
    if pixels.ndim == 2:  # noqa: PLR2004  # gray
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or not pixels.size:  # noqa: PLR2004
        return None
    if pixels.dtype != np.uint8:
        values = np.nan_to_num(pixels.astype(np.float32), posinf=0.0, neginf=0.0)
        top = float(values.max())
        is_byte = 1 < top <= 255  # noqa: PLR2004  # bytes in a wider type
        values = values if is_byte else values * (255 / max(top, 1.0))
        pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    if pixels.shape[2] == 4:  # noqa: PLR2004  # RGBA
        alpha = pixels[:, :, 3:].astype(np.uint16)
        pixels = ((pixels[:, :, :3] * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)
    return np.ascontiguousarray(pixels[:, :, :3])


def visium_image(
    pictures: dict[str, NDArray[np.uint8]], factors: dict[str, float], findings: Findings
) -> dict[str, dict[str, Any]] | None:
    """Keep the best picture whose scale is known, with the scale factors.

    Parameters
    ----------
    pictures
        Under ``"hires"`` and ``"lowres"``; either may be missing.
    factors
        From ``scalefactors_json.json``.

    Returns
    -------
    ``{"images": {"hires" or "lowres": rgb}, "scalefactors": {...}}``, without pictures if none can
    be placed; None if there is nothing to keep.
    """
    for name in ("hires", "lowres"):
        if name not in pictures:
            continue
        if f"tissue_{name}_scalef" not in factors:
            findings.warnings.append(
                f"The {name} image was left out: the scale factor tissue_{name}_scalef is missing, "
                "so spots cannot be placed on it. Add scalefactors_json.json."
            )
            continue
        height, width = pictures[name].shape[:2]
        findings.notes.append(f"Image found: {name}, {width} × {height} px.")
        if name == "lowres":
            findings.warnings.append(
                "Only the low-resolution image is there; tissue_hires_image.png shows more detail."
            )
            factors = {k: v for k, v in factors.items() if k != "tissue_hires_scalef"}
        return {"images": {name: pictures[name]}, "scalefactors": dict(factors)}
    if not pictures:
        findings.warnings.append(NO_IMAGE)
    return {"images": {}, "scalefactors": dict(factors)} if factors else None
