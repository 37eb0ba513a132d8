"""A file that is read through a library which hides what the system says of it."""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path
from types import TracebackType

_PLENTY = 256 << 20  # bytes: more than a sound file's reader asks for at once


class WatchedFile:
    """A file whose errors of reading are remembered: a library may take them for the file's end.

    Leaving its context raises the first of them, whatever else is raised there. Only reading and seeking are offered.
    """

    def __init__(self, path: Path) -> None:
        self.name = os.fspath(path)
        self._file = path.open("rb", buffering=0)
        self._error: OSError | MemoryError | None = None

    def __enter__(self) -> WatchedFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._file.close()
        if self._error is not None:
            raise self._error from error

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes."""
        try:
            return self._file.read(size)
        except (OSError, MemoryError) as error:
            self._error = self._error or error
            raise

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the file. One that cannot be is the library's mistake, or the file's."""
        try:
            return self._file.seek(offset, whence)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOVERFLOW):
                self._error = self._error or error
            raise

    def tell(self) -> int:
        """Return the place in the file."""
        return self._file.tell()


def memory_is_short() -> bool:
    """Tell whether a library that was refused memory asked for a sensible amount.

    A damaged file can announce sizes that nothing could hold; where plenty of memory is to be had, it was that.
    """
    try:
        mmap.mmap(-1, _PLENTY).close()
    except (OSError, MemoryError):
        return True
    return False
