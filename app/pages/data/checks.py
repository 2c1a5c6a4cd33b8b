"""What can be said of a pair of sections before they are aligned. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from spatialmeta_core.io.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_UNLIKE: Final = 2.0  # areas further apart than this deserve a look
UM2_PER_MM2: Final = 1e6


def area_mm2(slot: str, facts: Mapping[str, Any]) -> float | None:
    """Return the area a section covers in mm², or None while its scale is unknown.

    Parameters
    ----------
    slot
        ``"st"`` or ``"sm"``.
    facts
        Summary of the artefact: ``area`` in squared units of the positions, and what gives their
        length in um: ``um_per_px`` (ST), or ``step_um`` with ``step`` (SM).
    """
    um_per_unit = facts.get("um_per_px")
    if slot == "sm":
        step, step_um = facts.get("step"), facts.get("step_um")
        um_per_unit = step_um / step if step and step_um else None
    if not um_per_unit or facts.get("area") is None:
        return None
    return float(facts["area"]) * float(um_per_unit) ** 2 / UM2_PER_MM2


def pair_report(st: Mapping[str, Any], sm: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a tick list on the pair: ``level`` (ok, note or warning) and ``text``."""
    return [*_simulated(st, sm), _histology(st), _areas(st, sm), _density(st, sm)]


def _simulated(st: Mapping[str, Any], sm: Mapping[str, Any]) -> list[dict[str, str]]:
    flags = bool(st.get("simulated")), bool(sm.get("simulated"))
    if flags[0] == flags[1]:
        return []
    which = "transcriptomics" if flags[0] else "metabolomics"
    return [_item("warning", f"The {which} file is simulated and the other one is not.")]


def _histology(st: Mapping[str, Any]) -> dict[str, str]:
    if st.get("image"):
        return _item("ok", "Histology is there: the alignment can follow the tissue's edge.")
    return _item("note", "No histology: the alignment will follow the outline of the spots.")


def _areas(st: Mapping[str, Any], sm: Mapping[str, Any]) -> dict[str, str]:
    first, second = area_mm2("st", st), area_mm2("sm", sm)
    if first is None or second is None:
        what = "the pixel size of the histology" if first is None else "the raster step"
        return _item("note", f"Areas are not compared: enter {what} above to compare them.")
    text = f"Areas: {first:.3g} mm² of spots, {second:.3g} mm² of metabolite pixels"
    ratio = max(first, second) / max(min(first, second), 1e-12)
    if ratio <= MOST_UNLIKE:
        return _item("ok", f"{text} ({ratio:.2g} times).")
    return _item(
        "warning", f"{text}: {ratio:.2g} times apart. Are they the same section at the same scale?"
    )


def _density(st: Mapping[str, Any], sm: Mapping[str, Any]) -> dict[str, str]:
    share = sm["n_spots"] / max(st["n_spots"], 1)
    return _item(
        "ok",
        f"{counted(sm['n_spots'], 'metabolite pixel')} for {counted(st['n_spots'], 'spot')}, "
        f"{share:.2g} per spot.",
    )


def _item(level: str, text: str) -> dict[str, str]:
    return {"level": level, "text": text}
