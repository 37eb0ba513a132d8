"""The folders under a dataset's root: what is in them, and what to say where none of it is a recording."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.sources.contract import Unparsed


def names(root: Path, folder: str) -> Iterator[str]:
    """Yield the names in one folder of the root, but hidden ones; nothing where there is no such folder.

    Raises
    ------
    ConfigError
        The folder is there and cannot be read.
    """
    try:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    yield entry.name
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ConfigError(f"source.root: cannot read {root / folder}: {error.strerror}") from error


def walk(root: Path, folder: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder in and under one of the root's, relative to the root, with its files but hidden ones.

    Links to folders are followed: who has cameras on several disks joins them so.

    Raises
    ------
    ConfigError
        A folder is there and cannot be read.
    """

    def refuse(error: OSError) -> None:
        if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
            raise ConfigError(f"source.root: cannot read {error.filename}: {error.strerror}") from error

    for place, _, files in os.walk(root / folder, onerror=refuse, followlinks=True):
        yield Path(place).relative_to(root).as_posix(), [name for name in files if not name.startswith(".")]


def nothing(dataset: str, root: Path, unparsed: Sequence[Unparsed], expected: str) -> str:
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
