"""A published output: immutable, and checked against its manifest when it is read."""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any

from store.digests import entry_of_bytes, entry_of_object
from store.errors import REMEDY, CorruptObject, StoreError
from store.manifest import Manifest, ObjectEntry
from store.paths import output_prefix
from store.roots.contract import Root

if TYPE_CHECKING:
    import zarr


class Output:
    """What a step left in the store.

    Attributes
    ----------
    manifest : Manifest
    url : str
        Where the objects lie, as a folder or URL, for tools that read Zarr by themselves (unchecked).
    """

    def __init__(self, root: Root, manifest: Manifest) -> None:
        self.manifest = manifest
        self._root = root
        self._prefix = f"{output_prefix(manifest.stage, manifest.key)}/{manifest.attempt}"
        self.url = f"{root.url}/{self._prefix}"
        self._entries = {entry.path: entry for entry in manifest.objects}
        self._checked: set[str] = set()
        self._guard = Lock()
        self._checking: dict[str, Lock] = {}

    @property
    def entries(self) -> dict[str, ObjectEntry]:
        """The objects by path."""
        return dict(self._entries)

    def read_bytes(self, path: str) -> bytes:
        """Return an object's bytes; at its first touch, after checking their SHA-256.

        Raises
        ------
        StoreError
            The manifest lists no such object.
        CorruptObject
            The bytes differ from the manifest, or the object is gone.
        """
        expected = self._entry(path)
        try:
            data = self._root.read(f"{self._prefix}/{path}")
        except FileNotFoundError:
            raise self._corrupt(expected, None) from None
        if path in self._checked and len(data) == expected.size:
            return data
        found = entry_of_bytes(path, data)
        if found != expected:
            raise self._corrupt(expected, found)
        self._checked.add(path)
        return data

    def read_range(self, path: str, start: int, stop: int) -> bytes:
        """Return bytes `start` to `stop` of an object; the first touch checks the whole object.

        Raises
        ------
        StoreError, CorruptObject
            As `read_bytes`.
        """
        self.check(path)
        expected = self._entry(path)
        try:
            data = self._root.read(f"{self._prefix}/{path}", start, stop)
        except FileNotFoundError:
            raise self._corrupt(expected, None) from None
        if len(data) != min(stop, expected.size) - min(start, expected.size):
            raise self._corrupt(expected, entry_of_object(self._root, self._prefix, path))
        return data

    def read_json(self, path: str) -> Any:
        """Return a JSON object's value after checking its SHA-256."""
        return json.loads(self.read_bytes(path))

    def check(self, path: str) -> None:
        """Compare an object with the manifest, once for the life of this Output, in bounded memory.

        Raises
        ------
        StoreError, CorruptObject
            As `read_bytes`.
        """
        expected = self._entry(path)
        with self._guard:
            checking = self._checking.setdefault(path, Lock())
        with checking:
            if path not in self._checked:
                found = entry_of_object(self._root, self._prefix, path)
                if found != expected:
                    raise self._corrupt(expected, found)
                self._checked.add(path)

    def verify(self) -> None:
        """Compare every object with the manifest, and raise CorruptObject at the first that differs."""
        for path in self._entries:
            self.check(path)

    def zarr(self) -> zarr.Group:
        """Open the output's Zarr group, read-only; each object is checked at its first touch."""
        import zarr

        from store.verified import VerifiedStore

        return zarr.open_group(VerifiedStore(self), mode="r", zarr_format=3, use_consolidated=False)

    def _entry(self, path: str) -> ObjectEntry:
        try:
            return self._entries[path]
        except KeyError:
            raise StoreError(
                f"{self.url} has no object {path}; its manifest lists {', '.join(sorted(self._entries)[:8]) or 'none'}"
            ) from None

    def _corrupt(self, expected: ObjectEntry, found: ObjectEntry | None) -> CorruptObject:
        now = f"{found.size} bytes with SHA-256 {found.sha256}" if found else "no such object"
        return CorruptObject(
            f"{self.url}/{expected.path} changed after it was published: expected {expected.size} bytes with "
            f"SHA-256 {expected.sha256}, found {now}. {REMEDY}",
            url=self._root.url,
            stage=self.manifest.stage,
            key=self.manifest.key,
            attempt=self.manifest.attempt,
            path=expected.path,
        )
