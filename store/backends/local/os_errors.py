"""Translation of OSError into StoreError: what could not be done, why, and the remedy."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.backends.base import IN_THE_WAY, FolderInPlace
from store.errors import NotPermitted, StoreError, StoreFull

_NOT_PERMITTED = (errno.EACCES, errno.EPERM, errno.EROFS)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def translated(action: str, path: str) -> Iterator[None]:
    """Raise every OSError of the block as a StoreError.

    Parameters
    ----------
    action : str
        A verb, for "cannot <action> <path>".
    path : str
        The file or folder.

    Raises
    ------
    StoreFull
        The disk, the quota or the file size limit is used up.
    NotPermitted
        The path belongs to somebody else, or is read-only.
    StoreError
        Anything else.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in _FULL:
            raise StoreFull(
                f"cannot {action} {path}: {reason}. Free some space (or raise the quota) and run again; "
                "finished shards and checkpoints are kept"
            ) from error
        if error.errno in _NOT_PERMITTED:
            raise NotPermitted(f"cannot {action} {path}: {reason}. {_remedy(error.errno, path)}") from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST) and (file := file_in_the_way(path)):
            raise StoreError(f"cannot {action} {path}: {file} is {IN_THE_WAY}; move it away, and run again") from error
        raise StoreError(
            f"cannot {action} {path}: {reason}. Check that the folder is mounted, healthy and yours to use"
        ) from error


def file_in_the_way(folder: str) -> str | None:
    """Return the plain file that stands where a folder, or one above it, belongs."""
    while not os.path.lexists(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return folder if os.path.isfile(folder) and not os.path.islink(folder) else None


def _remedy(number: int, path: str) -> str:
    if number == errno.EROFS:
        return "Mount it for writing, or use another store"
    store = next((folder for folder in Path(path).parents if os.path.lexists(folder / "store.json")), None)
    if store is None:
        return "Check that the folder is yours to use (docs/sharing.md has a recipe for a group)"
    return (
        f"If you share it, let its owner run once: chgrp -R GROUP {store} && chmod -R g+rwX {store} && "
        f"find {store} -type d -exec chmod g+s {{}} + (docs/sharing.md)"
    )


@contextmanager
def translated_keep_missing(action: str, path: str) -> Iterator[None]:
    """Do as `translated`, but raise FileNotFoundError for a missing file, FolderInPlace for a folder."""
    try:
        with translated(action, path):
            yield
    except StoreError as error:
        if isinstance(error.__cause__, IsADirectoryError):
            raise FolderInPlace(errno.EISDIR, os.strerror(errno.EISDIR), path) from None
        if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
        raise
