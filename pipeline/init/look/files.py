"""All files of a folder that may hold recordings, by what kind of file each is."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.sources.folder.params import Format
from pipeline.sources.folder.reading.file_format import FORMAT_BY_END
from pipeline.sources.folder_listing import walk

_IS_NOTE = re.compile(r"readme|licen[cs]e|changelog|notes|thumb|desktop|joint_order", re.IGNORECASE)


@dataclass(frozen=True)
class DataFile:
    """A path below the root, what its name ends in (``.csv.gz``), and the kind of file which that means."""

    path: str
    end: str
    kind: Format


def find_files(root: Path) -> list[DataFile]:
    """Return the files whose names' ends are known, sorted by path; notes and thumbnails are left out.

    Raises
    ------
    ConfigError
        It is no folder, or one in it cannot be read.
    """
    if root.is_file():
        raise ConfigError(f"{root}: is a file\n  give the folder that it lies in: pipeline init {root.parent}")
    if not root.is_dir():
        raise ConfigError(f"{root}: there is no such folder\n  give the folder that holds your recordings")
    found = []
    for folder, entries in walk(root, ""):
        for entry in entries:
            stem, end = posixpath.splitext(entry.name)
            if end.lower() == ".gz":
                end = posixpath.splitext(stem)[1] + end
            kind = FORMAT_BY_END.get(end.lower().removesuffix(".gz"))
            if kind is None or entry.problem or _IS_NOTE.search(entry.name):
                continue
            found.append(DataFile(posixpath.join(folder, entry.name), end, kind))
    return sorted(found, key=lambda each: each.path)
