"""A file that a library reads, which raises whatever damaged bytes lead it to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.formats.watched_file import WatchedFile, memory_is_short


class LibraryFile(WatchedFile):
    """A watched file with what libraries ask of one beside reading and seeking."""

    closed = False

    def __enter__(self) -> LibraryFile:
        return self

    def readinto(self, buffer: memoryview) -> int:
        """Read into a buffer; return how many bytes."""
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def writable(self) -> bool:
        """Return False."""
        return False

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing: the context closes it."""


@contextmanager
def open_for_library(path: Path, what: str) -> Iterator[LibraryFile]:
    """Open a file that a library reads as `what`; nothing but calls of the library belongs inside.

    Raises
    ------
    BrokenFileError
        It has no byte, or the library raised something: its bytes are no such file, or damaged.
    OSError, MemoryError
        The system does not let it be read, whatever the library made of that.
    """
    if os.stat(path).st_size == 0:
        raise BrokenFileError("is empty (0 bytes)")
    with LibraryFile(path) as file:
        try:
            yield file
        except BrokenFileError:
            raise
        except MemoryError as error:
            if memory_is_short():
                raise
            raise BrokenFileError(f"cannot be read as {what} (it announces more than memory could hold)") from error
        except Exception as error:  # none of these libraries says which it raises for damaged bytes
            said = (str(error).splitlines() or [""])[0][:120]
            raise BrokenFileError(f"cannot be read as {what} ({said or type(error).__name__})") from error
