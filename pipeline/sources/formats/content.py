"""All bytes of a small file."""

from __future__ import annotations

from pathlib import Path

from pipeline.sources.broken_file import BrokenFileError


def read_nonempty(path: Path) -> bytes:
    """Read a file; BrokenFileError where it has no byte, OSError where the system does not let it be read."""
    content = path.read_bytes()
    if not content:
        raise BrokenFileError("is empty (0 bytes)")
    return content
