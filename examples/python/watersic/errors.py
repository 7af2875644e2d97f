# SPDX-License-Identifier: MIT
"""Exceptions: one class for each failure that a program may want to treat on its own."""

from .constants import Status
from .library import lib


class Error(Exception):
    """A failed call of the library.

    status   of the C library (a Status), such as Status.ERROR_SHAPE
    message  which argument, which index, what was found
    """

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message

    def __str__(self):
        return f"{self.message} [{lib.wsic_status_name(self.status).decode()}]"


class ArgumentError(Error, ValueError):
    """An argument is out of its range, or has a wrong shape."""


class TypeMismatchError(Error, TypeError):
    """A number type is not accepted."""


class StateError(Error, RuntimeError):
    """The state of an object does not allow the call."""


class OutOfMemoryError(Error, MemoryError):
    """There is not enough memory, or the limit of the context is reached."""


class CancelledError(Error):
    """The call was cancelled."""


class FileError(Error, OSError):
    """The system refused to open, read or write a file."""


class NumberError(Error, ArithmeticError):
    """Numbers that are not finite, not positive definite or out of range."""


class FormatError(Error, ValueError):
    """Bytes of a layer, an archive or statistics are damaged or unknown."""


class NotFoundError(Error, LookupError):
    """There is no layer, parameter or key of that name."""


class ClosedError(ValueError):
    """The object was closed before."""


class BusyError(RuntimeError):
    """The context is in use: by another thread, or by the call that runs this callback."""


class RateWarning(UserWarning):
    """The layer is made, but its rate is only the nearest that can be reached."""


_CLASSES = {
    Status.ERROR_ARGUMENT: ArgumentError,
    Status.ERROR_SHAPE: ArgumentError,
    Status.ERROR_DTYPE: TypeMismatchError,
    Status.ERROR_STATE: StateError,
    Status.ERROR_NO_SAMPLES: StateError,
    Status.ERROR_MEMORY: OutOfMemoryError,
    Status.ERROR_MEMORY_LIMIT: OutOfMemoryError,
    Status.ERROR_TOO_LARGE: OutOfMemoryError,
    Status.ERROR_CANCELLED: CancelledError,
    Status.ERROR_IO: FileError,
    Status.ERROR_NOT_FINITE: NumberError,
    Status.ERROR_NOT_POSITIVE_DEFINITE: NumberError,
    Status.ERROR_RANGE: NumberError,
    Status.ERROR_FORMAT: FormatError,
    Status.ERROR_CHECKSUM: FormatError,
    Status.ERROR_TRUNCATED: FormatError,
    Status.ERROR_VERSION: FormatError,
    Status.ERROR_NOT_FOUND: NotFoundError,
    Status.ERROR_EXISTS: ArgumentError,
}


def failure(status, message=""):
    """The exception for a negative status. Without a message the status explains itself."""
    message = message or lib.wsic_status_text(status).decode()
    try:
        status = Status(status)
    except ValueError:  # of a later version
        return Error(status, message)
    return _CLASSES.get(status, Error)(status, message)
