"""Going on from what earlier owners of a draft left: in their attempt where nobody else writes to it, else in a copy.

In a bucket an earlier owner may only be paused, and its lease lost; it would go on writing. On a folder the lock keeps
an owner out, but not those who joined it. So nobody goes on in an attempt in a bucket, nor on a folder in one that was
open to others: finished units and checkpoints are copied by the service (on a folder, linked), then read back and
checked like those of any earlier owner. In a bucket the attempt that they came from stays, because its owner may yet
wake up and publish it; cleaning frees it when its grace is over. On a folder it goes when its successor is published.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from store.backends.base import Backend
from store.paths import ANEW, FREED, SCRATCH, SHARED, output_prefix
from store.writing.attempts import delete_orphans, is_restarted, is_shared, new_attempt, unfinished_attempts
from store.writing.journal import Journal, JournalEntry

MAX_WORKERS = 8

_OF_ONE_ATTEMPT = {SHARED, ANEW, FREED}  # what the scratch says of its own attempt alone


def resume_attempt(backend: Backend, stage: str, key: str) -> tuple[str, list[JournalEntry], list[str]]:
    """Return the attempt that a new draft writes to, the units found finished, and the places of earlier attempts.

    Whoever calls holds the lock of this output.
    """
    folder = output_prefix(stage, key)
    ours, others = _earlier(backend, stage, key)
    attempt = ours or new_attempt()
    prefix = f"{folder}/{attempt}"
    if not ours and not others:
        return attempt, [], []
    before = [f"{folder}/{each}" for each in others]
    _copy(backend, before, prefix)
    kept = Journal(backend, prefix).recover()
    delete_orphans(backend, prefix, keep={each.path for entry in kept for each in entry.objects})
    return attempt, kept, before


def _earlier(backend: Backend, stage: str, key: str) -> tuple[str | None, list[str]]:
    """Return the attempt to write on in, if any, and those to copy from, the newest first."""
    folder = output_prefix(stage, key)
    ours: str | None = None
    others = []
    for each in unfinished_attempts(backend, stage, key):
        prefix = f"{folder}/{each}"
        if ours is None and backend.resumable and not is_shared(backend, prefix):
            ours = each
        else:
            others.append(each)
        if is_restarted(backend, prefix):
            break
    return ours, others


def _copy(backend: Backend, earlier: list[str], prefix: str) -> None:
    """Copy every unit and scratch file that is not there once, from the newest attempt that has it."""
    journal = Journal(backend, prefix)

    def copy_unit(place: str, entry: JournalEntry) -> None:
        with suppress(FileNotFoundError):  # cleaned away meanwhile
            for each in entry.objects:
                backend.copy(f"{place}/{each.path}", f"{prefix}/{each.path}")
            backend.sync(f"{prefix}/{each.path}" for each in entry.objects)
            journal.append(entry)

    def copy_scratch(place: str, name: str) -> None:
        with suppress(FileNotFoundError):
            backend.copy(f"{place}{SCRATCH}/{name}", f"{prefix}{SCRATCH}/{name}")

    units, paths, names = set[str](), set[str](), set(_OF_ONE_ATTEMPT)
    if earlier:
        for entry in journal.entries():
            units.add(entry.unit)
            paths |= {each.path for each in entry.objects}
        names |= _scratch(backend, prefix)
    with ThreadPoolExecutor(MAX_WORKERS) as threads:
        copies = []
        for place in earlier:
            for entry in Journal(backend, place).entries():
                theirs = {each.path for each in entry.objects}
                if entry.unit not in units and paths.isdisjoint(theirs):
                    units.add(entry.unit)
                    paths |= theirs
                    copies.append(threads.submit(copy_unit, place, entry))
            for name in _scratch(backend, place) - names:
                names.add(name)
                copies.append(threads.submit(copy_scratch, place, name))
        for each in copies:
            each.result()


def _scratch(backend: Backend, place: str) -> set[str]:
    return {path.removeprefix(f"{place}{SCRATCH}/") for path in backend.walk(place + SCRATCH)}


def progress(backend: Backend, stage: str, key: str) -> int:
    """Return how much `resume_attempt` would find: units, or else scratch files; counted, not checked."""
    ours, others = _earlier(backend, stage, key)
    earlier = [f"{output_prefix(stage, key)}/{each}" for each in [*([ours] if ours else []), *others]]
    units = {unit for place in earlier for unit in Journal(backend, place).names()}
    names = {name for place in earlier for name in backend.children(place + SCRATCH)} - _OF_ONE_ATTEMPT
    return len(units) or len(names)
