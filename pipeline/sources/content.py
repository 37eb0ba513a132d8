"""All bytes of a small file."""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.broken import BrokenFileError


def read(path: Path) -> bytes:
    """Read a file; BrokenFileError where it is missing, unreadable or without a byte."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise BrokenFileError("file is missing") from error
    except OSError as error:
        raise BrokenFileError(f"cannot be read ({error.strerror})") from error
    if not content:
        raise BrokenFileError("is empty (0 bytes)")
    return content
