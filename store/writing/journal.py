"""The journal of an attempt: one object a unit, created once, after the unit's objects are durable."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import msgspec

from store.backends.base import Backend
from store.errors import StoreError, UnsafePath
from store.manifest.checksums import entry_of_object
from store.manifest.limits import NOTE_BYTES, read_bounded
from store.manifest.schema import ObjectEntry
from store.manifest.validation import parse_json
from store.paths import JOURNAL, check_path, is_temporary

_MAX_WORKERS = min(4, os.cpu_count() or 1)


class JournalEntry(msgspec.Struct, frozen=True):
    """A finished unit of work and its objects."""

    unit: str
    objects: list[ObjectEntry]


class Journal:
    """The finished units of one attempt.

    Parameters
    ----------
    attempt : str
        Prefix of the attempt's objects; the journal lies beside it.
    """

    def __init__(self, backend: Backend, attempt: str) -> None:
        self._backend = backend
        self._attempt = attempt
        self._prefix = attempt + JOURNAL

    def append(self, entry: JournalEntry) -> None:
        """Record a unit whose objects are safe; StoreError where it is journalled already."""
        if not self.create(entry):
            raise StoreError(
                f"unit {entry.unit!r} of {self._attempt} is journalled already; two writers share one draft. "
                "Run only one of them"
            )

    def create(self, entry: JournalEntry) -> bool:
        """Record a unit whose objects are safe; return whether there was none of its name."""
        return self._backend.put_if_absent(self._path(entry.unit), msgspec.json.encode(entry))

    def names(self) -> set[str]:
        """Return the units' object names without reading them."""
        return {name for name in self._backend.list_dir(self._prefix) if not is_temporary(name)}

    def entries(self) -> list[JournalEntry]:
        """Return the units as they are journalled; their objects are compared by `recover` alone."""
        entries = (self._entry(path) for path in self._backend.list_paths(self._prefix))
        return [entry for entry in entries if entry is not None]

    def recover(self) -> list[JournalEntry]:
        """Return the units whose objects all have their journalled size and SHA-256; forget the others."""
        paths = list(self._backend.list_paths(self._prefix))
        with ThreadPoolExecutor(_MAX_WORKERS) as threads:
            entries = list(threads.map(self._intact_entry, paths))
        kept, claimed = [], set[str]()
        for path, entry in zip(paths, entries, strict=True):
            # An object that two units name belongs to the first.
            if entry is None or not claimed.isdisjoint(each.path for each in entry.objects):
                self._backend.delete(path)
            else:
                kept.append(entry)
                claimed.update(each.path for each in entry.objects)
        return kept

    def entry(self, unit: str) -> JournalEntry | None:
        """Return what is journalled of a unit, or None where nothing is that can be read."""
        return self._entry(self._path(unit))

    def is_intact(self, entry: JournalEntry) -> bool:
        """Return whether a unit's objects all have their journalled size and SHA-256."""
        # Sizes of all first: they cost little, and most damage shows in them.
        if any(self._backend.size(f"{self._attempt}/{each.path}") != each.size for each in entry.objects):
            return False
        return all(
            entry_of_object(self._backend, self._attempt, each.path, each.size) == each for each in entry.objects
        )

    def forget(self, unit: str) -> None:
        """Forget a unit."""
        self._backend.delete(self._path(unit))

    def clear(self) -> None:
        """Forget every unit."""
        self._backend.delete_all(self._prefix)

    def _entry(self, path: str) -> JournalEntry | None:
        try:
            entry = parse_json(read_bounded(self._backend, path, NOTE_BYTES), JournalEntry)
            for each in entry.objects:
                check_path(each.path, path)
        except (ValueError, UnsafePath, FileNotFoundError):
            return None
        return entry if self._path(entry.unit) == path else None

    def _intact_entry(self, path: str) -> JournalEntry | None:
        entry = self._entry(path)
        return entry if entry is not None and self.is_intact(entry) else None

    def _path(self, unit: str) -> str:
        return f"{self._prefix}/unit-{quote(unit, safe='')}.json"
