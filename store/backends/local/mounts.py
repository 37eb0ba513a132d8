"""Which file system a store's folder lies on: one that is not mounted leaves an empty folder, where none must begin.

What is remembered of each store, in the user's cache, is its mount point alone: numbers of devices change when a
machine starts. So a store that was deleted on purpose can begin again, and one whose file system is not there cannot.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from store.errors import StoreError, UnknownHome
from store.home import expand_home
from store.paths import temporary_name
from store.plain_file import read_plain_file


def remember_mount(folder: str) -> None:
    """Remember where a store's folder is mounted; best effort, since only a later surprise depends on it."""
    mount, note = _mount_of(folder), _note_of(folder)
    if note is None or mount == _read(note):
        return
    with suppress(OSError):
        if mount == os.sep and not note.exists():
            return
        note.parent.mkdir(parents=True, exist_ok=True)
        temporary = note.with_name(temporary_name(os.urandom(8).hex()))
        temporary.write_text(f"{mount}\n{folder}\n", encoding="utf-8", errors="surrogateescape")
        os.replace(temporary, note)


def check_mounted(folder: str) -> None:
    """Raise StoreError where there was a store, on a file system that is not mounted now."""
    note = _note_of(folder)
    before = _read(note) if note else None
    if before is not None and _is_above(_mount_of(folder), before):
        raise StoreError(
            f"{folder} was a store on the file system at {before}, and none is mounted there now. Mount it and run "
            f"again; nothing was begun here (for a new store in this folder all the same, delete {note})"
        )


def is_unmounted(folder: str) -> StoreError:
    """Return the error that a store is not there any more in the middle of work."""
    return StoreError(
        f"the store at {folder} is gone: it had a store.json before. Is its file system still mounted? "
        "Mount it, or put it back, and run again; nothing new was begun there"
    )


def _is_above(mount: str, before: str) -> bool:
    return mount != before and before.startswith(mount.rstrip(os.sep) + os.sep)


def _mount_of(folder: str) -> str:
    place = os.path.realpath(folder)
    while not os.path.ismount(place) and place != os.path.dirname(place):
        place = os.path.dirname(place)
    return place


def _note_of(folder: str) -> Path | None:
    named = os.environ.get("PIPELINE_CACHE") or os.environ.get("XDG_CACHE_HOME")
    try:
        cache = expand_home(named or "~/.cache")
    except UnknownHome:
        return None
    own = cache if os.environ.get("PIPELINE_CACHE") else cache / "harvest"
    return own.absolute() / "stores" / hashlib.sha256(os.fsencode(folder)).hexdigest()[:24]


def _read(note: Path) -> str | None:
    try:
        return read_plain_file(note).decode("utf-8", "surrogateescape").splitlines()[0]
    except (OSError, IndexError):
        return None
