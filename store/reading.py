"""Reading files of the user's, of which any may be something else."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from stat import S_ISDIR

from store.roots.plain import kind_of

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NotPlain(OSError):
    """It is no plain file, nor a link to one: to read it could wait for ever."""


def read_plain(path: Path, most: int = -1) -> bytes:
    """Return a file's bytes, `most` of them where that is not negative. A link to a file is followed.

    Raises
    ------
    NotPlain
        A FIFO, a socket or a device; its `strerror` says which.
    OSError
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENODEV):  # of sockets and devices
            raise _not_plain(path, kind_of(os.stat(path).st_mode)) from None
        raise
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if what := kind_of(mode):
            raise _not_plain(path, what)
        return file.read(most)


def _not_plain(path: Path, what: str) -> NotPlain:
    return NotPlain(errno.EINVAL, f"is {what or 'a special file'}, no plain file", str(path))
