"""What this machine remembers to save time; losing it costs nothing but time."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder for caches: ``PIPELINE_CACHE``, or ``harvest`` in the user's cache folder."""
    named = os.environ.get("PIPELINE_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "harvest"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file as a whole, so that a reader or a crash never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{os.urandom(6).hex()}")
    try:
        with temporary.open("xb") as file:  # not `mkstemp`, whose files only their owner can read
            file.write(content)
        os.replace(temporary, path)
    except BaseException:  # raised again below; only the half-written file goes
        temporary.unlink(missing_ok=True)
        raise
