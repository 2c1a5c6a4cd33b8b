"""What a training is expected to take, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE_S: Final = 60.0
HOUR_S: Final = 3600.0
GB: Final = 1e9


def preset_label(label: str, epochs: int, found: Mapping[str, Any] | None) -> str:
    """Return what a preset's button says, with its expected time once that is known."""
    if found is None:
        return f"{label} (at most {epochs} epochs)"
    return f"{label}: about {duration(found['seconds'])} (at most {epochs} epochs)"


def device_words(summary: Mapping[str, Any] | None) -> str:
    """Say where it would run and what memory it needs; empty before that is known."""
    if summary is None:
        return ""
    needs = max(one["peak_bytes"] for one in summary["presets"].values())
    gpu = summary.get("gpu")
    spots, genes, metabolites = summary["shape"]
    size = f"{spots:,} spots, {genes:,} genes and {metabolites:,} metabolites"
    if gpu is None:
        return f"For {size}: on this CPU, with about {needs / GB:.1f} GB of memory."
    on_card = max(one["device_bytes"] for one in summary["presets"].values())
    return (
        f"For {size}: on the GPU {gpu['name']} ({gpu['free'] / GB:.0f} of {gpu['total'] / GB:.0f} "
        f"GB free, needs about {on_card / GB:.1f} GB)."
    )


def duration(seconds: float) -> str:
    """Return a time that nobody takes for exact: 20 s, 3 min, 1.5 h."""
    if seconds < MINUTE_S:
        return f"{max(5, 5 * round(seconds / 5)):.0f} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.1f} h"
