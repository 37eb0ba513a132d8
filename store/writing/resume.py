"""Resuming what earlier owners of a draft left: in their attempt where nobody else can write to it, else in a copy.

In a bucket an earlier owner may only be paused, and its lease lost; it would go on writing. On a folder the lock keeps
an owner out, but not its shared writers. So no attempt in a bucket is resumed in place, nor on a folder one that was
shared: finished units and checkpoints are copied by the service (on a folder, linked), then read back and verified
like those of any earlier owner. In a bucket the attempt that they came from stays, because its owner may yet wake up
and publish it; garbage collection deletes it when its grace is over. On a folder it is deleted when its successor is
published.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from store.backends.base import Backend
from store.paths import MARKS, RESTARTED, SCRATCH, SHARED, output_prefix
from store.writing.attempts import delete_orphans, has_mark, new_attempt, unfinished_attempts
from store.writing.journal import Journal, JournalEntry

MAX_WORKERS = 8


def resume_attempt(backend: Backend, stage: str, key: str) -> tuple[str, list[JournalEntry], list[str]]:
    """Return the attempt that a new draft writes to, its finished units, and the prefixes of other, earlier attempts.

    Whoever calls holds the lock of this output.
    """
    folder = output_prefix(stage, key)
    in_place, others = _unfinished(backend, stage, key)
    attempt = in_place or new_attempt()
    prefix = f"{folder}/{attempt}"
    if not in_place and not others:
        return attempt, [], []
    earlier = [f"{folder}/{each}" for each in others]
    _copy(backend, earlier, prefix)
    units = Journal(backend, prefix).recover()
    delete_orphans(backend, prefix, keep={each.path for entry in units for each in entry.objects})
    return attempt, units, earlier


def _unfinished(backend: Backend, stage: str, key: str) -> tuple[str | None, list[str]]:
    """Return the attempt to resume in place, if any, and those to copy from, the newest first."""
    folder = output_prefix(stage, key)
    in_place: str | None = None
    others = []
    for each in unfinished_attempts(backend, stage, key):
        prefix = f"{folder}/{each}"
        if in_place is None and backend.locks_are_exclusive and not has_mark(backend, prefix, SHARED):
            in_place = each
        else:
            others.append(each)
        if has_mark(backend, prefix, RESTARTED):
            break  # whatever is older was of no use to it
    return in_place, others


def _copy(backend: Backend, earlier: list[str], prefix: str) -> None:
    """Copy every unit and scratch file that the attempt lacks, from the newest of the earlier ones that has it."""
    journal = Journal(backend, prefix)

    def copy_unit(source: str, entry: JournalEntry) -> None:
        with suppress(FileNotFoundError):  # garbage collection deleted it meanwhile
            for each in entry.objects:
                backend.copy(f"{source}/{each.path}", f"{prefix}/{each.path}")
            backend.sync(f"{prefix}/{each.path}" for each in entry.objects)
            journal.append(entry)

    def copy_scratch(source: str, name: str) -> None:
        with suppress(FileNotFoundError):
            backend.copy(f"{source}{SCRATCH}/{name}", f"{prefix}{SCRATCH}/{name}")

    units, paths, names = set[str](), set[str](), set(MARKS)
    if earlier:
        for entry in journal.entries():
            units.add(entry.unit)
            paths |= {each.path for each in entry.objects}
        names |= _scratch_names(backend, prefix)
    with ThreadPoolExecutor(MAX_WORKERS) as threads:
        copies = []
        for source in earlier:
            for entry in Journal(backend, source).entries():
                objects = {each.path for each in entry.objects}
                # Attempts may have cut the work differently: an object is copied with one unit only.
                if entry.unit not in units and paths.isdisjoint(objects):
                    units.add(entry.unit)
                    paths |= objects
                    copies.append(threads.submit(copy_unit, source, entry))
            for name in _scratch_names(backend, source) - names:
                names.add(name)
                copies.append(threads.submit(copy_scratch, source, name))
        for each in copies:
            each.result()


def _scratch_names(backend: Backend, prefix: str) -> set[str]:
    return {path.removeprefix(f"{prefix}{SCRATCH}/") for path in backend.list_paths(prefix + SCRATCH)}


def progress(backend: Backend, stage: str, key: str) -> int:
    """Return how much `resume_attempt` would find: units, or else scratch files; counted, not checked."""
    in_place, others = _unfinished(backend, stage, key)
    earlier = [f"{output_prefix(stage, key)}/{each}" for each in (in_place, *others) if each]
    units = {unit for prefix in earlier for unit in Journal(backend, prefix).names()}
    names = {name for prefix in earlier for name in backend.list_dir(prefix + SCRATCH)} - MARKS
    return len(units) or len(names)
