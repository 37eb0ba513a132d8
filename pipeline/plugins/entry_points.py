"""Entry points of installed packages, by our groups; remembered until a package is installed or removed.

`importlib.metadata` takes longer to import and to look than most plans to make. Only names that are none of ours are
looked up, and a name that is not among those remembered is looked for anew.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from pathlib import Path

import msgspec

from pipeline.keys.cache import cache_folder, read_cache, write_cache

GROUPS = {
    "sources": "harvest.sources",
    "models": "harvest.models",
    "losses": "harvest.losses",
    "stages": "harvest.stages",
    "backbones": "harvest.backbones",
    "reductions": "harvest.reductions",
}

Names = dict[str, tuple[str, ...]]  # name -> what it stands for, as ``module:Class``: more than one is a mistake
_FORMAT = 2


class _Found(msgspec.Struct, frozen=True):
    """What was found, and what of the folders it holds for."""

    state: list[tuple[str, int, int]]  # of each folder of `sys.path`, and of each of the files
    files: list[str]  # with entry points of ours
    names: dict[str, Names]  # by table


def entry_points(table: str, name: str = "") -> Names:
    """Return the names of a table; `name` is looked for anew where it is not among those remembered."""
    found = _remembered()
    if found is None or (name and name not in found.names[table]):
        found = _look()
        write_cache(_file(), msgspec.json.encode(found))
    return found.names[table]


def _remembered() -> _Found | None:
    try:
        found = msgspec.json.decode(read_cache(_file()) or b"", type=_Found)
    except msgspec.DecodeError:  # nothing, or of another version
        return None
    return found if found.state == _state(found.files) else None


def _look() -> _Found:
    from importlib.metadata import distributions  # 40 ms

    names: dict[str, dict[str, dict[str, None]]] = {table: {} for table in GROUPS}
    tables = {group: table for table, group in GROUPS.items()}
    files, seen = [], set()
    for distribution in distributions():
        if distribution.name in seen:  # hidden by another in an earlier folder
            continue
        seen.add(distribution.name)
        for each in distribution.entry_points:
            if each.group in tables:
                names[tables[each.group]].setdefault(each.name, {})[each.value.replace(" ", "")] = None
                if (metadata := getattr(distribution, "_path", None)) is not None:  # rewritten in place by some tools
                    files.append(str(metadata / "entry_points.txt"))
    settled = {table: {name: tuple(places) for name, places in found.items()} for table, found in names.items()}
    files = [*dict.fromkeys(files)]
    return _Found(_state(files), files, settled)


def _state(files: list[str]) -> list[tuple[str, int, int]]:
    return [_looked_at(path) for path in [*filter(None, sys.path), *files]]


def _looked_at(path: str) -> tuple[str, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, found.st_mtime_ns, found.st_size


def _file() -> Path:
    ours = sha256(os.pathsep.join(sys.path).encode(errors="surrogateescape")).hexdigest()
    return cache_folder() / "entry-points" / f"{_FORMAT}-{ours}.cache"
