"""Going on from what earlier owners of a draft left: in their attempt where a lock keeps them out, else in a copy.

In a bucket an earlier owner may only be paused, and its lease lost; it would go on writing. So nobody writes into
another's attempt there: finished units and checkpoints are copied by the service, then read back and checked like those
of any earlier owner. The attempt that they came from stays, because its owner may yet wake up and publish it; cleaning
frees it when its grace is over.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from store.attempts import new_attempt, sweep, unfinished_attempts
from store.journal import Journal, JournalEntry
from store.paths import SCRATCH, output_prefix
from store.roots.contract import Root

_AT_ONCE = 8


def adopt(root: Root, stage: str, key: str) -> tuple[str, list[JournalEntry]]:
    """Return the attempt that a new draft writes to, and the units that it finds finished there.

    Whoever calls holds the lock of this output.
    """
    earlier = unfinished_attempts(root, stage, key)
    attempt = earlier[0] if earlier and root.resumable else new_attempt()
    prefix = f"{output_prefix(stage, key)}/{attempt}"
    if not earlier:
        return attempt, []
    if not root.resumable:
        _copy(root, [f"{output_prefix(stage, key)}/{each}" for each in earlier], prefix)
    kept = Journal(root, prefix).recover()
    sweep(root, prefix, keep={each.path for entry in kept for each in entry.objects})
    return attempt, kept


def _copy(root: Root, earlier: list[str], prefix: str) -> None:
    """Copy every unit and scratch file once, from the newest attempt that has it."""
    journal = Journal(root, prefix)

    def copy_unit(place: str, entry: JournalEntry) -> None:
        with suppress(FileNotFoundError):  # cleaned away meanwhile
            for each in entry.objects:
                root.copy(f"{place}/{each.path}", f"{prefix}/{each.path}")
            journal.append(entry)

    def copy_scratch(place: str, name: str) -> None:
        with suppress(FileNotFoundError):
            root.copy(f"{place}{SCRATCH}/{name}", f"{prefix}{SCRATCH}/{name}")

    units, paths, names = set[str](), set[str](), set[str]()
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        copies = []
        for place in earlier:
            for entry in Journal(root, place).entries():
                theirs = {each.path for each in entry.objects}
                if entry.unit not in units and paths.isdisjoint(theirs):
                    units.add(entry.unit)
                    paths |= theirs
                    copies.append(threads.submit(copy_unit, place, entry))
            for path in root.walk(place + SCRATCH):
                name = path.removeprefix(f"{place}{SCRATCH}/")
                if name not in names:
                    names.add(name)
                    copies.append(threads.submit(copy_scratch, place, name))
        for each in copies:
            each.result()


def progress(root: Root, stage: str, key: str) -> int:
    """Return how much `adopt` would find: units, or else scratch files; counted, not checked."""
    earlier = [f"{output_prefix(stage, key)}/{each}" for each in unfinished_attempts(root, stage, key)]
    if root.resumable:
        earlier = earlier[:1]
    units = {unit for place in earlier for unit in Journal(root, place).names()}
    return len(units) or len({name for place in earlier for name in root.children(place + SCRATCH)})
