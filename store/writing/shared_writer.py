"""Writing into somebody else's draft: how several processes, on several machines, make one output.

A shared writer may outlive the owner, or be taken for dead and write all the same. So it changes nothing: it creates
objects where there are none, journals its units while the attempt is shared, and can neither publish nor delete. Its
units count once the owner, or a successor, has read them back.
"""

from __future__ import annotations

from collections.abc import Callable

from store.backends.base import Backend, Data
from store.errors import NotShared, ObjectTaken
from store.manifest.checksums import entry_of_object
from store.manifest.schema import ObjectEntry
from store.paths import SHARED, is_attempt
from store.writing.attempts import has_mark
from store.writing.journal import JournalEntry
from store.writing.writer import Writer


class SharedWriter(Writer):
    """A writer into another's attempt; made by `Store.open_shared_writer`."""

    def __init__(self, backend: Backend, stage: str, key: str, attempt: str, check: Callable[[], None]) -> None:
        super().__init__(backend, stage, key, check)
        if not is_attempt(attempt):
            raise NotShared(f"{self._name}: {attempt[:99]!r} is no attempt")
        self._begin(attempt)
        self._check_shared()

    def delete(self, path: str) -> None:
        """Raise NotShared: only the owner deletes."""
        raise NotShared(f"{self._name}: {path} can be deleted by its owner alone")

    def restart(self) -> None:
        """Raise NotShared: only the owner starts anew."""
        raise NotShared(f"{self._name}: it can be started anew by its owner alone")

    def _put(self, path: str, data: Data, entry: ObjectEntry) -> None:
        if self._backend.put_if_absent(f"{self._prefix}/{path}", data):
            return
        if entry_of_object(self._backend, self._prefix, path, entry.size) != entry:
            raise ObjectTaken(
                f"{self._name}: {path} was written by another worker before, with other bytes; "
                "its owner deletes it, or the next run makes it again",
                path=path,
            )

    def _record(self, entry: JournalEntry) -> None:
        self._check_shared()
        if not self._journal.create(entry) and self._journal.entry(entry.unit) != entry:
            raise ObjectTaken(f"{self._name}: unit {entry.unit!r} was journalled by another worker, with other bytes")

    def _check_shared(self) -> None:
        if not has_mark(self._backend, self._prefix, SHARED):
            raise NotShared(
                f"{self._backend.url}/{self._prefix} is not open to others, or not seen from here: it was finished, or "
                "this machine does not have that folder. Use a folder that all machines share at one path, or a bucket"
            )
