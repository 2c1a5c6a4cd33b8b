"""What every figure shares: colors, fonts, axes, and text made safe for Plotly.

Colors. The first eight categories have those of Okabe and Ito (2008, "Color universal design"). The
sixteen that follow were chosen by maximizing the smallest OKLab distance among all twenty-four, as
seen with normal vision and with simulated protanopia and deuteranopia (Machado et al. 2009, doi
10.1109/TVCG.2009.113), keeping a contrast of at least 3:1 on white.
"""

from __future__ import annotations

import base64
import colorsys
import html
import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sequential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

INK: Final = "#1c2733"
MUTED: Final = "#5b6875"
LINE: Final = "#d5dce3"
GRID: Final = "#e6ebf0"
SURFACE: Final = "#ffffff"
CANVAS: Final = "#f4f6f8"
ACCENT: Final = "#0b5c8a"
WARN: Final = "#8a5000"
MISSING: Final = "#c3cad1"  # not measured: differs from every color of a scale
ST_COLOR: Final = "#7b3294"
SM_COLOR: Final = "#1b7f5c"

FONT: Final = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", '
    "Arial, sans-serif"
)

OKABE_ITO: Final = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#e69f00",
    "#56b4e9",
    "#cc79a7",
    "#000000",
    "#f0e442",
)
EXTENDED: Final = (
    *OKABE_ITO,
    "#690000",
    "#2d1e87",
    "#2d5a00",
    "#b45ae1",
    "#965a87",
    "#b4000f",
    "#003c2d",
    "#2d87ff",
    "#a50078",
    "#5a4bd2",
    "#5a0f5a",
    "#69694b",
    "#005a69",
    "#783c4b",
    "#690fa5",
    "#ff5a69",
)
MM_FROM_UM: Final = 2000.0  # lengths from here on are given in mm
MOST_TELLABLE: Final = 20  # beyond this many, colors alone no longer tell categories apart

DIVERGING: Final = "diverging"
COLOR_SCALES: Final[dict[str, tuple[str, ...]]] = {
    "viridis": tuple(sequential.Viridis),
    "cividis": tuple(sequential.Cividis),
    "magma": tuple(sequential.Magma),
    # purple to orange (ColorBrewer PuOr): told apart with every common form of color vision
    DIVERGING: (
        "#2d004b",
        "#542788",
        "#8073ac",
        "#b2abd2",
        "#d8daeb",
        "#f7f7f7",
        "#fee0b6",
        "#fdb863",
        "#e08214",
        "#b35806",
        "#7f3b08",
    ),
}

GRAPH_CONFIG: Final[dict[str, Any]] = {
    "displayModeBar": False,  # its buttons have no accessible names; the app brings its own
    "scrollZoom": True,
    "doubleClick": "reset",
    "displaylogo": False,
    "plotlyServerURL": "",
}

_AXIS: Final[dict[str, Any]] = {
    "gridcolor": GRID,
    "linecolor": LINE,
    "tickcolor": LINE,
    "ticks": "outside",
    "ticklen": 4,
    "zeroline": False,
    "showline": True,
    "automargin": True,
    "tickfont": {"color": MUTED, "size": 11},
    "title": {"font": {"color": INK, "size": 12}, "standoff": 8},
}

TEMPLATE: Final = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": SURFACE,
        "plot_bgcolor": SURFACE,
        "colorway": list(EXTENDED),
        "margin": {"l": 56, "r": 16, "t": 16, "b": 48},
        "hoverlabel": {
            "bgcolor": SURFACE,
            "bordercolor": LINE,
            "font": {"family": FONT, "size": 12, "color": INK},
        },
        "legend": {"font": {"size": 12}},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


def escape(text: object) -> str:
    """Make a name safe in Plotly text, where ``<`` starts markup and ``%{`` a template field."""
    return html.escape(str(text), quote=False).replace("{", "&#123;")


