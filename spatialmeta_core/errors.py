"""The expected errors: each message is a sentence a biologist can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class SpatialMetaError(Exception):
    """An expected failure.

    Parameters
    ----------
    message
        What happened, why in plain words, and what to do next; no path of this machine.
    code
        Number in the catalog of messages, such as ``"E-06"``, or an empty string.
    title
        Short headline shown in bold, or an empty string.
    choices
        What the user may choose from to go on, such as ``{"columns": ["left", "down"]}``.
    listing
        All of what the message counts, such as ids, where it can name only a few.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        title: str = "",
        choices: Mapping[str, Sequence[str]] | None = None,
        listing: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.title = title
        self.choices = {name: list(options) for name, options in (choices or {}).items()}
        self.listing = tuple(listing)


class InvalidDataError(SpatialMetaError):
    """A file or an array breaks a stated requirement."""


class InvalidParamsError(SpatialMetaError):
    """A parameter is out of its range."""


class NotReadyError(SpatialMetaError):
    """A step needs the result of an earlier one."""


class NotFoundError(SpatialMetaError):
    """No such project, job, feature, region or trajectory."""


class JobFailedError(SpatialMetaError):
    """A background job ended without a result."""
