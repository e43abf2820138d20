"""Errors of a storage: which may pass by themselves, and what is told of the others, in one line."""

from __future__ import annotations

import errno
import os

from simlab.foundation.errors import InputError, SimlabError, shown

# What a lost network share or a server that is restarted answers: worth another try.
_PASSING = {
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.ENOTCONN,
    errno.ECONNRESET,
    errno.ECONNREFUSED,
    errno.ECONNABORTED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EAGAIN,
    errno.EREMOTEIO if hasattr(errno, "EREMOTEIO") else errno.EIO,
}
# Libraries of remote stores have errors of their own, which are no OSError. These pass.
_REMOTE = ("aiobotocore", "aiohttp", "azure", "botocore", "gcsfs", "google", "s3fs")
_REMOTE_PASSING = {
    "ClientConnectionError",
    "ClientPayloadError",
    "ConnectionError",
    "FSTimeoutError",
    "HTTPClientError",
    "ServerTimeoutError",
}


def is_remote(error: BaseException) -> bool:
    """Say whether an error is of a library for remote stores."""
    return type(error).__module__.partition(".")[0] in _REMOTE


def passing(error: BaseException) -> bool:
    """Say whether an error of the storage may pass by itself, such as that of a network share that is away."""
    if is_remote(error) and _REMOTE_PASSING & {kind.__name__ for kind in type(error).__mro__}:
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _PASSING
    return isinstance(error, (ConnectionError, TimeoutError))


def cannot_write(storage: object, error: Exception) -> SimlabError:
    """Return what to tell of a store that cannot be written."""
    kept = "What was stored is kept"
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT):
        return SimlabError(f"{storage}: the disk is full. {kept}: free some space and run the same again")
    wrong_place = (PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError)
    if isinstance(error, wrong_place) or number == errno.EROFS:
        return InputError(f"{storage}: cannot be written ({os.strerror(number or errno.EACCES)})")
    return SimlabError(f"{storage}: cannot be written ({_words(error)}). {kept}: run the same again")


def cannot_read(storage: object, error: Exception) -> SimlabError:
    """Return what to tell of a store that cannot be read."""
    return SimlabError(f"{storage}: cannot be read ({_words(error)})")


def _words(error: Exception) -> str:
    """Return an error in a line, without the file that it was met in."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return shown(" ".join(text.split()) or type(error).__name__, 200)
