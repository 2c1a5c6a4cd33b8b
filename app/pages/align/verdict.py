"""A fit in words: what each number of the score card means, and when it is good enough. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from spatialmeta_core.types import FitScore

Word = Literal["Good", "Check", "Poor"]
WORDS: Final[tuple[Word, ...]] = ("Good", "Check", "Poor")
LEVELS: Final[dict[Word, str]] = {"Good": "good", "Check": "warn", "Poor": "bad"}

NO_OVERLAP_TITLE: Final = "The two tissues do not overlap."
NO_OVERLAP_CODE: Final = "E-18"

# Limits of "Good" and "Check". Two outlines of one tissue, drawn from lattices of different pitch,
# agree to about one spot; from two spots on, metabolites begin to land in the wrong layer.
OVERLAP: Final = (0.90, 0.80)  # Dice coefficient
DISTANCE_SPOTS: Final = (1.0, 2.0)  # median outline distance in ST spot spacings
COVERED: Final = (0.95, 0.80)  # fraction of ST spots
STRETCH: Final = (
    1.15,
    1.30,
)  # ratio of the two scales; sections of one block differ by a few percent


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the score card.

    ``value`` and ``good`` (the limit of "Good") are texts with their unit.
    """

    name: str
    value: str
    good: str
    word: Word
    help_text: str


def lines(score: FitScore, *, pitch_px: float, um_per_px: float | None) -> list[Line]:
    """Return the score card's lines.

    Parameters
    ----------
    pitch_px
        Distance between ST spots, px.
    um_per_px
        Micrometers per pixel, or None when unknown.
    """
    unit, factor = ("px", 1.0) if um_per_px is None else ("µm", um_per_px)
    good, check = (limit * pitch_px * factor for limit in DISTANCE_SPOTS)
    distance = score.outline_distance_px * factor
    return [
        Line(
            "Overlap",
            f"{score.overlap:.2f}",
            f"≥ {OVERLAP[0]:.2f}",
            _high(score.overlap, *OVERLAP),
            "Dice coefficient of the two tissue areas: 1 is full overlap, 0 is none. "
            f"Check from {OVERLAP[1]:.2f}.",
        ),
        Line(
            "Outline distance",
            f"{distance:,.0f} {unit}",
            f"≤ {good:,.0f} {unit}",
            _low(distance, good, check),
            "Median distance between the two outlines, measured both ways. Good within one spot "
            f"spacing; check up to {check:,.0f} {unit}.",
        ),
        Line(
            "Spots covered",
            f"{100 * score.covered:.1f} %",
            f"≥ {100 * COVERED[0]:.0f} %",
            _high(score.covered, *COVERED),
            "Share of ST spots with a metabolite pixel within reach. "
            f"Check from {100 * COVERED[1]:.0f} %.",
        ),
        Line(
            "Stretch",
            f"{score.stretch:.2f}",
            f"≤ {STRETCH[0]:.2f}",
            _low(score.stretch, *STRETCH),
            "How much more one direction is scaled than the other: 1 is even. "
            f"Check up to {STRETCH[1]:.2f}.",
        ),
    ]


def overlap_word(overlap: float) -> Word:
    """Return the word for an overlap alone."""
    return _high(overlap, *OVERLAP)


def overall(card: list[Line]) -> Word:
    """Return the worst word on the card."""
    return max((line.word for line in card), key=WORDS.index)


def no_overlap(score: FitScore, n_spots: int) -> str:
    """Return the sentence of E-18 if nothing overlaps, else nothing."""
    if score.covered > 0:
        return ""
    return (
        f"0 of {n_spots:,} spots have metabolite pixels nearby. Try '8 orientations', "
        "or drag the outline over the tissue."
    )


def _high(value: float, good: float, check: float) -> Word:
    return "Good" if value >= good else "Check" if value >= check else "Poor"


def _low(value: float, good: float, check: float) -> Word:
    return "Good" if value <= good else "Check" if value <= check else "Poor"
