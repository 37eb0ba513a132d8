"""``stages.lock``: the inputs of an experiment, meant for version control beside its stages file.

A colleague without the raw data resolves the same keys from it; one with the data need not hash what it knows.
Code that gives the values of earlier code stands here, too, with who found it (`pipeline accept`).
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from pipeline.errors import ConfigError, PipelineError
from pipeline.keys.cache import write_atomically
from pipeline.keys.raw_index import FileDigest
from store import NotPlainFile, read_plain_file
from store.canonical import digest

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LONG = 4096  # bytes of a list of files
_MODULE = re.compile(r"(file:[^.]*|[A-Za-z_]\w*)(\.[^\W\d]\w*)*")  # also of a file beside the stages file


class LockedStream(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True, eq=False):
    """One stream's digest, and each file's size and SHA-256 (none where a generator's recipe stands for them).

    Files are read out of the lock when they are asked for: planning needs the digest alone, of a million files, too.
    """

    digest: str
    listed: msgspec.Raw = msgspec.field(name="files", default=msgspec.Raw(b"{}"))

    @classmethod
    def of(cls, digest: str, files: Mapping[str, tuple[int, str]]) -> LockedStream:
        """Make one of what is known of its files, by relative path."""
        made = cls(digest, msgspec.Raw(msgspec.json.encode(files, order="sorted")))
        made.__dict__["files"] = files
        return made

    @cached_property
    def files(self) -> Mapping[str, tuple[int, str]]:
        """Size and SHA-256 by relative path; ConfigError where the lock holds anything else."""
        try:
            return msgspec.json.decode(self.listed, type=dict[str, tuple[int, str]])
        except (UnicodeDecodeError, msgspec.DecodeError) as error:
            raise ConfigError(
                f"the lock's files of a stream cannot be read: {error}\n"
                "  restore it from version control, or delete it and run again"
            ) from None

    def __eq__(self, other: object) -> bool:
        """Compare what is said, however it is written."""
        if not isinstance(other, LockedStream) or self.digest != other.digest:
            return False
        return self is other or bytes(self.listed) == bytes(other.listed) or self.files == other.files

    __hash__ = None  # type: ignore[assignment]


class LockNotWritable(PipelineError):
    """This user may not write the lock."""


def is_closure(code: object) -> bool:
    """Tell whether a value, wherever it comes from, maps modules to digests of their code."""
    return (
        isinstance(code, dict)
        and bool(code)
        and all(isinstance(name, str) and _MODULE.fullmatch(name) for name in code)
        and all(isinstance(syntax, str) and _DIGEST.fullmatch(syntax) for syntax in code.values())
    )


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Code whose values are those of earlier code, which stands for it in recipes."""

    entry: str  # which entry it was accepted for
    checked: tuple[str, ...]  # what was computed again and compared
    code: dict[str, str]  # the earlier code: module to digest
    by: str
    at: str  # UTC
    difference: dict[str, float]  # the largest, by array, as a part of the array's scale
    tolerance: float  # the largest that would have been taken

    def __post_init__(self) -> None:
        if not is_closure(self.code):
            raise ValueError("code: must map names of modules to digests")


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a lock file holds: inputs, and by the digest of a step's code what it was accepted for."""

    format: int = 1
    source: str = ""
    index: str = ""
    raw: dict[str, LockedStream] = {}
    weights: dict[str, str] = {}
    accepted: dict[str, Accepted] = {}

    def __post_init__(self) -> None:
        earlier = {new: digest(entry.code) for new, entry in self.accepted.items()}
        for new in earlier:
            if not _DIGEST.fullmatch(new):
                raise ValueError(f"accepted: {new!r} is no digest of code")
            step, first = 0, new
            while first in earlier:
                step, first = step + 1, earlier[first]
                if step > len(earlier):
                    raise ValueError(f"accepted: {new} goes round in a circle")

    def files(self) -> dict[str, FileDigest]:
        """Return every locked file's digest by relative path."""
        return {path: FileDigest(*entry) for stream in self.raw.values() for path, entry in stream.files.items()}


def lock_path(stages_file: Path) -> Path:
    """Return the lock's place: beside the stages file, named like it."""
    return stages_file.with_suffix(".lock")


def read_lock(path: Path) -> Lock:
    """Read a lock; an empty one where there is none. ConfigError where it is damaged or of another format."""
    try:
        data = read_plain_file(path)
        lock = msgspec.json.decode(data, type=Lock)
        if lock.format == 1:
            _check_written(lock, data)
    except FileNotFoundError:
        return Lock()
    except PermissionError as error:
        raise ConfigError(
            f"{path}: {error.strerror}\n  whoever wrote it must let others read it: `chmod g+rw {path.name}` there"
        ) from None
    except NotPlainFile as error:
        raise ConfigError(f"{path}: {error.strerror}\n  move it away; a run writes a new lock") from None
    except (UnicodeDecodeError, msgspec.DecodeError, ValueError) as error:
        raise ConfigError(
            f"{path}: not a lock file: {error}\n  restore it from version control, or delete it and run again"
        ) from None
    if lock.format != 1:
        raise ConfigError(f"{path}: format {lock.format} is newer than this program\n  update harvest")
    return lock


def _check_written(lock: Lock, data: bytes) -> None:
    """Raise ValueError where a file that can be read as a lock is none that was written as one, or was merged badly."""
    names = json.loads(_without_files(lock, data), object_pairs_hook=_unique_members)
    if missing := [name for name in ("source", "index", "raw") if name not in names]:
        raise ValueError(f"it has no {' and no '.join(missing)}")
    digests = {"index": lock.index} if lock.index else {}
    digests |= {f"raw: {name}": stream.digest for name, stream in lock.raw.items()}
    digests |= {f"weights: {name}": sha256 for name, sha256 in lock.weights.items()}
    for name, found in digests.items():
        if not _DIGEST.fullmatch(found):
            raise ValueError(f"{name}: {found[:99]!r} is no digest")


def _without_files(lock: Lock, data: bytes) -> bytes:
    """Return a lock's text without its long lists of files, which would take long to parse."""
    pieces, position = [], 0
    for stream in lock.raw.values():
        if len(listed := memoryview(stream.listed)) > _LONG:
            start = data.find(listed[:_LONG], position)
            pieces += [data[position:start], b"{}"]
            position = start + len(listed)
    return b"".join([*pieces, data[position:]])


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands in it twice")
    return members


def update_lock(path: Path, lock: Lock, old: Lock) -> Lock | None:
    """Write a lock where `old` was read, and return what it replaced; None, and leave it, where somebody changed it."""
    if lock == old and path.exists():
        return old
    try:
        now = read_lock(path)
    except ConfigError:  # whoever changed it is not done, or must repair it
        return None
    if path.exists() and now not in (old, lock):
        return None
    write_lock(path, lock, now)
    return now


def write_lock(path: Path, lock: Lock, old: Lock) -> None:
    """Write a lock, one line a file so that differences read well; nothing where it did not change."""
    if lock == old and path.exists():
        return
    values = {name: getattr(lock, name) for name in lock.__struct_fields__}
    if not lock.accepted:  # so that earlier versions go on reading it
        del values["accepted"]
    text = msgspec.json.format(msgspec.json.encode(values, order="sorted"), indent=1)
    # format() puts each file on several lines; the compact list of two is folded back onto one
    text = re.sub(rb"\[\s+(\d+),\s+(\"[0-9a-f]{64}\")\s+\]", rb"[\1, \2]", text)
    try:
        write_atomically(path, text + b"\n")
    except OSError as error:
        kind = LockNotWritable if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else PipelineError
        raise kind(
            f"{path}: {error.strerror}\n  the lock stands beside its stages file: make that folder writable"
        ) from None
