"""A published output: immutable, and compared with its manifest when it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import TypeVar

from store.backends.base import Backend
from store.backends.reread import read_again
from store.errors import REMEDY, CorruptObject, StoreError
from store.manifest.checksums import entry_of_bytes, entry_of_object
from store.manifest.limits import JSON_BYTES, LINE_BYTES, MIB
from store.manifest.schema import Manifest, ObjectEntry
from store.manifest.validation import parse_json
from store.paths import output_prefix

T = TypeVar("T")


class Output:
    """A published output of one stage and key. Threads may share it."""

    def __init__(self, backend: Backend, manifest: Manifest) -> None:
        self.manifest = manifest
        self._backend = backend
        self._prefix = f"{output_prefix(manifest.stage, manifest.key)}/{manifest.attempt}"
        # Where the objects lie, as a folder or URL, for tools that read Zarr by themselves (unverified).
        self.url = f"{backend.url}/{self._prefix}"
        self.entries: Mapping[str, ObjectEntry] = {entry.path: entry for entry in manifest.objects}  # by path
        self._checked: set[str] = set()
        self._lock = Lock()
        self._check_locks: dict[str, Lock] = {}  # by path, so that no two threads check one object

    def read_bytes(self, path: str) -> bytes:
        """Return an object's bytes after comparing their SHA-256: the very bytes that were hashed.

        Raises
        ------
        StoreError
            The manifest lists no such object.
        CorruptObject
            The bytes differ from the manifest, or the object is gone.
        """
        expected = self._entry(path)

        def read() -> bytes:
            try:
                # One byte more shows that an object is larger, however large it is.
                data = self._backend.read(f"{self._prefix}/{path}", 0, expected.size + 1)
            except FileNotFoundError:
                raise self.checksum_error(expected, None) from None
            if len(data) <= expected.size:
                actual = entry_of_bytes(path, data)
            else:  # its whole size is for the message
                actual = ObjectEntry(path, self._backend.size(f"{self._prefix}/{path}") or len(data), "")
            if actual != expected:
                raise self.checksum_error(expected, actual)
            return data

        data = self.read_twice(path, read, CorruptObject)
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

        def read() -> bytes:
            try:
                data = self._backend.read(f"{self._prefix}/{path}", start, stop)
            except FileNotFoundError:
                raise self.checksum_error(expected, None) from None
            if len(data) != min(stop, expected.size) - min(start, expected.size):
                raise _TooShort
            return data

        try:
            return self.read_twice(path, read, (CorruptObject, _TooShort))
        except _TooShort:
            self._check_whole(expected)
        raise StoreError(f"{self.url}/{path} has {expected.size} bytes, of which {start} to {stop} cannot be read")

    def is_checked(self, path: str) -> bool:
        """Return whether an object was compared with the manifest in the life of this Output."""
        return path in self._checked

    def read_twice(self, path: str, read: Callable[[], T], errors: type[Exception] | tuple[type[Exception], ...]) -> T:
        """Return what `read` returns of an object, from a second reading where the first fails; see `read_again`."""
        return read_again(self._backend, f"{self._prefix}/{path}", read, errors)

    def read_json(self, path: str, type_: type[T]) -> T:
        """Return a JSON object's value, of any type that msgspec can decode, after checking its SHA-256.

        Raises
        ------
        StoreError, CorruptObject
            As `read_bytes`; also for an object that is what the manifest lists but no such value.
        """
        if self._entry(path).size > JSON_BYTES:
            problem = f"has more than {JSON_BYTES // MIB} MiB, which no JSON object of an output has"
            raise self.corrupt_error(path, problem)
        return self._parse(path, self.read_bytes(path), type_)

    def read_lines(self, path: str, type_: type[T]) -> Iterator[T]:
        """Yield the values of an object of JSON lines after checking its SHA-256; else as `read_json`."""
        data = self.read_bytes(path)
        start, line = 0, 1
        while start < len(data):
            stop = data.find(b"\n", start)
            stop = len(data) if stop < 0 else stop
            if stop - start > LINE_BYTES:
                raise self.corrupt_error(f"{path}, line {line},", f"has more than {LINE_BYTES // MIB} MiB")
            yield self._parse(f"{path}, line {line},", data[start:stop], type_)
            start, line = stop + 1, line + 1

    def _parse(self, path: str, data: bytes, type_: type[T]) -> T:
        try:
            return parse_json(data, type_)
        except ValueError as error:
            raise self.corrupt_error(path, f"is not what such an output holds: {error}") from error

    def check(self, path: str) -> None:
        """Compare an object with the manifest, once for the life of this Output, in bounded memory.

        Raises
        ------
        StoreError, CorruptObject
            As `read_bytes`.
        """
        expected = self._entry(path)
        with self._lock:
            check_lock = self._check_locks.setdefault(path, Lock())
        with check_lock:
            if path not in self._checked:
                self.read_twice(path, lambda: self._check_whole(expected), CorruptObject)
                self._checked.add(path)

    def verify(self) -> None:
        """Compare every object with the manifest, and raise CorruptObject at the first that differs."""
        for path in self.entries:
            self.check(path)

    def _entry(self, path: str) -> ObjectEntry:
        try:
            return self.entries[path]
        except KeyError:
            raise StoreError(
                f"{self.url} has no object {path}; its manifest lists {', '.join(sorted(self.entries)[:8]) or 'none'}"
            ) from None

    def _check_whole(self, expected: ObjectEntry) -> None:
        actual = entry_of_object(self._backend, self._prefix, expected.path, expected.size)
        if actual != expected:
            raise self.checksum_error(expected, actual)

    def checksum_error(self, expected: ObjectEntry, actual: ObjectEntry | None) -> CorruptObject:
        """Return the error that an object is not what the manifest lists; `actual` is None where there is no object."""
        stored = "no such object"
        if actual:
            stored = f"{actual.size} bytes with SHA-256 {actual.sha256 or 'of something else'}"
        wanted = f"{expected.size} bytes with SHA-256 {expected.sha256}"
        return self.corrupt_error(expected.path, f"changed after it was published: expected {wanted}, found {stored}")

    def corrupt_error(self, path: str, problem: str) -> CorruptObject:
        """Return the error that an object cannot be used: `problem` follows its name in the message."""
        return CorruptObject(
            f"{self.url}/{path} {problem}. {REMEDY}",
            url=self._backend.url,
            stage=self.manifest.stage,
            key=self.manifest.key,
            attempt=self.manifest.attempt,
            path=path,
        )


class _TooShort(Exception):
    """Fewer bytes came than the object has, which was checked before."""
