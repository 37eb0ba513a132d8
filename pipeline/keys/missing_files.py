"""What to say where a raw file that the source lists cannot be looked at."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import DataError


def unreadable(root: Path, paths: Iterable[str]) -> DataError:
    """Make the error that names the first of the files that cannot be looked at, counts them, and says what to do."""
    listed = list(paths)
    missing: list[tuple[str, OSError]] = []
    for path in listed:
        try:
            os.stat(root / path)
        except OSError as error:
            missing.append((path, error))
    if not missing:
        return DataError(f"{root}: a file could not be looked at, and now it can\n  run again")
    path, first = missing[0]
    more = f" ({len(missing)} of {len(listed)} files are like that)" if len(missing) > 1 else ""
    return DataError(f"{root / path}: {_describe(root / path, first)}{more}\n  {_remedy(root / path, first)}")


def dangling(path: Path) -> str:
    """Say where a link leads that leads nowhere; empty where the path is no such link."""
    return f"a link to {os.readlink(path)}, which is not there" if path.is_symlink() and not path.exists() else ""


def is_absent(path: Path) -> bool:
    """Tell whether there is nothing at a path, not even a link; what cannot be looked at counts as there."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


FETCH = "fetch its content (git-annex and DVC leave such links: `git annex get`, `dvc pull`), or remove the link"


def _describe(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return dangling(path) or "is not there, though the source lists it"
    return error.strerror or str(error)


def _remedy(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return FETCH if dangling(path) else "restore it; if it was being moved, run again"
    return "check the path and its permissions"
