"""The folders under a dataset's root: what is in them, and what to say where none of it is a recording."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import ConfigError
from pipeline.sources.base import Unparsed

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Found(NamedTuple):
    """A name in a folder; `problem` says why it stands for no file that can be read, and is empty where it does."""

    name: str
    problem: str


def names(root: Path, folder: str) -> Iterator[str]:
    """Yield the names in one folder of the root, but hidden ones; nothing where there is no such folder.

    Raises
    ------
    ConfigError
        The folder is there and cannot be read.
    """
    return (entry.name for entry in _scan(root, folder) if not entry.name.startswith("."))


def entries(root: Path, folder: str) -> Iterator[Found]:
    """Yield what is in one folder of the root, but hidden names; nothing where there is no such folder.

    Raises
    ------
    ConfigError
        The folder is there and cannot be read.
    """
    for entry in _scan(root, folder):
        if not entry.name.startswith("."):
            yield Found(said(entry.name), _problem(entry))


def walk(root: Path, folder: str) -> Iterator[tuple[str, list[Found]]]:
    """Yield each folder in and under one of the root's, relative to the root, with its files but hidden ones.

    Links to folders are followed: who has cameras on several disks joins them so. One that leads back to a folder that
    it is in counts as a file that cannot be read.

    Raises
    ------
    ConfigError
        A folder is there and cannot be read.
    """
    parts = folder.split("/")
    outside = {_place(root / "/".join(parts[:depth])) for depth in range(len(parts) + 1)}
    waiting = [(folder, frozenset(outside))]  # folders, and those that each of them is in
    while waiting:
        inside, above = waiting.pop()
        found: list[Found] = []
        for entry in _scan(root, inside):
            place = _place(entry) if _is_folder(entry) else None
            if place is not None and place not in above:
                waiting.append((f"{inside}/{entry.name}", above | {place}))
            elif place is not None:
                found.append(Found(said(entry.name), "is a link back to a folder that it is in"))
            elif not entry.name.startswith("."):
                found.append(Found(said(entry.name), _problem(entry) or _unspeakable(inside)))
        yield said(inside), found


def said(name: str) -> str:
    """Return a name as text that can be written and printed: bytes that are not UTF-8 as backslash escapes."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", errors="backslashreplace")


def _scan(root: Path, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as there:
            return list(there)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigError(f"source.root: cannot read {root / said(folder)}: {error.strerror}") from error


def _problem(entry: os.DirEntry[str]) -> str:
    """Say why a name stands for no file that can be listed; nothing where it does, or where reading it says why."""
    try:
        if not entry.is_file() and (kind := _KINDS.get(stat.S_IFMT(entry.stat().st_mode))):
            return f"is {kind}, not a file"
    except OSError as error:  # a link to nothing is a file that is not there
        if error.errno == errno.ELOOP:
            return "is a link that leads to itself"
    return _unspeakable(entry.name)


def _unspeakable(name: str) -> str:
    return "" if said(name) == name else "has a name that is not UTF-8: rename it"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _place(folder: os.DirEntry[str] | Path) -> tuple[int, int] | None:
    """Return what tells a folder from all others on this machine; None where it has gone."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def no_recordings_message(dataset: str, root: Path, unparsed: Sequence[Unparsed], expected: str) -> str:
    """Say that the root of `dataset` holds no recordings, how one could tell, and what to do."""
    remedy = f"set source.root to the folder of {dataset} (--set source.root=DIR)"
    try:
        os.listdir(root)
    except (FileNotFoundError, NotADirectoryError):
        return f"source.root: there is no folder {root}{_leads(root)}; {remedy}, expected {expected}"
    except OSError as error:
        return f"source.root: cannot read {root}: {error.strerror}; check its permissions, or {remedy}"
    if unparsed:
        example = f"{unparsed[0].path}: {unparsed[0].reason}"
        return f"source.root: no file in {root} has a recording's name ({example}); {remedy}"
    return f"source.root: {root} holds no recordings; {remedy}, expected {expected}"


def _leads(root: Path) -> str:
    try:
        return f" (a link to {os.readlink(root)})"
    except OSError:  # no link
        return ""
