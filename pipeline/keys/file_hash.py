"""What a file's content was, and by what one sees without reading it that it still is."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Final, Literal

import msgspec

from pipeline.errors import DataError

READ: Final = 0  # a digest of content that was read here,
BELIEVED: Final = 1  # of content that is taken to be as it was,
LOCKED: Final = 2  # from the lock
Origin = Literal[0, 1, 2]

_TICK_NS = 20_000_000  # no clock of a local file system is coarser,
_COARSE_TICK_NS = 2_000_000_000  # and none of those whose times have no fraction of a millisecond
_TRIES = 3


class FileHash(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file's digest, with its size, times and inode at that time (none where it is absent)."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    sha256: str
    origin: Origin = READ

    def matches(self, stat: os.stat_result) -> bool:
        """Tell whether a file looks as it did when its content was hashed."""
        return (self.mtime_ns, self.ctime_ns, self.size, self.inode) == (
            stat.st_mtime_ns,
            stat.st_ctime_ns,
            stat.st_size,
            stat.st_ino,
        )


def known_or_hashed(stat: os.stat_result, sha256: str, origin: Origin = READ) -> FileHash:
    """Put a digest beside what a file looks like."""
    return FileHash(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, sha256, origin)


def hash_file(path: Path) -> FileHash:
    """Hash a file so that any later change shows in its times; DataError if it cannot be read, or goes on changing."""
    try:
        for _ in range(_TRIES):
            if wait := _until_older(os.stat(path)):
                time.sleep(wait)
            before = os.stat(path)
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            after = known_or_hashed(os.stat(path), sha256)
            if after.matches(before):
                return after
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}\n  check the path and its permissions") from None
    raise DataError(f"{path}: changes while it is read\n  wait until it is complete, and run again")


def _until_older(stat: os.stat_result) -> float:
    """Return for how many seconds a change could still leave a file's times as they are."""
    now, wait = time.time_ns(), 0
    for stamp in (stat.st_mtime_ns, stat.st_ctime_ns):
        tick = _TICK_NS if stamp % 1_000_000 else _COARSE_TICK_NS
        if abs(now - stamp) < tick:
            wait = max(wait, stamp + tick - now)
    return wait / 1e9