def typed(values: ArrayLike, dtype: str) -> dict[str, str]:
    """Encode numbers the way plotly.js reads typed arrays, at ``4`` bytes each for ``"f4"``.

    Needed by hand inside a Dash ``Patch``, which would otherwise write the numbers out as text.

    Parameters
    ----------
    values
        Numbers, shape ``(n,)``.
    dtype
        Plotly's name of the number type, such as ``"f4"``, ``"i2"`` or ``"u1"``.
    """
    data = np.ascontiguousarray(values, dtype=np.dtype(dtype).newbyteorder("<"))
    return {"dtype": dtype, "bdata": base64.b64encode(data.tobytes()).decode("ascii")}


def category_colors(n: int) -> list[str]:
    """Return ``n`` different colors; the first ones never depend on ``n``.

    Colors past the twenty-fourth differ, but are not tested for color-vision deficiency; see
    ``category_note``.
    """
    colors = list(EXTENDED[:n])
    for k in range(len(EXTENDED), n):
        hue, lightness = (k * 0.618034) % 1.0, (0.32, 0.45, 0.58)[k % 3]
        red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.55)
        colors.append(f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}")
    return colors


def category_note(n: int) -> str:
    """Return a sentence to show beside ``n`` colored categories, or an empty string."""
    if n <= MOST_TELLABLE:
        return ""
    return (
        f"{n} groups are more than colors can tell apart. Use the numbers on the map, "
        "or highlight one group at a time."
    )


def translucent(color: str, opacity: float) -> str:
    """Turn ``#rrggbb`` into the same color with an opacity from 0 to 1."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def round_step(span: float, parts: int) -> float:
    """Return the least 1, 2 or 5 times a power of ten that cuts ``span`` in at most ``parts``."""
    power = 10.0 ** math.floor(math.log10(span / parts))
    return next(s * power for s in (1.0, 2.0, 5.0, 10.0) if s * power * parts >= span * (1 - 1e-9))


def length_unit(span_px: float, um_per_px: float | None) -> tuple[str, float]:
    """Return the unit that suits a length, and how many pixels one of it is.

    The unit is ``"mm"`` from 2 mm on, else ``"µm"``, and ``"px"`` where the pixel size is unknown.
    """
    if um_per_px is None:
        return "px", 1.0
    if span_px * um_per_px >= MM_FROM_UM:
        return "mm", 1000.0 / um_per_px
    return "µm", 1.0 / um_per_px


def length_axis(
    name: str, limits: Sequence[float], um_per_px: float | None, *, parts: int = 6
) -> dict[str, Any]:
    """Return the settings of an axis whose data are pixels and whose labels are lengths.

    Data stay in full-resolution pixels, so that drawn shapes arrive in them. Where the pixel
    size is unknown the title says px, in the color of a warning.

    Parameters
    ----------
    name
        What the axis is, such as ``"x"``.
    limits
        Ends of the axis, px, in either order.
    um_per_px
        Pixel size, or None when unknown.
    parts
        Most intervals between labels.
    """
    low, high = min(limits), max(limits)
    unit, px_per_unit = length_unit(high - low, um_per_px)
    step = round_step((high - low) / px_per_unit, parts)
    first, last = math.ceil(low / px_per_unit / step), math.floor(high / px_per_unit / step)
    ticks = [k * step for k in range(first, last + 1)]
    color = WARN if um_per_px is None else INK
    return {
        "title": {"text": f"{name} ({unit})", "font": {"color": color}},
        "tickvals": [tick * px_per_unit for tick in ticks],
        "ticktext": [f"{tick:.6g}" for tick in ticks],
    }


def empty_figure(message: str, *, uirevision: str = "empty") -> go.Figure:
    """Return a blank figure that says what is missing."""
    note = {"text": escape(message), "showarrow": False, "font": {"color": MUTED, "size": 13}}
    hidden = {"visible": False, "range": [0, 1]}
    return go.Figure(
        layout={
            "template": TEMPLATE,
            "uirevision": uirevision,
            "xaxis": hidden,
            "yaxis": hidden,
            "annotations": [{**note, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}],
        }
    )
