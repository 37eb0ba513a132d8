"""Expansion of ``~``; the user of a container may have no home folder."""

from __future__ import annotations

from pathlib import Path

from store.errors import UnknownHome


def expand_home(path: str | Path) -> Path:
    """Return a path with a leading ``~`` expanded; UnknownHome where the system knows no such home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UnknownHome(f"{path}: no home folder is known for it; set HOME, or write the folder out") from None
