"""The face of the store: every operation on one store, each a few lines that call a room below."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.backends.base import Backend
from store.backends.urls import open_backend
from store.canonical import canonical_json
from store.errors import MissingOutput
from store.manifest.limits import REF_BYTES, read_bounded
from store.manifest.store_format import has_format, write_format
from store.paths import is_name, lock_path, manifest_path, output_prefix, ref_path

if TYPE_CHECKING:
    from store.backends.lock_owner import LockOwner
    from store.maintenance.gc import GarbageCollection
    from store.maintenance.inventory import Folder, Inventory
    from store.maintenance.lineage import Lineage
    from store.maintenance.records import Records
    from store.manifest.schema import Manifest
    from store.manifest.validation import Contradiction
    from store.reading.output import Output
    from store.reading.verify import VerifyResult
    from store.writing.draft import Draft
    from store.writing.shared_writer import SharedWriter


class Store:
    """A feature store at a folder or URL; see `Store.open`."""

    def __init__(self, root: Backend) -> None:
        self._root = root
        self.url = root.url
        self.read_only = root.read_only  # whether it is behind a web server: nothing can be listed or written
        self.existed = False  # whether there was a store already when it was opened

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    @classmethod
    def open(cls, url: str, *, base: Path | None = None) -> Store:
        """Open a store, which need not exist yet; nothing is written before its first draft.

        Parameters
        ----------
        url : str
            A folder, ``file://``, ``s3://``, ``gs://``, ``az://``, ``memory://``, or to read alone ``https://`` or
            ``hf://``. Credentials come from the environment alone.
        base : Path, optional
            What a relative folder is relative to; the working directory by default.

        Raises
        ------
        UnsupportedUrl
            No store can be opened at this URL.
        UnsupportedFormat
            There is a store of another format.
        StoreError
            There was one on a file system that is not mounted now.
        """
        store = cls(open_backend(url, base))
        store.existed = store.exists()
        store._root.check_mounted(store.existed)
        return store

    def has(self, stage: str, key: str) -> bool:
        """Tell whether an output is published: one look for its manifest."""
        return self._root.size(manifest_path(stage, key)) is not None

    def manifest(self, stage: str, key: str) -> Manifest | None:
        """Return an output's manifest, checked, or None where nothing is published.

        Raises
        ------
        CorruptManifest, UnsafePath, UnsupportedFormat
        """
        from store.manifest.manifest import load_manifest

        return load_manifest(self._root, stage, key)

    def output(self, stage: str, key: str) -> Output:
        """Return a published output; MissingOutput where nothing is published under this stage and key."""
        from store.reading.output import Output

        manifest = self.manifest(stage, key)
        if manifest is None:
            raise MissingOutput(
                f"{self.url}/{output_prefix(stage, key)} has no manifest; run the step that makes it",
                url=self.url,
                stage=stage,
                key=key,
            )
        return Output(self._root, manifest)

    def progress(self, stage: str, key: str) -> int:
        """Count what the next draft could resume from, unchecked: journalled units, or else scratch files."""
        from store.writing.resume import progress

        return progress(self._root, stage, key)

    def draft(
        self,
        stage: str,
        key: str,
        *,
        recipe: Mapping[str, Any],
        inputs: Sequence[str],
        check: Callable[[], None] = lambda: None,
    ) -> Draft:
        """Begin an output, or resume an unfinished one.

        Parameters
        ----------
        stage, key : str
            The key is the caller's fingerprint of the recipe; the store does not compute it.
        recipe : mapping
            Everything that determines the output, in JSON values; its entries ``raw`` and ``rows`` name the raw data.
        inputs : sequence of str
            Keys of the outputs that this one is made from.
        check : callable
            Called before anything is kept, here or for a successor: a journalled unit, scratch, the output. If it
            raises, nothing is kept.

        Returns
        -------
        Draft
            A context manager that owns the attempt. On a folder it takes over the newest unfinished attempt that was
            not shared; else it begins a fresh one. What other attempts had finished, is copied.

        Raises
        ------
        DraftLocked
            Another process writes this output now.
        TypeError, ValueError
            The recipe is not canonical JSON.
        """
        from store.writing.draft import Draft

        output_prefix(stage, key)
        canonical_json(dict(recipe))
        write_format(self._root)
        return Draft(self._root, stage, key, recipe=recipe, inputs=inputs, check=check)

    def open_shared_writer(
        self, stage: str, key: str, attempt: str, *, check: Callable[[], None] = lambda: None
    ) -> SharedWriter:
        """Write into an attempt that its owner shares; NotShared where there is none, or it is closed."""
        from store.writing.shared_writer import SharedWriter

        return SharedWriter(self._root, stage, key, attempt, check)

    def quarantine(self, stage: str, key: str, reason: str, *, attempt: str | None = None) -> str:
        """Set a damaged output aside, so that nothing reads it again, and return where it lies now.

        `attempt` is that of the error which reported the damage: another one is left alone. Raises DraftLocked while
        another process writes this output.
        """
        from store.maintenance.quarantine import quarantine

        return quarantine(self._root, stage, key, reason, attempt)

    def outputs(self, stage: str | None = None) -> Iterator[tuple[str, str]]:
        """Yield stage and key of every output, published or begun, of one stage or all; names alone are looked at."""
        for each in self._root.list_folders("outputs") if stage is None else [stage]:
            if is_name(each):
                yield from ((each, key) for key in self._root.list_folders(f"outputs/{each}") if is_name(key))

    def family(self, stage: str, family: str) -> list[str]:
        """Return the keys of outputs that differ in their raw data alone, the newest first."""
        from store.manifest.family_index import family_keys

        return family_keys(self._root, stage, family)

    def exists(self) -> bool:
        """Tell whether there is a store: whether anything was ever written."""
        return has_format(self._root)

    def check_writable(self) -> bool:
        """Tell whether outputs could be written here, and write nothing.

        Returns
        -------
        bool
            False where only a try would tell: a bucket in which there is no store yet.

        Raises
        ------
        NotPermitted
            They could not.
        """
        return self._root.check_writable()

    def writer(self, stage: str, key: str) -> LockOwner | None:
        """Return who began to write an output last, and whether that process is at it; None where that is unknown."""
        return self._root.lock_owner(lock_path(stage, key))

    def verify(
        self,
        stage: str,
        key: str,
        *,
        deep: bool = True,
        contradiction: Contradiction | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> VerifyResult | None:
        """Compare every object of an output with its manifest; see `verify_output`."""
        from store.reading.verify import verify_output

        return verify_output(self._root, stage, key, deep=deep, contradiction=contradiction, progress=progress)

    def inventory(self) -> Inventory:
        """List everything with sizes and dates."""
        from store.maintenance.inventory import take_inventory

        return take_inventory(self._root, self.outputs())

    def folder(self, stage: str, key: str) -> Folder:
        """List one output's folder with sizes and dates; one without anything where there is none."""
        from store.maintenance.inventory import folder_of

        return folder_of(self._root, stage, key)

    def garbage_collection(
        self, *, grace_s: float, drop_refs: Collection[str] = (), contradiction: Contradiction | None = None
    ) -> GarbageCollection:
        """Find what can be freed: nothing is until `GarbageCollection.run`.

        Parameters
        ----------
        grace_s : float
            What was written less than this many seconds ago stays.
        drop_refs : collection of str
            References to drop first.
        contradiction : callable, optional
            Says what in a recipe contradicts its output: shows damage of manifests without a digest.

        Raises
        ------
        StoreError
            A reference cannot be read, or the manifest of an output that stays cannot be trusted: then it is unknown
            which outputs are used.
        UnsupportedFormat
            A manifest is of another format.
        """
        from store.maintenance.gc import GarbageCollection

        return GarbageCollection(self._root, self.inventory(), grace_s, time.time(), drop_refs, contradiction)

    def lineage(self, names: Iterable[tuple[str, str]] | None = None) -> Lineage:
        """Return which of these outputs (by default all) were made from which."""
        from store.maintenance.lineage import Lineage

        return Lineage(self._root, self.outputs() if names is None else names)

    def read_ref(self, name: str) -> bytes | None:
        """Return what `write_ref` wrote last under a name, or None."""
        try:
            return read_bounded(self._root, ref_path(name), REF_BYTES)
        except FileNotFoundError:
            return None

    def write_ref(self, name: str, data: bytes) -> None:
        """Record which outputs somebody uses, replacing what stood under the name: those are not freed."""
        write_format(self._root)
        self._root.put(ref_path(name), data)

    def lock_ref(self, name: str) -> AbstractContextManager[None]:
        """Keep others from changing a reference between reading and writing it; see `lock_ref`."""
        from store.maintenance.references import lock_ref

        write_format(self._root)
        return lock_ref(self._root, name)

    def refs(self, prefix: str = "") -> dict[str, bytes]:
        """Return every reference by name, or those whose names begin with a prefix."""
        return {name: data for name in self.ref_names(prefix) if (data := self.read_ref(name)) is not None}

    def ref_names(self, prefix: str = "") -> list[str]:
        """Return the names of references that begin so; nothing is read."""
        return [name for name in self._root.list_dir("refs") if name.startswith(prefix) and is_name(name)]

    def delete_ref(self, name: str) -> None:
        """Delete a reference; a missing one is no error."""
        self._root.delete(ref_path(name))

    def runs(self, group: str) -> Records:
        """Return the records of what was run of one group."""
        from store.maintenance.records import Records

        return Records(self._root, group)
