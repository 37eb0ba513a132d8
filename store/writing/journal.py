"""The journal of an attempt: one create-only object a unit, written after the unit's objects are safe."""

from __future__ import annotations

import os
from urllib.parse import quote

import msgspec

from store.backends.base import Backend
from store.errors import StoreError, UnsafePath
from store.manifest.checksums import entry_of_object
from store.manifest.limits import NOTE_BYTES, read_at_most
from store.manifest.schema import ObjectEntry
from store.manifest.validation import parse_json
from store.paths import JOURNAL, check_path, is_temporary


class JournalEntry(msgspec.Struct, frozen=True):
    """A finished unit of work and its objects."""

    unit: str
    objects: list[ObjectEntry]


class Journal:
    """The finished units of one attempt.

    Parameters
    ----------
    backend : Backend
    attempt : str
        Prefix of the attempt's objects; the journal lies beside it.
    """

    def __init__(self, backend: Backend, attempt: str) -> None:
        self._backend = backend
        self._attempt = attempt
        self._prefix = attempt + JOURNAL

    def append(self, entry: JournalEntry) -> None:
        """Record a unit whose objects are safe.

        Raises
        ------
        StoreError
            The unit is journalled already.
        """
        if not self.create(entry):
            raise StoreError(
                f"unit {entry.unit!r} of {self._attempt} is journalled already; two writers share one draft. "
                "Run only one of them"
            )

    def create(self, entry: JournalEntry) -> bool:
        """Record a unit whose objects are safe; return whether there was none of its name."""
        return self._backend.create(self._path(entry.unit), msgspec.json.encode(entry))

    def names(self) -> set[str]:
        """Return the units' object names without reading them."""
        return {name for name in self._backend.children(self._prefix) if not is_temporary(name)}

    def entries(self) -> list[JournalEntry]:
        """Return what is journalled, as it stands there; whether the objects are so, `recover` looks."""
        found = (self._entry(path) for path in self._backend.walk(self._prefix))
        return [entry for entry in found if entry is not None]

    def recover(self) -> list[JournalEntry]:
        """Return the units whose objects all have their journalled size and SHA-256; forget the others."""
        from concurrent.futures import ThreadPoolExecutor

        paths = list(self._backend.walk(self._prefix))
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
            found = list(threads.map(self._intact, paths))
        kept, taken = [], set[str]()
        for path, entry in zip(paths, found, strict=True):
            if entry is None or not taken.isdisjoint(each.path for each in entry.objects):
                self._backend.delete(path)
            else:
                kept.append(entry)
                taken.update(each.path for each in entry.objects)
        return kept

    def entry(self, unit: str) -> JournalEntry | None:
        """Return what is journalled of a unit, or None where nothing is that can be read."""
        return self._entry(self._path(unit))

    def is_intact(self, entry: JournalEntry) -> bool:
        """Tell whether a unit's objects all have their journalled size and SHA-256."""
        sizes = (self._backend.size(f"{self._attempt}/{each.path}") for each in entry.objects)
        if any(size != each.size for size, each in zip(sizes, entry.objects, strict=True)):
            return False
        return all(self._matches(each) for each in entry.objects)

    def forget(self, unit: str) -> None:
        """Forget a unit."""
        self._backend.delete(self._path(unit))

    def clear(self) -> None:
        """Forget every unit."""
        self._backend.delete_all(self._prefix)

    def _entry(self, path: str) -> JournalEntry | None:
        try:
            entry = parse_json(read_at_most(self._backend, path, NOTE_BYTES), JournalEntry)
            for each in entry.objects:
                check_path(each.path, path)
        except (ValueError, UnsafePath, FileNotFoundError):
            return None
        return entry if self._path(entry.unit) == path else None

    def _intact(self, path: str) -> JournalEntry | None:
        entry = self._entry(path)
        return entry if entry is not None and self.is_intact(entry) else None

    def _matches(self, entry: ObjectEntry) -> bool:
        return entry_of_object(self._backend, self._attempt, entry.path, entry.size) == entry

    def _path(self, unit: str) -> str:
        return f"{self._prefix}/unit-{quote(unit, safe='')}.json"
