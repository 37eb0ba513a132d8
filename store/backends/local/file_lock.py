"""One owner at a time: an advisory lock that the system drops when its holder dies, however it dies."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from store.backends.local.os_errors import translated
from store.backends.local.permissions import Permissions
from store.backends.local.plain_files import irregular, refuse_irregular
from store.errors import DraftLocked, StoreError
from store.plain_file import describe_file_type

_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK


@contextmanager
def locked(file: str, what: str, shared: Permissions) -> Iterator[None]:
    """Hold an exclusive lock on a file for the length of the block.

    Parameters
    ----------
    file : str
        Made where it is missing, and left behind: else two processes could lock two files of one name.
    what : str
        What the lock protects, for the message.
    shared : Permissions
        Who else may lock it.

    Raises
    ------
    DraftLocked
        Somebody else holds it; the message says who.
    """
    descriptor = _acquire(file, what, shared)
    try:
        with suppress(OSError):  # a full disk; the note is for the message only
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, this_process().encode(), 0)
        yield
    finally:
        os.close(descriptor)


def locked_by(owner: str, what: str) -> DraftLocked:
    """Return the error that tells who holds a lock."""
    return DraftLocked(f"{what} is being written by {owner}; wait until it ends, or stop it, then run again", owner)


def this_process() -> str:
    """Return what tells others who holds a lock."""
    user = os.environ.get("USER") or os.environ.get("LOGNAME")
    return f"process {os.getpid()} on {os.uname().nodename}" + (f" ({user})" if user else "")


def _acquire(file: str, what: str, shared: Permissions) -> int:
    import fcntl

    while True:
        with translated("open", file):
            descriptor = _open(file, shared)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _still_there(descriptor, file):
                return descriptor
        except OSError as error:
            owner = os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "another process"
            os.close(descriptor)
            raise _refusal(error, file, what, owner) from None
        os.close(descriptor)


def _open(file: str, shared: Permissions) -> int:
    for _ in range(9):
        with suppress(FileNotFoundError):
            return _open_plain(file)
        # cleaning may drop the folder, or another process make the file, between any two of these lines
        with suppress(FileNotFoundError, FileExistsError), shared.new_file(file) as made:
            return os.dup(made.fileno())
    return _open_plain(file)


def _open_plain(file: str) -> int:
    try:
        descriptor = os.open(file, _FLAGS)
    except OSError:
        refuse_irregular(file)
        raise
    what = describe_file_type(os.fstat(descriptor).st_mode)
    if what:  # a FIFO, say, which opens like a file
        os.close(descriptor)
        raise irregular(file, what)
    return descriptor


def _still_there(descriptor: int, file: str) -> bool:
    """Tell whether the locked file is the one of that name (an output may be deleted while we wait)."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(file))
    except FileNotFoundError:
        return False


def _refusal(error: OSError, file: str, what: str, owner: str) -> StoreError:
    if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
        return locked_by(owner, what)
    reason = os.strerror(error.errno) if error.errno else str(error)
    return StoreError(
        f"cannot lock {file}: {reason}. The file system must support flock; put the store on one that does"
    )
