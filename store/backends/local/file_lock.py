"""One owner at a time: an advisory lock that the system drops when its holder dies, however it dies."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from store.backends.local.os_errors import translated
from store.backends.local.permissions import Permissions
from store.backends.local.plain_files import open_plain
from store.backends.lock_owner import LockOwner, new_holder
from store.errors import DraftLocked, StoreError

_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
_OPEN_TRIES = 9

# Why not the `filelock` package: it does not record who holds a lock, gives the file its own mode instead of a shared
# store's permissions, and where flock is missing falls back to a lock file that outlives a killed holder.


@contextmanager
def locked(file: str, what: str, permissions: Permissions) -> Iterator[None]:
    """Hold an exclusive lock on a file for the length of the block; DraftLocked says who else holds it.

    Parameters
    ----------
    file : str
        Created where it is missing, and left behind: otherwise two processes could lock two files of one name.
    what : str
        What the lock protects, for the message.
    permissions : Permissions
        Who else may lock it.
    """
    descriptor = _acquire(file, what, permissions)
    try:
        with suppress(OSError):  # a full disk; the owner's name is for the message only
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, new_holder().encode(), 0)
        yield
    finally:
        os.close(descriptor)


def owner_of(file: str) -> LockOwner | None:
    """Return who locked a file last, without changing it; None where there is no such file.

    Whoever locks it at this very moment is told that another process has it.
    """
    import fcntl

    try:
        descriptor = open_plain(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        name = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another process"
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise
        return LockOwner(name, holds=True)
    finally:
        os.close(descriptor)
    return LockOwner(name, holds=False)


def _acquire(file: str, what: str, permissions: Permissions) -> int:
    import fcntl

    while True:
        with translated("open", file):
            descriptor = _open(file, permissions)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still_at(file, descriptor):
                return descriptor
        except OSError as error:
            owner = os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "another process"
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise DraftLocked(what, owner) from None
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise StoreError(
                f"cannot lock {file}: {reason}. The file system must support flock; put the store on one that does"
            ) from None
        os.close(descriptor)


def _open(file: str, permissions: Permissions) -> int:
    # Between any two of these calls cleaning may remove the folder, or another process may create the file.
    for _ in range(_OPEN_TRIES):
        with suppress(FileNotFoundError):
            return open_plain(file, _FLAGS)
        with suppress(FileNotFoundError, FileExistsError), permissions.new_file(file) as new:
            return os.dup(new.fileno())
    return open_plain(file, _FLAGS)


def _is_still_at(file: str, descriptor: int) -> bool:
    """Tell whether the locked file still has its name: the output may have been deleted before we got the lock."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(file))
    except FileNotFoundError:
        return False
