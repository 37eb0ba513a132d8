"""Attempts at an output: their names, the marks that are left on them, and how they are deleted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime

from store.backends.base import Backend
from store.manifest.manifest import load_manifest
from store.paths import JOURNAL, SCRATCH, attempt_of, is_temporary, lock_path, output_prefix


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


def mark(backend: Backend, prefix: str, what: str) -> None:
    """Leave a mark on an attempt; `store.paths` says what each means to others."""
    backend.put_if_absent(f"{prefix}{SCRATCH}/{what}", b"")


def unmark(backend: Backend, prefix: str, what: str) -> None:
    """Take back a mark: only for who made it, or knows that who made it is gone."""
    backend.delete(f"{prefix}{SCRATCH}/{what}")


def has_mark(backend: Backend, prefix: str, what: str) -> bool:
    """Return whether somebody left a mark on an attempt."""
    return backend.size(f"{prefix}{SCRATCH}/{what}") is not None


def delete_attempt(backend: Backend, prefix: str, *, published: bool = False) -> None:
    """Delete an attempt's journal, objects (unless published) and scratch; what remains is never trusted."""
    for part in (JOURNAL, SCRATCH) if published else (JOURNAL, "", SCRATCH):
        backend.delete_all(prefix + part)


def delete_remains(backend: Backend, stage: str, key: str, names: Iterable[str]) -> None:
    """Delete what lies under these names in the folder of an output without a manifest, whose lock is held.

    What is not of the store stays, and the folder with it. Nothing that came later is touched, a manifest least of all:
    whoever deletes in a bucket may have stood still for so long that its lease was taken over and the output made
    again. Scratch goes after the objects, because it tells others that these are being deleted. The lock goes last:
    else a successor could lock a new file of that name, and go on from what is being deleted.
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
