"""Reading files of the user's, of which any may be something else."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISCHR, "a character device"),
)
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def describe_file_type(mode: int) -> str:
    """Return what a file is that is neither a plain file nor a folder, or an empty text for those."""
    return next((text for test, text in _KINDS if test(mode)), "")


class NotPlainFile(OSError):
    """It is no plain file, nor a link to one: to read it could wait for ever."""


def read_plain_file(path: Path, most: int = -1) -> bytes:
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
            raise _not_plain(path, describe_file_type(os.stat(path).st_mode)) from None
        raise
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if what := describe_file_type(mode):
            raise _not_plain(path, what)
        return file.read(most)


def _not_plain(path: Path, what: str) -> NotPlainFile:
    return NotPlainFile(errno.EINVAL, f"is {what or 'a special file'}, no plain file", str(path))
