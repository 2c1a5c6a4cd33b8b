"""The expected errors: each message is a sentence a biologist can act on."""


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
    """

    def __init__(self, message: str, *, code: str = "", title: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.title = title


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
