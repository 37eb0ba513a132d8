"""The folders under a dataset's root: what is in them, which recordings it makes, and what to say where it makes none.

Sources that keep their data in files list them with `list_folder` or `walk`, say of each file whose it is, and gather
the files of each recording with `gather`.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

from pipeline.errors import ConfigError
from pipeline.sources.base import Listing, Recording, Unparsed

Owner = TypeVar("Owner", bound=Hashable)
# Files of one stream, and whose they are: what identifies the recording, or text that says why nobody can tell.
StreamFiles: TypeAlias = tuple[str, tuple[str, ...], Owner | str]

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class FolderEntry(NamedTuple):
    """A name in a folder; `problem` says why no file can be read under it, and is empty where one can."""

    name: str
    problem: str


def gather(files: Iterable[StreamFiles[Owner]]) -> tuple[dict[Owner, dict[str, tuple[str, ...]]], list[Unparsed]]:
    """Return each owner's files by stream, and the files that belong to nobody, sorted by path.

    Of two files for one stream of one recording the first is taken.
    """
    streams: dict[Owner, dict[str, tuple[str, ...]]] = {}
    unparsed: list[Unparsed] = []
    for stream, paths, owner in files:
        if isinstance(owner, str):
            unparsed += [Unparsed(stream, path, owner) for path in paths]
            continue
        first = streams.setdefault(owner, {}).setdefault(stream, paths)
        if first is not paths:
            unparsed += [Unparsed(stream, path, f"names the same recording as {first[0]}") for path in paths]
    return streams, sorted(unparsed, key=lambda each: each.path)


def sorted_listing(recordings: Iterable[Recording], unparsed: Sequence[Unparsed]) -> Listing:
    """Return a listing with its recordings in the order of their ids, which is the order of rows."""
    return Listing(tuple(sorted(recordings, key=lambda each: each.id)), tuple(unparsed))


def list_names(root: Path, folder: str) -> Iterator[str]:
    """Yield the names in one folder as they are on disk, otherwise as `list_folder` does."""
    return (entry.name for entry in _scan(root, folder) if not entry.name.startswith("."))


def list_folder(root: Path, folder: str) -> Iterator[FolderEntry]:
    """Yield what is in one folder of the root, but hidden names; nothing where there is no such folder.

    ConfigError where it is there and cannot be read.
    """
    # Hidden names are what file managers and synchronisers leave behind.
    for entry in _scan(root, folder):
        if not entry.name.startswith("."):
            yield FolderEntry(printable(entry.name), _problem(entry))


def walk(root: Path, folder: str) -> Iterator[tuple[str, list[FolderEntry]]]:
    """Yield each folder in and under one of the root's, relative to the root, with its files.

    The root itself is ``""``: `posixpath.join` makes a path of a folder and a file's name. Hidden files and hidden
    folders (``.git``, a synchroniser's ``.sync``) are left out. Links to folders are followed: who has cameras on
    several disks joins them so. One that leads back to a folder that it is in counts as a file that cannot be read.
    ConfigError where a folder is there and cannot be read.
    """
    # A folder is told by device and inode: links may lead to one folder under many names.
    parts = folder.split("/")
    outside = {_identity(root / "/".join(parts[:depth])) for depth in range(len(parts) + 1)}
    waiting = [(folder, frozenset(outside))]  # folders, and those that each of them is in
    while waiting:
        inside, above = waiting.pop()
        files: list[FolderEntry] = []
        for entry in _scan(root, inside):
            if entry.name.startswith("."):
                continue
            identity = _identity(entry) if _is_folder(entry) else None
            if identity is not None and identity not in above:
                waiting.append((posixpath.join(inside, entry.name), above | {identity}))
            elif identity is not None:
                files.append(FolderEntry(printable(entry.name), "is a link back to a folder that it is in"))
            else:
                files.append(FolderEntry(printable(entry.name), _problem(entry) or _name_problem(inside)))
        yield printable(inside), files


def printable(name: str) -> str:
    """Return a name as text that can be written and printed: bytes that are not UTF-8 as backslash escapes."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", errors="backslashreplace")


def _scan(root: Path, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as scanned:
            return list(scanned)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigError(f"source.root: cannot read {root / printable(folder)}: {error.strerror}") from error


def _problem(entry: os.DirEntry[str]) -> str:
    """Say why a name stands for no file that can be listed; nothing where it does, or where reading it says why."""
    try:
        if not entry.is_file() and (kind := _KINDS.get(stat.S_IFMT(entry.stat().st_mode))):
            return f"is {kind}, not a file"
    except OSError as error:  # a link to nothing is a file that is not there
        if error.errno == errno.ELOOP:
            return "is a link that leads to itself"
    return _name_problem(entry.name)


def _name_problem(name: str) -> str:
    return "" if printable(name) == name else "has a name that is not UTF-8: rename it"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(folder: os.DirEntry[str] | Path) -> tuple[int, int] | None:
    """Return what tells a folder from all others on this machine; None where it has gone."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def no_recordings_message(dataset: str, root: Path, unparsed: Sequence[Unparsed], expected: str) -> str:
    """Say that the root of `dataset` holds no recordings, how one could tell, and what to do."""
    remedy = f"set source.root to the folder of {dataset} (--set source.root=DIR)"
    try:
        os.listdir(root)
    except (FileNotFoundError, NotADirectoryError):
        return f"source.root: there is no folder {root}{_link_target(root)}; {remedy}, expected {expected}"
    except OSError as error:
        return f"source.root: cannot read {root}: {error.strerror}; check its permissions, or {remedy}"
    if unparsed:
        example = f"{unparsed[0].path}: {unparsed[0].reason}"
        return f"source.root: no file in {root} has a recording's name ({example}); {remedy}"
    return f"source.root: {root} holds no recordings; {remedy}, expected {expected}"


def _link_target(root: Path) -> str:
    try:
        return f" (a link to {os.readlink(root)})"
    except OSError:  # no link
        return ""
