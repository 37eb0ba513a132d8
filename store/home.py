"""The home folder, which a container's user need not have."""

from __future__ import annotations

from pathlib import Path

from store.errors import UnknownHome


def expand_home(path: str | Path) -> Path:
    """Write out a leading ``~``; UnknownHome where nobody knows whose home that is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UnknownHome(f"{path}: no home folder is known for it; set HOME, or write the folder out") from None
