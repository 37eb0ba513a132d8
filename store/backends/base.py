"""The protocol between a store and where its bytes lie: the operations that every backend offers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeAlias

from store.backends.lock_owner import LockOwner

IN_THE_WAY = "a file where a folder belongs"

Data: TypeAlias = bytes | bytearray | memoryview


class ObjectInfo(NamedTuple):
    """One object of a listing."""

    path: str
    size: int  # in bytes
    modified: float  # when it was last written, in seconds since 1970, by the clock of the medium
    version: str  # differs after every write


class IrregularPath(NamedTuple):
    """Something in a listing that is neither a plain file nor a folder, or is a file in a folder's place: skipped."""

    path: str
    what: str  # its type, such as "a symbolic link"


class FolderInPlace(FileNotFoundError):
    """There is a folder where an object is looked for."""


class Backend(Protocol):
    """Objects by path, with forward slashes, below one folder or URL.

    A missing object is a FileNotFoundError (FolderInPlace where a folder stands in its place); every other failure of
    the medium is a StoreError that names it. Whatever is neither a plain file nor a folder is not an object: listings
    skip it, and every other operation that meets it, on the way to an object or in its place, raises IrregularFile.
    """

    url: str
    """The folder or URL, as a user would write it."""

    locks_are_exclusive: bool
    """Whether a lock keeps all others out, so that a new owner may continue the attempt of an earlier one."""

    read_only: bool
    """Whether objects are read by their names and that is all: to list, to write or to lock is NotPermitted."""

    def check_mounted(self, store_exists: bool) -> None:
        """Record whether there is a store; StoreError where there was one and its file system is not mounted now."""

    def read(self, path: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of an object from `start` up to `stop` or its end."""

    def stream(self, path: str) -> Iterator[Data]:
        """Yield an object's bytes in pieces of about a MiB; a piece is valid until the next one."""

    def drop_cached(self, path: str) -> None:
        """Where possible, make the next read of an object come from the medium instead of this machine's memory."""

    def size(self, path: str) -> int | None:
        """Return an object's size in bytes, or None where there is no such object."""

    def put(self, path: str, data: Data, *, durable: bool = False) -> None:
        """Write an object, replacing any: a reader sees the old bytes or the new, never a part.

        With `durable` this also holds after a power loss.
        """

    def write_stream(self, path: str, size: int, pieces: Iterator[Data]) -> None:
        """Write an object of `size` bytes durably, piece by piece, replacing any.

        A piece is valid until the next one. Where `pieces` raises, nothing changes and its error is raised here. The
        caller guarantees that the pieces have `size` bytes in total.
        """

    def copy(self, path: str, to: str) -> None:
        """Copy an object, replacing any; where the service can do it, the bytes do not pass through this machine."""

    def put_if_absent(self, path: str, data: Data) -> bool:
        """Write an object durably, but only where there is none; return whether this call made it.

        Where an answer is lost on the way, an object with exactly the bytes of `data` counts as made by this call.
        """

    def list_paths(self, prefix: str) -> Iterator[str]:
        """Yield the path of every object below a prefix, in no order."""

    def list_objects(self, prefix: str, irregular: list[IrregularPath] | None = None) -> Iterator[ObjectInfo]:
        """Yield every object below a prefix with its size and date, in no order.

        Objects that are deleted meanwhile may be absent. What is not an object is appended to `irregular`.
        """

    def list_dir(self, prefix: str) -> list[str]:
        """Return the names of objects and folders directly below a prefix."""

    def list_folders(self, prefix: str) -> list[str]:
        """Return the names of folders directly below a prefix."""

    def delete(self, path: str) -> None:
        """Delete an object; a missing one is no error."""

    def delete_all(self, prefix: str) -> None:
        """Delete every object below a prefix."""

    def drop_folder(self, prefix: str, lock: str) -> None:
        """Remove a folder that holds no objects any more: its lock file, which the caller holds, and the folder."""

    def move_all(self, prefix: str, to: str) -> None:
        """Move the object at `prefix`, or else every object below it, to `to`; a missing one is no error."""

    def free_bytes(self) -> int | None:
        """Return how many bytes can still be written, or None where that is unknown."""

    def sync(self, paths: Iterable[str]) -> None:
        """Return once these objects and the folders above them would survive a power loss."""

    def check_writable(self) -> bool:
        """Tell whether objects could be written, and write none; False where only a try would tell.

        Raises
        ------
        NotPermitted
            They could not.
        """

    def lock_owner(self, path: str) -> LockOwner | None:
        """Return who locked `path` last, and whether it is held still; None where that is unknown."""

    def lock(self, path: str, what: str) -> AbstractContextManager[None]:
        """Hold `path` against every other process, or raise DraftLocked; `what` is for the message."""
