"""Small files that the browser hands over whole."""

from __future__ import annotations

import base64
import binascii

from spatialmeta_core.errors import InvalidDataError


def decoded(contents: str, what: str, max_bytes: int) -> bytes:
    """Return the bytes of a small uploaded file, a ``data:`` address.

    Parameters
    ----------
    what
        What the file should be, for the messages, such as ``"pose"``.
    max_bytes
        Largest size.

    Raises
    ------
    InvalidDataError
        If it is damaged or larger.
    """
    try:
        found = base64.b64decode(contents.partition(",")[2], validate=True)
    except binascii.Error as error:
        raise InvalidDataError(f"The {what} file arrived damaged. Choose it again.") from error
    if len(found) > max_bytes:
        raise InvalidDataError(
            f"The {what} file is larger than {max_bytes / 1e6:.0f} MB; it cannot be one that was "
            "saved here."
        )
    return found
