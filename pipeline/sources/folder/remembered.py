"""A folder's listing, remembered as long as no folder in it changes: to add or rename a file changes its folder."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from pipeline.keys.cache import cache_folder, read_cache, write_cache
from pipeline.sources.base import Listing
from pipeline.sources.folder.params import Params, Table
from pipeline.sources.folder_listing import printable

_NOWHERE = 0, 0, 0, 0
_SETTLED_NS = 2_000_000_000  # a folder that changed later may change again within the clock's tick


class _Kept(msgspec.Struct, frozen=True):
    """A listing, and how the folders and the table were that it was made of."""

    state: dict[str, tuple[int, int, int, int]]
    listing: Listing


class Remembered:
    """Keeps the listing of one folder by one description in the user's cache folder; losing it costs only time."""

    def __init__(self, root: Path, params: Params) -> None:
        self._root = root
        table = params.table.file if isinstance(params.table, Table) else params.table
        self._files = [] if table is None else [table]
        described = msgspec.json.encode(params) + os.fsencode(os.path.realpath(root))
        code = hashlib.sha256(described)
        here = Path(__file__).parent
        for module in sorted([*here.glob("*.py"), *(here / "listing").glob("*.py")]):  # other code may list otherwise
            code.update(str(module.stat().st_mtime_ns).encode())
        self._file = cache_folder() / "folder" / f"{code.hexdigest()[:24]}.listing"

    def get(self) -> Listing | None:
        """Return the listing, if nothing has changed since."""
        try:
            kept = msgspec.msgpack.decode(read_cache(self._file) or b"", type=_Kept)
            return kept.listing if kept.state == self._state(kept.state) else None
        except msgspec.DecodeError:
            return None

    def put(self, listing: Listing, folders: Iterable[str], lost: Iterable[str] = ()) -> None:
        """Keep a listing that was made of some folders, unless one of them changed just now.

        Parameters
        ----------
        lost
            Links that led nowhere: to files, or to folders.
        """
        known = self._state([*folders, *self._files])
        if _NOWHERE in known.values():
            return
        state = known | self._state(lost)
        if max(max(mtime, ctime) for _, _, mtime, ctime in state.values()) < time.time_ns() - _SETTLED_NS:
            write_cache(self._file, msgspec.msgpack.encode(_Kept(state, listing)))

    def _state(self, paths: Iterable[str]) -> dict[str, tuple[int, int, int, int]]:
        root = os.fspath(self._root)
        return {path: _status(f"{root}/{path}") for path in paths}


def lost_links(root: Path, folders: Iterable[str]) -> Iterator[str]:
    """Yield the links in some folders that lead to what is not there: to a disk that is away, say."""
    for folder in folders:
        inside = f"{folder}/" if folder else ""
        with suppress(OSError), os.scandir(root / folder) as entries:  # the walk through it says what is wrong
            yield from (
                inside + printable(each.name) for each in entries if each.is_symlink() and not os.path.exists(each)
            )


def _status(path: str) -> tuple[int, int, int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return _NOWHERE
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
