"""What this machine remembers to save time; losing it costs nothing but time."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.errors import ConfigError
from store.errors import UnknownHome
from store.home import expand


def cache_folder() -> Path:
    """Return the folder for caches: ``PIPELINE_CACHE``, or ``harvest`` in the user's cache folder."""
    named = os.environ.get("PIPELINE_CACHE")
    if named:
        return expand(named).absolute()
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or expand("~/.cache")) / "harvest"
    except UnknownHome:
        raise ConfigError(
            "this user has no home folder, and so no place for caches\n"
            "  set PIPELINE_CACHE to a folder that is theirs, or HOME"
        ) from None


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
