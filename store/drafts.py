"""A draft: an output being written, by one owner, that survives its writer's death."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from hashlib import sha256
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from store.adoption import adopt
from store.attempts import drop_attempt, load_manifest, sweep
from store.digests import entry_of_bytes, entry_of_object
from store.errors import CorruptObject, StoreError
from store.families import mark
from store.journal import Journal, JournalEntry
from store.manifest import Manifest, ObjectEntry, encode_manifest, new_manifest
from store.outputs import Output
from store.paths import SCRATCH, check_path, is_temporary, lock_path, manifest_path, output_prefix
from store.roots.contract import Data, Root

if TYPE_CHECKING:
    from store.attempt_zarr import AttemptStore


class Draft:
    """One attempt at an output; made by `Store.draft`, used as a context manager.

    Leaving the block releases the lock. Unless it was published, the attempt stays: the next draft of the
    same stage and key keeps its journalled units and its scratch, and deletes everything else. Threads may
    share a draft; each object has one writer.

    Attributes
    ----------
    stage, key, attempt : str
    """

    def __init__(self, root: Root, stage: str, key: str, *, recipe: Mapping[str, Any], inputs: Sequence[str]) -> None:
        self.stage, self.key = stage, key
        self._root, self._recipe, self._inputs = root, dict(recipe), list(inputs)
        self._name = f"the draft of {stage}/{key} in {root.url}"
        self._guard = Lock()
        self._units: dict[str, JournalEntry] = {}
        self._fixed: dict[str, ObjectEntry] = {}  # objects of journalled units
        self._written: dict[str, ObjectEntry] = {}  # other objects that this owner wrote
        self._held = ExitStack()
        self._held.enter_context(root.lock(lock_path(stage, key), self._name))
        self._open = True
        try:
            self.attempt, kept = adopt(root, stage, key)
            self._prefix = f"{output_prefix(stage, key)}/{self.attempt}"
            self._journal = Journal(root, self._prefix)
            for entry in kept:
                self._keep(entry)
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
        self._held.close()

    @property
    def done(self) -> frozenset[str]:
        """Units that are journalled and safe, those of earlier owners among them."""
        with self._guard:
            return frozenset(self._units)

    def write(self, path: str, data: Data) -> None:
        """Write an object of the output whole. Until it is journalled, a successor has to write it again.

        Parameters
        ----------
        path : str
            Below the output, with forward slashes.
        data : bytes-like

        Raises
        ------
        UnsafePath, StoreFull, StoreError
            The last also for an object of a journalled unit: those never change.
        """
        self._check_free(path)
        entry = entry_of_bytes(path, data)
        self._root.put(f"{self._prefix}/{path}", data)
        with self._guard:
            self._written[path] = entry

    def read(self, path: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return what was written, by this owner or an earlier one; FileNotFoundError where nothing was."""
        return self._root.read(f"{self._prefix}/{check_path(path, self._name)}", start, stop)

    def size(self, path: str) -> int | None:
        """Return the size of an object in bytes, or None where nothing was written."""
        return self._root.size(f"{self._prefix}/{check_path(path, self._name)}")

    def delete(self, path: str) -> None:
        """Delete an object that is not journalled."""
        self._check_free(path)
        self._root.delete(f"{self._prefix}/{path}")
        with self._guard:
            self._written.pop(path, None)

    def paths(self) -> Iterator[str]:
        """Yield the paths of all objects written so far."""
        for path in self._root.walk(self._prefix):
            if not is_temporary(path):
                yield path.removeprefix(f"{self._prefix}/")

    def scratch_write(self, name: str, data: Data) -> None:
        """Replace a file that a successor can read back, such as a checkpoint; publishing drops it."""
        self._check_open()
        sealed = b"".join((sha256(data).digest(), data))
        self._root.put(f"{self._prefix}{SCRATCH}/{check_path(name, self._name)}", sealed, safe=True)

    def scratch_read(self, name: str) -> bytes | None:
        """Return what `scratch_write` wrote last, by this owner or an earlier one; None where it is not there whole."""
        try:
            sealed = memoryview(self._root.read(f"{self._prefix}{SCRATCH}/{check_path(name, self._name)}"))
        except FileNotFoundError:
            return None
        data = sealed[32:]
        return bytes(data) if sha256(data).digest() == sealed[:32] else None

    def zarr_store(self) -> AttemptStore:
        """Return a Zarr store rooted at the attempt, for creating arrays and writing shards."""
        from store.attempt_zarr import AttemptStore

        return AttemptStore(self)

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
            self._check_free(path)
        try:
            self._root.sync(f"{self._prefix}/{path}" for path in paths)
        except FileNotFoundError as error:
            raise StoreError(
                f"{self._name}: unit {unit!r} lacks {error.filename}; write it, then journal it"
            ) from error
        entry = JournalEntry(unit, [self._entry(path) for path in paths])
        self._journal.append(entry)
        self._keep(entry)

    def restart(self) -> None:
        """Forget every unit and delete every object of this attempt; the scratch stays."""
        self._check_open()
        self._journal.clear()
        with self._guard:
            self._units.clear()
            self._fixed.clear()
            self._written.clear()
        sweep(self._root, self._prefix, keep=set())

    def publish(self, provenance: Mapping[str, Any], *, replace: bool = False) -> Output:
        """Make everything safe, write the manifest create-only, and close the draft.

        Parameters
        ----------
        provenance : mapping
            Machine, versions, times: JSON values.
        replace : bool
            Take the place of what is published, which is deleted only then: for whoever asks for it anew.

        Returns
        -------
        Output
            Ours; or, when somebody else published this key first, theirs, after checking every object of it.

        Raises
        ------
        CorruptObject
            Somebody else published first, and what they published is damaged. The attempt stays.
        StoreError
            A medium's failure. The attempt stays.
        """
        self._check_open()
        paths = list(self.paths())
        with self._guard:
            fixed = dict(self._fixed)
            lost = sorted({*fixed, *self._written}.difference(paths))
        if lost:  # cleaned away from a bucket, after this owner was paused and had lost its lease
            raise CorruptObject(f"{self._name}: {lost[0]} went away before it was published; run again")
        self._root.sync(f"{self._prefix}/{path}" for path in paths if path not in fixed)
        manifest = new_manifest(
            self.stage,
            self.key,
            self.attempt,
            objects=[fixed.get(path) or self._entry(path) for path in paths],
            recipe=self._recipe,
            inputs=self._inputs,
            provenance=provenance,
        )
        if replace:
            self._replace(manifest)
            output = Output(self._root, manifest)
        elif self._root.create(manifest_path(self.stage, self.key), encode_manifest(manifest)):
            drop_attempt(self._root, self._prefix, published=True)
            output = Output(self._root, manifest)
        else:
            output = self._yield_to_first()
        mark(self._root, output.manifest)
        self.close()
        return output

    def _replace(self, manifest: Manifest) -> None:
        old = load_manifest(self._root, self.stage, self.key)
        self._root.put(manifest_path(self.stage, self.key), encode_manifest(manifest), safe=True)
        drop_attempt(self._root, self._prefix, published=True)
        if old is not None:
            drop_attempt(self._root, f"{output_prefix(self.stage, self.key)}/{old.attempt}")

    def _yield_to_first(self) -> Output:
        manifest = load_manifest(self._root, self.stage, self.key)
        if manifest is None:
            raise StoreError(f"{self._name}: another manifest appeared and went away; run again")
        output = Output(self._root, manifest)
        output.verify()
        drop_attempt(self._root, self._prefix)
        return output

    def _keep(self, entry: JournalEntry) -> None:
        with self._guard:
            self._units[entry.unit] = entry
            for each in entry.objects:
                self._fixed[each.path] = each
                self._written.pop(each.path, None)

    def _entry(self, path: str) -> ObjectEntry:
        """Return an object's entry: as we wrote it, or by reading what a worker wrote."""
        with self._guard:
            written = self._written.get(path)
        size = self._root.size(f"{self._prefix}/{path}")
        found = written if written and written.size == size else entry_of_object(self._root, self._prefix, path)
        if found is None or (written and found != written):
            raise CorruptObject(f"{self._name}: {path} changed or went away while it was written; run again")
        return found

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError(f"{self._name} is closed; open another one")

    def _check_free(self, path: str) -> None:
        self._check_open()
        check_path(path, self._name)
        with self._guard:
            if path in self._fixed:
                raise StoreError(f"{self._name}: {path} belongs to a journalled unit and never changes")
