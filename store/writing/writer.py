"""Writing into an attempt, the folder in which an output is made: what its owner and shared writers have in common.

The owner holds the output's lock and publishes it (`Draft`); shared writers are other processes that write units beside
it (`SharedWriter`); a successor is the owner after one that died. A unit is some objects that are done together, such
as a shard of every array: when it is journalled, they are safe and never change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from threading import Lock

from store.backends.base import Backend, Data
from store.errors import CorruptObject, StoreError
from store.manifest.checksums import entry_of_bytes, entry_of_object
from store.manifest.schema import ObjectEntry
from store.paths import SCRATCH, check_path, is_temporary, output_prefix
from store.writing.journal import Journal, JournalEntry


class Writer:
    """Writes objects of one attempt and journals its units. Threads may share it; each object has one writer."""

    attempt: str

    def __init__(self, backend: Backend, stage: str, key: str, check: Callable[[], None]) -> None:
        self.stage, self.key = stage, key
        self._backend = backend
        self._check = check
        self._name = f"the draft of {stage}/{key} in {backend.url}"
        self._lock = Lock()
        self._units: dict[str, JournalEntry] = {}
        self._committed: dict[str, ObjectEntry] = {}  # objects of journalled units, which never change
        self._uncommitted: dict[str, ObjectEntry] = {}  # other objects that this writer wrote
        self._open = True

    def _begin(self, attempt: str) -> None:
        self.attempt = attempt
        self._prefix = f"{output_prefix(self.stage, self.key)}/{attempt}"
        self._journal = Journal(self._backend, self._prefix)

    @property
    def done(self) -> frozenset[str]:
        """Units that are journalled and safe, as far as this writer knows; an owner knows those of earlier owners."""
        with self._lock:
            return frozenset(self._units)

    def write(self, path: str, data: Data) -> None:
        """Write an object of the output whole. Until it is journalled, a successor has to write it again.

        Raises
        ------
        UnsafePath, StoreFull, StoreError
            The last also for an object of a journalled unit: those never change.
        """
        self._check_uncommitted(path)
        entry = entry_of_bytes(path, data)
        self._put(path, data, entry)
        with self._lock:
            self._uncommitted[path] = entry

    def read(self, path: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return what was written, by this writer or another one; FileNotFoundError where nothing was."""
        return self._backend.read(f"{self._prefix}/{check_path(path, self._name)}", start, stop)

    def size(self, path: str) -> int | None:
        """Return the size of an object in bytes, or None where nothing was written."""
        return self._backend.size(f"{self._prefix}/{check_path(path, self._name)}")

    def delete(self, path: str) -> None:
        """Delete an object that is not journalled."""
        self._check_uncommitted(path)
        self._backend.delete(f"{self._prefix}/{path}")
        with self._lock:
            self._uncommitted.pop(path, None)

    def paths(self) -> Iterator[str]:
        """Yield the paths of all objects written so far."""
        for path in self._backend.list_paths(self._prefix):
            if not is_temporary(path):
                yield path.removeprefix(f"{self._prefix}/")

    def scratch_write(self, name: str, data: Data) -> None:
        """Replace a file that a successor can read back, such as a checkpoint; publishing drops it."""
        self._check_open()
        self._check()
        content = b"".join((sha256(data).digest(), data))
        self._backend.put(f"{self._prefix}{SCRATCH}/{check_path(name, self._name)}", content, durable=True)

    def scratch_read(self, name: str) -> bytes | None:
        """Return what `scratch_write` wrote last, by anybody; None where it is not there whole."""
        try:
            content = memoryview(self._backend.read(f"{self._prefix}{SCRATCH}/{check_path(name, self._name)}"))
        except FileNotFoundError:
            return None
        data = content[32:]
        return bytes(data) if sha256(data).digest() == content[:32] else None

    def journal(self, unit: str, paths: Sequence[str]) -> None:
        """Make the objects of a finished unit safe and record them; from now on they never change.

        Parameters
        ----------
        unit : str
            Any name, once per attempt.
        paths : sequence of str
            The unit's objects; none of them belongs to another unit.

        Raises
        ------
        StoreError
            An object is missing or belongs to another unit, or the unit is journalled already.
        """
        self._check_open()
        if unit in self.done:
            raise StoreError(f"{self._name}: unit {unit!r} is journalled already; give each unit a name of its own")
        for path in paths:
            self._check_uncommitted(path)
        try:
            self._backend.sync(f"{self._prefix}/{path}" for path in paths)
        except FileNotFoundError as error:
            raise StoreError(
                f"{self._name}: unit {unit!r} lacks {error.filename}; write it, then journal it"
            ) from error
        self._check()
        entry = JournalEntry(unit, [self._entry(path) for path in paths])
        self._record(entry)
        self._commit(entry)

    def _put(self, path: str, data: Data, entry: ObjectEntry) -> None:
        """Write an object; its entry is for shared writers, who compare it with what is there."""
        del entry
        self._backend.put(f"{self._prefix}/{path}", data)

    def _record(self, entry: JournalEntry) -> None:
        self._journal.append(entry)

    def _commit(self, entry: JournalEntry) -> None:
        with self._lock:
            self._units[entry.unit] = entry
            for each in entry.objects:
                self._committed[each.path] = each
                self._uncommitted.pop(each.path, None)

    def _entry(self, path: str) -> ObjectEntry:
        """Return an object's entry: as we wrote it, or else by reading it."""
        with self._lock:
            written = self._uncommitted.get(path)
        size = self._backend.size(f"{self._prefix}/{path}")
        # What this writer wrote is not read again where its size is right; what others wrote is.
        entry = written if written and written.size == size else entry_of_object(self._backend, self._prefix, path)
        if entry is None or (written and entry != written):
            raise CorruptObject(f"{self._name}: {path} changed or went away while it was written; run again")
        return entry

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError(f"{self._name} is closed; open another one")

    def _check_uncommitted(self, path: str) -> None:
        self._check_open()
        check_path(path, self._name)
        with self._lock:
            if path in self._committed:
                raise StoreError(f"{self._name}: {path} belongs to a journalled unit and never changes")
