"""Digests of raw files, each hashed once on a machine; those of many files of the lock's sizes come from the lock.

A changed size or modification time means that a file is hashed again. So does a changed change time or inode alone, for
a file can be changed in place and its modification time put back; but a chmod, a remount or a copy changes these of
every file at once, and terabytes are not read for that: see `RawIndex`.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import Literal, NamedTuple

import msgspec

from pipeline.errors import DataError
from pipeline.keys.cache import cache_folder, read_cache, write_cache
from pipeline.keys.file_hash import BELIEVED, LOCKED, FileHash, hash_file, known_or_hashed
from pipeline.keys.missing_files import unreadable
from store import read_plain_file
from store.canonical import digest_rows

Field = Literal["ctime_ns", "inode"]
Progress = Callable[[int, int], None]

_SAVE_EVERY_S = 10.0
_FEW, _FEW_BYTES = 16, 1 << 30  # files that are probably as noted, or the lock's, are all read, if no more than this
_LEARNT = 3  # so many times did a field of most files change, and no content


class FileDigest(NamedTuple):
    """A file's size in bytes and the SHA-256 of its content."""

    size: int
    sha256: str


class _Index(msgspec.Struct):
    files: dict[str, FileHash] = {}
    idle: dict[Field, int] = {}  # how often a field of most files changed, and no content; since it last meant anything


