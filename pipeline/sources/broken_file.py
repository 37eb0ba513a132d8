"""How a reader of one file says what is wrong with it, before anyone knows whose recording it is.

Only what a file's bytes say makes its recording broken. What the system says (a disk's error, no permission, too many
open files, no memory, a listed file that is gone) says nothing of the recording: readers let an OSError or a
MemoryError pass. Only a stream that the listing has no file of is a defect of its recording; sources raise BadRecording
for that themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import BadRecording, StepError


class BrokenFileError(Exception):
    """A file's content cannot be used; the message is the reason in a few words, without the file's name."""


def read_nonempty(path: Path) -> bytes:
    """Read a file; BrokenFileError where it has no byte, OSError where the system does not let it be read."""
    content = path.read_bytes()
    if not content:
        raise BrokenFileError("is empty (0 bytes)")
    return content


@contextmanager
def for_recording(recording: str, stream: str, path: str) -> Iterator[None]:
    """Name the file of what is raised inside.

    Raises
    ------
    BadRecording
        For a `BrokenFileError`.
    StepError
        For an error of the system, which the next run may not meet; FileNotFoundError is one.
    """
    try:
        yield
    except BrokenFileError as error:
        raise BadRecording(recording, stream, path, str(error)) from error
    except (OSError, MemoryError) as error:
        reason = "out of memory" if isinstance(error, MemoryError) else error.strerror or str(error)
        raise StepError(
            f"{path}: {reason}\n"
            f"  that is an error of the system, not of recording {recording}: "
            "check the disk, the mount, permissions and limits, and run again"
        ) from error
