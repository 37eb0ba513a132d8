"""The mount point of a store's folder: an unmounted file system leaves an empty folder, where no store must begin.

For each store, only its mount point is remembered, in the user's cache, since device numbers change when a machine
starts. So a store that was deleted on purpose can begin again, and one whose file system is not mounted cannot.
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
    """Remember where a store's folder is mounted; a failure is ignored, since this only prevents a later surprise."""
    mount, note = _mount_of(folder), _note_of(folder)
    if note is None or mount == _read(note):
        return
    with suppress(OSError):
        if mount == os.sep and not note.exists():
            return
        note.parent.mkdir(parents=True, exist_ok=True)
        temporary = note.with_name(temporary_name())
        temporary.write_text(f"{mount}\n{folder}\n", encoding="utf-8", errors="surrogateescape")
        os.replace(temporary, note)


def check_mounted(folder: str) -> None:
    """Raise StoreError where there was a store, on a file system that is not mounted now."""
    note = _note_of(folder)
    before = _read(note) if note else None  # the mount point of the store that was here
    if before is not None and _is_above(_mount_of(folder), before):
        raise StoreError(
            f"{folder} was a store on the file system at {before}, and none is mounted there now. Mount it and run "
            f"again; nothing was begun here (for a new store in this folder all the same, delete {note})"
        )


def unmounted_error(folder: str) -> StoreError:
    """Return the error that a store has vanished while it was in use."""
    return StoreError(
        f"the store at {folder} is gone: it had a store.json before. Is its file system still mounted? "
        "Mount it, or put it back, and run again; nothing new was begun there"
    )


def _is_above(mount: str, before: str) -> bool:
    return mount != before and before.startswith(mount.rstrip(os.sep) + os.sep)


def _mount_of(folder: str) -> str:
    path = os.path.realpath(folder)
    while not os.path.ismount(path):  # the root folder always is one
        path = os.path.dirname(path)
    return path


def _note_of(folder: str) -> Path | None:
    own = os.environ.get("PIPELINE_CACHE")
    try:
        cache = expand_home(own or f"{os.environ.get('XDG_CACHE_HOME') or '~/.cache'}/harvest")
    except UnknownHome:
        return None
    return cache.absolute() / "stores" / hashlib.sha256(os.fsencode(folder)).hexdigest()[:24]


def _read(note: Path) -> str | None:
    try:
        return read_plain_file(note).decode("utf-8", "surrogateescape").splitlines()[0]
    except (OSError, IndexError):
        return None
