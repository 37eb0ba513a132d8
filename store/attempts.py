"""Attempts at an output: their names, and which one a successor takes over."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from store.errors import CorruptManifest, UnsupportedFormat
from store.limits import MANIFEST_BYTES, read_at_most
from store.manifest import Manifest, decode_manifest
from store.paths import (
    ANEW,
    FREED,
    JOURNAL,
    SCRATCH,
    SHARED,
    attempt_of,
    is_temporary,
    lock_path,
    manifest_path,
    output_prefix,
)
from store.rereading import read_again
from store.roots.contract import Root


def new_attempt() -> str:
    """Return a name that no other attempt has, and that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{os.urandom(4).hex()}"


def unfinished_attempts(root: Root, stage: str, key: str) -> list[str]:
    """Return the attempts that a draft can go on from, the newest first.

    They are those with a journal or scratch, but for the published one. An attempt with neither has nothing to go on
    from; it may be an output on its way here, whose name no draft may use for other bytes.
    """
    names = root.children(output_prefix(stage, key))
    found = {attempt_of(name) for name in names if name.endswith((JOURNAL, SCRATCH))} - {None}
    published = load_manifest(root, stage, key) if found else None
    return sorted((each for each in found if each and not (published and published.attempt == each)), reverse=True)


def share(root: Root, prefix: str) -> None:
    """Mark an attempt as one that others may write into, besides the holder of the lock."""
    root.create(f"{prefix}{SCRATCH}/{SHARED}", b"")


def is_shared(root: Root, prefix: str) -> bool:
    """Tell whether others may write into an unfinished attempt, even when nobody holds the lock."""
    return root.size(f"{prefix}{SCRATCH}/{SHARED}") is not None


def begin_anew(root: Root, prefix: str) -> None:
    """Mark an attempt as one for which nothing of an earlier attempt is of use."""
    root.create(f"{prefix}{SCRATCH}/{ANEW}", b"")


def begun_anew(root: Root, prefix: str) -> bool:
    """Tell whether nothing of the attempts before this one is of use."""
    return root.size(f"{prefix}{SCRATCH}/{ANEW}") is not None


def note_freeing(root: Root, prefix: str) -> None:
    """Note that an attempt is being deleted: nobody is to write under its name from now on."""
    root.create(f"{prefix}{SCRATCH}/{FREED}", b"")


def forget_freeing(root: Root, prefix: str) -> None:
    """Take the note of `note_freeing` back, by whoever wrote it, or knows that its writer is gone."""
    root.delete(f"{prefix}{SCRATCH}/{FREED}")


def is_being_freed(root: Root, prefix: str) -> bool:
    """Tell whether somebody has begun to delete an attempt, and may yet go on with that."""
    return root.size(f"{prefix}{SCRATCH}/{FREED}") is not None


def load_manifest(root: Root, stage: str, key: str, misread: Callable[[str], None] | None = None) -> Manifest | None:
    """Read and check a manifest; None where nothing is published. `misread` is as in `store.rereading`."""
    found = manifest_and_text(root, stage, key, misread)
    return None if found is None else found[0]


def manifest_and_text(
    root: Root, stage: str, key: str, misread: Callable[[str], None] | None = None
) -> tuple[Manifest, bytes] | None:
    """Do as `load_manifest`; return the bytes, too."""
    path = manifest_path(stage, key)

    def read() -> tuple[Manifest, bytes]:
        data = read_at_most(root, path, MANIFEST_BYTES)
        return decode_manifest(data, stage=stage, key=key, url=root.url), data

    try:
        return read_again(root, path, read, (CorruptManifest, UnsupportedFormat), misread)
    except FileNotFoundError:
        return None


def drop_attempt(root: Root, prefix: str, *, published: bool = False) -> None:
    """Delete an attempt's journal, objects (unless published) and scratch; what remains is never trusted."""
    for part in (JOURNAL, SCRATCH) if published else (JOURNAL, "", SCRATCH):
        root.delete_all(prefix + part)


def drop_output(root: Root, stage: str, key: str) -> None:
    """Delete an output and all attempts at it, whose lock is held: its manifest first, the lock last.

    Else a successor could lock a new file of that name, and go on from what is being deleted.
    """
    root.delete(manifest_path(stage, key))
    drop_remains(root, stage, key, root.children(output_prefix(stage, key)))


def drop_remains(root: Root, stage: str, key: str, names: Iterable[str]) -> None:
    """Delete what lies under these names in the folder of an output without a manifest, whose lock is held.

    What is not of the store stays, and the folder with it. Nothing that came later is touched, a manifest least of all:
    whoever deletes in a bucket may have stood still for so long that its lease was taken over and the output made
    again. Scratch goes after the objects, because it tells others that these are being deleted.
    """
    prefix, lock = output_prefix(stage, key), lock_path(stage, key)
    for name in sorted(names, key=lambda name: name.endswith(SCRATCH)):
        if attempt_of(name):
            root.delete_all(f"{prefix}/{name}")
        elif is_temporary(name):
            root.delete(f"{prefix}/{name}")
    root.drop_folder(prefix, lock)


def sweep(root: Root, prefix: str, *, keep: set[str]) -> None:
    """Delete what an earlier owner left of an attempt, but for the paths in `keep`, journal and scratch."""
    for path in list(root.walk(prefix)):
        if path.removeprefix(f"{prefix}/") not in keep:
            root.delete(path)
    beside = prefix.rpartition("/")[0]
    for folder in (beside, prefix + JOURNAL, prefix + SCRATCH):
        for name in root.children(folder):
            if is_temporary(name):
                root.delete(f"{folder}/{name}")
