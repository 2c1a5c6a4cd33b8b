"""Numbers with their nouns, for the sentences of notes, warnings and errors."""

from __future__ import annotations


def counted(n: int, one: str, many: str = "") -> str:
    """Write a count with its noun in the right number.

    Parameters
    ----------
    n
        The count.
    one, many
        What follows the number 1, and every other number; ``many`` adds an s when not given.

    Examples
    --------
    >>> counted(1, "pixel"), counted(2018, "spot has", "spots have")
    ('1 pixel', '2,018 spots have')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"
