"""Reading a user's files, any of which may be a FIFO or a device instead."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_SPECIAL_TYPES = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISCHR, "a character device"),
)
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def describe_file_type(mode: int) -> str:
    """Return a file's type, such as "a FIFO"; an empty text for plain files and folders."""
    return next((text for test, text in _SPECIAL_TYPES if test(mode)), "")


class NotPlainFile(OSError):
    """The path is neither a plain file nor a link to one: a folder, or what could be waited for without end."""


def read_plain_file(path: Path, limit: int = -1) -> bytes:
    """Return a file's bytes, at most `limit` of them where that is not negative. Links are followed.

    Raises
    ------
    NotPlainFile
        A folder, a FIFO, a socket or a device; its `strerror` says which.
    OSError
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENODEV):  # of a socket or a device
            raise _not_plain(path, describe_file_type(os.stat(path).st_mode)) from None
        raise
    found = os.fstat(descriptor)
    mode = found.st_mode
    if what := "a folder" if stat.S_ISDIR(mode) else describe_file_type(mode):
        os.close(descriptor)
        raise _not_plain(path, what)
    with open(descriptor, "rb") as file:
        if limit < 0:
            return file.read()
        data = file.read(min(limit, found.st_size + 1))  # memory is taken for what is asked for
        return data + file.read(limit - len(data)) if len(data) > found.st_size else data


def _not_plain(path: Path, what: str) -> NotPlainFile:
    return NotPlainFile(errno.EINVAL, f"is {what or 'a special file'}, no plain file", str(path))
