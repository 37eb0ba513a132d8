"""A draft: an output being written, by one owner, that survives its writer's death."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from store.backends.base import Backend
from store.errors import CorruptObject, StoreError
from store.manifest.family_index import add_to_family
from store.manifest.manifest import encode_manifest, load_manifest, new_manifest
from store.manifest.schema import Manifest
from store.paths import RESTARTED, SHARED, is_temporary, lock_path, manifest_path, output_prefix
from store.reading.output import Output
from store.writing.attempts import delete_attempt, delete_orphans, mark
from store.writing.resume import resume_attempt
from store.writing.writer import Writer


class Draft(Writer):
    """One attempt at an output; made by `Store.draft`, used as a context manager.

    Leaving the block releases the lock. Unless it was published, the attempt stays: the next draft of the
    same stage and key keeps its journalled units and its scratch, and deletes everything else. Threads may
    share a draft; each object has one writer.
    """

    def __init__(
        self,
        backend: Backend,
        stage: str,
        key: str,
        *,
        recipe: Mapping[str, Any],
        inputs: Sequence[str],
        check: Callable[[], None],
    ) -> None:
        super().__init__(backend, stage, key, check)
        self._recipe, self._inputs = dict(recipe), list(inputs)
        self._resources = ExitStack()
        self._resources.enter_context(backend.lock(lock_path(stage, key), self._name))
        try:
            attempt, units, self._earlier_attempts = resume_attempt(backend, stage, key)
            self._begin(attempt)
            for entry in units:
                self._commit(entry)
        except BaseException:  # raised again below; only the lock is let go
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the lock and leave the attempt as it is."""
        self._open = False
        self._resources.close()

    def share(self) -> None:
        """Let others write into this attempt by `Store.open_shared_writer`, while this owner holds the lock.

        They may go on for a while after this owner is gone. So a successor does not write into this attempt, but into
        one of its own, to which it copies the finished units of this one.
        """
        self._check_open()
        mark(self._backend, self._prefix, SHARED)

    def accept_unit(self, unit: str) -> bool:
        """Commit a unit that a shared writer journalled; return whether its objects are intact, as read back.

        Those of a unit that is not intact are deleted, so that it can be done again.
        """
        self._check_open()
        if unit in self.done:
            return True
        entry = self._journal.entry(unit)
        paths = [] if entry is None else [each.path for each in entry.objects]
        with self._lock:
            unclaimed = self._committed.keys().isdisjoint(paths)
        if entry is not None and unclaimed and self._journal.is_intact(entry):
            self._commit(entry)
            return True
        self._journal.forget(unit)
        for path in paths if unclaimed else ():  # never an object of another unit, which the entry may name
            self.delete(path)
        return False

    def restart(self) -> None:
        """Forget every unit, of this attempt and of earlier ones, and delete its objects; the scratch stays."""
        self._check_open()
        if self._earlier_attempts:
            mark(self._backend, self._prefix, RESTARTED)
        self._journal.clear()
        with self._lock:
            self._units.clear()
            self._committed.clear()
            self._uncommitted.clear()
        delete_orphans(self._backend, self._prefix, keep=set())

    def publish(self, provenance: Mapping[str, Any], *, replace: bool = False) -> Output:
        """Make everything durable, write the manifest unless there is one, and close the draft.

        Parameters
        ----------
        provenance : mapping
            Machine, versions, times: JSON values.
        replace : bool
            Take the place of what is published, which is deleted after that.

        Returns
        -------
        Output
            Ours; or, when somebody else published this key first, theirs, after verifying every object of it.

        Raises
        ------
        CorruptObject
            Somebody else published first, and what they published is damaged. The attempt stays.
        StoreError
            A medium's failure. The attempt stays.
        """
        self._check_open()
        self._check()
        paths = []
        for path in list(self._backend.list_paths(self._prefix)):
            if is_temporary(path):  # of a shared writer that was killed
                self._backend.delete(path)
            else:
                paths.append(path.removeprefix(f"{self._prefix}/"))
        with self._lock:
            committed = dict(self._committed)
            lost = sorted({*committed, *self._uncommitted}.difference(paths))
        # Garbage collection may delete in a bucket after this owner was paused and had lost its lease.
        if lost:
            raise CorruptObject(f"{self._name}: {lost[0]} went away before it was published; run again")
        self._backend.sync(f"{self._prefix}/{path}" for path in paths if path not in committed)
        manifest = new_manifest(
            self.stage,
            self.key,
            self.attempt,
            objects=[committed.get(path) or self._entry(path) for path in paths],
            recipe=self._recipe,
            inputs=self._inputs,
            provenance=provenance,
        )
        if replace:
            self._replace(manifest)
            output = Output(self._backend, manifest)
        elif self._backend.put_if_absent(manifest_path(self.stage, self.key), encode_manifest(manifest)):
            delete_attempt(self._backend, self._prefix, published=True)
            output = Output(self._backend, manifest)
        else:
            output = self._yield_to_first()
        # Where locks are not exclusive, the owner of an earlier attempt may yet wake up and publish it.
        for earlier in self._earlier_attempts if self._backend.locks_are_exclusive else ():
            delete_attempt(self._backend, earlier)
        add_to_family(self._backend, output.manifest)
        self.close()
        return output

    def _replace(self, manifest: Manifest) -> None:
        replaced = load_manifest(self._backend, self.stage, self.key)
        self._backend.put(manifest_path(self.stage, self.key), encode_manifest(manifest), durable=True)
        delete_attempt(self._backend, self._prefix, published=True)
        if replaced is not None:
            delete_attempt(self._backend, f"{output_prefix(self.stage, self.key)}/{replaced.attempt}")

    def _yield_to_first(self) -> Output:
        manifest = load_manifest(self._backend, self.stage, self.key)
        if manifest is None:
            raise StoreError(f"{self._name}: another manifest appeared and went away; run again")
        output = Output(self._backend, manifest)
        output.verify()
        delete_attempt(self._backend, self._prefix)
        return output