class RawIndex:
    """Knows the digests of the files under one folder.

    Of files where nothing but change time or inode differs, all are hashed where these are few or small; of many, some,
    drawn at random. If the content of each of these is as before, the others are *believed* to be unchanged: their
    digests are taken, and whoever reads one for an output checks its content first. If not, all are hashed. What has
    changed three times for most files and never meant anything is not looked at any more, in this folder.

    Files that were never hashed here, of the size that the lock has for their path, are treated alike: if the content
    of those that are hashed is the lock's, the others are noted with its digests, and checked by whoever reads one.
    Such a note counts while the file looks as it did and the lock has that digest for it.

    Parameters
    ----------
    root
        The source's folder; file names are relative to it.
    locked
        Digests that the lock knows, by path.
    """

    def __init__(self, root: Path, locked: Mapping[str, FileDigest] | None = None) -> None:
        self.root = root
        self.locked = locked or {}
        name = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:24]
        self._file = cache_folder() / "raw" / f"{name}.files"
        self._old_file = self._file.with_suffix(".json")
        self._index = self._load()
        self._changed = False

    def digests(self, paths: Iterable[str], progress: Progress | None = None) -> dict[str, FileDigest]:
        """Return the digest of each path; DataError for one that cannot be looked at or read."""
        digests: dict[str, FileDigest] = {}
        unknown: dict[str, os.stat_result] = {}
        restamped: dict[str, os.stat_result] = {}
        in_lock: dict[str, os.stat_result] = {}
        root, files = os.fspath(self.root), self._index.files
        listed = list(paths)
        for path in listed:
            try:
                stat = os.stat(f"{root}/{path}")
            except OSError:
                raise unreadable(self.root, listed) from None
            if not S_ISREG(stat.st_mode):  # to open a pipe would wait for ever
                raise DataError(f"{root}/{path}: is no plain file\n  remove it, or have the source leave it out")
            seen, lock = files.get(path), self.locked.get(path)
            same = seen and (seen.size, seen.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
            if seen and same and seen.origin != LOCKED:
                digests[path] = FileDigest(seen.size, seen.sha256)
                if seen.ctime_ns != stat.st_ctime_ns or seen.inode != stat.st_ino:
                    restamped[path] = stat
            elif seen and same and lock == (seen.size, seen.sha256) and seen.matches(stat):
                digests[path] = lock
            elif lock and lock.size == stat.st_size and (same or not seen):
                in_lock[path] = stat
            else:
                unknown[path] = stat
        try:
            if restamped:
                digests.update(self._look_again(restamped, len(digests), progress))
            if in_lock:
                digests.update(self._compare_with_lock(in_lock, progress))
            if unknown:
                digests.update(self._hash(unknown, progress))
        finally:
            self._save()
        return digests

    def file_hash(self, path: str) -> FileHash:
        """Return what is known of a file whose digest was asked for before."""
        return self._index.files[path]

    def get(self, path: str) -> FileHash | None:
        """Return what was noted of a file, if anything."""
        return self._index.files.get(path)

    def remember(self, read: Mapping[str, FileHash]) -> None:
        """Take in what others hashed, so that it need not be checked again."""
        self._index.files.update(read)
        self._changed |= bool(read)
        self._save()

    def _look_again(
        self, restamped: Mapping[str, os.stat_result], known: int, progress: Progress | None
    ) -> dict[str, FileDigest]:
        """Return new digests of files where change time or inode differ and size and modification time do not."""
        files, idle = self._index.files, self._index.idle
        before = {path: files[path] for path in restamped}
        silent = {field for field, times in idle.items() if times >= _LEARNT}
        differ = {path: _differing(before[path], stat) for path, stat in restamped.items()}
        doubted = [path for path in restamped if not silent.issuperset(differ[path])]
        sample = _draw({path: restamped[path].st_size for path in doubted})
        digests = self._hash({path: restamped[path] for path in sample}, progress)
        changed = [path for path, digest in digests.items() if digest.sha256 != before[path].sha256]
        rest = {path: stat for path, stat in restamped.items() if path not in digests}
        if changed:
            for field in {field for path in changed for field in differ[path]}:
                idle[field] = 0
            return digests | self._hash(rest, progress)
        if len(doubted) >= _FEW and 2 * len(doubted) >= known:
            for field in {field for path in doubted for field in differ[path]}:
                idle[field] = idle.get(field, 0) + 1
        for path, stat in rest.items():
            origin = before[path].origin if differ[path] == {"inode"} else BELIEVED
            files[path] = known_or_hashed(stat, before[path].sha256, origin)
        self._changed = True
        return digests

    def _compare_with_lock(
        self, in_lock: Mapping[str, os.stat_result], progress: Progress | None
    ) -> dict[str, FileDigest]:
        """Return digests of files of the lock's sizes that were never hashed here: its own, if those drawn agree."""
        sample = _draw({path: stat.st_size for path, stat in in_lock.items()})
        digests = self._hash({path: in_lock[path] for path in sample}, progress)
        rest = {path: stat for path, stat in in_lock.items() if path not in digests}
        if any(digest != self.locked[path] for path, digest in digests.items()):
            return digests | self._hash(rest, progress)
        for path, stat in rest.items():
            digests[path] = self.locked[path]
            self._index.files[path] = known_or_hashed(stat, self.locked[path].sha256, LOCKED)
        self._changed |= bool(rest)
        return digests

    def _hash(self, unknown: Mapping[str, os.stat_result], progress: Progress | None) -> dict[str, FileDigest]:
        digests: dict[str, FileDigest] = {}
        saved = time.monotonic()
        from concurrent.futures import ThreadPoolExecutor  # slow to import, and seldom needed

        pool = ThreadPoolExecutor()
        try:
            hashes = pool.map(lambda path: hash_file(self.root / path), unknown)
            for path, each in zip(unknown, hashes, strict=True):
                digests[path] = FileDigest(each.size, each.sha256)
                self._index.files[path] = each
                self._changed = True
                if time.monotonic() - saved > _SAVE_EVERY_S:  # hashing terabytes may be stopped half way
                    self._save()
                    saved = time.monotonic()
                if progress:
                    progress(len(digests), len(unknown))
        finally:
            pool.shutdown(cancel_futures=True)
        return digests

    def _save(self) -> None:
        if self._changed:
            write_cache(self._file, msgspec.json.encode(self._index))
            with suppress(OSError):
                self._old_file.unlink()
            self._changed = False

    def _load(self) -> _Index:
        content = read_cache(self._file)
        try:
            return _old_index(self._old_file) if content is None else msgspec.json.decode(content, type=_Index)
        except msgspec.DecodeError:
            return _Index()


def stream_digest(files: Iterable[tuple[str, str, FileDigest]]) -> str:
    """Digest one stream of a dataset from its (recording, relative path, file digest), in any order."""
    return digest_rows(sorted([recording, path, file.size, file.sha256] for recording, path, file in files))


def _differing(seen: FileHash, stat: os.stat_result) -> set[Field]:
    """Return which fields differ, of a file of that size and modification time; none where they were not noted."""
    if not (seen.ctime_ns or seen.inode):
        return set()
    pairs: dict[Field, tuple[int, int]] = {
        "ctime_ns": (seen.ctime_ns, stat.st_ctime_ns),
        "inode": (seen.inode, stat.st_ino),
    }
    return {field for field, (before, now) in pairs.items() if before != now}


def _draw(sizes: Mapping[str, int]) -> list[str]:
    """Choose files to hash: all, if they are few or small; else at random as many as are few and small."""
    if len(sizes) <= _FEW or sum(sizes.values()) <= _FEW_BYTES:
        return list(sizes)
    import random  # seldom needed

    drawn: list[str] = []
    remaining = _FEW_BYTES
    for path in random.sample(list(sizes), len(sizes)):
        remaining -= sizes[path]
        if len(drawn) >= _FEW and remaining < 0:
            break
        drawn.append(path)
    return drawn


def _old_index(file: Path) -> _Index:
    """Take over what earlier versions noted (size, modification time, SHA-256), without change times and a checksum.

    Their files are believed to be unchanged, so that an update hashes nothing: see `RawIndex`.
    """
    try:
        notes = msgspec.json.decode(read_plain_file(file), type=dict[str, tuple[int, int, str]])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return _Index()
    files = {path: FileHash(size, mtime_ns, 0, 0, sha256, BELIEVED) for path, (size, mtime_ns, sha256) in notes.items()}
    return _Index({path: each for path, each in files.items() if re.fullmatch("[0-9a-f]{64}", each.sha256)})
