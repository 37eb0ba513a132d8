"""Attempts at an output: their names, the marks that are left on them, and how they are deleted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime

from store.backends.base import Backend
from store.manifest.manifest import load_manifest
from store.paths import (
    BEING_DELETED,
    JOURNAL,
    RESTARTED,
    SCRATCH,
    SHARED,
    attempt_of,
    is_temporary,
    lock_path,
    manifest_path,
    output_prefix,
)


def new_attempt() -> str:
    """Return a name that no other attempt has, and that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{os.urandom(4).hex()}"


def unfinished_attempts(backend: Backend, stage: str, key: str) -> list[str]:
    """Return the attempts that a draft can go on from, the newest first.

    They are those with a journal or scratch, but for the published one. An attempt with neither has nothing to go on
    from; it may be an output on its way here, whose name no draft may use for other bytes.
    """
    names = backend.list_dir(output_prefix(stage, key))
    attempts = {attempt_of(name) for name in names if name.endswith((JOURNAL, SCRATCH))} - {None}
    published = load_manifest(backend, stage, key) if attempts else None
    return sorted((each for each in attempts if each and not (published and published.attempt == each)), reverse=True)


def mark_shared(backend: Backend, prefix: str) -> None:
    """Mark an attempt as one that others may write into, besides the holder of the lock."""
    backend.put_if_absent(f"{prefix}{SCRATCH}/{SHARED}", b"")


def is_shared(backend: Backend, prefix: str) -> bool:
    """Return whether others may write into an unfinished attempt, even when nobody holds the lock."""
    return backend.size(f"{prefix}{SCRATCH}/{SHARED}") is not None


def mark_restarted(backend: Backend, prefix: str) -> None:
    """Mark an attempt as one that began without anything of the attempts before it."""
    backend.put_if_absent(f"{prefix}{SCRATCH}/{RESTARTED}", b"")


def is_restarted(backend: Backend, prefix: str) -> bool:
    """Return whether an attempt began without anything of the attempts before it."""
    return backend.size(f"{prefix}{SCRATCH}/{RESTARTED}") is not None


def mark_being_deleted(backend: Backend, prefix: str) -> None:
    """Mark an attempt as one that is being deleted: nobody is to write under its name from now on."""
    backend.put_if_absent(f"{prefix}{SCRATCH}/{BEING_DELETED}", b"")


def unmark_being_deleted(backend: Backend, prefix: str) -> None:
    """Take back the mark of `mark_being_deleted`: only for who made it, or knows that who made it is gone."""
    backend.delete(f"{prefix}{SCRATCH}/{BEING_DELETED}")


def is_being_deleted(backend: Backend, prefix: str) -> bool:
    """Return whether somebody has begun to delete an attempt, and may yet go on with that."""
    return backend.size(f"{prefix}{SCRATCH}/{BEING_DELETED}") is not None


def delete_attempt(backend: Backend, prefix: str, *, published: bool = False) -> None:
    """Delete an attempt's journal, objects (unless published) and scratch; what remains is never trusted."""
    for part in (JOURNAL, SCRATCH) if published else (JOURNAL, "", SCRATCH):
        backend.delete_all(prefix + part)


def delete_output(backend: Backend, stage: str, key: str) -> None:
    """Delete an output and all attempts at it, whose lock is held: its manifest first, the lock last.

    Else a successor could lock a new file of that name, and go on from what is being deleted.
    """
    backend.delete(manifest_path(stage, key))
    delete_remains(backend, stage, key, backend.list_dir(output_prefix(stage, key)))


def delete_remains(backend: Backend, stage: str, key: str, names: Iterable[str]) -> None:
    """Delete what lies under these names in the folder of an output without a manifest, whose lock is held.

    What is not of the store stays, and the folder with it. Nothing that came later is touched, a manifest least of all:
    whoever deletes in a bucket may have stood still for so long that its lease was taken over and the output made
    again. Scratch goes after the objects, because it tells others that these are being deleted.
    """
    prefix, lock = output_prefix(stage, key), lock_path(stage, key)
    for name in sorted(names, key=lambda name: name.endswith(SCRATCH)):
        if attempt_of(name):
            backend.delete_all(f"{prefix}/{name}")
        elif is_temporary(name):
            backend.delete(f"{prefix}/{name}")
    backend.drop_folder(prefix, lock)


def delete_orphans(backend: Backend, prefix: str, *, keep: set[str]) -> None:
    """Delete what an earlier owner left of an attempt, but for the paths in `keep`, journal and scratch."""
    for path in list(backend.list_paths(prefix)):
        if path.removeprefix(f"{prefix}/") not in keep:
            backend.delete(path)
    output_folder = prefix.rpartition("/")[0]
    for folder in (output_folder, prefix + JOURNAL, prefix + SCRATCH):
        for name in backend.list_dir(folder):
            if is_temporary(name):
                backend.delete(f"{folder}/{name}")
