"""Digests of raw files, each hashed once: by size and modification time locally, by path and size through the lock."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from pipeline.errors import DataError
from pipeline.keys.cache import cache_folder, write_atomically
from pipeline.keys.missing import unreadable
from store.canonical import digest_rows

_RACY_NS = 2_000_000_000  # a file this young may change again within one tick of its clock
_UNSURE = -1  # stands for such a file's modification time, so that it is hashed once more
_SAVE_EVERY_S = 10.0


class FileDigest(NamedTuple):
    """A file's size in bytes and the SHA-256 of its content."""

    size: int
    sha256: str


class _Seen(msgspec.Struct, frozen=True, array_like=True):
    size: int
    mtime_ns: int
    sha256: str


class RawIndex:
    """Knows the digests of the files under one folder.

    Parameters
    ----------
    root
        The source's folder; file names are relative to it.
    locked
        Digests that the lock knows: they are taken where path and size match, without reading the file. Such files
        are listed in `trusted`, and whoever reads one checks it first.
    """

    def __init__(self, root: Path, locked: Mapping[str, FileDigest] | None = None) -> None:
        self.root = root
        self.locked = locked or {}
        self.trusted: dict[str, str] = {}
        name = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:24]
        self._file = cache_folder() / "raw" / f"{name}.json"
        self._seen = self._load()

    def digests(
        self, paths: Iterable[str], progress: Callable[[int, int], None] | None = None
    ) -> dict[str, FileDigest]:
        """Return the digest of each path; DataError for one that cannot be looked at."""
        found: dict[str, FileDigest] = {}
        unknown: dict[str, os.stat_result] = {}
        root = os.fspath(self.root)
        listed = list(paths)
        for path in listed:
            try:
                stat = os.stat(f"{root}/{path}")
            except OSError:
                raise unreadable(self.root, listed) from None
            seen = self._seen.get(path)
            if seen and seen.size == stat.st_size and seen.mtime_ns == stat.st_mtime_ns:
                found[path] = FileDigest(seen.size, seen.sha256)
            elif (lock := self.locked.get(path)) and lock.size == stat.st_size and not seen:
                found[path] = lock
                self.trusted[path] = lock.sha256
            else:
                unknown[path] = stat
        if unknown:
            found.update(self._hash(unknown, progress))
        return found

    def _hash(
        self, unknown: Mapping[str, os.stat_result], progress: Callable[[int, int], None] | None
    ) -> dict[str, FileDigest]:
        found: dict[str, FileDigest] = {}
        now, saved = time.time_ns(), time.monotonic()
        from concurrent.futures import ThreadPoolExecutor  # slow to import, and seldom needed

        pool = ThreadPoolExecutor()
        try:
            hashes = pool.map(lambda path: sha256_of(self.root / path), unknown)
            for (path, stat), sha256 in zip(unknown.items(), hashes, strict=True):
                found[path] = FileDigest(stat.st_size, sha256)
                mtime = _UNSURE if abs(now - stat.st_mtime_ns) < _RACY_NS else stat.st_mtime_ns
                self._seen[path] = _Seen(stat.st_size, mtime, sha256)
                if time.monotonic() - saved > _SAVE_EVERY_S:  # hashing terabytes may be stopped half way
                    self._save()
                    saved = time.monotonic()
                if progress:
                    progress(len(found), len(unknown))
        finally:
            pool.shutdown(cancel_futures=True)
            self._save()
        return found

    def _save(self) -> None:
        with suppress(OSError):  # losing it costs only time
            write_atomically(self._file, msgspec.json.encode(self._seen))

    def _load(self) -> dict[str, _Seen]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, _Seen])
        except (OSError, UnicodeDecodeError, msgspec.DecodeError):
            return {}


def sha256_of(path: Path) -> str:
    """Hash a file's content; DataError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}\n  check the path and its permissions") from None


def stream_digest(files: Iterable[tuple[str, str, FileDigest]]) -> str:
    """Digest one stream of a dataset from its (recording, relative path, file digest), in any order."""
    return digest_rows(sorted([recording, path, file.size, file.sha256] for recording, path, file in files))
